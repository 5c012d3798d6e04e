/*
 * "*:storage=1G:messages=1000". A storage without a unit is in KiB, as Dovecot has it. See
 * quota_rule.h.
 */
#include "account/quota_rule.h"

static unsigned unit_shift(char unit)
{
    switch (ascii_lower(unit)) {
    case 'b':
        return 0;
    case 'k':
        return 10;
    case 'm':
        return 20;
    case 'g':
        return 30;
    case 't':
        return 40;
    default:
        return 64; /* none */
    }
}

/* "1G": `shift` is that of a number alone. */
static bool parse_size(struct slice text, unsigned shift, uint64_t *ret_bytes)
{
    uint64_t number;

    if (text.len && !ascii_is_digit(text.ptr[text.len - 1])) {
        shift = unit_shift(text.ptr[text.len - 1]);
        text.len--;
    }
    if (shift >= 63 || !slice_parse_u64(text, UINT64_MAX >> (shift + 1), &number))
        return false;
    *ret_bytes = number << shift;
    return true;
}

static bool parse_limit(struct slice limit, struct quota_rule *rule)
{
    struct slice name = slice_cut(&limit, '=');
    uint64_t number;

    if (!limit.ptr)
        return slice_eq(name, SLICE("ignore")); /* no limits at all */
    if (slice_eq(name, SLICE("storage")))
        return parse_size(limit, 10, &rule->bytes);
    if (slice_eq(name, SLICE("bytes")))
        return parse_size(limit, 0, &rule->bytes);
    if (!slice_eq(name, SLICE("messages")) || !slice_parse_u64(limit, UINT32_MAX, &number))
        return false;
    rule->messages = (uint32_t)number;
    return true;
}

bool quota_rule_parse(struct slice rule, struct quota_rule *ret_rule)
{
    struct slice rest = rule, folder = slice_cut(&rest, ':');
    struct quota_rule found = {0};

    if (!rest.ptr || (!slice_eq(folder, SLICE("*")) && !slice_eq(folder, SLICE("?"))))
        return false;
    while (rest.ptr) {
        if (!parse_limit(slice_cut(&rest, ':'), &found))
            return false;
    }
    *ret_rule = found;
    return true;
}

bool quota_rule_parse_field(struct slice field, struct slice prefix, struct quota_rule *ret_rule)
{
    const struct slice name = SLICE("quota_rule=");

    if (!slice_starts_with_nocase(field, prefix))
        return false;
    field = slice_skip(field, prefix.len);
    return slice_starts_with_nocase(field, name) &&
           quota_rule_parse(slice_skip(field, name.len), ret_rule);
}
