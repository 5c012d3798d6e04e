/*
 * Password hashes on threads of their own, so that they never hold up the role's loop: a job is a
 * list of stored forms to try, each with the password to try it with; its answer is the tag of the
 * first that is right. Answers are handed out by hasher_collect() on the loop's thread.
 *
 * A candidate without a form is never right and costs as much as one with ours: it stands for the
 * password of an account that does not exist or has none.
 */
#ifndef NUNCIO_ACCOUNT_HASHER_H
#define NUNCIO_ACCOUNT_HASHER_H

#include "base/slice.h"

/* As many threads as a small machine has processors; a queue that is worked off in seconds. */
enum { HASHER_THREADS = 2, HASHER_JOBS_MAX = 128, HASHER_CANDIDATES_MAX = 104 };
enum { HASHER_STRANGERS_MAX = 96 /* of the jobs */ };
enum { HASHER_NONE = -1 };

struct hash_candidate {
    struct slice form; /* see account/password.h */
    struct slice password;
    int tag; /* 0 or more */
};

struct hasher;

/* `wake` is called from the threads when there are answers. */
struct hasher *hasher_new(void (*wake)(void *arg), void *arg);
/* After lock_in. 0 or -errno. */
int hasher_start(struct hasher *hasher);
/* Waits for the hash that is under way; what is queued is forgotten. NULL is fine. */
void hasher_free(struct hasher *hasher);

/* Candidates (at most HASHER_CANDIDATES_MAX) are copied, and wiped afterwards. 0, or -EAGAIN: too
 * many wait already. `known`: who has logged in from there before has his turn before strangers,
 * and places that they cannot take. */
int hasher_add(struct hasher *hasher, uint64_t job, bool known, const struct hash_candidate *list,
               size_t count);

/* `tag` of the first right candidate, or HASHER_NONE. */
typedef void hasher_on_answer(void *arg, uint64_t job, int tag);
void hasher_collect(struct hasher *hasher, hasher_on_answer *on_answer, void *arg);

#endif
