/*
 * What is this address? One of ours, with an alias's targets, a mailbox, or nobody.
 *
 * The order, after a domain alias has been replaced by the domain that it means:
 *
 *   0. an address of the Sender Rewriting Scheme: the sender that it stands for (trust/srs.h);
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
 *
 * Where a domain's accounts and aliases are follows from its configuration (directories.h). An
 * answer may come later; it comes within RESOLVER_PATIENCE_MS, by then as "later". Never is an
 * address unknown because a directory was slow.
 */
#ifndef NUNCIO_ACCOUNT_RESOLVE_H
#define NUNCIO_ACCOUNT_RESOLVE_H

#include "account/directories.h"
#include "io/loop.h"
#include "io/message.h"

enum { RESOLVER_PATIENCE_MS = 4000, RESOLVER_UNDER_WAY_MAX = 4096 };

struct resolver;

struct resolver_counts {
    uint64_t asked;
    uint64_t from_cache;
    uint64_t failed;  /* answered RESOLVE_LATER */
    size_t under_way; /* now */
};

/* The answer to `asker`; its strings are valid during the call. */
typedef void resolver_on_answer(void *arg, unsigned asker, const struct msg_resolved *answer);

/* The directories and the loop stay the caller's. */
struct resolver *account_resolver_new(struct config *config, struct directories *directories,
                                      struct loop *loop, resolver_on_answer *on_answer, void *arg);
void account_resolver_free(struct resolver *resolver);
/* Takes a reference. To be told before the directories are. */
void resolver_set_config(struct resolver *resolver, struct config *config);

/* The file SRS_SECRET_FILE; empty when it cannot be read. */
void resolver_take_srs_secrets(struct resolver *resolver, struct slice text);

/* Each question gets one answer, perhaps during the call. `asker` is the caller's number. */
void resolver_resolve(struct resolver *resolver, unsigned asker, const struct msg_resolve *request);
/* This asker is gone: its questions get no answer. */
void resolver_forget(struct resolver *resolver, unsigned asker);
/* Local's word on a mailbox with a quota. */
void resolver_usage(struct resolver *resolver, const struct msg_usage *usage);

struct resolver_counts resolver_counts(const struct resolver *resolver);
size_t resolver_full_count(const struct resolver *resolver);

#endif
