/*
 * What belongs to no single conversation: the threads and their answers, time, blocks, what can be
 * offered, and the rules of OAuth. See login.h.
 */
#include "account/login_conversation.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/channel.h"

/* Blocks lifted by hand are noticed, and idle conversations dropped, each TICK_MS; what the
 * accounts can verify is asked each OFFER_TICKS at least; blocks that are over are forgotten each
 * EXPIRE_TICKS. */
enum { TICK_MS = 1000, OFFER_TICKS = 5, EXPIRE_TICKS = 60 };

static void wake(void *arg)
{
    const struct login *login = arg;

    loop_wake(login->loop);
}

static void on_hash(void *arg, uint64_t job, int tag)
{
    struct conversation *c = conversation_of_job(arg, job);

    if (c)
        login_password_hashed(c, tag);
}

static void on_token(void *arg, uint64_t job, const struct oauth_answer *answer)
{
    struct conversation *c = conversation_of_job(arg, job);

    if (answer->verdict == OAUTH_LATER)
        log_warn(NULL, "oauth-unavailable", LOG_STR("why", answer->why));
    if (c)
        login_token_answered(c, answer);
}

static void on_wake(void *arg)
{
    struct login *login = arg;

    hasher_collect(login->hasher, on_hash, login);
    oauth_collect(login->oauth, on_token, login);
}

/* ---- what can be offered -------------------------------------------------------------------- */

static struct directory *directory_of_domain(const struct login *login, size_t index)
{
    const struct config_domain *domain = &login->config->domains[index];
    struct directory *directory;
    struct arena arena;

    if (!domain->local || domain->alias_of.len)
        return NULL;
    arena_init(&arena);
    directory = login->host.directory_of(
        login->host.arg, arena_printf(&arena, "postmaster@%.*s", SLICE_ARG(domain->name)));
    arena_done(&arena);
    return directory;
}

/*
 * SCRAM only when it works for every account that has a password: a client takes the strongest that
 * is offered, and few fall back. CRAM-MD5 where one account has asked for it. PLAIN and LOGIN
 * always, since app passwords have no other way.
 */
static unsigned what_accounts_verify(const struct login *login)
{
    const unsigned scram = MECHANISM_SCRAM_SHA_256 | MECHANISM_SCRAM_SHA_256_PLUS |
                           MECHANISM_SCRAM_SHA_1 | MECHANISM_SCRAM_SHA_1_PLUS;
    const struct directory *last = NULL;
    unsigned any = 0, all = scram;

    for (size_t i = 0; i < login->config->n_domains; i++) {
        struct directory *directory = directory_of_domain(login, i);
        unsigned set;
        if (!directory || directory == last)
            continue;
        last = directory;
        set = directory->methods->mechanisms(directory);
        any |= set;
        all &= set;
    }
    return MECHANISM_PLAIN | MECHANISM_LOGIN | (any & all & scram) | (any & MECHANISM_CRAM_MD5);
}

static unsigned what_we_verify(const struct login *login)
{
    unsigned set = what_accounts_verify(login) | MECHANISM_EXTERNAL;

    if (login->config->auth.oauth.introspection.len)
        set |= MECHANISM_XOAUTH2 | MECHANISM_OAUTHBEARER;
    return set & login->config->auth.mechanisms;
}

static void tell_mechanisms(struct login *login)
{
    const struct msg_mechanisms message = {.set = login->mechanisms};

    buf_reset(&login->out);
    msg_mechanisms_encode(&login->out, &message);
    login->host.send(login->host.arg, ROLE_RECEIVE, MSG_MECHANISMS, buf_slice(&login->out));
}

static void review_mechanisms(struct login *login)
{
    unsigned set = what_we_verify(login);

    if (set == login->mechanisms)
        return;
    login->mechanisms = set;
    tell_mechanisms(login);
}

/* ---- time ----------------------------------------------------------------------------------- */

/* Whether somebody else has changed the store since. */
static bool store_has_changed(struct login *login, struct store **ret_store)
{
    uint64_t version;
    int r;

    *ret_store = login->host.store(login->host.arg);
    if (!*ret_store)
        return false;
    r = store_version(*ret_store, &version);
    login->host.store_note(login->host.arg, r);
    if (r < 0 || version == login->store_version)
        return false;
    login->store_version = version;
    return true;
}

static void on_tick(void *arg)
{
    struct login *login = arg;
    struct store *store;
    bool changed = store_has_changed(login, &store);

    if (changed)
        login->host.store_note(login->host.arg, login_blocks_read(login->blocks, store, false));
    if (store && login->ticks % EXPIRE_TICKS == 0)
        login->host.store_note(login->host.arg, login_blocks_expire(login->blocks, store));
    if (++login->ticks % OFFER_TICKS == 0 || changed)
        review_mechanisms(login);
    conversations_expire(login, clock_mono_ms());
    loop_timer_arm(login->tick, clock_mono_ms() + TICK_MS);
}

static void on_replies(void *arg)
{
    struct login *login = arg;

    conversations_send_due(login, clock_mono_ms());
}

/* ---- making and ending ---------------------------------------------------------------------- */

struct login *login_new(const struct login_host *host, struct loop *loop, struct config *config,
                        const struct files *files)
{
    struct login *login = xcalloc(1, sizeof(*login));

    login->host = *host;
    login->loop = loop;
    login->config = config_ref(config);
    login->files = files;
    login->engine = sasl_engine_new();
    login->oauth = oauth_new(wake, login);
    login->hasher = hasher_new(wake, login);
    login->blocks = login_blocks_new(&config->auth);
    login->replies = loop_timer(loop, on_replies, login);
    login->tick = loop_timer(loop, on_tick, login);
    buf_init(&login->out, CHANNEL_PAYLOAD_MAX);
    if (!login->engine || !login->oauth) {
        login_free(login);
        return NULL;
    }
    loop_on_wake(loop, on_wake, login);
    loop_timer_arm(login->tick, clock_mono_ms() + TICK_MS);
    login_files_changed(login);
    return login;
}

int login_start(struct login *login)
{
    int r = hasher_start(login->hasher);

    return r < 0 ? r : oauth_start(login->oauth);
}

void login_free(struct login *login)
{
    struct conversation *c, *next;

    if (!login)
        return;
    HASH_ITER(hh, login->by_number, c, next)
    conversation_free(c);
    hasher_free(login->hasher);
    oauth_free(login->oauth);
    loop_on_wake(login->loop, NULL, NULL);
    loop_timer_free(login->replies);
    loop_timer_free(login->tick);
    login_blocks_free(login->blocks);
    sasl_engine_free(login->engine);
    config_unref(login->config);
    buf_done(&login->out);
    free(login);
}

/* ---- from outside --------------------------------------------------------------------------- */

static struct slice text_of(const struct login *login, struct slice path, unsigned *ret_version)
{
    struct files_file file;

    *ret_version = 0;
    if (path.len == 0 || !files_find(login->files, path, &file))
        return SLICE_NULL;
    *ret_version = file.version;
    return file.readable ? file.text : SLICE_NULL;
}

void login_files_changed(struct login *login)
{
    const struct config_oauth *oauth = &login->config->auth.oauth;
    unsigned secret_version, ca_version;
    struct oauth_rules rules = {
        .url = oauth->introspection,
        .client_id = oauth->client_id,
        .client_secret = slice_trim(text_of(login, oauth->client_secret_file, &secret_version)),
        .field = oauth->account_field,
        .scope = oauth->scope,
        .ca = text_of(login, oauth->ca, &ca_version),
    };

    /* Never with the system's authorities in place of those that are missing. */
    if ((oauth->client_secret_file.len && !rules.client_secret.len) ||
        (oauth->ca.len && !rules.ca.len))
        rules.url = SLICE_NULL;
    oauth_set_rules(login->oauth, &rules);
}

void login_set_config(struct login *login, struct config *config)
{
    struct config *old = login->config;

    login->config = config_ref(config);
    config_unref(old);
    login_blocks_set_rules(login->blocks, &config->auth);
    login_files_changed(login);
    review_mechanisms(login);
}

void login_store_opened(struct login *login)
{
    struct store *store = login->host.store(login->host.arg);

    if (!store)
        return;
    login->host.store_note(login->host.arg, store_version(store, &login->store_version));
    login->host.store_note(login->host.arg, login_blocks_read(login->blocks, store, true));
    review_mechanisms(login);
}

void login_peer_up(struct login *login, enum role peer)
{
    if (peer != ROLE_RECEIVE)
        return;
    conversations_drop(login, peer);
    review_mechanisms(login);
    tell_mechanisms(login);
}

void login_peer_down(struct login *login, enum role peer)
{
    conversations_drop(login, peer);
}

void login_sasl(struct login *login, enum role from, struct slice payload)
{
    struct msg_sasl message;
    struct arena arena;

    arena_init(&arena);
    if (msg_sasl_decode(payload, &arena, &message) < 0)
        log_error(NULL, "message-broken", LOG_STR("peer", role_name(from)));
    else if (message.step == SASL_START)
        conversation_start(login, from, &message);
    else if (message.step == SASL_RESPONSE)
        conversation_respond(login, from, &message);
    else
        conversation_abort(login, from, message.conversation);
    arena_done(&arena);
}

void login_metrics(struct login *login, struct exposition *exposition)
{
    static const char name[] = "nuncio_auth_attempts_total";
    static const char help[] = "Logins judged, by what became of them.";
    const struct login_counts *counts = &login->counts;

    exposition_counter(exposition, name, help, "result=\"ok\"", counts->logins);
    exposition_counter(exposition, name, help, "result=\"failed\"", counts->failures);
    exposition_counter(exposition, name, help, "result=\"blocked\"", counts->blocked);
    exposition_counter(exposition, name, help, "result=\"later\"", counts->later);
    exposition_gauge(exposition, "nuncio_auth_blocks", "Addresses and accounts that are blocked.",
                     NULL, login_blocks_count(login->blocks));
}

void login_status(struct login *login, struct buf *json)
{
    buf_printf(json,
               "\"logins\":%ju,\"login_failures\":%ju,\"logins_blocked\":%ju,"
               "\"logins_put_off\":%ju,\"conversations\":%u,\"blocks\":%zu,",
               (uintmax_t)login->counts.logins, (uintmax_t)login->counts.failures,
               (uintmax_t)login->counts.blocked, (uintmax_t)login->counts.later,
               HASH_COUNT(login->by_number), login_blocks_count(login->blocks));
}
