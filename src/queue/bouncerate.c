/*
 * Senders are told apart by a 64-bit hash: a collision lends one sender the other's limit for an
 * hour, and merges nothing, because a merged DSN is checked for its one sender by who makes it.
 *
 * A sender is forgotten when his hour is over; so there are never more than got a DSN in the last
 * hour. See bouncerate.h.
 */
#include "queue/bouncerate.h"

#include "base/buf.h"

#include <uthash.h>

struct sender {
    uint64_t hash;
    uint64_t until; /* the hour's end */
    unsigned count;
    uint64_t *messages;
    size_t n_messages, size;
    UT_hash_handle hh; /* in the order of `until`, since every hour is equally long */
};

struct bouncerate {
    struct sender *senders;
};

struct bouncerate *bouncerate_new(void)
{
    return xcalloc(1, sizeof(struct bouncerate));
}

static void drop(struct bouncerate *rate, struct sender *sender)
{
    HASH_DEL(rate->senders, sender);
    free(sender->messages);
    free(sender);
}

void bouncerate_free(struct bouncerate *rate)
{
    struct sender *sender, *tmp;

    if (!rate)
        return;
    HASH_ITER(hh, rate->senders, sender, tmp)
    drop(rate, sender);
    free(rate);
}

static void drop_idle(struct bouncerate *rate, uint64_t now)
{
    struct sender *sender, *tmp;

    HASH_ITER(hh, rate->senders, sender, tmp)
    {
        if (sender->until > now)
            return;
        if (!sender->n_messages)
            drop(rate, sender);
    }
}

static void add_message(struct sender *sender, uint64_t message)
{
    if (sender->n_messages == sender->size) {
        sender->size = sender->size ? sender->size * 2 : 8;
        sender->messages = xrealloc(sender->messages, sender->size * sizeof(*sender->messages));
    }
    sender->messages[sender->n_messages++] = message;
}

bool bouncerate_ask(struct bouncerate *rate, struct slice sender_address, uint64_t message,
                    unsigned limit, uint64_t now)
{
    uint64_t hash = slice_hash(sender_address);
    struct sender *sender = NULL;

    drop_idle(rate, now);
    HASH_FIND(hh, rate->senders, &hash, sizeof(hash), sender);
    if (!sender) {
        sender = xcalloc(1, sizeof(*sender));
        sender->hash = hash;
        sender->until = now + BOUNCERATE_HOUR_MS;
        HASH_ADD(hh, rate->senders, hash, sizeof(hash), sender);
    }
    if (sender->count < limit) {
        sender->count++;
        return true;
    }
    add_message(sender, message);
    return false;
}

size_t bouncerate_take_due(struct bouncerate *rate, uint64_t now, uint64_t **ret_messages)
{
    struct sender *sender;
    size_t n;

    drop_idle(rate, now);
    sender = rate->senders;
    if (!sender || sender->until > now)
        return 0;
    n = sender->n_messages;
    *ret_messages = sender->messages;
    sender->messages = NULL;
    sender->n_messages = 0;
    drop(rate, sender);
    return n;
}
