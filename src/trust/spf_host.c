/*
 * What SPF's evaluation asks: the DNS, with the count of void lookups; the names of the client;
 * and the values of macros. See spf_host.h.
 *
 * The names of the client (section 5.5) are looked up once in a check whoever wants them first,
 * "ptr" or %{p}. They are the client's, not the domain owner's, and so nothing that goes wrong with
 * them is an error, and of the questions only the first one of "ptr" can count as void.
 */
#include "trust/spf_host.h"

#include "base/utf8.h"
#include "trust/printable.h"

#include <errno.h>

enum { LABEL_MAX = 63, TERM_SHOWN_MAX = 300 };

static const struct trust_answer nothing = {.result = TRUST_NO_NAME};

/* ---- questions ------------------------------------------------------------------------------ */

static bool is_name(struct slice name)
{
    size_t label = 0;

    if (name.len == 0 || name.len > SPF_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '.' ? label == 0 : label == LABEL_MAX)
            return false;
        label = name.ptr[i] == '.' ? 0 : label + 1;
    }
    return label > 0;
}

int spf_ask_uncounted(const struct spf_check *check, struct slice name, enum trust_type type,
                      const struct trust_answer **ret_answer)
{
    *ret_answer = &nothing;
    return is_name(name) ? trust_ask(check->names, name, type, ret_answer) : 0;
}

int spf_ask(struct spf_check *check, struct slice name, enum trust_type type,
            const struct trust_answer **ret_answer)
{
    int r = spf_ask_uncounted(check, name, type, ret_answer);

    if (r == 0 && *ret_answer != &nothing)
        check->voids +=
            (*ret_answer)->result == TRUST_NO_NAME || (*ret_answer)->result == TRUST_NO_DATA;
    return r;
}

enum trust_type spf_address_type(const struct spf_check *check)
{
    return check->question->client.v6 ? TRUST_AAAA : TRUST_A;
}

/* ---- names of the client -------------------------------------------------------------------- */

bool spf_is_below(struct slice name, struct slice domain)
{
    return slice_ends_with_nocase(name, domain) &&
           (name.len == domain.len || (domain.len && name.ptr[name.len - domain.len - 1] == '.'));
}

int spf_validate_names(struct spf_check *check)
{
    const struct trust_ip *client = &check->question->client;
    const struct trust_answer *names, *addresses;
    char reverse[TRUST_IP_REVERSE_MAX];
    bool again = false;
    int r;

    if (check->has_validated)
        return 0;
    r = spf_ask_uncounted(check, trust_ip_reverse(client, reverse), TRUST_PTR, &names);
    if (r < 0)
        return r;
    check->is_nameless = names->result == TRUST_NO_NAME || names->result == TRUST_NO_DATA;
    check->n_validated = 0;
    for (unsigned i = 0; i < names->n_records && i < SPF_NAMES_MAX; i++) {
        r = spf_ask_uncounted(check, names->records[i].bytes, spf_address_type(check), &addresses);
        again |= r < 0;
        if (r == 0 && trust_ip_among(client, addresses))
            check->validated[check->n_validated++] = names->records[i].bytes;
    }
    check->has_validated = !again;
    return again ? -EAGAIN : 0;
}

/* %{p}: the domain itself if it is among them, else one below it, else any (section 7.3). */
static int validated_name(struct spf_check *check, struct slice domain, struct slice *ret_name)
{
    int r = spf_validate_names(check);

    *ret_name = SLICE("unknown");
    if (r < 0)
        return r;
    for (unsigned i = check->n_validated; i > 0; i--)
        *ret_name = check->validated[i - 1];
    for (unsigned i = check->n_validated; i > 0; i--) {
        if (spf_is_below(check->validated[i - 1], domain))
            *ret_name = check->validated[i - 1];
    }
    for (unsigned i = 0; i < check->n_validated; i++) {
        if (slice_eq_nocase(check->validated[i], domain))
            *ret_name = check->validated[i];
    }
    return 0;
}

/* ---- macros --------------------------------------------------------------------------------- */

struct place {
    struct spf_check *check;
    struct slice domain;
    bool is_name; /* of the DNS, in the making */
};

/* %{i}: IPv6 as nibbles with dots. */
static struct slice client_parts(struct spf_check *check)
{
    static const char digits[] = "0123456789ABCDEF";
    const struct trust_ip *client = &check->question->client;

    if (!client->v6)
        return trust_ip_text(client, check->client_text);
    if (check->client_len == 0) {
        for (unsigned i = 0; i < 32; i++) {
            unsigned nibble = i % 2 ? client->bytes[i / 2] & 15 : client->bytes[i / 2] >> 4;
            check->client[2 * i] = digits[nibble];
            check->client[2 * i + 1] = '.';
        }
        check->client_len = sizeof(check->client) - 1;
    }
    return slice_from(check->client, check->client_len);
}

static struct slice time_text(struct spf_check *check)
{
    snprintf(check->seconds, sizeof(check->seconds), "%lld", (long long)check->question->seconds);
    return slice_from_cstr(check->seconds);
}

static struct slice value_of(const struct place *place, char letter)
{
    struct spf_check *check = place->check;

    switch (letter) {
    case 's':
        return check->sender;
    case 'l':
        return check->local;
    case 'o':
        return check->origin;
    case 'd':
        return place->domain;
    case 'i':
        return client_parts(check);
    case 'v':
        return check->question->client.v6 ? SLICE("ip6") : SLICE("in-addr");
    case 'h':
        return check->helo;
    case 'c':
        return trust_ip_text(&check->question->client, check->client_text);
    case 'r':
        return check->question->receiver.len ? check->question->receiver : SLICE("unknown");
    default: /* 't' */
        return time_text(check);
    }
}

static int macro_value(void *arg, char letter, struct slice *ret_value)
{
    const struct place *place = arg;

    if (letter == 'p')
        return validated_name(place->check, place->domain, ret_value);
    if (place->is_name && (letter == 's' || letter == 'l') && !utf8_is_ascii(place->check->local))
        return SPF_EXPANSION_NEVER;
    *ret_value = value_of(place, letter);
    return 0;
}

int spf_target(struct spf_check *check, struct slice spec, struct slice domain,
               struct spf_expansion *room, struct slice *ret_name)
{
    struct place place = {.check = check, .domain = domain, .is_name = true};

    *ret_name = domain;
    return spec.len ? spf_expand_name(spec, macro_value, &place, room, ret_name) : 0;
}

/* Section 6.2: whatever is wrong with it, then there is no explanation. */
int spf_explain(struct spf_check *check, struct slice spec, struct slice domain,
                struct slice *ret_text)
{
    struct place place = {.check = check, .domain = domain};
    const struct trust_answer *answer;
    struct spf_expansion room;
    struct slice name, text;
    int r;

    *ret_text = SLICE_NULL;
    r = spf_target(check, spec, domain, &room, &name);
    if (r)
        return r < 0 ? r : 0;
    r = spf_ask_uncounted(check, name, TRUST_TXT, &answer);
    if (r)
        return r;
    if (answer->n_records != 1 || spf_explain_string_check(answer->records[0].bytes))
        return 0;
    r = spf_expand_text(answer->records[0].bytes, macro_value, &place, &room, &text);
    if (r == 0)
        *ret_text = arena_dup(check->arena, text);
    return r;
}

/* ---- what is wrong -------------------------------------------------------------------------- */

void spf_complain(struct spf_check *check, struct slice domain, struct slice term,
                  const char *problem)
{
    struct slice at = printable_text(check->arena, domain, SPF_NAME_MAX);
    struct slice what = printable_text(check->arena, term, TERM_SHOWN_MAX);

    if (check->problem.len)
        return;
    check->problem =
        term.len ? arena_printf(check->arena, "in the record of %.*s: \"%.*s\": %s", SLICE_ARG(at),
                                SLICE_ARG(what), problem)
                 : arena_printf(check->arena, "in the record of %.*s: %s", SLICE_ARG(at), problem);
}

const char *spf_failure(const struct spf_check *check, struct slice name,
                        const struct trust_answer *answer)
{
    struct slice whose = printable_text(check->arena, name, SPF_NAME_MAX);
    struct slice why = printable_text(check->arena, answer->why, TERM_SHOWN_MAX);
    struct slice text = arena_printf(check->arena, "the DNS gives no answer for %.*s now%s%.*s",
                                     SLICE_ARG(whose), why.len ? ": " : "", SLICE_ARG(why));

    return arena_cstr(check->arena, text);
}
