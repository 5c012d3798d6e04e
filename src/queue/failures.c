/* See failures.h. */
#include "queue/failures.h"

#include "base/clock.h"

/* "mx.example.org" of "mx.example.org[192.0.2.1]:25". */
static struct slice server_name(struct slice remote)
{
    ptrdiff_t end = slice_find(remote, '[');

    return end > 0 ? slice_sub(remote, 0, (size_t)end) : remote;
}

static struct dsn_recipient describe(const struct failure *failure,
                                     const struct recipient *recipient)
{
    return (struct dsn_recipient){.action = DSN_FAILED,
                                  .address = recipient->address,
                                  .orcpt = recipient->orcpt,
                                  .status = failure->status,
                                  .remote_mta = server_name(failure->remote),
                                  .diagnostic = failure->reply,
                                  .smtp = failure->remote.len > 0,
                                  .last_attempt_ms = clock_wall_ms()};
}

size_t failures_list(const struct message *message, const struct envelope *envelope,
                     struct dsn_recipient *list)
{
    const struct message_extra *extra = message->extra;
    size_t n = 0;

    for (uint32_t i = 0; i < extra->n_failures; i++) {
        const struct failure *failure = &extra->failures[i];
        const struct recipient *recipient = extra_recipient(message, envelope, failure->index);
        if (failure->told_in || !dsn_wanted(recipient->notify, DSN_FAILED))
            continue;
        if (list)
            list[n] = describe(failure, recipient);
        n++;
    }
    return n;
}

void failures_tell(struct record *record, uint64_t number)
{
    struct message_extra *extra = record->message->extra;

    for (uint32_t i = 0; i < extra->n_failures; i++) {
        struct failure *failure = &extra->failures[i];
        if (failure->told_in != number)
            continue;
        failure->told_in = record->number;
        record_bounced(record, failure->index, failure->reply);
    }
    extra->gather_until = 0;
}

void failures_promise(struct message *message, uint64_t from, uint64_t to)
{
    struct message_extra *extra = message->extra;

    for (uint32_t i = 0; i < extra->n_failures; i++) {
        if (extra->failures[i].told_in == from)
            extra->failures[i].told_in = to;
    }
    extra->gather_until = 0;
}
