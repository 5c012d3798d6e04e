/*
 * Reports about our domains come as mail (RFC 8460 section 3, RFC 9990 section 3.5): they are
 * delivered like any mail, and history is told, which takes them apart.
 */
#ifndef NUNCIO_LOCAL_REPORT_H
#define NUNCIO_LOCAL_REPORT_H

#include "io/role.h"
#include "local/delivery.h"

/* Does the text begin with the header of one? Looks at 16 KiB at most. */
enum report_kind report_is_meant(struct slice text);
/* To history, with the text's descriptor, for the recipient of that place. */
void report_tell(struct role_context *role, const struct delivery *delivery, uint32_t i,
                 enum report_kind kind);

#endif
