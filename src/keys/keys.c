/*
 * The role: keys from the folder, signatures to relay. See keys.h.
 *
 * - The folder is looked at every second or, with a thousand keys, three; when anything in it has
 * changed it is read anew, and relay is told all of it. Files are written whole, so there is no
 * moment at which half a key is seen.
 * - What relay finds in the DNS goes into the facts of the key. When a newer key of the same kind
 *   and scope is seen, the older ones are retired: they go on being there for mail that was signed
 *   with them. While somebody else holds the folder's lock, that waits for the next look.
 * - Private keys lie in OpenSSL's secure heap, which is locked into memory where the system allows.
 */
#include "keys/keys.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "keys/key_book.h"
#include "keys/signer.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <unistd.h>

enum {
    LOOK_MS = 1000,
    LOOK_KEY_MS = 2, /* more for each key, so that looking stays cheap */
    WRITE_MS = 200,  /* what the DNS shows of many keys is gathered */
    /* Room for KEYS_MAX keys of 4096 bits. */
    SECURE_HEAP = 4 * 1024 * 1024,
    SECURE_PIECE = 32,
    /* Far below what a channel takes, far above what a key needs. */
    MESSAGE_SIZE = CHANNEL_PAYLOAD_MAX / 2,
};

struct keys {
    struct role_context *role;
    int folder;
    struct key_book book;
    struct signer *signer;
    struct loop_timer *look_timer;
    unsigned epoch;     /* of the relay that is there now */
    bool tell_again;    /* relay had no room */
    bool memory_locked; /* no private key is ever written to swap space */
    uint64_t n_signed[2], n_failed;
};

/* False: it has no room now. One that is gone has all the room it needs. */
static bool send_to_relay(struct keys *keys, enum message_type type, const struct buf *out)
{
    return role_send(keys->role, ROLE_RELAY, (uint16_t)type, buf_slice(out), NULL, 0) != -EAGAIN;
}

static bool send_some(struct keys *keys, struct msg_keys *message)
{
    struct buf out;
    bool sent;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_keys_encode(&out, message);
    sent = send_to_relay(keys, MSG_KEYS, &out);
    buf_done(&out);
    return sent;
}

/* All keys, in as many messages as they need. */
static void tell_keys(struct keys *keys)
{
    struct msg_key *list;
    struct arena arena;
    unsigned n, from = 0;
    bool sent = true;

    arena_init(&arena);
    n = key_book_list(&keys->book, &arena, &list);
    do {
        struct msg_keys message = {.begins = from == 0, .keys = list + from};
        size_t size = 0;
        while (from + message.n_keys < n && size < MESSAGE_SIZE)
            size += key_book_size(&list[from + message.n_keys++]);
        from += message.n_keys;
        message.ends = from == n;
        sent = send_some(keys, &message);
    } while (sent && from < n);
    keys->tell_again = !sent;
    arena_done(&arena);
    if (!sent)
        role_want_writable(keys->role, ROLE_RELAY);
}

static void on_look_time(void *arg)
{
    struct keys *keys = arg;

    if (key_book_look(&keys->book, keys->folder))
        tell_keys(keys);
    loop_timer_arm(keys->look_timer,
                   clock_mono_ms() + LOOK_MS + LOOK_KEY_MS * keys->book.list.count);
}

/* False: relay has no room. A relay that asked and is gone gets nothing. */
static bool tell_signature(void *arg, struct signer_question question, enum dkim_key_kind kind,
                           struct slice signature)
{
    struct keys *keys = arg;
    const struct msg_signed answer = {.request = question.request, .signature = signature};
    struct buf out;
    bool sent;

    if (question.epoch != keys->epoch)
        return true;
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_signed_encode(&out, &answer);
    sent = send_to_relay(keys, MSG_SIGNED, &out);
    buf_done(&out);
    if (!sent)
        role_want_writable(keys->role, ROLE_RELAY);
    else if (signature.len)
        keys->n_signed[kind]++;
    else
        keys->n_failed++;
    return sent;
}

static void refuse(struct keys *keys, struct signer_question question, const struct msg_sign *sign,
                   const char *why)
{
    log_warn(NULL, "dkim-not-signed", LOG_SLICE("domain", sign->domain),
             LOG_SLICE("selector", sign->selector), LOG_STR("why", why));
    (void)tell_signature(keys, question, DKIM_KEY_RSA, SLICE_NULL);
}

static void take_sign(struct keys *keys, struct slice payload)
{
    struct signer_question question = {.epoch = keys->epoch};
    const struct key_entry *entry;
    struct msg_sign sign;

    if (msg_sign_decode(payload, NULL, &sign) < 0) {
        log_error(NULL, "bad-sign", LOG_INT("bytes", payload.len));
        return;
    }
    question.request = sign.request;
    entry = key_list_find(&keys->book.list, sign.domain, sign.selector);
    if (!entry || !entry->key)
        refuse(keys, question, &sign, "there is no such key any more");
    else if (signer_add(keys->signer, question, entry->key, sign.digest) < 0)
        refuse(keys, question, &sign, "too many signatures are asked for at a time");
}

static void take_seen(struct keys *keys, struct slice payload)
{
    struct msg_key_seen seen;

    if (msg_key_seen_decode(payload, NULL, &seen) < 0) {
        log_error(NULL, "bad-key-seen", LOG_INT("bytes", payload.len));
        return;
    }
    if (key_book_note(&keys->book, &seen, clock_wall_ms() / 1000))
        loop_timer_arm(keys->look_timer, clock_mono_ms() + WRITE_MS);
}

static void on_message(void *arg, enum role from, struct channel_message *message)
{
    struct keys *keys = arg;

    if (from == ROLE_RELAY && message->type == MSG_SIGN)
        take_sign(keys, message->payload);
    else if (from == ROLE_RELAY && message->type == MSG_KEY_SEEN)
        take_seen(keys, message->payload);
    channel_message_close_fds(message);
}

static void on_peer_up(void *arg, enum role peer)
{
    struct keys *keys = arg;

    if (peer != ROLE_RELAY)
        return;
    keys->epoch++;
    /* While the folder cannot be read nobody knows whether there are none. */
    if (keys->book.read)
        tell_keys(keys);
}

static void on_wake(void *arg)
{
    struct keys *keys = arg;

    signer_collect(keys->signer, tell_signature, keys);
}

static void on_writable(void *arg, enum role peer)
{
    struct keys *keys = arg;

    if (peer != ROLE_RELAY)
        return;
    if (keys->tell_again)
        tell_keys(keys);
    on_wake(keys);
}

static void on_status(void *arg, struct buf *json)
{
    const struct keys *keys = arg;
    struct key_numbers numbers = key_book_numbers(&keys->book);
    uint64_t made = keys->n_signed[DKIM_KEY_RSA] + keys->n_signed[DKIM_KEY_ED25519];

    buf_printf(json, "\"keys\":%u,\"keys_seen\":%u,\"keys_refused\":%u,", numbers.usable,
               numbers.seen, numbers.refused);
    buf_printf(json, "\"signatures\":%llu,\"memory_locked\":%s,", (unsigned long long)made,
               keys->memory_locked ? "true" : "false");
}

static void on_metrics(void *arg, struct exposition *exposition)
{
    static const char keys_help[] = "Private keys of DKIM by what can be done with them.";
    static const char signed_help[] = "DKIM signatures made.";
    const struct keys *keys = arg;
    struct key_numbers numbers = key_book_numbers(&keys->book);

    exposition_gauge(exposition, "nuncio_dkim_keys", keys_help, "state=\"seen\"", numbers.seen);
    exposition_gauge(exposition, "nuncio_dkim_keys", keys_help, "state=\"unseen\"",
                     numbers.usable - numbers.seen);
    exposition_gauge(exposition, "nuncio_dkim_keys", keys_help, "state=\"refused\"",
                     numbers.refused);
    exposition_counter(exposition, "nuncio_dkim_signatures_total", signed_help,
                       "algorithm=\"rsa-sha256\"", keys->n_signed[DKIM_KEY_RSA]);
    exposition_counter(exposition, "nuncio_dkim_signatures_total", signed_help,
                       "algorithm=\"ed25519-sha256\"", keys->n_signed[DKIM_KEY_ED25519]);
    exposition_counter(exposition, "nuncio_dkim_signatures_failed_total",
                       "DKIM signatures that were asked for and could not be made.", NULL,
                       keys->n_failed);
}

static void wake_loop(void *arg)
{
    loop_wake(((struct keys *)arg)->role->loop);
}

/* Before there is a fence, since it maps and locks memory. */
static void prepare_memory(struct keys *keys)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    keys->memory_locked = CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_PIECE) == 1;
    if (!keys->memory_locked)
        log_info(NULL, "keys-memory-unlocked",
                 LOG_STR("why", "the system does not let us lock 4 MiB (RLIMIT_MEMLOCK): private "
                                "keys may be written to swap space"));
}

static int keys_open(struct keys *keys, struct role_context *role)
{
    char path[PATH_MAX];

    *keys = (struct keys){.role = role};
    snprintf(path, sizeof(path), "%.*s/" KEY_STORE_FOLDER, SLICE_ARG(role->config->state));
    keys->folder = key_store_open(path);
    if (keys->folder < 0) {
        log_error(NULL, "keys-not-opened", LOG_STR("path", path), LOG_ERRNO(keys->folder));
        return keys->folder;
    }
    key_book_init(&keys->book);
    keys->signer = signer_new(wake_loop, keys);
    keys->look_timer = loop_timer(role->loop, on_look_time, keys);
    loop_on_wake(role->loop, on_wake, keys);
    prepare_memory(keys);
    return 0;
}

static void keys_close(struct keys *keys)
{
    key_book_save(&keys->book, keys->folder);
    signer_free(keys->signer);
    loop_timer_free(keys->look_timer);
    key_book_done(&keys->book);
    close(keys->folder);
}

int keys_main(struct role_context *role)
{
    static struct keys keys;
    static const struct role_handlers handlers = {.message = on_message,
                                                  .peer_up = on_peer_up,
                                                  .peer_writable = on_writable,
                                                  .status = on_status,
                                                  .metrics = on_metrics,
                                                  .arg = &keys};
    int r = keys_open(&keys, role);

    if (r < 0)
        return r;
    r = role->lock_in(role);
    if (r == 0)
        r = signer_start(keys.signer);
    if (r == 0) {
        on_look_time(&keys);
        r = role_run(role, &handlers);
    }
    keys_close(&keys);
    return r;
}
