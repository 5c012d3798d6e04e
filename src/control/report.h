/* nuncio report: what its kinds share, and the kinds. */
#ifndef NUNCIO_CONTROL_REPORT_H
#define NUNCIO_CONTROL_REPORT_H

#include "base/slice.h"

#include <jansson.h>

struct report_request {
    const char *config, *state; /* NULL: not given */
    const char *folder;         /* of the state: either's */
    struct slice domain;        /* empty: all */
    int64_t since_s;
    bool json;
};

/* Exit codes. */
int report_tls(const struct report_request *request);
int report_dmarc(const struct report_request *request);
int report_outgoing(const struct report_request *request);

/* The file of reports below the state folder could not be opened (-errno): says so. `none` when
 * there is none. The exit code. */
int report_not_opened(const struct report_request *request, const char *file, const char *none,
                      int error);

/* Text of strangers: what a terminal would obey, and what is no UTF-8, as "?". */
void report_print(struct slice text);
/* The label and the text, unless that is empty. */
void report_print_part(const char *label, struct slice text);
/* Compact, in ASCII, on a line; takes the reference. */
void report_print_json(json_t *object);
void report_set(json_t *object, const char *key, struct slice text);
void report_set_number(json_t *object, const char *key, uint64_t number);

#endif
