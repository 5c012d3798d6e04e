/*
 * Outcomes in words. See verdict.h.
 *
 * A store that is full, read-only or out of reach is never the recipient's fault and never final;
 * only loops, quotas (by setting) and a program's own refusal are.
 */
#include "local/verdict.h"

#include "base/log.h"
#include "io/channel.h"

#include <errno.h>
#include <stdarg.h>
#include <sysexits.h>

void verdict_set(struct verdict *verdict, enum done_kind kind, const char *status,
                 const char *format, ...)
{
    va_list args;

    verdict->kind = kind;
    snprintf(verdict->status, sizeof(verdict->status), "%s", status);
    va_start(args, format);
    vsnprintf(verdict->reply, sizeof(verdict->reply), format, args);
    va_end(args);
}

void verdict_from_errno(struct verdict *verdict, int error, struct slice where)
{
    bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;

    verdict_set(verdict, DONE_LATER, full ? "4.3.1" : "4.3.0", "mail store: %.*s: %s",
                SLICE_ARG(where), log_strerror(error));
}

/* Final refusals; RFC 3463 has no nearer code than x.3.0 for most. */
static const char *status_of_exit(uint32_t code)
{
    switch (code) {
    case EX_DATAERR:
        return "5.6.0";
    case EX_NOUSER:
        return "5.1.1";
    case EX_NOHOST:
        return "5.1.2";
    case EX_CANTCREAT:
        return "5.2.0";
    case EX_PROTOCOL:
        return "5.5.0";
    case EX_NOPERM:
        return "5.7.0";
    case EX_CONFIG:
        return "5.3.5";
    default:
        return code >= EX__BASE && code <= EX__MAX ? "5.3.0" : NULL;
    }
}

void verdict_from_run(struct verdict *verdict, struct slice program, const struct msg_ran *ran)
{
    const char *final = status_of_exit(ran->status);
    const char *gap = ran->text.len ? ": " : "";
    int len = ran->text.len < 300 ? (int)ran->text.len : 300;

    if (!ran->started)
        verdict_set(verdict, DONE_LATER, "4.3.5", "program %.*s was not started%s%.*s",
                    SLICE_ARG(program), gap, len, ran->text.ptr);
    else if (ran->timed_out)
        verdict_set(verdict, DONE_LATER, "4.3.0",
                    "program %.*s was stopped at its time limit%s%.*s", SLICE_ARG(program), gap,
                    len, ran->text.ptr);
    else if (ran->status == 0)
        verdict_set(verdict, DONE_OK, "2.0.0", "taken by program %.*s", SLICE_ARG(program));
    else if (ran->status >= 256)
        verdict_set(verdict, DONE_LATER, "4.3.0", "program %.*s was ended by signal %u%s%.*s",
                    SLICE_ARG(program), ran->status - 256, gap, len, ran->text.ptr);
    else
        verdict_set(verdict, final && ran->status != EX_TEMPFAIL ? DONE_NEVER : DONE_LATER,
                    final && ran->status != EX_TEMPFAIL ? final : "4.3.0",
                    "program %.*s exited with %u%s%.*s", SLICE_ARG(program), ran->status, gap, len,
                    ran->text.ptr);
}

void verdict_encode_done(struct buf *out, const struct msg_unit *unit,
                         const struct verdict *verdicts, uint32_t duration_ms, struct arena *arena)
{
    /* 32 bytes cover what else is told of a recipient; the rest of the message is a few dozen. */
    size_t room = (CHANNEL_PAYLOAD_MAX - 1024) / (unit->n_recipients + 1u);
    size_t reply_max = room > 32 ? room - 32 : 0;
    struct msg_done done = {
        .unit = unit->unit, .duration_ms = duration_ms, .n_recipients = unit->n_recipients};

    done.recipients = arena_alloc(arena, unit->n_recipients * sizeof(*done.recipients));
    for (uint32_t i = 0; i < unit->n_recipients; i++)
        done.recipients[i] = (struct done_recipient){
            .index = unit->recipients[i].index,
            .kind = verdicts[i].kind,
            .status = slice_from_cstr(verdicts[i].status),
            .reply = slice_sub(slice_from_cstr(verdicts[i].reply), 0, reply_max)};
    msg_done_encode(out, &done);
}
