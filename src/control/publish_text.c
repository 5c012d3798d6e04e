/* See publish_text.h. */
#include "control/publish_text.h"

#include <arpa/inet.h>

static struct publish_finding finding(enum publish_state state, struct slice text)
{
    return (struct publish_finding){.state = state, .text = text};
}

unsigned publish_text_count(const struct dns_answer *answer, struct slice version,
                            struct arena *arena, struct slice *ret_text)
{
    unsigned count = 0;
    struct slice text;

    for (unsigned i = 0; i < answer->n_records; i++) {
        if (!dns_read_txt(answer->records[i], arena, &text) ||
            !slice_starts_with_nocase(text, version))
            continue;
        if (text.len > version.len && text.ptr[version.len] != ' ' && text.ptr[version.len] != ';')
            continue;
        if (count++ == 0)
            *ret_text = text;
    }
    return count;
}

/* Whether the address is in "192.0.2.0/24"; a prefix that is none holds nothing. */
static bool network_has(struct slice network, const char *address, int family, struct arena *arena)
{
    size_t size = family == AF_INET ? 4 : 16;
    struct slice base = slice_cut(&network, '/');
    unsigned char a[16], b[16];
    uint64_t prefix = size * 8;

    if (inet_pton(family, arena_cstr(arena, base), a) != 1 || inet_pton(family, address, b) != 1)
        return false;
    if (network.ptr && !slice_parse_u64(network, size * 8, &prefix))
        return false;
    for (size_t bit = 0; bit < prefix; bit++) {
        if ((a[bit / 8] ^ b[bit / 8]) >> (7 - bit % 8) & 1)
            return false;
    }
    return true;
}

/* A mechanism of SPF that stands for a host of its own: "mx", "mx:D", "a:H" (RFC 7208 section 5).
 */
static bool names_host(const struct publish_site *site, struct slice term)
{
    struct slice rest = term, word = slice_cut(&rest, ':');

    if (slice_eq_nocase(word, SLICE("mx")))
        return !rest.ptr || slice_eq_nocase(rest, site->domain);
    if (slice_eq_nocase(word, SLICE("a")))
        return slice_eq_nocase(rest.ptr ? rest : site->domain, site->host);
    return false;
}

static bool covers(const struct publish_site *site, struct slice term, struct slice address,
                   struct arena *arena)
{
    const char *text = arena_cstr(arena, address);

    if (slice_starts_with_nocase(term, SLICE("ip4:")))
        return network_has(slice_skip(term, 4), text, AF_INET, arena);
    if (slice_starts_with_nocase(term, SLICE("ip6:")))
        return network_has(slice_skip(term, 4), text, AF_INET6, arena);
    return names_host(site, term);
}

/* Whether one of the terms lets the address send. */
static bool spf_names(const struct publish_site *site, struct slice text, struct slice address,
                      struct arena *arena)
{
    while (text.ptr) {
        struct slice term = slice_cut(&text, ' ');
        if (term.len && term.ptr[0] == '+')
            term = slice_skip(term, 1);
        if (covers(site, term, address, arena))
            return true;
    }
    return false;
}

static bool has_term(struct slice text, struct slice start, bool whole)
{
    while (text.ptr) {
        struct slice term = slice_cut(&text, ' ');
        if (whole ? slice_eq_nocase(term, start) : slice_starts_with_nocase(term, start))
            return true;
    }
    return false;
}

struct publish_finding publish_text_spf(const struct publish_site *site, struct slice text,
                                        struct arena *arena)
{
    if (has_term(text, SLICE("+all"), true) || has_term(text, SLICE("all"), true))
        return finding(PUBLISH_WRONG, SLICE("'all' lets everybody send as this domain; end with "
                                            "'-all' or '~all'"));
    for (unsigned i = 0; i < site->n_addresses; i++) {
        struct slice address = site->addresses[i];
        if (spf_names(site, text, address, arena))
            continue;
        if (has_term(text, SLICE("include:"), false) || has_term(text, SLICE("redirect="), false))
            return finding(PUBLISH_THERE,
                           arena_printf(arena, "names %.*s only if what it includes does",
                                        SLICE_ARG(address)));
        return finding(PUBLISH_WRONG,
                       arena_printf(arena,
                                    "does not name %.*s, so mail from here fails; add 'mx', "
                                    "or 'ip%c:%.*s'",
                                    SLICE_ARG(address), slice_find(address, ':') >= 0 ? '6' : '4',
                                    SLICE_ARG(address)));
    }
    return finding(PUBLISH_THERE, text);
}

/* The value of "tag=" in a list of tags (RFC 7489 section 6.4); NULL when there is none. */
static struct slice tag_value(struct slice text, struct slice tag)
{
    while (text.ptr) {
        struct slice value = slice_cut(&text, ';');
        struct slice name = slice_cut(&value, '=');
        if (value.ptr && slice_eq_nocase(slice_trim(name), tag))
            return slice_trim(value);
    }
    return SLICE_NULL;
}

struct publish_finding publish_text_dmarc(struct slice text, struct arena *arena)
{
    static const struct slice policies[] = {SLICE_INIT("none"), SLICE_INIT("quarantine"),
                                            SLICE_INIT("reject")};
    struct slice policy = tag_value(text, SLICE("p"));

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (policy.ptr && slice_eq_nocase(policy, policies[i]))
            return finding(PUBLISH_THERE, text);
    }
    return finding(PUBLISH_WRONG, arena_printf(arena,
                                               "p=%.*s is no policy; write p=none, p=quarantine or "
                                               "p=reject",
                                               SLICE_ARG(policy)));
}

struct publish_finding publish_text_sts(struct slice text, struct arena *arena)
{
    struct slice id = tag_value(text, SLICE("id"));
    bool good = id.len > 0 && id.len <= 32;

    (void)arena;
    for (size_t i = 0; i < id.len && good; i++)
        good = ascii_is_alnum(id.ptr[i]);
    return good ? finding(PUBLISH_THERE, text)
                : finding(PUBLISH_WRONG, SLICE("id= must be 1 to 32 letters and digits, new for "
                                               "each change of the policy"));
}

struct publish_finding publish_text_tls_rpt(struct slice text, struct arena *arena)
{
    struct slice rua = tag_value(text, SLICE("rua"));

    (void)arena;
    if (slice_starts_with_nocase(rua, SLICE("mailto:")) ||
        slice_starts_with_nocase(rua, SLICE("https:")))
        return finding(PUBLISH_THERE, text);
    return finding(PUBLISH_WRONG, SLICE("rua= must name where reports go: mailto: or https:"));
}
