/* Names with their records, as a zone file fills them and trust_names asks for them. */
#ifndef NUNCIO_TRUST_ZONE_TABLE_H
#define NUNCIO_TRUST_ZONE_TABLE_H

#include "trust/names.h"

/* All memory is the arena's, which outlives the table. */
struct zone_table {
    struct arena *arena;
    struct zone_name **buckets;
    size_t mask; /* of a hash: there are a power of two of buckets */
    size_t n_names;
};
void zone_table_init(struct zone_table *table, struct arena *arena);

enum { ZONE_NAME_SPACE = TRUST_NAME_MAX + 1 };
/* Lower case, without final dot; the root is empty. False: it is no name of the DNS. */
bool zone_name_clean(struct slice text, char space[static ZONE_NAME_SPACE], struct slice *ret_name);

/* The name, made if need be, and with it all that it is below. `name` is clean. */
struct zone_name *zone_table_put(struct zone_table *table, struct slice name);

/* -ENOSPC: there are TRUST_RECORDS_MAX already. The record's bytes are the arena's. */
int zone_name_add(struct zone_table *table, struct zone_name *name, enum trust_type type,
                  const struct trust_record *record);
/* `target` is clean and the arena's. -EEXIST: it is an alias already. */
int zone_name_alias(struct zone_name *name, struct slice target);
/* Questions for the type (0: for all) fail; `why` is static. */
void zone_name_fail(struct zone_name *name, enum trust_type type, const char *why);

const struct trust_answer *zone_table_ask(const struct zone_table *table, struct slice name,
                                          enum trust_type type);

#endif
