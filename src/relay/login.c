/*
 * See login.h. Of the mechanisms that both sides have the strongest is taken; the order is that of
 * enum mechanism. There are three reasons to go on after a refusal, none of which is a second
 * guess at a password: the server has no use for the mechanism after all (504), it does not know
 * our kind of channel binding, or a kept token is refused and a new one can be had.
 */
#include "relay/login.h"

#include "base/log.h"
#include "relay/auth.h"
#include "relay/login_gate.h"
#include "relay/tokens.h"

#include <string.h>

enum { OAUTH = MECHANISM_OAUTHBEARER | MECHANISM_XOAUTH2 };

struct logins {
    struct handed *handed;
    struct tokens *tokens;
    struct login_gate *gate;
};

/* One login. */
struct login_try {
    struct logins *logins;
    const struct config_route *route;
    const struct login_server *server;
    struct client *client;
    unsigned wanted; /* not tried yet */
    enum mechanism mechanism;
    struct buf secret; /* password or token */
    unsigned char binding[TLS_BINDING_BYTES];
    bool has_binding, renewed;
    char words[LOGIN_WORDS_MAX]; /* why it failed */
};

struct logins *logins_new(struct https *https, struct handed *handed)
{
    struct logins *logins = xcalloc(1, sizeof(*logins));

    logins->handed = handed;
    logins->tokens = tokens_new(https, handed);
    logins->gate = login_gate_new();
    return logins;
}

void logins_free(struct logins *logins)
{
    if (!logins)
        return;
    tokens_free(logins->tokens);
    login_gate_free(logins->gate);
    free(logins);
}

void logins_reset(struct logins *logins)
{
    tokens_reset(logins->tokens);
    login_gate_reset(logins->gate);
}

static bool is_private(const struct login_try *one)
{
    return one->client->tls.version || one->server->here;
}

/* The strongest one that is left; or the reason why there is none. */
static bool choose(struct login_try *one)
{
    const char *offer = one->client->offer.auth;
    unsigned all = auth_offered(&one->client->offer, one->wanted), usable = all;

    if (!is_private(one))
        usable &= AUTH_WITHOUT_TLS;
    if (!one->has_binding)
        usable &= ~(unsigned)MECHANISM_PLUS;
    one->mechanism = mechanism_first(usable);
    one->wanted &= ~(unsigned)one->mechanism;
    if (one->mechanism)
        return true;
    if (!*offer)
        snprintf(one->words, sizeof(one->words), "it offers no login%s",
                 is_private(one) ? "" : " without TLS");
    else
        snprintf(one->words, sizeof(one->words), "it offers %s, of which %s", offer,
                 all ? "nothing may be used without TLS" : "the route allows none");
    return false;
}

static void wipe(struct buf *buf)
{
    size_t max = buf->max;

    if (buf->ptr)
        explicit_bzero(buf->ptr, buf->size);
    buf_done(buf);
    buf_init(buf, max);
}

/* The first line of the file. */
static bool read_password(struct login_try *one)
{
    struct slice path = one->route->login.password_file, line, text;
    unsigned version;

    wipe(&one->secret);
    if (!handed_read(one->logins->handed, path, &one->secret, &version)) {
        snprintf(one->words, sizeof(one->words), "%.*s: %.*s", SLICE_ARG(path),
                 SLICE_ARG(buf_slice(&one->secret)));
        return false;
    }
    text = buf_slice(&one->secret);
    line = slice_cut(&text, '\n');
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    one->secret.len = line.len;
    if (line.len == 0)
        snprintf(one->words, sizeof(one->words), "%.*s: its first line is empty", SLICE_ARG(path));
    return line.len > 0;
}

/* `refused` is one that was just said in vain, or empty. */
static bool read_token(struct login_try *one, struct slice refused)
{
    char why[TOKEN_WHY_MAX] = "";
    struct buf token;
    bool fine;

    buf_init(&token, TOKEN_MAX);
    fine = tokens_get(one->logins->tokens, one->route, refused, &token, why);
    wipe(&one->secret);
    one->secret = token;
    if (!fine)
        snprintf(one->words, sizeof(one->words), "no access token from %.*s: %s",
                 SLICE_ARG(one->route->login.token.endpoint), why);
    return fine;
}

static int say(struct login_try *one, struct auth_failure *failure)
{
    bool oauth = (unsigned)one->mechanism & OAUTH;
    struct auth_secrets secrets = {.user = one->route->login.user,
                                   .password = oauth ? SLICE_NULL : buf_slice(&one->secret),
                                   .token = oauth ? buf_slice(&one->secret) : SLICE_NULL,
                                   .host = one->server->host,
                                   .port = one->server->port};

    if (one->has_binding)
        secrets.binding = slice_from(one->binding, sizeof(one->binding));
    return auth_run(one->client, one->mechanism, &secrets, failure);
}

static void explain(struct login_try *one, int r, const struct auth_failure *failure)
{
    struct buf words;

    buf_init(&words, REPLY_TEXT_MAX + AUTH_SAID_MAX);
    if (r == AUTH_REFUSED)
        reply_add_words(&words, &one->client->reply);
    else
        buf_add_cstr(&words, failure->why);
    if (*failure->said)
        buf_printf(&words, " %s", failure->said);
    snprintf(one->words, sizeof(one->words), "%.*s", SLICE_ARG(buf_slice(&words)));
    buf_done(&words);
}

/* Whether there is another way after this refusal. */
static bool may_go_on(const struct login_try *one, const struct auth_failure *failure)
{
    unsigned code = one->client->reply.code;
    bool plus = (unsigned)one->mechanism & MECHANISM_PLUS;

    return !one->client->broken &&
           (code == 504 || (plus && failure->steps == 0 && code / 100 == 5));
}

/* One mechanism, with a second token if the first one is refused. As auth_run(); AUTH_BROKEN
 * without a reason in `failure`: there is no secret, and one->words say why. */
static int run_mechanism(struct login_try *one, struct auth_failure *failure)
{
    struct buf refused;
    int r;

    if (!((unsigned)one->mechanism & OAUTH))
        return read_password(one) ? say(one, failure) : AUTH_BROKEN;
    if (!read_token(one, SLICE_NULL))
        return AUTH_BROKEN;
    r = say(one, failure);
    if (r != AUTH_REFUSED || one->renewed || one->client->broken)
        return r;
    one->renewed = true;
    buf_init(&refused, TOKEN_MAX);
    if (buf_reserve(&refused, one->secret.len))
        buf_add_slice(&refused, buf_slice(&one->secret));
    r = read_token(one, buf_slice(&refused)) ? say(one, failure) : AUTH_BROKEN;
    wipe(&refused);
    return r;
}

/* 0, AUTH_REFUSED or AUTH_BROKEN with words, or a failure of the connection. */
static int run(struct login_try *one)
{
    for (;;) {
        struct auth_failure failure = {.why = NULL};
        int r;

        if (!choose(one))
            return AUTH_BROKEN;
        r = run_mechanism(one, &failure);
        if (r <= 0)
            return r;
        if (r == AUTH_REFUSED || failure.why)
            explain(one, r, &failure);
        if (r == AUTH_REFUSED && may_go_on(one, &failure))
            continue;
        return r;
    }
}

static void log_failure(const struct login_try *one, uint64_t shut_ms)
{
    char rule[300];

    snprintf(rule, sizeof(rule), "%.*s:%u", SLICE_ARG(one->route->source.file),
             one->route->source.line);
    log_warn(NULL, "login-failed", LOG_SLICE("route", one->route->name),
             LOG_SLICE("remote", one->client->name), LOG_SLICE("user", one->route->login.user),
             LOG_STR("mechanism", one->mechanism ? mechanism_name(one->mechanism) : "none"),
             LOG_STR("why", one->words), LOG_INT("next_s", (int64_t)(shut_ms / 1000)),
             LOG_STR("rule", rule));
}

static void log_success(const struct login_try *one, uint64_t message)
{
    struct message_id_text id = message_id_format(message);

    log_info(NULL, "login", LOG_STR("message", id.text), LOG_SLICE("route", one->route->name),
             LOG_SLICE("remote", one->client->name), LOG_SLICE("user", one->route->login.user),
             LOG_STR("mechanism", mechanism_name(one->mechanism)));
}

/* Behind the gate. */
static int run_inside(struct login_try *one, const struct login_pass *pass,
                      const struct outcome *outcome, struct verdict *ret_verdict)
{
    struct login_gate *gate = one->logins->gate;
    int r = run(one);

    if (r == AUTH_DONE) {
        login_gate_leave(gate, one->route->name, pass, LOGIN_WORKED, NULL);
        log_success(one, outcome->unit->message_id);
        return LOGIN_DONE;
    }
    if (r < 0) {
        login_gate_leave(gate, one->route->name, pass, LOGIN_UNKNOWN, NULL);
        return r;
    }
    log_failure(one, login_gate_leave(gate, one->route->name, pass, LOGIN_FAILED, one->words));
    *ret_verdict = verdict_from_text(
        outcome, DONE_NETWORK, STATUS(4, 7, 8), "login at %.*s as %.*s failed: %s",
        SLICE_ARG(one->client->name), SLICE_ARG(one->route->login.user), one->words);
    return LOGIN_NOT;
}

int login_run(struct logins *logins, const struct config_route *route,
              const struct login_server *server, struct client *client,
              const struct outcome *outcome, struct verdict *ret_verdict)
{
    struct login_try one = {.logins = logins,
                            .route = route,
                            .server = server,
                            .client = client,
                            .wanted = route->login.mechanisms & AUTH_MECHANISMS};
    struct login_pass pass;
    uint64_t left_ms;
    int r;

    if (route->login.user.len == 0)
        return LOGIN_DONE;
    if (!login_gate_enter(logins->gate, route->name, &pass, &left_ms, one.words)) {
        *ret_verdict = verdict_from_text(
            outcome, DONE_NETWORK, STATUS(4, 7, 8),
            "login as %.*s failed before, and is tried again in %llu s: %s",
            SLICE_ARG(route->login.user), (unsigned long long)left_ms / 1000 + 1, one.words);
        return LOGIN_NOT;
    }
    buf_init(&one.secret, HANDED_SECRET_MAX);
    one.has_binding = stream_tls_binding(&client->stream, one.binding);
    r = run_inside(&one, &pass, outcome, ret_verdict);
    wipe(&one.secret);
    return r;
}
