/*
 * Signatures on threads of their own, so that a key of 4096 bits holds up neither the role's loop
 * nor the signatures behind it. Bounded; what has been signed waits here until it is taken.
 */
#ifndef NUNCIO_KEYS_SIGNER_H
#define NUNCIO_KEYS_SIGNER_H

#include "keys/key_pem.h"

/* relay has 128 attempts at most, with two signatures each. */
enum { SIGNER_THREADS = 2, SIGNER_JOBS_MAX = 1024, SIGNER_DIGEST = 32 };

struct signer;

/* `wake` is called from the threads when there are signatures. */
struct signer *signer_new(void (*wake)(void *arg), void *arg);
/* After lock_in. 0 or -errno. */
int signer_start(struct signer *signer);
/* Waits for the signatures that are being made; what is queued is forgotten. NULL is fine. */
void signer_free(struct signer *signer);

/* Who asked (a relay that is gone by then gets nothing), and for what. */
struct signer_question {
    unsigned epoch;
    uint64_t request;
};
/* Takes a reference of the key. 0, or -EAGAIN: too many wait already. */
int signer_add(struct signer *signer, struct signer_question question, EVP_PKEY *key,
               struct slice digest);

/* In the order in which they were finished; an empty signature: it could not be made. False: not
 * now, it is kept for the next call. */
typedef bool signer_on_signature(void *arg, struct signer_question question,
                                 enum dkim_key_kind kind, struct slice signature);
void signer_collect(struct signer *signer, signer_on_signature *on_signature, void *arg);

#endif
