/*
 * queue.suspend, queue.resume and queue.suspended.
 *
 *   {"command":"queue.suspend","kind":"lane","what":"world/mx.example.org","for_ms":7200000,
 *    "reason":"..."}
 *   {"command":"queue.resume","kind":"lane","what":"world/mx.example.org"}, or "all":true
 *   {"command":"queue.suspended"} is answered by {"suspension":{...}} lines
 */
#include "queue/commands.h"

#include "base/clock.h"
#include "queue/suspended.h"

#include <arpa/inet.h>
#include <errno.h>

static struct slice text_of(const struct command_run *run, const char *key)
{
    const json_t *value = json_object_get(run->request, key);

    return slice_from(json_string_value(value), json_string_length(value));
}

/* NULL, or what is wrong. */
static const char *read_target(const struct command_run *run, struct suspension *suspension)
{
    if (!suspend_kind_find(text_of(run, "kind"), &suspension->kind))
        return "say what: a lane, a domain, a sender or a source";
    suspension->what = text_of(run, "what");
    if (!suspension->what.len)
        return "say which one";
    return NULL;
}

static bool is_address(struct slice text)
{
    unsigned char bytes[16];
    char copy[INET6_ADDRSTRLEN + 1];

    if (text.len >= sizeof(copy))
        return false;
    snprintf(copy, sizeof(copy), "%.*s", SLICE_ARG(text));
    return inet_pton(AF_INET, copy, bytes) == 1 || inet_pton(AF_INET6, copy, bytes) == 1;
}

static enum command_state fail(struct command_run *run, int error)
{
    if (error == -ENOSPC)
        return command_fail(run, "there are too many suspensions: resume some first");
    if (error == -EINVAL)
        return command_fail(run, "that is too long (400 bytes at most)");
    return command_fail(run, "the suspensions cannot be written to disk: nothing is changed");
}

static enum command_state answer_count(struct command_run *run, int n)
{
    command_answer(run, json_pack("{s:i,s:b}", "suspensions", n, "end", 1));
    return COMMAND_THROUGH;
}

enum command_state queue_suspend_step(struct command_run *run)
{
    struct suspension suspension = {.since_ms = clock_wall_ms(),
                                    .reason = text_of(run, "reason"),
                                    .by = SLICE("administrator")};
    json_int_t for_ms = json_integer_value(json_object_get(run->request, "for_ms"));
    const char *wrong = read_target(run, &suspension);
    int r;

    if (wrong)
        return command_fail(run, wrong);
    if (suspension.kind == SUSPEND_SOURCE && !is_address(suspension.what))
        return command_fail(run, "a source is an IP address");
    if (for_ms > 0)
        suspension.until_ms = suspension.since_ms + (uint64_t)for_ms;
    r = suspended_begin(run->queue, &suspension);
    return r < 0 ? fail(run, r) : answer_count(run, 1);
}

static enum command_state resume_all(struct command_run *run)
{
    const struct suspensions *list;
    int n = 0;

    while (list = run->queue->suspensions, suspensions_count(list)) {
        const struct suspension *first = suspensions_at(list, 0);
        struct slice what = arena_dup(&run->queue->scratch, first->what);
        int r = suspended_end(run->queue, first->kind, what);
        if (r < 0)
            return fail(run, r);
        n += r;
    }
    return answer_count(run, n);
}

enum command_state queue_resume_step(struct command_run *run)
{
    struct suspension target = {0};
    const char *wrong;
    int r;

    arena_reset(&run->queue->scratch);
    if (json_is_true(json_object_get(run->request, "all")))
        return resume_all(run);
    wrong = read_target(run, &target);
    if (wrong)
        return command_fail(run, wrong);
    r = suspended_end(run->queue, target.kind, target.what);
    if (r == 0)
        return command_fail(run, "that is not suspended; see nuncio queue suspended");
    return r < 0 ? fail(run, r) : answer_count(run, r);
}

static json_t *suspension_json(const struct suspension *suspension)
{
    json_t *json =
        json_pack("{s:s,s:s%,s:I,s:s%,s:s%}", "kind", suspend_kind_name(suspension->kind), "what",
                  suspension->what.ptr, suspension->what.len, "since_ms",
                  (json_int_t)suspension->since_ms, "reason", suspension->reason.ptr,
                  suspension->reason.len, "by", suspension->by.ptr, suspension->by.len);

    if (suspension->until_ms)
        json_object_set_new(json, "until_ms", json_integer((json_int_t)suspension->until_ms));
    return json;
}

enum command_state queue_suspended_step(struct command_run *run)
{
    const struct suspensions *list = run->queue->suspensions;

    for (unsigned i = 0; i < suspensions_count(list); i++)
        command_answer(run,
                       json_pack("{s:o}", "suspension", suspension_json(suspensions_at(list, i))));
    return answer_count(run, (int)suspensions_count(list));
}
