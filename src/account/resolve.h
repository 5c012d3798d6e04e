/*
 * What is this address? One of ours, with an alias's targets, a mailbox, or nobody.
 *
 * The order, after a domain alias has been replaced by the domain that it means:
 *
 *   1. an alias of exactly this address, then an account;
 *   2. for user+tag: an alias of user, then the account user;
 *   3. postmaster, which is always there: the configured `postmaster`; failing that the domain's
 *      catch_all; failing that the mailbox "postmaster" under the state folder;
 *   4. where the domain takes all recipients: its route or program;
 *   5. the domain's catch_all;
 *   6. no such user.
 *
 * A configured postmaster or catch_all that is nobody of ours is passed over: mail must not be
 * taken only to be bounced.
 *
 * A mailbox of a domain that is delivered elsewhere is answered with the route (RESOLVE_ROUTE) or
 * expands to "program:NAME". An alias that names itself means its own mailbox: see `via` of
 * struct msg_resolve. Other loops are the queue's to find, which expands step by step.
 *
 * Local parts are compared without regard to ASCII case and needless quotes.
 */
#ifndef NUNCIO_ACCOUNT_RESOLVE_H
#define NUNCIO_ACCOUNT_RESOLVE_H

#include "account/store.h"
#include "config/config.h"
#include "io/message.h"

struct resolver;

struct resolver_counts {
    uint64_t asked;
    uint64_t from_cache;
    uint64_t failed; /* answered RESOLVE_LATER because of the store */
};

struct resolver *account_resolver_new(struct config *config);
void account_resolver_free(struct resolver *resolver);
/* Takes a reference. */
void resolver_set_config(struct resolver *resolver, struct config *config);
/* The store stays the caller's; NULL: there is none, and the answer is "later". */
void resolver_set_store(struct resolver *resolver, struct store *store);

/* Always gives an answer; its strings are from the arena, the request, the configuration, or
 * static. now_ms is monotonic. */
void resolver_resolve(struct resolver *resolver, const struct msg_resolve *request, uint64_t now_ms,
                      struct arena *arena, struct msg_resolved *ret_answer);
/* Local's word on a mailbox with a quota. */
void resolver_usage(struct resolver *resolver, const struct msg_usage *usage, uint64_t now_ms);

/* The store has failed in a way that waiting does not mend; it was not asked again since. To be
 * closed, and set anew when it can be opened. */
bool resolver_store_is_broken(const struct resolver *resolver);

struct resolver_counts resolver_counts(const struct resolver *resolver);
size_t resolver_full_count(const struct resolver *resolver, uint64_t now_ms);

#endif
