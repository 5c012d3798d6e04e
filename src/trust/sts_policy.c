/*
 * The grammars of RFC 8461 sections 3.1 and 3.2, read a key at a time. See sts_policy.h.
 *
 * Where the RFC's ABNF and its prose differ, the prose is followed as senders on the internet do:
 * blanks around ":" and "=" and at line ends are skipped, a final line end or ";" may be missing,
 * "version" need not come first. Values are strict: a mode that is none, a max_age that is no
 * number, or a pattern that is no domain makes the whole policy malformed, because half a policy
 * protects nobody.
 *
 * Hosts and patterns are compared as A-labels; a U-label in a policy never matches.
 */
#include "trust/sts_policy.h"

enum { AGE_DIGITS = 10, NAME_MAX_LEN = 253, LABEL_MAX_LEN = 63 };

const char *sts_mode_name(enum sts_mode mode)
{
    switch (mode) {
    case STS_ENFORCE:
        return "enforce";
    case STS_TESTING:
        return "testing";
    case STS_NONE:
        break;
    }
    return "none";
}

/* ---- the policy ----------------------------------------------------------------------------- */

enum { SEEN_VERSION = 1, SEEN_MODE = 2, SEEN_AGE = 4 };

struct reading {
    struct sts_rules *rules;
    unsigned seen;
};

static bool is_label(struct slice label)
{
    if (label.len == 0 || label.len > LABEL_MAX_LEN || label.ptr[0] == '-' ||
        label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '-' && label.ptr[i] != '_')
            return false;
    }
    return true;
}

static bool is_pattern(struct slice text)
{
    struct slice rest = slice_starts_with_nocase(text, SLICE("*.")) ? slice_skip(text, 2) : text;

    if (rest.len == 0 || text.len > NAME_MAX_LEN)
        return false;
    while (rest.ptr) {
        if (!is_label(slice_cut(&rest, '.')))
            return false;
    }
    return true;
}

static const char *take_version(struct reading *reading, struct slice value)
{
    reading->seen |= SEEN_VERSION;
    return slice_eq(value, SLICE("STSv1")) ? NULL : "its version is not STSv1";
}

static const char *take_mode(struct reading *reading, struct slice value)
{
    static const enum sts_mode modes[] = {STS_NONE, STS_TESTING, STS_ENFORCE};

    reading->seen |= SEEN_MODE;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (!slice_eq(value, slice_from_cstr(sts_mode_name(modes[i]))))
            continue;
        reading->rules->mode = modes[i];
        return NULL;
    }
    return "its mode is none of enforce, testing and none";
}

static const char *take_age(struct reading *reading, struct slice value)
{
    uint64_t age;

    reading->seen |= SEEN_AGE;
    if (value.len > AGE_DIGITS || !slice_parse_u64(value, UINT64_MAX, &age))
        return "its max_age is not a number of seconds";
    reading->rules->max_age_s = age > STS_AGE_MAX_S ? STS_AGE_MAX_S : (uint32_t)age;
    return NULL;
}

static const char *take_mx(struct reading *reading, struct slice value)
{
    /* A final dot is a common slip and cannot mean anything else. */
    if (value.len && value.ptr[value.len - 1] == '.')
        value.len--;
    if (!is_pattern(value))
        return "an mx in it is no host name";
    if (reading->rules->n_mx == STS_MX_MAX)
        return "it has too many mx lines";
    reading->rules->mx[reading->rules->n_mx++] = value;
    return NULL;
}

static const char *take_line(struct reading *reading, struct slice line)
{
    struct slice value = slice_trim(line);
    struct slice key = slice_trim(slice_cut(&value, ':'));

    if (!value.ptr)
        return key.len ? "a line in it has no colon" : NULL;
    value = slice_trim(value);
    if (slice_eq(key, SLICE("mx")))
        return take_mx(reading, value);
    if (slice_eq(key, SLICE("version")) && !(reading->seen & SEEN_VERSION))
        return take_version(reading, value);
    if (slice_eq(key, SLICE("mode")) && !(reading->seen & SEEN_MODE))
        return take_mode(reading, value);
    if (slice_eq(key, SLICE("max_age")) && !(reading->seen & SEEN_AGE))
        return take_age(reading, value);
    return NULL;
}

static const char *check_whole(const struct reading *reading)
{
    if (!(reading->seen & SEEN_VERSION))
        return "it has no version";
    if (!(reading->seen & SEEN_MODE))
        return "it has no mode";
    if (!(reading->seen & SEEN_AGE))
        return "it has no max_age";
    if (reading->rules->n_mx == 0 && reading->rules->mode != STS_NONE)
        return "it has no mx";
    return NULL;
}

const char *sts_policy_parse(struct slice text, struct arena *arena, struct sts_rules *ret_rules)
{
    struct sts_rules rules = {.mode = STS_NONE};
    struct reading reading = {.rules = &rules};

    if (text.len > STS_TEXT_MAX)
        return "it is larger than 64 KiB";
    rules.mx = arena_alloc(arena, STS_MX_MAX * sizeof(*rules.mx));
    while (text.ptr) {
        const char *wrong = take_line(&reading, slice_cut(&text, '\n'));
        if (wrong)
            return wrong;
    }
    if (check_whole(&reading))
        return check_whole(&reading);
    *ret_rules = rules;
    return NULL;
}

static bool pattern_allows(struct slice pattern, struct slice host)
{
    ptrdiff_t dot;

    if (!slice_starts_with_nocase(pattern, SLICE("*.")))
        return slice_eq_nocase(pattern, host);
    dot = slice_find(host, '.');
    return dot > 0 && slice_eq_nocase(slice_skip(pattern, 1), slice_skip(host, (size_t)dot));
}

bool sts_rules_allow(const struct sts_rules *rules, struct slice host)
{
    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--;
    for (unsigned i = 0; i < rules->n_mx; i++) {
        if (pattern_allows(rules->mx[i], host))
            return true;
    }
    return false;
}

/* ---- the record ----------------------------------------------------------------------------- */

static bool is_id(struct slice id)
{
    if (id.len == 0 || id.len > STS_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        if (!ascii_is_alnum(id.ptr[i]))
            return false;
    }
    return true;
}

/* "v=STSv1", blanks, ";" or the end. */
static bool is_meant(struct slice text)
{
    return slice_eq(slice_trim(slice_cut(&text, ';')), SLICE("v=STSv1"));
}

static bool read_id(struct slice text, struct slice *ret_id)
{
    while (text.ptr) {
        struct slice value = slice_cut(&text, ';');
        struct slice key = slice_trim(slice_cut(&value, '='));
        if (!slice_eq(key, SLICE("id")))
            continue;
        *ret_id = slice_trim(value);
        return value.ptr && is_id(*ret_id);
    }
    return false;
}

int sts_record_find(const struct slice *texts, unsigned n_texts, struct slice *ret_id)
{
    const struct slice *meant = NULL;
    struct slice id;

    for (unsigned i = 0; i < n_texts; i++) {
        if (!is_meant(texts[i]))
            continue;
        if (meant)
            return STS_RECORD_BAD;
        meant = &texts[i];
    }
    if (!meant)
        return STS_RECORD_NONE;
    if (!read_id(*meant, &id))
        return STS_RECORD_BAD;
    *ret_id = id;
    return STS_RECORD_FOUND;
}
