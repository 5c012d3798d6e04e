/* See failures.h. */
#include "queue/failures.h"

#include "base/clock.h"

struct slice failures_server_name(struct slice remote)
{
    ptrdiff_t begin = slice_find(remote, '['), end = slice_find(remote, ']');

    if (begin > 0)
        return slice_sub(remote, 0, (size_t)begin);
    return begin == 0 && end > 0 ? slice_sub(remote, 0, (size_t)end + 1) : remote;
}

bool failures_is_reply(struct slice words)
{
    return words.len > 3 && words.ptr[0] >= '2' && words.ptr[0] <= '5' &&
           ascii_is_digit(words.ptr[1]) && ascii_is_digit(words.ptr[2]) &&
           (words.ptr[3] == ' ' || words.ptr[3] == '-');
}

static struct dsn_recipient describe(const struct failure *failure,
                                     const struct recipient *recipient)
{
    return (struct dsn_recipient){.action = DSN_FAILED,
                                  .address = recipient->address,
                                  .orcpt = recipient->orcpt,
                                  .status = failure->status,
                                  .remote_mta = failures_server_name(failure->remote),
                                  .diagnostic = failure->reply,
                                  .smtp =
                                      failure->remote.len > 0 || failures_is_reply(failure->reply),
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
