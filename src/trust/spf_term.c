/*
 * Grammar of SPF records. See spf_term.h.
 *
 * A term is a modifier when a name and "=" come before any ":" or "/" (section 4.6.1, appendix of
 * the grammar): so "redirect:x" is a mechanism that nobody knows, and "exp=-all" a modifier with a
 * bad name in it, not an unknown one.
 *
 * A dual-cidr-length is cut off at the end of the term, because a domain-spec may have "/" in the
 * middle but cannot end in "/24".
 */
#include "trust/spf_term.h"

#include "trust/ip.h"
#include "trust/spf_macro.h"

enum { PREFIX4_MAX = 32, PREFIX6_MAX = 128 };

bool spf_record_is(struct slice text)
{
    return slice_starts_with_nocase(text, SLICE("v=spf1")) && (text.len == 6 || text.ptr[6] == ' ');
}

void spf_terms_begin(struct slice record, struct slice *ret_rest)
{
    *ret_rest = slice_skip(record, 6);
}

bool spf_terms_next(struct slice *rest, struct slice *ret_text)
{
    while (rest->ptr && rest->len) {
        *ret_text = slice_cut(rest, ' ');
        if (ret_text->len)
            return true;
    }
    return false;
}

/* ---- pieces --------------------------------------------------------------------------------- */

static bool read_prefix(struct slice digits, unsigned max, uint8_t *ret_prefix)
{
    uint64_t value;

    if (digits.len > 1 && digits.ptr[0] == '0')
        return false;
    if (digits.len > 3 || !slice_parse_u64(digits, max, &value))
        return false;
    *ret_prefix = (uint8_t)value;
    return true;
}

/* Takes "/" and digits off the end of the text. */
static bool cut_digits(struct slice *text, struct slice *ret_digits)
{
    size_t at = text->len;

    while (at > 0 && ascii_is_digit(text->ptr[at - 1]))
        at--;
    if (at == text->len || at == 0 || text->ptr[at - 1] != '/')
        return false;
    *ret_digits = slice_skip(*text, at);
    text->len = at - 1;
    return true;
}

/* [ "/" ip4-cidr-length ] [ "//" ip6-cidr-length ] */
static const char *cut_prefixes(struct slice *text, struct spf_term *term)
{
    struct slice digits;

    if (!cut_digits(text, &digits))
        return NULL;
    if (text->len && text->ptr[text->len - 1] == '/') {
        text->len--;
        if (!read_prefix(digits, PREFIX6_MAX, &term->prefix6))
            return "a prefix of IPv6 addresses is 0 to 128, without leading zeros";
        if (!cut_digits(text, &digits))
            return NULL;
    }
    if (!read_prefix(digits, PREFIX4_MAX, &term->prefix4))
        return "a prefix of IPv4 addresses is 0 to 32, without leading zeros";
    return NULL;
}

/* ":" domain-spec, or nothing. */
static const char *read_optional_spec(struct slice rest, struct spf_term *term)
{
    if (rest.len == 0)
        return NULL;
    if (rest.ptr[0] != ':')
        return "something strange follows the mechanism's name";
    term->spec = slice_skip(rest, 1);
    return spf_domain_spec_check(term->spec);
}

static const char *read_spec(struct slice rest, struct spf_term *term)
{
    return rest.len ? read_optional_spec(rest, term) : "it lacks a name";
}

static const char *read_host(struct slice rest, struct spf_term *term)
{
    const char *problem = cut_prefixes(&rest, term);

    return problem ? problem : read_optional_spec(rest, term);
}

static const char *read_ip4(struct slice rest, struct spf_term *term)
{
    ptrdiff_t slash = slice_find(rest, '/');
    struct slice network = slice_sub(rest, 0, slash < 0 ? rest.len : (size_t)slash);

    if (network.len == 0 || network.ptr[0] != ':' ||
        !trust_ip_parse_v4(slice_skip(network, 1), term->bytes))
        return "behind ip4: belongs an IPv4 address with four numbers";
    if (slash >= 0 &&
        !read_prefix(slice_skip(rest, (size_t)slash + 1), PREFIX4_MAX, &term->prefix4))
        return "a prefix of IPv4 addresses is 0 to 32, without leading zeros";
    return NULL;
}

static const char *read_ip6(struct slice rest, struct spf_term *term)
{
    ptrdiff_t slash = slice_find(rest, '/');
    struct slice network = slice_sub(rest, 0, slash < 0 ? rest.len : (size_t)slash);

    if (network.len == 0 || network.ptr[0] != ':' ||
        !trust_ip_parse_v6(slice_skip(network, 1), term->bytes))
        return "behind ip6: belongs an IPv6 address";
    if (slash >= 0 &&
        !read_prefix(slice_skip(rest, (size_t)slash + 1), PREFIX6_MAX, &term->prefix6))
        return "a prefix of IPv6 addresses is 0 to 128, without leading zeros";
    return NULL;
}

static const char *read_nothing(struct slice rest, struct spf_term *term)
{
    (void)term;
    return rest.len ? "nothing may follow \"all\"" : NULL;
}

/* ---- terms ---------------------------------------------------------------------------------- */

static bool ends_name(char c)
{
    return !ascii_is_alnum(c) && c != '-' && c != '_' && c != '.';
}

static size_t name_len(struct slice text)
{
    size_t len = 0;

    while (len < text.len && !ends_name(text.ptr[len]))
        len++;
    return len;
}

static enum spf_result take_qualifier(struct slice *text)
{
    char c = text->len ? text->ptr[0] : '\0';

    if (slice_find(SLICE("+-~?"), c) >= 0)
        *text = slice_skip(*text, 1);
    switch (c) {
    case '-':
        return SPF_FAIL;
    case '~':
        return SPF_SOFTFAIL;
    case '?':
        return SPF_NEUTRAL;
    default:
        return SPF_PASS;
    }
}

static const char *read_directive(struct slice text, struct spf_term *term)
{
    static const struct {
        struct slice name;
        enum spf_kind kind;
        const char *(*read)(struct slice rest, struct spf_term *term);
    } mechanisms[] = {
        {SLICE_INIT("ip4"), SPF_IP4, read_ip4},
        {SLICE_INIT("ip6"), SPF_IP6, read_ip6},
        {SLICE_INIT("include"), SPF_INCLUDE, read_spec},
        {SLICE_INIT("all"), SPF_ALL, read_nothing},
        {SLICE_INIT("a"), SPF_A, read_host},
        {SLICE_INIT("mx"), SPF_MX, read_host},
        {SLICE_INIT("exists"), SPF_EXISTS, read_spec},
        {SLICE_INIT("ptr"), SPF_PTR, read_optional_spec},
    };
    struct slice name;

    term->qualifier = take_qualifier(&text);
    name = slice_sub(text, 0, name_len(text));
    for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
        if (!slice_eq_nocase(name, mechanisms[i].name))
            continue;
        term->kind = mechanisms[i].kind;
        return mechanisms[i].read(slice_skip(text, name.len), term);
    }
    return "there is no such mechanism";
}

static const char *read_modifier(struct slice name, struct slice value, struct spf_term *term)
{
    bool redirect = slice_eq_nocase(name, SLICE("redirect"));

    if (ascii_is_digit(name.ptr[0]) || !ascii_is_alnum(name.ptr[0]))
        return "a modifier's name begins with a letter";
    term->kind = redirect ? SPF_REDIRECT : SPF_EXP;
    term->spec = value;
    if (redirect || slice_eq_nocase(name, SLICE("exp")))
        return spf_domain_spec_check(value);
    term->kind = SPF_OTHER;
    return spf_macro_string_check(value);
}

const char *spf_term_read(struct slice text, struct spf_term *ret_term)
{
    size_t len = name_len(text);

    *ret_term = (struct spf_term){.text = text, .prefix4 = PREFIX4_MAX, .prefix6 = PREFIX6_MAX};
    if (len > 0 && len < text.len && text.ptr[len] == '=')
        return read_modifier(slice_sub(text, 0, len), slice_skip(text, len + 1), ret_term);
    return read_directive(text, ret_term);
}

static const char *take_modifier(const struct spf_term *term, struct spf_modifiers *modifiers)
{
    bool redirect = term->kind == SPF_REDIRECT;
    struct slice *spec = redirect ? &modifiers->redirect : &modifiers->exp;

    if (spec->len)
        return "a modifier may stand there only once";
    *spec = term->spec;
    if (redirect)
        modifiers->redirect_text = term->text;
    return NULL;
}

const char *spf_record_check(struct slice record, struct slice *ret_term,
                             struct spf_modifiers *ret_modifiers)
{
    struct spf_term term;
    struct slice rest;

    *ret_modifiers = (struct spf_modifiers){0};
    spf_terms_begin(record, &rest);
    while (spf_terms_next(&rest, ret_term)) {
        const char *problem = spf_term_read(*ret_term, &term);
        if (!problem && (term.kind == SPF_REDIRECT || term.kind == SPF_EXP))
            problem = take_modifier(&term, ret_modifiers);
        if (problem)
            return problem;
    }
    return NULL;
}
