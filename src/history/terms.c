/*
 * Which fields of an event name whom. See terms.h. Fields are known by their keys alone
 * (docs/log-events.md), so that a new event is found without a word here.
 */
#include "history/terms.h"

#include <arpa/inet.h>

enum field_use { USE_ADDRESSES, USE_HOST, USE_HEADER_ID, USE_MESSAGE, USE_LANE, USE_SITE };

static const struct {
    const char *key;
    enum field_use use;
} uses[] = {
    {"from", USE_ADDRESSES},    {"to", USE_ADDRESSES},      {"account", USE_ADDRESSES},
    {"login", USE_ADDRESSES},   {"into", USE_ADDRESSES},    {"sender", USE_ADDRESSES},
    {"subject", USE_ADDRESSES}, {"address", USE_ADDRESSES}, {"recipient", USE_ADDRESSES},
    {"client", USE_HOST},       {"remote", USE_HOST},       {"host", USE_HOST},
    {"peer", USE_HOST},         {"source", USE_HOST},       {"helo", USE_HOST},
    {"domain", USE_HOST},       {"name", USE_HOST},         {"header_id", USE_HEADER_ID},
    {"as", USE_MESSAGE},        {"route", USE_LANE},        {"lane", USE_LANE},
    {"site", USE_SITE},         {"what", USE_SITE},         {"what", USE_ADDRESSES},
    {"user", USE_ADDRESSES},    {"author", USE_HOST},
};

struct teller {
    terms_on_term *on_term;
    void *arg;
};

/* In lower case. */
static void tell(const struct teller *teller, enum term_kind kind, struct slice text)
{
    char lower[TERM_MAX];

    if (!text.len || text.len > sizeof(lower))
        return;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    teller->on_term(teller->arg, kind, slice_from(lower, text.len));
}

bool terms_normalise_ip(struct slice text, char *out, size_t size)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr v6;
    struct in_addr v4;

    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = slice_sub(text, 1, text.len - 2);
    if (slice_starts_with_nocase(text, SLICE("IPv6:")))
        text = slice_skip(text, 5);
    if (!text.len || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1)
        return inet_ntop(AF_INET, &v4, out, (socklen_t)size) != NULL;
    if (inet_pton(AF_INET6, copy, &v6) != 1)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
        return inet_ntop(AF_INET, v6.s6_addr + 12, out, (socklen_t)size) != NULL;
    return inet_ntop(AF_INET6, &v6, out, (socklen_t)size) != NULL;
}

static bool tell_ip(const struct teller *teller, struct slice text)
{
    char ip[INET6_ADDRSTRLEN];

    if (!terms_normalise_ip(text, ip, sizeof(ip)))
        return false;
    tell(teller, TERM_IP, slice_from_cstr(ip));
    return true;
}

static struct slice without_brackets(struct slice text)
{
    if (text.len >= 2 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>')
        return slice_sub(text, 1, text.len - 2);
    return text;
}

void terms_of_address(struct slice text, terms_on_term *on_term, void *arg)
{
    const struct teller teller = {on_term, arg};
    struct slice address = without_brackets(slice_trim(text)), local, domain;
    ptrdiff_t at = slice_find_last(address, '@'), plus;
    char plain[TERM_MAX];

    if (at <= 0) {
        if (!tell_ip(&teller, address) && slice_ends_with_nocase(address, SLICE("/64")))
            tell(&teller, TERM_IP, address);
        return;
    }
    local = slice_sub(address, 0, (size_t)at);
    domain = slice_skip(address, (size_t)at + 1);
    tell(&teller, TERM_ADDRESS, address);
    if (!tell_ip(&teller, domain))
        tell(&teller, TERM_DOMAIN, domain);
    plus = slice_find(local, '+');
    if (plus > 0 && address.len <= sizeof(plain)) {
        int n =
            snprintf(plain, sizeof(plain), "%.*s@%.*s", (int)plus, local.ptr, SLICE_ARG(domain));
        tell(&teller, TERM_ADDRESS, slice_from(plain, (size_t)n));
    }
}

/* A comma in a quoted local part is no end. */
static struct slice cut_address(struct slice *rest)
{
    bool quoted = false;
    size_t n = 0;
    struct slice address;

    for (; n < rest->len && (quoted || rest->ptr[n] != ','); n++) {
        if (rest->ptr[n] == '"')
            quoted = !quoted;
        else if (rest->ptr[n] == '\\' && n + 1 < rest->len)
            n++;
    }
    address = slice_sub(*rest, 0, n);
    *rest = slice_skip(*rest, n + 1);
    return address;
}

static void tell_addresses(const struct teller *teller, struct slice list)
{
    while (list.len)
        terms_of_address(cut_address(&list), teller->on_term, teller->arg);
}

/* "mx.example.org[192.0.2.1]:25", "192.0.2.1", "[2001:db8::1]:25", "mx.example.org". */
static void tell_host(const struct teller *teller, struct slice text)
{
    ptrdiff_t open = slice_find(text, '['), close = slice_find(text, ']');
    struct slice host = text;

    if (tell_ip(teller, text))
        return;
    if (open >= 0 && close > open) {
        tell_ip(teller, slice_sub(text, (size_t)open, (size_t)(close - open) + 1));
        host = slice_sub(text, 0, (size_t)open);
    } else if (slice_find(text, ':') >= 0) {
        host = slice_sub(text, 0, (size_t)slice_find(text, ':'));
        if (tell_ip(teller, host))
            return;
    }
    if (slice_find(host, '.') > 0)
        tell(teller, TERM_DOMAIN, host);
}

static void tell_field(const struct teller *teller, enum field_use use, struct slice value)
{
    switch (use) {
    case USE_ADDRESSES:
        tell_addresses(teller, value);
        break;
    case USE_HOST:
        tell_host(teller, value);
        break;
    case USE_HEADER_ID:
        tell(teller, TERM_HEADER_ID, without_brackets(value));
        break;
    case USE_MESSAGE:
        tell(teller, TERM_MESSAGE, value);
        break;
    case USE_SITE:
        tell_host(teller, value);
        tell(teller, TERM_LANE, value);
        break;
    case USE_LANE:
        tell(teller, TERM_LANE, value);
        break;
    }
}

void terms_of_event(const struct event *event, terms_on_term *on_term, void *arg)
{
    const struct teller teller = {on_term, arg};

    for (size_t i = 0; i < event->n_fields; i++) {
        for (size_t u = 0; u < sizeof(uses) / sizeof(uses[0]); u++) {
            if (slice_eq(event->fields[i].key, slice_from_cstr(uses[u].key)))
                tell_field(&teller, uses[u].use, event->fields[i].value);
        }
    }
}
