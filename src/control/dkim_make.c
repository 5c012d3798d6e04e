/*
 * nuncio dkim keygen and rotate: new keys.
 *
 * All of it happens under the folder's lock, so that two at once see each other's keys. A rotation
 * whose keys are not in the DNS yet is not begun again: a job that runs each month while nobody
 * publishes would pile up keys.
 */
#include "control/dkim_actions.h"

#include "control/admin_options.h"
#include "control/dkim_record.h"
#include "control/dkim_state.h"
#include "mail/address.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

enum { KINDS = 2, TRIES = 99, BITS_LEAST = 2048 };

/* What is to be made. */
struct order {
    struct slice domain, sender, selector; /* selector: empty: by the date */
    bool kinds[KINDS];                     /* by enum dkim_key_kind */
    unsigned bits;
    uint64_t made_s;
    struct slice made[KINDS]; /* the selectors, in the end */
};

/* ---- what is asked for ---------------------------------------------------------------------- */

static int read_algorithm(const char *text, struct order *order)
{
    bool both = strcmp(text, "both") == 0;

    order->kinds[DKIM_KEY_RSA] = both || strcmp(text, "rsa") == 0;
    order->kinds[DKIM_KEY_ED25519] = both || strcmp(text, "ed25519") == 0;
    if (order->kinds[DKIM_KEY_RSA] || order->kinds[DKIM_KEY_ED25519])
        return EX_OK;
    fprintf(stderr, "nuncio: there is no algorithm '%s': use rsa, ed25519 or both\n", text);
    return EX_DATAERR;
}

static int read_bits(const char *text, struct order *order)
{
    uint64_t bits;

    if (!slice_parse_u64(slice_from_cstr(text), KEY_BITS_MAX, &bits) || bits < BITS_LEAST) {
        fprintf(stderr,
                "nuncio: RSA keys have %d to %d bits (RFC 8301); %d is what fits everywhere\n",
                BITS_LEAST, KEY_BITS_MAX, KEY_BITS_DEFAULT);
        return EX_DATAERR;
    }
    order->bits = (unsigned)bits;
    return EX_OK;
}

static bool is_below(struct slice domain, struct slice above)
{
    return slice_eq(domain, above) ||
           (domain.len > above.len && slice_ends_with_nocase(domain, above) &&
            domain.ptr[domain.len - above.len - 1] == '.');
}

static int read_sender(struct dkim_session *session, const char *text, struct order *order)
{
    struct address address;
    struct address_result result =
        address_parse_mailbox(slice_from_cstr(text), ADDRESS_UTF8, &address);

    if (result.error != ADDRESS_OK) {
        fprintf(stderr, "nuncio: '%s' is no address like joe@example.org: %s\n", text,
                address_error_text(result.error));
        return EX_DATAERR;
    }
    order->sender = address_key(&session->arena, slice_from_cstr(text));
    if (is_below(address_domain(order->sender), order->domain))
        return EX_OK;
    fprintf(stderr, "nuncio: a key of %.*s cannot sign for %s: use a key of its domain\n",
            SLICE_ARG(order->domain), text);
    return EX_DATAERR;
}

static int read_selector(struct dkim_session *session, const char *text, struct order *order)
{
    char *lower = arena_cstr(&session->arena, slice_from_cstr(text));

    for (char *c = lower; *c; c++)
        *c = ascii_lower(*c);
    order->selector = slice_from_cstr(lower);
    if (key_selector_is_valid(order->selector))
        return EX_OK;
    fprintf(
        stderr,
        "nuncio: '%s' is no selector: letters, digits and hyphens, in parts with dots between\n",
        text);
    return EX_DATAERR;
}

static int read_order(struct dkim_session *session, const char *domain, struct order *order)
{
    const char *const *given = session->options->given;
    int code;

    *order = (struct order){.bits = KEY_BITS_DEFAULT, .made_s = session->now_s};
    code = dkim_session_domain(session, domain, &order->domain);
    if (code == EX_OK && given[DKIM_OPTION_SELECTOR])
        code = read_selector(session, given[DKIM_OPTION_SELECTOR], order);
    if (code == EX_OK && given[DKIM_OPTION_SENDER])
        code = read_sender(session, given[DKIM_OPTION_SENDER], order);
    if (code == EX_OK && given[DKIM_OPTION_ALGORITHM])
        code = read_algorithm(given[DKIM_OPTION_ALGORITHM], order);
    if (code == EX_OK && given[DKIM_OPTION_BITS])
        code = read_bits(given[DKIM_OPTION_BITS], order);
    return code;
}

/* ---- what is there -------------------------------------------------------------------------- */

static bool is_of_order(const struct key_entry *entry, const struct order *order)
{
    return entry->key && slice_eq(entry->domain, order->domain) &&
           slice_eq(entry->facts.sender, order->sender);
}

/* The newest key that a new one would follow, or NULL. */
static const struct key_entry *newest(const struct dkim_session *session, const struct order *order,
                                      enum dkim_key_kind kind)
{
    const struct key_entry *best = NULL;

    for (unsigned i = 0; i < session->list.count; i++) {
        const struct key_entry *entry = &session->list.entries[i];
        if (is_of_order(entry, order) && key_kind(entry->key) == kind && !entry->facts.retired_s)
            best = entry; /* the list goes by age */
    }
    return best;
}

/* "of example.org", "of joe@example.org". */
static struct slice whose(const struct order *order)
{
    return order->sender.len ? order->sender : order->domain;
}

static int refuse_second(const struct dkim_session *session, const struct order *order)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const struct key_entry *entry =
            order->kinds[kind] ? newest(session, order, (enum dkim_key_kind)kind) : NULL;
        if (!entry)
            continue;
        fprintf(stderr,
                "nuncio: %.*s has the key %.*s already: nuncio dkim record shows what to publish, "
                "nuncio dkim rotate makes a new one beside it\n",
                SLICE_ARG(whose(order)), SLICE_ARG(entry->selector));
        return EX_DATAERR;
    }
    return EX_OK;
}

/* Which kinds a rotation makes, and whether it may. */
static int judge_rotation(const struct dkim_session *session, struct order *order)
{
    bool all = !session->options->given[DKIM_OPTION_ALGORITHM], any = false;

    for (unsigned kind = 0; kind < KINDS; kind++) {
        const struct key_entry *entry = newest(session, order, (enum dkim_key_kind)kind);
        order->kinds[kind] = entry ? all || order->kinds[kind] : false;
        any |= order->kinds[kind];
        if (!order->kinds[kind])
            continue;
        if (!entry->facts.seen_s) {
            fprintf(stderr,
                    "nuncio: the key %.*s of %.*s has not been seen in the DNS yet: publish it "
                    "(nuncio dkim record) or remove it before you make another one\n",
                    SLICE_ARG(entry->selector), SLICE_ARG(whose(order)));
            return EX_DATAERR;
        }
        if (entry->facts.made_s >= order->made_s)
            order->made_s = entry->facts.made_s + 1;
    }
    if (any)
        return EX_OK;
    fprintf(stderr,
            "nuncio: %.*s has no such key to follow: make the first with nuncio dkim keygen\n",
            SLICE_ARG(whose(order)));
    return EX_NOINPUT;
}

/* ---- making --------------------------------------------------------------------------------- */

/* 202611r, 202611r2...; the first that is free. Empty: none is. */
static struct slice dated_selector(struct dkim_session *session, const struct order *order,
                                   char letter)
{
    time_t now = (time_t)session->now_s;
    struct tm tm = {0};
    char date[16];

    gmtime_r(&now, &tm);
    (void)strftime(date, sizeof(date), "%Y%m", &tm);
    for (unsigned i = 1; i <= TRIES; i++) {
        struct slice selector = i == 1 ? arena_printf(&session->arena, "%s%c", date, letter)
                                       : arena_printf(&session->arena, "%s%c%u", date, letter, i);
        if (!key_list_find(&session->list, order->domain, selector))
            return selector;
    }
    return SLICE_NULL;
}

static struct slice choose_selector(struct dkim_session *session, const struct order *order,
                                    enum dkim_key_kind kind)
{
    char letter = kind == DKIM_KEY_RSA ? 'r' : 'e';

    if (!order->selector.len)
        return dated_selector(session, order, letter);
    if (!order->kinds[DKIM_KEY_RSA] || !order->kinds[DKIM_KEY_ED25519])
        return order->selector;
    return arena_printf(&session->arena, "%.*s%c", SLICE_ARG(order->selector), letter);
}

static int make_one(struct dkim_session *session, struct order *order, enum dkim_key_kind kind)
{
    const struct key_facts facts = {.made_s = order->made_s, .sender = order->sender};
    EVP_PKEY *key = key_make(kind, order->bits);
    int r = key ? key_store_add(session->folder, order->domain, order->made[kind], key, &facts)
                : -ENOMEM;

    EVP_PKEY_free(key);
    return r < 0 ? dkim_session_failed(r) : EX_OK;
}

static int choose_selectors(struct dkim_session *session, struct order *order)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!order->kinds[kind])
            continue;
        order->made[kind] = choose_selector(session, order, (enum dkim_key_kind)kind);
        if (key_selector_is_valid(order->made[kind]) &&
            !key_list_find(&session->list, order->domain, order->made[kind]))
            continue;
        fprintf(stderr,
                "nuncio: %.*s has a key with that selector (%.*s), or the name is too long: "
                "choose another one with --selector\n",
                SLICE_ARG(order->domain), SLICE_ARG(order->made[kind]));
        return EX_DATAERR;
    }
    return EX_OK;
}

static void say_what_next(const struct dkim_session *session, const struct order *order,
                          bool rotation)
{
    const struct config_domain *domain = config_find_domain(session->config, order->domain);

    printf("Publish %s. The server looks for %s each minute while it runs, and signs from then "
           "on%s; see nuncio dkim list.\n",
           order->kinds[0] && order->kinds[1] ? "both records" : "this record",
           order->kinds[0] && order->kinds[1] ? "them" : "it",
           rotation ? " with the new in place of the old, whose records stay until list says that "
                      "they can go"
                    : "");
    if (domain && !domain->dkim)
        fprintf(stderr,
                "nuncio: %.*s has `dkim no` in %s: nothing of it is signed until that goes\n",
                SLICE_ARG(order->domain), session->config_path);
}

/* What was made, from the folder, as the server will read it. */
static int show_made(struct dkim_session *session, const struct order *order, bool rotation)
{
    int code = EX_OK, r;

    key_list_done(&session->list);
    r = key_store_read(session->folder, &session->list);
    if (r < 0)
        return dkim_session_failed(r);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const struct key_entry *entry =
            order->kinds[kind] ? key_list_find(&session->list, order->domain, order->made[kind])
                               : NULL;
        if (!entry)
            continue;
        if (!entry->key) {
            fprintf(stderr, "nuncio: %.*s\n", SLICE_ARG(entry->problem));
            code = EX_DATAERR;
        } else if (session->options->json) {
            json_t *object = dkim_record_json(entry);
            admin_options_print(object);
            json_decref(object);
        } else {
            dkim_record_print(stdout, entry);
        }
    }
    if (code == EX_OK && !session->options->json)
        say_what_next(session, order, rotation);
    return code;
}

static int make(struct dkim_session *session, struct order *order, bool rotation)
{
    int code = EX_OK;

    if (session->list.count + KINDS > KEYS_MAX) {
        fprintf(stderr, "nuncio: there are %u keys; more than %d are not used: remove some first\n",
                session->list.count, KEYS_MAX);
        return EX_DATAERR;
    }
    code = choose_selectors(session, order);
    for (unsigned kind = 0; code == EX_OK && kind < KINDS; kind++) {
        if (order->kinds[kind])
            code = make_one(session, order, (enum dkim_key_kind)kind);
    }
    return code == EX_OK ? show_made(session, order, rotation) : code;
}

int dkim_keygen(struct dkim_session *session, char **arguments, int n)
{
    struct order order;
    int code = read_order(session, arguments[0], &order);

    (void)n;
    if (code == EX_OK && !session->options->given[DKIM_OPTION_ALGORITHM])
        order.kinds[DKIM_KEY_RSA] = order.kinds[DKIM_KEY_ED25519] = true;
    if (code == EX_OK)
        code = refuse_second(session, &order);
    return code == EX_OK ? make(session, &order, false) : code;
}

int dkim_rotate(struct dkim_session *session, char **arguments, int n)
{
    struct order order;
    int code = read_order(session, arguments[0], &order);

    (void)n;
    if (code == EX_OK)
        code = judge_rotation(session, &order);
    return code == EX_OK ? make(session, &order, true) : code;
}
