/*
 * Verdicts, and how clients hear of them: the words of each failure, when they are said, what is
 * counted, and what a success brings along.
 *
 * A failure is told at the end of a multiple of the configured delay after the response came,
 * however long it took to verify, so that the time tells as little as the words. It is counted, and
 * blocks the client if need be, before he hears of it.
 */
#include "account/login_conversation.h"

#include "account/login_name.h"
#include "base/clock.h"

#include <errno.h>
#include <utlist.h>

struct failure {
    uint32_t code;
    bool wrong; /* counted as a guess, and delayed */
    const char *status, *text;
};

/* RFC 4954 section 6 */
static const struct failure failures[] = {
    [FAILURE_WRONG] = {535, true, "5.7.8", "Wrong user name or password"},
    [FAILURE_BLOCKED] = {454, false, "4.7.0", "Too many failed logins, try again later"},
    [FAILURE_LATER] = {454, false, "4.7.0", "Logins cannot be verified now, try again later"},
    [FAILURE_BUSY] = {454, false, "4.7.0", "Too many logins at once, try again later"},
    [FAILURE_MALFORMED] = {501, false, "5.5.2", "Malformed authentication response"},
    [FAILURE_MECHANISM] = {504, false, "5.5.4", "This mechanism cannot be used here"},
    [FAILURE_FACTOR] = {534, false, "5.7.9",
                        "This account needs a second factor: use an app password, or put the code "
                        "right behind the password"},
    [FAILURE_PROOF] = {534, false, "5.7.9",
                       "This account needs a second factor, which this mechanism cannot carry: use "
                       "PLAIN or LOGIN with an app password or with the code behind the password"},
    [FAILURE_CODE] = {535, true, "5.7.8", "The code behind the password is wrong"},
    [FAILURE_CODE_USED] = {535, true, "5.7.8", "The code was used already, wait for the next one"},
};

/* ---- replies -------------------------------------------------------------------------------- */

static void send_reply(struct login *login, enum role to, const struct msg_sasl_reply *reply)
{
    buf_reset(&login->out);
    msg_sasl_reply_encode(&login->out, reply);
    login->host.send(login->host.arg, to, MSG_SASL_REPLY, buf_slice(&login->out));
}

void conversation_reply(struct conversation *c)
{
    c->reply.conversation = c->number;
    send_reply(c->login, c->from, &c->reply);
    c->waiting = c->reply.outcome == SASL_CHALLENGE;
    if (!c->waiting)
        conversation_free(c);
}

static void arm_replies(struct login *login)
{
    if (login->replying)
        loop_timer_arm(login->replies, login->replying->due_ms);
}

static int by_due(const struct conversation *a, const struct conversation *b)
{
    return a->due_ms < b->due_ms ? -1 : a->due_ms > b->due_ms;
}

static void reply_late(struct conversation *c)
{
    uint64_t delay = c->login->config->auth.delay_ms;
    uint64_t elapsed = clock_mono_ms() - c->arrived_ms;

    if (delay == 0) {
        conversation_reply(c);
        return;
    }
    c->due_ms = c->arrived_ms + delay * (elapsed / delay + 1);
    c->delayed = true;
    DL_INSERT_INORDER(c->login->replying, c, by_due);
    arm_replies(c->login);
}

void conversations_send_due(struct login *login, uint64_t now_ms)
{
    while (login->replying && login->replying->due_ms <= now_ms) {
        struct conversation *c = login->replying;
        DL_DELETE(login->replying, c);
        c->delayed = false;
        conversation_reply(c);
    }
    arm_replies(login);
}

void conversation_challenge(struct conversation *c, struct slice data)
{
    c->reply.outcome = SASL_CHALLENGE;
    c->reply.data = data;
    conversation_reply(c);
}

static void count_failure(struct conversation *c, enum login_failure failure)
{
    struct login *login = c->login;
    struct store *store = login->host.store(login->host.arg);
    int r;

    login->counts.blocked += failure == FAILURE_BLOCKED;
    login->counts.later += failure == FAILURE_LATER || failure == FAILURE_BUSY;
    login->counts.failures += failures[failure].code == 535 || failures[failure].code == 534;
    if (!failures[failure].wrong)
        return;
    r = login_blocks_failed(login->blocks, store, c->client.address, c->account);
    if (r < 0)
        login->host.store_note(login->host.arg, r);
}

void conversation_fail(struct conversation *c, enum login_failure failure, const char *why)
{
    const struct failure *words = &failures[failure];
    struct slice claimed = c->account;
    struct sasl_result result;

    if (claimed.len == 0 && c->sasl)
        claimed = sasl_claim(c->sasl)->name.len ? sasl_claim(c->sasl)->name
                                                : sasl_claim(c->sasl)->authzid;
    count_failure(c, failure);
    c->decided = true;
    c->reply = (struct msg_sasl_reply){.outcome = SASL_FAILED,
                                       .account = arena_dup(&c->arena, claimed),
                                       .code = words->code,
                                       .status = slice_from_cstr(words->status),
                                       .text = slice_from_cstr(words->text),
                                       .why = arena_dup(&c->arena, slice_from_cstr(why))};
    if (!words->wrong) {
        conversation_reply(c);
        return;
    }
    result = sasl_refuse(c->sasl);
    if (result.event == SASL_EVENT_CHALLENGE) {
        c->reply.outcome = SASL_CHALLENGE;
        c->reply.data = result.data;
    }
    reply_late(c);
}

void conversation_accept(struct conversation *c, const char *why)
{
    struct login *login = c->login;
    struct store *store = conversation_store(c);
    struct store_limits limits;
    struct sasl_result result;
    int64_t size;

    if (!store || !conversation_read(c, store_limits_find(store, c->account, &limits)))
        return;
    size = limits.message_size == STORE_LIMIT_DEFAULT
               ? (int64_t)login->config->account_limits.message_size
               : limits.message_size;
    login->counts.logins++;
    login_blocks_succeeded(login->blocks, c->client.address, c->account);
    c->decided = true;
    c->reply = (struct msg_sasl_reply){.outcome = SASL_DONE,
                                       .account = c->account,
                                       .message_size = size > 0 ? (uint64_t)size : 0,
                                       .why = arena_dup(&c->arena, slice_from_cstr(why))};
    result = sasl_accept(c->sasl);
    if (result.event == SASL_EVENT_CHALLENGE)
        conversation_challenge(c, result.data);
    else
        conversation_reply(c);
}

void login_refuse(struct login *login, enum role from, uint64_t number, enum login_failure failure,
                  const char *why)
{
    const struct failure *words = &failures[failure];
    const struct msg_sasl_reply answer = {.conversation = number,
                                          .outcome = SASL_FAILED,
                                          .code = words->code,
                                          .status = slice_from_cstr(words->status),
                                          .text = slice_from_cstr(words->text),
                                          .why = slice_from_cstr(why)};

    login->counts.later++;
    send_reply(login, from, &answer);
}

/* ---- what the mechanisms share -------------------------------------------------------------- */

bool conversation_may_try(struct conversation *c)
{
    if (login_blocks_may_try(c->login->blocks, c->client.address, c->account))
        return true;
    conversation_fail(c, FAILURE_BLOCKED, "blocked");
    return false;
}

bool conversation_name(struct conversation *c, struct slice name)
{
    struct slice authzid = sasl_claim(c->sasl)->authzid, other;
    const struct config *config = c->login->config;

    if (!login_name_canonical(config, name, &c->arena, &c->account))
        c->account = SLICE_NULL;
    if (!conversation_may_try(c))
        return false;
    if (authzid.len == 0 ||
        (c->account.len && login_name_canonical(config, authzid, &c->arena, &other) &&
         slice_eq(other, c->account)))
        return true;
    conversation_fail(c, FAILURE_WRONG, "wants to act as another (authzid)");
    return false;
}

struct store *conversation_store(struct conversation *c)
{
    struct store *store = c->login->host.store(c->login->host.arg);

    if (!store)
        conversation_fail(c, FAILURE_LATER, "the account store cannot be read now");
    return store;
}

bool conversation_read(struct conversation *c, int r)
{
    c->login->host.store_note(c->login->host.arg, r);
    if (r == 0 || r == STORE_MISSING)
        return true;
    conversation_fail(c, FAILURE_LATER, "the account store cannot be read now");
    return false;
}

static bool certificate_names_account(struct conversation *c)
{
    for (uint32_t i = 0; i < c->client.n_cert_emails; i++) {
        struct slice email = c->client.cert_emails[i], account;
        if (slice_find(email, '@') >= 0 &&
            login_name_canonical(c->login->config, email, &c->arena, &account) &&
            slice_eq(account, c->account))
            return true;
    }
    return false;
}

int conversation_certificate(struct conversation *c)
{
    struct store *store = c->login->host.store(c->login->host.arg);
    struct slice owner;
    int r;

    if (c->client.fingerprint.len == 0)
        return 0;
    if (certificate_names_account(c))
        return 1;
    r = store ? store_certificate_find(store, &c->arena, c->client.fingerprint, &owner) : -EBUSY;
    if (r == 0)
        return slice_eq(owner, c->account);
    return r == STORE_MISSING ? 0 : r;
}
