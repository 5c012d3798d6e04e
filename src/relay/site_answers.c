/*
 * Each question is on one list from when it comes until its answer is with queue, so that a queue
 * that is behind delays answers and loses none. What a queue asked that is gone is answered to
 * nobody.
 */
#include "relay/site_answers.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

struct question {
    struct question *prev, *next;
    struct site_answers *answers; /* NULL: nobody waits for it any more */
    uint64_t request;
};

struct answer {
    struct answer *prev, *next;
    struct buf payload;
};

struct site_answers {
    struct role_context *role;
    struct finder *finder;
    struct relay_counts *counts;
    struct question *questions;
    struct answer *unsent;
};

struct site_answers *site_answers_new(struct role_context *role, struct finder *finder,
                                      struct relay_counts *counts)
{
    struct site_answers *answers = xcalloc(1, sizeof(*answers));

    answers->role = role;
    answers->finder = finder;
    answers->counts = counts;
    return answers;
}

void site_answers_free(struct site_answers *answers)
{
    site_answers_reset(answers);
    free(answers);
}

static void answer_free(struct site_answers *answers, struct answer *answer)
{
    DL_DELETE(answers->unsent, answer);
    buf_done(&answer->payload);
    free(answer);
}

static void answer(struct site_answers *answers, uint64_t request, const struct finding *finding)
{
    struct answer *answer = xcalloc(1, sizeof(*answer));
    uint64_t now = clock_mono_ms();
    struct msg_site message = {
        .request = request,
        .status = finding->status,
        .site = finding->destination ? finding->destination->site : SLICE_NULL,
        .enhanced = slice_from_cstr(finding->enhanced),
        .text = slice_from_cstr(finding->text),
        .valid_ms = finding->until_ms > now ? (uint32_t)(finding->until_ms - now) : 0};

    counts_site(answers->counts, finding->status);
    buf_init(&answer->payload, CHANNEL_PAYLOAD_MAX);
    msg_site_encode(&answer->payload, &message);
    DL_APPEND(answers->unsent, answer);
    if (answer == answers->unsent && site_answers_flush(answers) == -EAGAIN)
        role_want_writable(answers->role, ROLE_QUEUE);
}

static void on_found(void *arg, const struct finding *finding)
{
    struct question *question = arg;
    struct site_answers *answers = question->answers;

    if (answers) {
        DL_DELETE(answers->questions, question);
        answer(answers, question->request, finding);
    }
    free(question);
}

int site_answers_take(struct site_answers *answers, struct config *config, struct slice payload)
{
    const struct config_route *route;
    struct msg_site_ask ask;
    struct question *question;
    int r = msg_site_ask_decode(payload, NULL, &ask);

    if (r < 0)
        return r;
    route = config_find_route(config, ask.route);
    if (!route) {
        struct finding none = finding_refused(SITE_LATER, "4.3.5", FINDING_LEAST_MS,
                                              "the configuration has no route \"%.*s\" any more",
                                              SLICE_ARG(ask.route));
        answer(answers, ask.request, &none);
        return 0;
    }
    question = xcalloc(1, sizeof(*question));
    question->answers = answers;
    question->request = ask.request;
    DL_APPEND(answers->questions, question);
    finder_ask(answers->finder, config, route, ask.domain, on_found, question);
    return 0;
}

int site_answers_flush(struct site_answers *answers)
{
    while (answers->unsent) {
        int r = role_send(answers->role, ROLE_QUEUE, MSG_SITE, buf_slice(&answers->unsent->payload),
                          NULL, 0);
        if (r == -EAGAIN)
            return r;
        answer_free(answers, answers->unsent); /* without a queue nobody wants it */
    }
    return 0;
}

void site_answers_reset(struct site_answers *answers)
{
    struct question *question, *next;

    while (answers->unsent)
        answer_free(answers, answers->unsent);
    DL_FOREACH_SAFE(answers->questions, question, next)
    {
        DL_DELETE(answers->questions, question);
        question->answers = NULL; /* freed with its answer */
    }
}
