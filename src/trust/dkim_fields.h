/*
 * The header section of a message, with an order by name: what a signature's h= means (RFC 6376
 * section 5.4.2), found without looking at the section again for each name. Pure.
 */
#ifndef NUNCIO_TRUST_DKIM_FIELDS_H
#define NUNCIO_TRUST_DKIM_FIELDS_H

#include "mail/header.h"
#include "trust/dkim_canon.h"

struct dkim_fields;
/* `header` must outlive it. Malformed lines are left out: nothing can name them. */
struct dkim_fields *dkim_fields_new(struct slice header);
void dkim_fields_free(struct dkim_fields *fields); /* NULL is fine */

/* From the top, 0 to count - 1. */
unsigned dkim_fields_count(const struct dkim_fields *fields);
struct header_field dkim_fields_at(const struct dkim_fields *fields, unsigned at);
/* How many have this name, in any case. */
unsigned dkim_fields_count_of(const struct dkim_fields *fields, struct slice name);

#define DKIM_NO_FIELD UINT32_MAX

/* The canonical text of the fields that a list of names separated by ":" selects: of each name the
 * lowest one that is not taken yet, nothing when there is none any more. The field `self` (or
 * DKIM_NO_FIELD) is never taken. */
void dkim_fields_select(const struct dkim_fields *fields, struct slice names, unsigned self,
                        enum dkim_canon canon, struct buf *out);

/* The canonical text of a signature's own field, without its last line end and with `place`, a part
 * of `raw`, taken out: what is hashed behind the others (section 3.7). */
void dkim_fields_add_self(enum dkim_canon canon, struct slice raw, struct slice place,
                          struct buf *out);

#endif
