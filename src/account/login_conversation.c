/*
 * A conversation: the client's steps go to its SASL side, and what comes out goes to whoever can
 * decide about it (login_verdict.c has what follows).
 *
 * A verdict comes once. Two mechanisms have something to say after it: SCRAM's client wants our
 * signature and says thank you, a refused token's client hears why and says nothing.
 */
#include "account/login_conversation.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

static struct conversation *find(struct login *login, enum role from, uint64_t number)
{
    struct conversation *c;

    /* The number alone is the key: only receive has conversations. */
    HASH_FIND(hh, login->by_number, &number, sizeof(number), c);
    return c && c->from == from ? c : NULL;
}

struct conversation *conversation_of_job(struct login *login, uint64_t job)
{
    struct conversation *c;

    HASH_FIND(hh_job, login->by_job, &job, sizeof(job), c);
    return c;
}

static void wipe(struct slice secret)
{
    if (secret.len)
        explicit_bzero((char *)(uintptr_t)secret.ptr, secret.len);
}

void conversation_free(struct conversation *c)
{
    struct login *login = c->login;

    HASH_DELETE(hh, login->by_number, c);
    HASH_DELETE(hh_job, login->by_job, c);
    if (c->delayed)
        DL_DELETE(login->replying, c);
    if (c->directory)
        c->directory->methods->cancel(c->directory, c);
    wipe(c->factor.totp_key);
    sasl_free(c->sasl);
    arena_done(&c->arena);
    free(c);
}

/* What the client says after the verdict changes nothing, unless it is no SASL. */
static void conclude(struct conversation *c, struct sasl_result result)
{
    bool accepted = c->reply.account.len && c->reply.code == 0;

    if (accepted && result.event != SASL_EVENT_DONE) {
        c->login->counts.logins--;
        conversation_fail(c, FAILURE_MALFORMED, result.why);
        return;
    }
    c->reply.outcome = accepted ? SASL_DONE : SASL_FAILED;
    c->reply.data = SLICE_NULL;
    conversation_reply(c);
}

void conversation_go_on(struct conversation *c, struct sasl_result result)
{
    if (c->decided) {
        conclude(c, result);
        return;
    }
    switch (result.event) {
    case SASL_EVENT_CHALLENGE:
        conversation_challenge(c, result.data);
        break;
    case SASL_EVENT_LOOKUP:
        login_proof_lookup(c);
        break;
    case SASL_EVENT_PROVED:
        login_proof_proved(c);
        break;
    case SASL_EVENT_CLAIM:
        if (c->mechanism == MECHANISM_EXTERNAL)
            login_certificate_claim(c);
        else if ((unsigned)c->mechanism & (MECHANISM_XOAUTH2 | MECHANISM_OAUTHBEARER))
            login_token_claim(c);
        else
            login_password_claim(c);
        break;
    case SASL_EVENT_FAILED:
        /* Of many guesses at once only the first few are answered. */
        if (conversation_may_try(c))
            conversation_fail(c, FAILURE_WRONG, result.why);
        break;
    default:
        conversation_fail(c, FAILURE_MALFORMED, result.why);
        break;
    }
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void copy_client(struct arena *arena, const struct sasl_client *from, struct sasl_client *to)
{
    to->address = arena_dup(arena, from->address);
    to->listener = arena_dup(arena, from->listener);
    to->tls = from->tls;
    to->binding = SLICE_NULL;
    to->fingerprint = arena_dup(arena, from->fingerprint);
    to->n_cert_emails = from->n_cert_emails;
    to->cert_emails = arena_alloc(arena, from->n_cert_emails * sizeof(*to->cert_emails));
    for (uint32_t i = 0; i < from->n_cert_emails; i++)
        to->cert_emails[i] = arena_dup(arena, from->cert_emails[i]);
}

/* Whether the client was offered a -PLUS. */
static bool offers_plus(const struct login *login, const struct sasl_client *client)
{
    const struct config *config = login->config;

    for (size_t i = 0; i < config->n_listeners; i++) {
        unsigned set = config->listeners[i].mechanisms;
        if (slice_eq(config->listeners[i].name, client->listener))
            return client->binding.len && !(set & MECHANISM_QUIET_PLUS) &&
                   set & login->mechanisms & MECHANISM_PLUS;
    }
    return false;
}

static struct conversation *add(struct login *login, enum role from, const struct msg_sasl *message)
{
    const struct sasl_facts facts = {.binding = message->client.binding,
                                     .plus_offered = offers_plus(login, &message->client)};
    struct conversation *c = xcalloc(1, sizeof(*c));

    c->login = login;
    c->from = from;
    c->number = message->conversation;
    c->job = ++login->last_job;
    c->mechanism = (enum mechanism)message->mechanism;
    c->arrived_ms = clock_mono_ms();
    arena_init(&c->arena);
    copy_client(&c->arena, &message->client, &c->client);
    if (message->mechanism & login->mechanisms)
        c->sasl = sasl_new(login->engine, c->mechanism, &facts);
    HASH_ADD(hh, login->by_number, number, sizeof(c->number), c);
    HASH_ADD(hh_job, login->by_job, job, sizeof(c->job), c);
    return c;
}

/* The table keeps the order of beginning. Whoever waits longest for his client gives way: people's
 * programs respond at once, so what waits is mostly somebody who wants to fill the table. */
static bool make_room(struct login *login)
{
    struct conversation *c, *next;

    if (HASH_COUNT(login->by_number) < LOGIN_CONVERSATIONS_MAX)
        return true;
    HASH_ITER(hh, login->by_number, c, next)
    {
        if (c->waiting) {
            conversation_free(c);
            return true;
        }
    }
    return false;
}

void conversation_start(struct login *login, enum role from, const struct msg_sasl *message)
{
    struct conversation *c = find(login, from, message->conversation);

    if (c)
        conversation_free(c);
    if (!make_room(login)) {
        login_refuse(login, from, message->conversation, FAILURE_BUSY, "too many conversations");
        return;
    }
    c = add(login, from, message);
    if (!c->sasl)
        conversation_fail(c, FAILURE_MECHANISM, "a mechanism that was not offered");
    else
        conversation_go_on(c, sasl_step(c->sasl, message->has_response, message->response));
}

void conversation_respond(struct login *login, enum role from, const struct msg_sasl *message)
{
    struct conversation *c = find(login, from, message->conversation);

    if (!c) {
        login_refuse(login, from, message->conversation, FAILURE_LATER, "the conversation is gone");
        return;
    }
    if (!c->waiting) {
        conversation_free(c);
        login_refuse(login, from, message->conversation, FAILURE_LATER, "a response to nothing");
        return;
    }
    c->waiting = false;
    c->arrived_ms = clock_mono_ms();
    conversation_go_on(c, sasl_step(c->sasl, true, message->response));
}

void conversation_abort(struct login *login, enum role from, uint64_t number)
{
    struct conversation *c = find(login, from, number);

    if (c)
        conversation_free(c);
}

void conversations_drop(struct login *login, enum role from)
{
    struct conversation *c, *next;

    HASH_ITER(hh, login->by_number, c, next)
    {
        if (c->from == from)
            conversation_free(c);
    }
}

void conversations_expire(struct login *login, uint64_t now_ms)
{
    struct conversation *c, *next;

    HASH_ITER(hh, login->by_number, c, next)
    {
        if (c->waiting && now_ms - c->arrived_ms >= LOGIN_IDLE_MS)
            conversation_free(c);
    }
}
