/*
 * DMARC policy records (RFC 9989 sections 4.7 and 4.8): "v=DMARC1; p=reject; rua=mailto:...".
 *
 * The version decides whether it is such a record: the very first thing, "v" with the value
 * "DMARC1" in these letters. Behind it nothing makes a record void: unknown tags are passed over,
 * and a tag with a value that is not valid is as if it were not there. Names and values of the
 * other tags are taken in any case, as ABNF has them. A tag that stands twice has no valid value:
 * RFC 6376 section 3.2, where the form comes from, lets nobody choose one of two.
 *
 * Where p is not valid, or sp or np is there and is not, section 4.10.1 puts p=none in the place of
 * p, and whoever asks for no reports has no policy; the caller sees it by `problem`.
 *
 * pct, rf and ri of RFC 7489 are historic, so unknown.
 */
#include "trust/dmarc.h"

#include "trust/mailto.h"
#include "trust/printable.h"

enum tag { P, SP, NP, T, PSD, ADKIM, ASPF, RUA, RUF, FO, TAGS };

static const struct slice tag_names[TAGS] = {
    SLICE_INIT("p"),   SLICE_INIT("sp"),    SLICE_INIT("np"),   SLICE_INIT("t"),
    SLICE_INIT("psd"), SLICE_INIT("adkim"), SLICE_INIT("aspf"), SLICE_INIT("rua"),
    SLICE_INIT("ruf"), SLICE_INIT("fo"),
};

struct tags {
    struct slice value[TAGS];
    unsigned count[TAGS];
};

enum { QUOTED_MAX = 60, URI_MAX = 1024 };

const char *dmarc_policy_name(enum dmarc_policy policy)
{
    static const char *const names[] = {"none", "quarantine", "reject"};
    return names[policy];
}

/* *WSP of the ABNF: no line ends. */
static struct slice trim_blanks(struct slice s)
{
    while (s.len && ascii_is_blank(s.ptr[0]))
        s = slice_skip(s, 1);
    while (s.len && ascii_is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static bool is_printable(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < ' ' || value.ptr[i] > '~')
            return false;
    }
    return true;
}

static bool is_version(struct slice first)
{
    struct slice name = slice_cut(&first, '=');

    /* Nothing may stand in front of it, not even a blank. */
    if (name.len == 0 || ascii_is_blank(name.ptr[0]))
        return false;
    return slice_eq_nocase(trim_blanks(name), SLICE("v")) &&
           slice_eq(trim_blanks(first), SLICE("DMARC1"));
}

static void take_tag(struct slice text, struct tags *tags)
{
    struct slice name = trim_blanks(slice_cut(&text, '='));

    for (size_t i = 0; i < TAGS; i++) {
        if (!slice_eq_nocase(name, tag_names[i]))
            continue;
        tags->count[i]++;
        tags->value[i] = is_printable(text) ? trim_blanks(text) : SLICE_NULL;
        return;
    }
}

/* The one value of a tag; empty when it has none, or several. */
static struct slice value_of(const struct tags *tags, enum tag tag)
{
    return tags->count[tag] == 1 ? tags->value[tag] : SLICE_NULL;
}

static bool read_policy(struct slice value, enum dmarc_policy *ret_policy)
{
    for (enum dmarc_policy i = DMARC_POLICY_NONE; i <= DMARC_POLICY_REJECT; i++) {
        if (slice_eq_nocase(value, slice_from_cstr(dmarc_policy_name(i)))) {
            *ret_policy = i;
            return true;
        }
    }
    return false;
}

/* One letter of `letters`, or `otherwise`. */
static char read_letter(struct slice value, const char *letters, char otherwise)
{
    char letter = value.len == 1 ? ascii_lower(value.ptr[0]) : '\0';

    for (size_t i = 0; letters[i]; i++) {
        if (letters[i] == letter)
            return letter;
    }
    return otherwise;
}

/* ---- where reports go ----------------------------------------------------------------------- */

/* RFC 3986: scheme ":" and something of its characters; of mailto, an address. */
static bool is_uri(struct slice uri, struct arena *arena)
{
    ptrdiff_t colon = slice_find(uri, ':');
    struct slice address;

    if (colon < 1 || (size_t)colon + 1 >= uri.len || uri.len > URI_MAX ||
        !ascii_is_alnum(uri.ptr[0]) || ascii_is_digit(uri.ptr[0]))
        return false;
    for (ptrdiff_t i = 1; i < colon; i++) {
        char c = uri.ptr[i];
        if (!ascii_is_alnum(c) && c != '+' && c != '-' && c != '.')
            return false;
    }
    for (size_t i = 0; i < uri.len; i++) {
        if (uri.ptr[i] == ' ' || slice_find(SLICE("\"<>\\^`{|}"), uri.ptr[i]) >= 0)
            return false;
    }
    return !slice_starts_with_nocase(uri, SLICE("mailto:")) || mailto_read(uri, arena, &address);
}

static void read_rua(struct slice list, struct arena *arena, struct dmarc_record *record)
{
    if (list.len == 0)
        return;
    record->rua = arena_alloc(arena, DMARC_RUA_MAX * sizeof(*record->rua));
    while (list.ptr && record->n_rua < DMARC_RUA_MAX) {
        struct slice uri = trim_blanks(slice_cut(&list, ','));
        if (is_uri(uri, arena))
            record->rua[record->n_rua++] = arena_dup(arena, uri);
    }
}

/* "0", "1", "d" and "s" with colons between, each once, and "0" and "1" not both. */
static bool is_fo(struct slice value)
{
    unsigned seen = 0;

    if (value.len == 0)
        return false;
    while (value.ptr) {
        struct slice option = slice_cut(&value, ':');
        ptrdiff_t which =
            option.len == 1 ? slice_find(SLICE("01ds"), ascii_lower(option.ptr[0])) : -1;
        if (which < 0 || (seen & 1u << which))
            return false;
        seen |= 1u << which;
    }
    return (seen & 3) != 3;
}

/* ---- the policy ----------------------------------------------------------------------------- */

/* A policy tag that is there and not valid, in words; or empty. */
static struct slice wrong_policy(const struct tags *tags, enum tag tag, struct arena *arena)
{
    enum dmarc_policy policy;

    if (tags->count[tag] == 0 || read_policy(value_of(tags, tag), &policy))
        return SLICE_NULL;
    if (tags->count[tag] > 1)
        return arena_printf(arena, "it has \"%.*s=\" more than once", SLICE_ARG(tag_names[tag]));
    return arena_printf(arena, "\"%.*s=%.*s\" is none of none, quarantine and reject",
                        SLICE_ARG(tag_names[tag]),
                        SLICE_ARG(printable_text(arena, tags->value[tag], QUOTED_MAX)));
}

static struct slice find_problem(const struct tags *tags, struct arena *arena)
{
    struct slice problem = SLICE_NULL;

    if (tags->count[P] == 0)
        return SLICE("it has no \"p=\"");
    for (enum tag tag = P; tag <= NP && problem.len == 0; tag++)
        problem = wrong_policy(tags, tag, arena);
    return problem;
}

/* Each from its tag or the next wider one (section 4.7, "np" and "sp"). */
static void read_policies(const struct tags *tags, struct arena *arena, struct dmarc_record *record)
{
    record->problem = find_problem(tags, arena);
    if (record->problem.len == 0)
        record->has_policy = read_policy(value_of(tags, P), &record->policy);
    record->subdomain_policy = record->policy;
    record->has_sp = read_policy(value_of(tags, SP), &record->subdomain_policy);
    record->np_policy = record->subdomain_policy;
    record->has_np = read_policy(value_of(tags, NP), &record->np_policy);
}

bool dmarc_record_read(struct slice text, struct arena *arena, struct dmarc_record *ret_record)
{
    struct dmarc_record record = {.policy = DMARC_POLICY_NONE};
    struct tags tags = {.count = {0}};
    struct slice fo;

    if (!is_version(slice_cut(&text, ';')))
        return false;
    while (text.ptr)
        take_tag(slice_cut(&text, ';'), &tags);
    read_policies(&tags, arena, &record);
    record.testing = read_letter(value_of(&tags, T), "yn", 'n') == 'y';
    record.psd = read_letter(value_of(&tags, PSD), "ynu", 'u');
    record.dkim_strict = read_letter(value_of(&tags, ADKIM), "rs", 'r') == 's';
    record.spf_strict = read_letter(value_of(&tags, ASPF), "rs", 'r') == 's';
    read_rua(value_of(&tags, RUA), arena, &record);
    /* Without ruf it means nothing. */
    fo = value_of(&tags, FO);
    record.fo = value_of(&tags, RUF).len && is_fo(fo) ? arena_dup(arena, fo) : SLICE("0");
    *ret_record = record;
    return true;
}
