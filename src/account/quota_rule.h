/*
 * Dovecot's quota rules, as user tables and its userdb give them: "*:storage=1G:messages=1000".
 * Only rules for all folders count for a delivery ("*" or "?"), and only limits that are sizes and
 * numbers, not percentages of others.
 */
#ifndef NUNCIO_ACCOUNT_QUOTA_RULE_H
#define NUNCIO_ACCOUNT_QUOTA_RULE_H

#include "base/slice.h"

struct quota_rule {
    uint64_t bytes;    /* 0: no limit */
    uint32_t messages; /* 0: no limit */
};

/* False when it is none of these: *ret_rule is untouched. */
bool quota_rule_parse(struct slice rule, struct quota_rule *ret_rule);
/* The same for a parameter "quota_rule=...", with any prefix before it ("userdb_"). */
bool quota_rule_parse_field(struct slice field, struct slice prefix, struct quota_rule *ret_rule);

#endif
