/*
 * Keywords of the EHLO reply. A table of flags for those that have no parameter we read; SIZE,
 * LIMITS and AUTH have their own functions. "AUTH=PLAIN LOGIN" is what servers said to the clients
 * of before RFC 2554, and some say still, beside the right form or instead of it. A value that is
 * out of range is taken as not told: a limit that cannot be kept is better ignored and answered by
 * the server than guessed at.
 */
#include "smtp/ehlo_parse.h"

static void parse_size(struct ehlo_offer *offer, struct slice value)
{
    uint64_t max;

    offer->size = true;
    if (slice_parse_u64(value, UINT64_MAX, &max))
        offer->size_max = max;
}

static void parse_limit(struct ehlo_offer *offer, struct slice limit)
{
    struct slice name = slice_cut(&limit, '=');
    uint64_t value;

    /* RFC 9422 section 3: at most six digits, and zero means nothing. */
    if (!slice_parse_u64(limit, 999999, &value))
        return;
    if (slice_eq_nocase(name, SLICE("MAILMAX")))
        offer->mail_max = (uint32_t)value;
    else if (slice_eq_nocase(name, SLICE("RCPTMAX")))
        offer->rcpt_max = (uint32_t)value;
    else if (slice_eq_nocase(name, SLICE("RCPTDOMAINMAX")))
        offer->rcpt_domain_max = (uint32_t)value;
}

static void add_mechanism(struct ehlo_offer *offer, struct slice mechanism)
{
    size_t len = strlen(offer->auth);

    if (mechanism.len == 0 || ehlo_offers_mechanism(offer, mechanism) ||
        len + 1 + mechanism.len > EHLO_AUTH_MAX)
        return;
    if (len)
        offer->auth[len++] = ' ';
    memcpy(offer->auth + len, mechanism.ptr, mechanism.len);
}

static void parse_auth(struct ehlo_offer *offer, struct slice mechanisms)
{
    while (mechanisms.ptr)
        add_mechanism(offer, slice_cut(&mechanisms, ' '));
}

static void parse_flag(struct ehlo_offer *offer, struct slice keyword)
{
    const struct {
        struct slice keyword;
        bool *flag;
    } flags[] = {
        {SLICE_INIT("STARTTLS"), &offer->starttls},
        {SLICE_INIT("REQUIRETLS"), &offer->requiretls},
        {SLICE_INIT("MT-PRIORITY"), &offer->mt_priority},
        {SLICE_INIT("PIPELINING"), &offer->pipelining},
        {SLICE_INIT("8BITMIME"), &offer->eightbit},
        {SLICE_INIT("CHUNKING"), &offer->chunking},
        {SLICE_INIT("SMTPUTF8"), &offer->smtputf8},
        {SLICE_INIT("DSN"), &offer->dsn},
        {SLICE_INIT("ENHANCEDSTATUSCODES"), &offer->enhanced},
    };

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (slice_eq_nocase(keyword, flags[i].keyword))
            *flags[i].flag = true;
    }
}

static void parse_line(struct ehlo_offer *offer, struct slice line)
{
    struct slice rest = slice_trim(line);
    struct slice keyword = slice_cut(&rest, ' ');

    if (slice_eq_nocase(keyword, SLICE("SIZE"))) {
        parse_size(offer, slice_trim(rest));
    } else if (slice_eq_nocase(keyword, SLICE("LIMITS"))) {
        while (rest.ptr)
            parse_limit(offer, slice_cut(&rest, ' '));
    } else if (slice_eq_nocase(keyword, SLICE("AUTH"))) {
        parse_auth(offer, rest);
    } else if (slice_starts_with_nocase(keyword, SLICE("AUTH="))) {
        parse_auth(offer, slice_skip(keyword, strlen("AUTH=")));
        parse_auth(offer, rest);
    } else {
        parse_flag(offer, keyword);
    }
}

struct ehlo_offer ehlo_parse(struct slice text)
{
    struct ehlo_offer offer = {0};

    slice_cut(&text, '\n');
    while (text.ptr)
        parse_line(&offer, slice_cut(&text, '\n'));
    return offer;
}

bool ehlo_offers_mechanism(const struct ehlo_offer *offer, struct slice mechanism)
{
    struct slice rest = slice_from_cstr(offer->auth);

    while (rest.ptr) {
        if (slice_eq_nocase(slice_cut(&rest, ' '), mechanism))
            return mechanism.len > 0;
    }
    return false;
}
