/*
 * See freezing.h. A question waits for the directory that has the account (is it still there, may
 * it log in?), then the store says whether it is frozen and which limits it has, then the breaker
 * counts. What cannot be told now is SUBMISSION_LATER: never a wrong no, and never a wrong yes.
 *
 * A freeze is written to the store before the message is answered. Telling the queue is separate
 * from that: all freezes of the table that are not marked as told are told when the queue comes up,
 * when the table has changed by our hand or another's (looked at once a second), and again each
 * minute; the queue does each one once. So no crash between two steps loses one.
 *
 * The counts are saved once a minute at most and when the role ends (breaker_file.h).
 */
#include "account/freezing.h"

#include "account/breaker.h"
#include "account/breaker_file.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/channel.h"

#include <errno.h>
#include <utlist.h>

enum {
    LOOK_EVERY_MS = 1000,
    TELL_EVERY_MS = 60 * 1000,
    SAVE_EVERY_MS = 60 * 1000,
    QUESTIONS_MAX = 1000,
    WHY_MAX = 512,
};

/* A MSG_SUBMISSION whose account is being looked up. */
struct question {
    struct freezing *freezing;
    struct directory *asked; /* or NULL */
    struct msg_submission message;
    struct arena arena; /* of its strings */
    struct question *prev, *next;
};

struct freezing {
    struct config *config;
    struct directories *directories;
    freezing_send *send;
    void *arg;
    struct breaker *breaker;
    struct question *questions;
    unsigned n_questions;
    struct loop_timer *timer;
    struct store *seen; /* the store that `version` is of */
    uint64_t version;
    uint64_t tell_at, save_at; /* monotonic ms */
    bool counted;              /* since the counts were saved */
    struct buf out;
};

/* ---- telling the queue --------------------------------------------------------------------- */

static void tell_freeze(void *arg, const struct store_freeze *freeze)
{
    struct freezing *freezing = arg;
    struct msg_frozen message = {.account = freeze->account,
                                 .since_ms = freeze->since_ms,
                                 .tell = freeze->tell,
                                 .why = freeze->why};

    if (freeze->told)
        return;
    buf_reset(&freezing->out);
    msg_frozen_encode(&freezing->out, &message);
    freezing->send(freezing->arg, ROLE_QUEUE, MSG_FROZEN, buf_slice(&freezing->out));
}

static void tell_all(struct freezing *freezing)
{
    struct store *store = directories_store(freezing->directories);

    freezing->tell_at = clock_mono_ms() + TELL_EVERY_MS;
    if (store)
        directories_store_note(freezing->directories,
                               store_freeze_each(store, tell_freeze, freezing));
}

/* Has another handle changed the store, or is it another one? */
static bool has_changed(struct freezing *freezing)
{
    struct store *store = directories_store(freezing->directories);
    uint64_t version;
    int r;

    if (!store)
        return false;
    r = store_version(store, &version);
    directories_store_note(freezing->directories, r);
    if (r < 0 || (store == freezing->seen && version == freezing->version))
        return false;
    freezing->seen = store;
    freezing->version = version;
    return true;
}

static void save_counts(struct freezing *freezing)
{
    if (freezing->counted)
        breaker_file_save(freezing->breaker, freezing->config->state);
    freezing->counted = false;
}

static void on_time(void *arg)
{
    struct freezing *freezing = arg;
    uint64_t now = clock_mono_ms();

    if (has_changed(freezing) || now >= freezing->tell_at)
        tell_all(freezing);
    if (now >= freezing->save_at) {
        freezing->save_at = now + SAVE_EVERY_MS;
        save_counts(freezing);
    }
    loop_timer_arm(freezing->timer, now + LOOK_EVERY_MS);
}

static void take_taken(struct freezing *freezing, struct slice payload)
{
    struct store *store = directories_store(freezing->directories);
    struct msg_frozen_taken taken;
    int r;

    if (msg_frozen_taken_decode(payload, NULL, &taken) < 0) {
        log_error(NULL, "message-broken", LOG_STR("peer", role_name(ROLE_QUEUE)));
        return;
    }
    if (!store)
        return; /* it will be told once more */
    r = store_freeze_told(store, taken.account, taken.since_ms);
    directories_store_note(freezing->directories, r < 0 ? r : 0);
}

/* ---- freezing ------------------------------------------------------------------------------ */

static int freeze(struct freezing *freezing, struct store *store, struct slice account,
                  struct slice why)
{
    struct store_freeze entry = {
        .account = account, .since_ms = clock_wall_ms(), .why = why, .tell = true};
    int r = store_freeze_add(store, &entry);

    directories_store_note(freezing->directories, r < 0 ? r : 0);
    if (r < 0)
        return r;
    breaker_tripped(freezing->breaker, account, clock_mono_ms());
    freezing->counted = true;
    if (r == 0) {
        log_warn(NULL, "account-frozen", LOG_SLICE("account", account), LOG_SLICE("why", why));
        tell_all(freezing);
    }
    return 0;
}

static uint64_t choose(int64_t own, unsigned configured)
{
    return own == STORE_LIMIT_DEFAULT ? configured : (uint64_t)own;
}

/* 0 or -errno. */
static int find_limits(struct freezing *freezing, struct store *store, struct slice account,
                       struct breaker_limits *ret_limits)
{
    const struct config_account_limits *common = &freezing->config->account_limits;
    struct store_limits own;
    int r = store_limits_find(store, account, &own);

    directories_store_note(freezing->directories, r);
    if (r < 0)
        return r;
    *ret_limits = (struct breaker_limits){
        .messages_per_minute = choose(own.messages_per_minute, common->messages_per_minute),
        .messages_per_hour = choose(own.messages_per_hour, common->messages_per_hour),
        .recipients_per_hour = choose(own.recipients_per_hour, common->recipients_per_hour),
        .bounces_per_hour = choose(own.bounces_per_hour, common->bounces_per_hour)};
    return 0;
}

static void take_bounced(struct freezing *freezing, struct slice payload)
{
    struct store *store = directories_store(freezing->directories);
    struct breaker_limits limits = {0};
    struct msg_bounced bounced;
    struct buf why;

    if (msg_bounced_decode(payload, NULL, &bounced) < 0) {
        log_error(NULL, "message-broken", LOG_STR("peer", role_name(ROLE_QUEUE)));
        return;
    }
    if (!store || find_limits(freezing, store, bounced.account, &limits) < 0)
        return;
    buf_init(&why, WHY_MAX);
    freezing->counted = true;
    /* Should the store not take it now, the next bounce finds the limit passed as well. */
    if (breaker_bounced(freezing->breaker, bounced.account, &limits, bounced.recipients,
                        clock_mono_ms(), &why) == BREAKER_TRIP)
        (void)freeze(freezing, store, bounced.account, buf_slice(&why));
    buf_done(&why);
}

/* ---- questions ----------------------------------------------------------------------------- */

static struct slice held_text(struct question *question, struct slice why)
{
    return arena_printf(&question->arena, "the account is frozen: %.*s", SLICE_ARG(why));
}

static void later(struct msg_submission_reply *reply)
{
    reply->verdict = SUBMISSION_LATER;
    reply->text = SLICE("it cannot be told now whether the account may send");
}

/* The account is one that may send, as long as it is not too much. */
static void judge(struct question *question, struct store *store, struct buf *why,
                  struct msg_submission_reply *reply)
{
    struct freezing *freezing = question->freezing;
    const struct msg_submission *message = &question->message;
    struct breaker_limits limits;
    enum breaker_verdict verdict;

    if (find_limits(freezing, store, message->account, &limits) < 0) {
        later(reply);
        return;
    }
    breaker_thawed(freezing->breaker, message->account);
    verdict = breaker_submit(freezing->breaker, message->account, &limits, message->recipients,
                             clock_mono_ms(), why);
    freezing->counted = true;
    if (verdict == BREAKER_TRIP && freeze(freezing, store, message->account, buf_slice(why)) < 0) {
        later(reply);
    } else if (verdict == BREAKER_TRIP) {
        reply->verdict = SUBMISSION_HOLD;
        reply->text = held_text(question, buf_slice(why));
    } else if (verdict == BREAKER_LATER) {
        reply->verdict = SUBMISSION_LATER;
        reply->text = buf_slice(why);
    }
}

static void hold(struct question *question, struct store *store, struct slice frozen,
                 struct buf *why, struct msg_submission_reply *reply)
{
    struct freezing *freezing = question->freezing;
    struct slice account = question->message.account;
    struct breaker_limits limits;

    if (find_limits(freezing, store, account, &limits) < 0) {
        later(reply);
        return;
    }
    reply->verdict = SUBMISSION_HOLD;
    reply->text = held_text(question, frozen);
    freezing->counted = true;
    if (breaker_hold(freezing->breaker, account, &limits, clock_mono_ms(), why) == BREAKER_GO)
        return;
    reply->verdict = SUBMISSION_LATER;
    reply->text = buf_slice(why);
}

static void judge_enabled(struct question *question, struct buf *why,
                          struct msg_submission_reply *reply)
{
    struct freezing *freezing = question->freezing;
    struct store *store = directories_store(freezing->directories);
    struct store_freeze frozen;
    int r = store ? store_freeze_find(store, &question->arena, question->message.account, &frozen)
                  : -EBUSY;

    directories_store_note(freezing->directories, r < 0 ? r : 0);
    if (r < 0) {
        later(reply);
    } else if (r == 0) {
        hold(question, store, frozen.why, why, reply);
    } else {
        judge(question, store, why, reply);
    }
}

static void drop(struct question *question)
{
    DL_DELETE(question->freezing->questions, question);
    question->freezing->n_questions--;
    arena_done(&question->arena);
    free(question);
}

static void on_login(void *arg, enum directory_status status, const struct directory_login *login)
{
    struct question *question = arg;
    struct freezing *freezing = question->freezing;
    struct msg_submission_reply reply = {.request = question->message.request,
                                         .verdict = SUBMISSION_GO};
    struct buf why;

    buf_init(&why, WHY_MAX);
    if (status == DIRECTORY_FOUND && login->enabled) {
        judge_enabled(question, &why, &reply);
    } else if (status == DIRECTORY_LATER) {
        later(&reply);
    } else {
        reply.verdict = SUBMISSION_REFUSE;
        reply.text = SLICE("the account may not send any more");
    }
    buf_reset(&freezing->out);
    msg_submission_reply_encode(&freezing->out, &reply);
    freezing->send(freezing->arg, ROLE_RECEIVE, MSG_SUBMISSION_REPLY, buf_slice(&freezing->out));
    buf_done(&why);
    drop(question);
}

static struct question *add_question(struct freezing *freezing,
                                     const struct msg_submission *message)
{
    struct question *question = xcalloc(1, sizeof(*question));

    question->freezing = freezing;
    question->message = *message;
    arena_init(&question->arena);
    question->message.account = arena_dup(&question->arena, message->account);
    question->message.client_address = SLICE_NULL;
    DL_APPEND(freezing->questions, question);
    freezing->n_questions++;
    return question;
}

static void take_submission(struct freezing *freezing, struct slice payload)
{
    struct msg_submission message;
    struct question *question;

    if (msg_submission_decode(payload, NULL, &message) < 0) {
        log_error(NULL, "message-broken", LOG_STR("peer", role_name(ROLE_RECEIVE)));
        return;
    }
    question = add_question(freezing, &message);
    question->asked = directories_of_account(freezing->directories, message.account);
    if (freezing->n_questions > QUESTIONS_MAX)
        on_login(question, DIRECTORY_LATER, NULL);
    else if (!question->asked)
        on_login(question, DIRECTORY_NONE, NULL);
    else
        question->asked->methods->login(question->asked, question->message.account, on_login,
                                        question);
}

/* ---- the interface ------------------------------------------------------------------------- */

bool freezing_take(struct freezing *freezing, enum role from, uint16_t type, struct slice payload)
{
    if (type == MSG_SUBMISSION && from == ROLE_RECEIVE)
        take_submission(freezing, payload);
    else if (type == MSG_FROZEN_TAKEN && from == ROLE_QUEUE)
        take_taken(freezing, payload);
    else if (type == MSG_BOUNCED && from == ROLE_QUEUE)
        take_bounced(freezing, payload);
    else
        return false;
    return true;
}

void freezing_peer_up(struct freezing *freezing, enum role peer)
{
    if (peer == ROLE_QUEUE)
        tell_all(freezing);
}

void freezing_peer_down(struct freezing *freezing, enum role peer)
{
    struct question *question, *next;

    if (peer != ROLE_RECEIVE)
        return;
    DL_FOREACH_SAFE(freezing->questions, question, next)
    {
        question->asked->methods->cancel(question->asked, question);
        drop(question);
    }
}

void freezing_set_config(struct freezing *freezing, struct config *config)
{
    struct config *old = freezing->config;

    freezing->config = config_ref(config);
    config_unref(old);
}

struct freezing *freezing_new(struct config *config, struct directories *directories,
                              struct loop *loop, freezing_send *send, void *arg)
{
    struct freezing *freezing = xcalloc(1, sizeof(*freezing));

    *freezing = (struct freezing){.config = config_ref(config),
                                  .directories = directories,
                                  .send = send,
                                  .arg = arg,
                                  .breaker = breaker_new()};
    buf_init(&freezing->out, CHANNEL_PAYLOAD_MAX);
    freezing->timer = loop_timer(loop, on_time, freezing);
    loop_timer_arm(freezing->timer, clock_mono_ms() + LOOK_EVERY_MS);
    breaker_file_load(freezing->breaker, config->state);
    return freezing;
}

void freezing_free(struct freezing *freezing)
{
    if (!freezing)
        return;
    freezing_peer_down(freezing, ROLE_RECEIVE);
    save_counts(freezing);
    loop_timer_free(freezing->timer);
    breaker_free(freezing->breaker);
    buf_done(&freezing->out);
    config_unref(freezing->config);
    free(freezing);
}
