/*
 * See tokens.h. The lock guards the list and what is kept in it; an entry that is `busy` has a
 * request under way, for which the one who made it waits without the lock. An entry is never freed
 * while it is busy: a reset only empties it.
 *
 * A server may send a new refresh token with each answer and forget the old one (RFC 6749 section
 * 6). It is kept here as long as the file has the token that it replaced, over reloads, too, and
 * until the server ends: the file is the administrator's, and nobody but the parent can reach it.
 * The log asks for it to be brought up to date.
 */
#include "relay/tokens.h"

#include "base/clock.h"
#include "base/log.h"

#include <pthread.h>
#include <string.h>
#include <utlist.h>

/* Asked anew so long before its end; and how long one is kept that has no end of its own. */
enum {
    MARGIN_MS = 60 * 1000,
    UNTOLD_MS = 10 * 60 * 1000,
    FORM_MAX = 32 * 1024,
    ORIGIN_MAX = HANDED_SECRET_MAX + 8192
};

struct entry {
    struct entry *next;
    char *route;
    bool busy;
    unsigned version;   /* of the files under which `access` was given */
    struct buf access;  /* secrets */
    struct buf refresh; /* a newer one than the file's, or empty */
    struct buf instead; /* the origin that `refresh` replaces */
    uint64_t until_ms;
};

struct tokens {
    struct https *https;
    struct handed *handed;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    struct entry *entries;
};

struct tokens *tokens_new(struct https *https, struct handed *handed)
{
    struct tokens *tokens = xcalloc(1, sizeof(*tokens));

    tokens->https = https;
    tokens->handed = handed;
    pthread_mutex_init(&tokens->lock, NULL);
    pthread_cond_init(&tokens->changed, NULL);
    return tokens;
}

static void wipe(struct buf *buf)
{
    size_t max = buf->max;

    if (buf->ptr)
        explicit_bzero(buf->ptr, buf->size);
    buf_done(buf);
    buf_init(buf, max);
}

static void keep(struct buf *kept, struct slice secret)
{
    wipe(kept);
    if (secret.len && buf_reserve(kept, secret.len))
        buf_add_slice(kept, secret);
}

void tokens_reset(struct tokens *tokens)
{
    struct entry *entry;

    pthread_mutex_lock(&tokens->lock);
    LL_FOREACH(tokens->entries, entry)
    {
        wipe(&entry->access);
    }
    pthread_mutex_unlock(&tokens->lock);
}

void tokens_free(struct tokens *tokens)
{
    struct entry *entry, *next;

    if (!tokens)
        return;
    LL_FOREACH_SAFE(tokens->entries, entry, next)
    {
        wipe(&entry->access);
        wipe(&entry->refresh);
        wipe(&entry->instead);
        free(entry->route);
        free(entry);
    }
    pthread_cond_destroy(&tokens->changed);
    pthread_mutex_destroy(&tokens->lock);
    free(tokens);
}

/* ---- the request ---------------------------------------------------------------------------- */

/* A field of a form (application/x-www-form-urlencoded); `name` has its "&" and "=". */
static void add_field(struct buf *form, const char *name, struct slice value)
{
    static const char hex[] = "0123456789ABCDEF";

    buf_add_cstr(form, name);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (ascii_is_alnum((char)c) || (c && strchr("-._~", c))) {
            buf_add_char(form, (char)c);
        } else {
            buf_add_char(form, '%');
            buf_add_char(form, hex[c >> 4]);
            buf_add_char(form, hex[c & 15]);
        }
    }
}

/* A secret is the first line of its file. */
static bool read_secret(struct tokens *tokens, struct slice path, struct buf *ret_secret,
                        char why[TOKEN_WHY_MAX])
{
    struct buf text;
    struct slice rest;
    unsigned version;
    bool fine;

    buf_init(&text, HANDED_SECRET_MAX);
    fine = handed_read(tokens->handed, path, &text, &version);
    rest = buf_slice(&text);
    if (fine)
        keep(ret_secret, slice_trim(slice_cut(&rest, '\n')));
    else
        snprintf(why, TOKEN_WHY_MAX, "%.*s: %.*s", SLICE_ARG(path), SLICE_ARG(buf_slice(&text)));
    wipe(&text);
    return fine;
}

static bool add_client_secret(struct tokens *tokens, const struct config_token *token,
                              struct buf *form, char why[TOKEN_WHY_MAX])
{
    struct buf secret;
    bool fine;

    if (!token->client_secret_file.len)
        return true;
    buf_init(&secret, HANDED_SECRET_MAX);
    fine = read_secret(tokens, token->client_secret_file, &secret, why);
    if (fine)
        add_field(form, "&client_secret=", buf_slice(&secret));
    wipe(&secret);
    return fine;
}

/* Where a refresh token comes from: the server, the client, and what the file has. A token that
 * was given for one origin is never shown to another. */
static bool make_origin(struct tokens *tokens, const struct config_token *token, struct buf *origin,
                        struct buf *ret_file, char why[TOKEN_WHY_MAX])
{
    if (!read_secret(tokens, token->refresh_token_file, ret_file, why))
        return false;
    buf_reserve(origin, ORIGIN_MAX);
    buf_add_slice(origin, token->endpoint);
    buf_add_char(origin, '\n');
    buf_add_slice(origin, token->client_id);
    buf_add_char(origin, '\n');
    buf_add_slice(origin, buf_slice(ret_file));
    return true;
}

static bool make_form(struct tokens *tokens, const struct config_token *token, struct slice refresh,
                      struct buf *form, char why[TOKEN_WHY_MAX])
{
    buf_add_cstr(form, "grant_type=refresh_token");
    add_field(form, "&client_id=", token->client_id);
    if (!add_client_secret(tokens, token, form, why))
        return false;
    add_field(form, "&refresh_token=", refresh);
    if (token->scope.len)
        add_field(form, "&scope=", token->scope);
    if (form->overflow)
        snprintf(why, TOKEN_WHY_MAX, "the refresh token or secret is too long");
    return !form->overflow;
}

struct wait {
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t answered;
    bool done, fine;
    struct token_answer answer;
};

static void on_answer(void *arg, const struct https_answer *answer)
{
    struct wait *wait = arg;

    pthread_mutex_lock(&wait->lock);
    if (answer->failure)
        snprintf(wait->answer.why, sizeof(wait->answer.why), "%s", answer->why);
    else
        wait->fine = token_answer_parse(answer->status, answer->body, &wait->answer);
    wait->done = true;
    pthread_cond_signal(&wait->answered);
    pthread_mutex_unlock(&wait->lock);
}

/* Waits for the answer, which comes in TOKENS_PATIENCE_MS at the latest. */
static bool ask(struct tokens *tokens, const struct config_token *token, struct slice form,
                struct slice ca, struct token_answer *ret_answer)
{
    const struct https_request request = {.url = token->endpoint,
                                          .body = form,
                                          .type = "application/x-www-form-urlencoded",
                                          .answer_max = 4 * TOKEN_MAX,
                                          .patience_ms = TOKENS_PATIENCE_MS,
                                          .ca = ca,
                                          .secret = true,
                                          .plain_here = true};
    struct wait wait = {.done = false};

    pthread_mutex_init(&wait.lock, NULL);
    pthread_cond_init(&wait.answered, NULL);
    https_ask(tokens->https, &request, on_answer, &wait);
    pthread_mutex_lock(&wait.lock);
    while (!wait.done)
        pthread_cond_wait(&wait.answered, &wait.lock);
    pthread_mutex_unlock(&wait.lock);
    pthread_cond_destroy(&wait.answered);
    pthread_mutex_destroy(&wait.lock);
    *ret_answer = wait.answer;
    return wait.fine;
}

static bool refresh_token(struct tokens *tokens, const struct config_route *route,
                          struct slice refresh, struct token_answer *ret_answer)
{
    const struct config_token *token = &route->login.token;
    struct token_answer answer = {.lifetime_s = 0};
    struct buf form, ca;
    unsigned version;
    bool fine;

    buf_init(&form, FORM_MAX);
    buf_reserve(&form, FORM_MAX);
    buf_init(&ca, HANDED_CA_MAX);
    fine = !token->ca.len || handed_read(tokens->handed, token->ca, &ca, &version);
    if (!fine)
        snprintf(answer.why, sizeof(answer.why), "%.*s: %.*s", SLICE_ARG(token->ca),
                 SLICE_ARG(buf_slice(&ca)));
    fine = fine && make_form(tokens, token, refresh, &form, answer.why);
    if (fine)
        fine = ask(tokens, token, buf_slice(&form), buf_slice(&ca), &answer);
    wipe(&form);
    buf_done(&ca);
    *ret_answer = answer;
    return fine;
}

/* ---- what is kept; with the lock held ------------------------------------------------------- */

static struct entry *entry_of(struct tokens *tokens, struct slice route)
{
    struct entry *entry;

    LL_FOREACH(tokens->entries, entry)
    {
        if (slice_eq(slice_from_cstr(entry->route), route))
            return entry;
    }
    entry = xcalloc(1, sizeof(*entry));
    entry->route = xslicedup(route);
    buf_init(&entry->access, TOKEN_MAX);
    buf_init(&entry->refresh, TOKEN_MAX);
    buf_init(&entry->instead, ORIGIN_MAX);
    LL_PREPEND(tokens->entries, entry);
    return entry;
}

static void take_answer(struct entry *entry, const struct config_route *route,
                        const struct token_answer *answer, struct slice origin)
{
    uint64_t lifetime_ms = answer->lifetime_s * 1000;

    keep(&entry->access, buf_slice(&answer->access));
    if (lifetime_ms == 0)
        lifetime_ms = UNTOLD_MS;
    else
        lifetime_ms -= lifetime_ms > 2 * MARGIN_MS ? MARGIN_MS : lifetime_ms / 2;
    entry->until_ms = clock_mono_ms() + lifetime_ms;
    if (answer->refresh.len == 0)
        return;
    keep(&entry->refresh, buf_slice(&answer->refresh));
    keep(&entry->instead, origin);
    log_warn(NULL, "refresh-token-new", LOG_SLICE("route", route->name),
             LOG_SLICE("file", route->login.token.refresh_token_file),
             LOG_STR("why", "the server sent a new refresh token, which is used until the file "
                            "changes or the server stops; the file has the old one"));
}

/* Any of the files may be another one by now. */
static void forget_if_stale(struct tokens *tokens, struct entry *entry)
{
    unsigned version = handed_version(tokens->handed);

    if (entry->version == version)
        return;
    entry->version = version;
    wipe(&entry->access);
}

static bool is_good(const struct entry *entry, struct slice refused)
{
    return entry->access.len && clock_mono_ms() < entry->until_ms &&
           !slice_eq(buf_slice(&entry->access), refused);
}

/* With the lock held, which is let go meanwhile. */
static bool renew(struct tokens *tokens, struct entry *entry, const struct config_route *route,
                  char why[TOKEN_WHY_MAX])
{
    struct token_answer answer = {.lifetime_s = 0};
    struct buf refresh, origin;
    bool fine;

    buf_init(&refresh, HANDED_SECRET_MAX);
    buf_init(&origin, ORIGIN_MAX);
    fine = make_origin(tokens, &route->login.token, &origin, &refresh, answer.why);
    if (entry->refresh.len && slice_eq(buf_slice(&entry->instead), buf_slice(&origin)))
        keep(&refresh, buf_slice(&entry->refresh));
    entry->busy = true;
    pthread_mutex_unlock(&tokens->lock);
    if (fine)
        fine = refresh_token(tokens, route, buf_slice(&refresh), &answer);
    pthread_mutex_lock(&tokens->lock);
    entry->busy = false;
    if (fine)
        take_answer(entry, route, &answer, buf_slice(&origin));
    else
        snprintf(why, TOKEN_WHY_MAX, "%s", answer.why);
    token_answer_done(&answer);
    wipe(&refresh);
    wipe(&origin);
    pthread_cond_broadcast(&tokens->changed);
    return fine;
}

bool tokens_get(struct tokens *tokens, const struct config_route *route, struct slice refused,
                struct buf *out, char why[TOKEN_WHY_MAX])
{
    struct entry *entry;
    bool fine = true;

    pthread_mutex_lock(&tokens->lock);
    entry = entry_of(tokens, route->name);
    while (entry->busy)
        pthread_cond_wait(&tokens->changed, &tokens->lock);
    forget_if_stale(tokens, entry);
    if (!is_good(entry, refused))
        fine = renew(tokens, entry, route, why);
    if (fine && buf_reserve(out, entry->access.len))
        buf_add_slice(out, buf_slice(&entry->access));
    pthread_mutex_unlock(&tokens->lock);
    return fine;
}
