/*
 * DKIM signatures for mail of local origin (RFC 6376 section 5): the text is hashed here, keys
 * signs the digests, RSA and Ed25519 side by side (RFC 8463). What comes out are whole fields for
 * the front of the text.
 *
 * A domain that has keys is not sent unsigned in silence: while no signature is to be had, its mail
 * waits, up to SIGN_WAIT_MS after the trouble began; then it goes without one, with a warning.
 */
#ifndef NUNCIO_RELAY_SIGN_H
#define NUNCIO_RELAY_SIGN_H

#include "base/exposition.h"
#include "config/config.h"
#include "io/role.h"
#include "relay/key_ring.h"
#include "relay/text.h"

enum {
    SIGN_WAIT_MS = 60 * 60 * 1000,
    SIGN_ASK_MS = 5000,         /* for keys to answer */
    SIGN_FIELD_MAX = 64 * 1024, /* bytes of one signature */
    SIGN_KEEP_MAX = 12 * 1024,  /* what is longer is made anew for the next attempt */
};

struct sign;
/* Both must outlive it. */
struct sign *sign_new(struct role_context *role, struct key_ring *ring);
/* No attempt may be under way. NULL is fine. */
void sign_free(struct sign *sign);

/* On the loop's thread: keys has told its keys (the ring has them by now), has answered (0, or
 * -EBADMSG), is gone. */
void sign_keys_told(struct sign *sign);
int sign_take(struct sign *sign, struct slice payload);
void sign_keys_lost(struct sign *sign);

struct sign_job {
    const struct config *config;
    uint64_t message_id;
    struct text *text; /* its position is moved */
    bool reencoded;    /* its 7-bit form, which nobody else sends */
    struct buf *scratch;
    struct arena *arena; /* of the result */
};

enum sign_result {
    SIGN_GO = 0,    /* with *ret_fields, which may be empty */
    SIGN_LATER = 1, /* *ret_why says why */
};
/* May wait for SIGN_ASK_MS. Or -errno: the text cannot be read. Any thread. */
int sign_message(struct sign *sign, const struct sign_job *job, struct slice *ret_fields,
                 const char **ret_why);

void sign_metrics(struct sign *sign, struct exposition *exposition);

#endif
