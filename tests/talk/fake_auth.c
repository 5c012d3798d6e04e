/* See fake_auth.h. One thread, one session. */
#include "fake_auth.h"

#include "mail/address.h"

#include <errno.h>

static struct {
    struct server *server;
    struct buf reply; /* not handed in yet */
    bool hold, away, open;
    uint64_t conversation;
    unsigned mechanism, step;
    char name[256];
} fake;

static void answer(const struct msg_sasl_reply *reply)
{
    struct msg_sasl_reply numbered = *reply;

    numbered.conversation = fake.conversation;
    buf_reset(&fake.reply);
    msg_sasl_reply_encode(&fake.reply, &numbered);
    fake.open = reply->outcome == SASL_CHALLENGE;
}

static void challenge(const char *text)
{
    answer(&(struct msg_sasl_reply){.outcome = SASL_CHALLENGE, .data = slice_from_cstr(text)});
}

static void fail(uint32_t code, const char *status, const char *text)
{
    answer(&(struct msg_sasl_reply){.outcome = SASL_FAILED,
                                    .account = slice_from_cstr(fake.name),
                                    .code = code,
                                    .status = slice_from_cstr(status),
                                    .text = slice_from_cstr(text)});
}

static void set_name(struct slice name)
{
    snprintf(fake.name, sizeof(fake.name), "%.*s%s", (int)(name.len < 200 ? name.len : 200),
             name.ptr, slice_find(name, '@') < 0 ? "@example.org" : "");
}

static bool begins(struct slice text, const char *word)
{
    return slice_starts_with_nocase(text, slice_from_cstr(word));
}

static void judge(struct slice password)
{
    struct slice name = slice_from_cstr(fake.name);

    if (begins(name, "later@"))
        fail(454, "4.7.0", "later");
    else if (begins(name, "odd@"))
        fail(535, "4.x", "odd");
    else if (!slice_eq(password, SLICE("secret")))
        fail(535, "5.7.8", "wrong name or password");
    else
        answer(&(struct msg_sasl_reply){.outcome = SASL_DONE,
                                        .account = name,
                                        .message_size = begins(name, "small@") ? 600 : 0,
                                        .why = SLICE("password")});
}

static void take_plain(struct slice response)
{
    (void)slice_cut(&response, '\0');
    set_name(slice_cut(&response, '\0'));
    judge(response);
}

static void take_response(struct slice response)
{
    static const char *const prompts[] = {"Username:", "Password:"};

    if (fake.mechanism == MECHANISM_PLAIN) {
        take_plain(response);
    } else if (fake.mechanism == MECHANISM_CRAM_MD5) {
        set_name(slice_cut(&response, ' '));
        judge(response);
    } else if (fake.step == 0) {
        set_name(response);
        challenge(fake.mechanism == MECHANISM_LOGIN ? prompts[1] : "your proof");
        fake.step = 1;
    } else if (fake.step == 1 && fake.mechanism == MECHANISM_SCRAM_SHA_256 &&
               slice_eq(response, SLICE("secret"))) {
        challenge("my proof");
        fake.step = 2;
    } else {
        judge(fake.step == 2 && response.len == 0 ? SLICE("secret") : response);
    }
}

static void begin(const struct msg_sasl *message)
{
    fake.conversation = message->conversation;
    fake.mechanism = message->mechanism;
    fake.step = 0;
    fake.open = true;
    if (message->has_response)
        take_response(message->response);
    else
        challenge(fake.mechanism == MECHANISM_LOGIN      ? "Username:"
                  : fake.mechanism == MECHANISM_CRAM_MD5 ? "<1@mx>"
                                                         : "");
}

static int take_message(void *arg, struct slice payload)
{
    struct msg_sasl message;
    struct arena arena;

    (void)arg;
    if (fake.away)
        return -ENOTCONN;
    arena_init(&arena);
    if (msg_sasl_decode(payload, &arena, &message) < 0)
        abort();
    if (message.step == SASL_START)
        begin(&message);
    else if (message.conversation != fake.conversation)
        abort();
    else if (message.step == SASL_ABORT)
        fake.open = false;
    else if (!fake.open)
        abort();
    else
        take_response(message.response);
    arena_done(&arena);
    return 0;
}

bool fake_auth_answer(void)
{
    struct buf reply = fake.reply;

    if (fake.hold || reply.len == 0)
        return false;
    buf_init(&fake.reply, 64 * 1024);
    exchanges_reply(fake.server->exchanges, buf_slice(&reply));
    buf_done(&reply);
    return true;
}

void fake_auth_hold(bool hold)
{
    fake.hold = hold;
}

void fake_auth_away(bool away)
{
    fake.away = away;
    if (!away)
        return;
    fake.open = false;
    buf_reset(&fake.reply);
    exchanges_lost(fake.server->exchanges);
}

static enum resolve_status resolve(void *arg, struct slice address)
{
    (void)arg;
    if (begins(address, "unknown"))
        return RESOLVE_UNKNOWN;
    if (begins(address, "full"))
        return RESOLVE_FULL;
    if (begins(address, "later"))
        return RESOLVE_LATER;
    return RESOLVE_LOCAL;
}

static enum resolve_status owns(void *arg, struct slice account, struct slice address)
{
    struct slice user = address_local(account);
    bool his = slice_starts_with_nocase(address, user) && address.len > user.len &&
               address.ptr[user.len] == '-' &&
               address_domain_eq(address_domain(account), address_domain(address));

    (void)arg;
    if (begins(address, "later-"))
        return RESOLVE_LATER;
    return his ? RESOLVE_OWN : RESOLVE_UNKNOWN;
}

static void ask_submission(void *arg, const struct msg_submission *question, struct arena *arena,
                           struct msg_submission_reply *ret_reply)
{
    struct slice account = question->account;

    (void)arg;
    *ret_reply = (struct msg_submission_reply){.verdict = SUBMISSION_GO};
    if (begins(account, "mute@"))
        ret_reply->verdict = 0;
    else if (begins(account, "slow@"))
        ret_reply->verdict = SUBMISSION_LATER;
    else if (begins(account, "held@"))
        ret_reply->verdict = SUBMISSION_HOLD;
    else if (begins(account, "banned@"))
        ret_reply->verdict = SUBMISSION_REFUSE;
    ret_reply->text = arena_printf(arena, "%u recipients", question->recipients);
}

void fake_auth_open(struct server *server)
{
    struct exchange_options options = {.send = take_message, .wake = server->wake};

    memset(&fake, 0, sizeof(fake));
    fake.server = server;
    buf_init(&fake.reply, 64 * 1024);
    server->resolve = resolve;
    server->owns = owns;
    server->submission = ask_submission;
    server->exchanges = exchanges_new(&options);
    atomic_store(&server->mechanisms, MECHANISM_ALL);
}

bool fake_auth_close(struct server *server)
{
    exchanges_free(server->exchanges);
    buf_done(&fake.reply);
    return !fake.open;
}
