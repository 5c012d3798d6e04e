/*
 * The DKIM-Signature fields of one attempt: those that an earlier one has made, or made when the
 * first server has been reached, and no sooner: mail to a site that is down is not signed again and
 * again. The 7-bit form has its own, which are not kept.
 */
#ifndef NUNCIO_RELAY_SIGNED_FIELDS_H
#define NUNCIO_RELAY_SIGNED_FIELDS_H

#include "relay/outcome.h"
#include "relay/sign.h"

struct signed_fields {
    struct sign *sign; /* NULL: nothing is signed */
    const struct config *config;
    struct text *text;
    struct buf *scratch;
    struct slice fields[2]; /* of the text as it is stored, and of its 7-bit form */
    bool known[2];
};

/* Whole fields for the front of the text, or empty. False: there is no signature now that should be
 * there, and all recipients that are left have got their verdict. */
bool signed_fields_get(struct signed_fields *fields, bool reencoded, struct outcome *outcome,
                       struct slice *ret_fields);
/* What is worth keeping for the next attempt: empty when there will be none, or when it is known
 * already. After all recipients are decided. */
struct slice signed_fields_to_keep(const struct signed_fields *fields,
                                   const struct outcome *outcome);

#endif
