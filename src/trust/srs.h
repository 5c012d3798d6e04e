/*
 * The Sender Rewriting Scheme: a reverse-path at a domain of ours that stands for one elsewhere, so
 * that SPF passes when mail is forwarded, and bounces find their way back.
 * SRS0=HASH=TT=domain=local and SRS1 for what is rewritten again. Pure; no RFC, see the description
 * by Shevek (2003) that libsrs2 and postsrsd implement.
 */
#ifndef NUNCIO_TRUST_SRS_H
#define NUNCIO_TRUST_SRS_H

#include "base/arena.h"

/* Where the secrets are, under the state folder; and so it is called when it is handed over. */
#define SRS_SECRET_FILE "srs.secret"

enum { SRS_SECRET = 32, SRS_SECRETS_MAX = 8, SRS_PASSPHRASE_MIN = 16 };
struct srs {
    uint8_t secrets[SRS_SECRETS_MAX][SRS_SECRET]; /* the first makes addresses, all are accepted */
    unsigned n_secrets;                           /* 0: nothing can be made or accepted */
    unsigned max_age_days;                        /* of an address that comes back, at most 1000 */
};

/*
 * The secrets of a file: a passphrase a line, of SRS_PASSPHRASE_MIN bytes at least; empty lines,
 * those that begin with '#' and what is too short do not count. Replaces those before and wipes
 * them. `max_age_days` stays.
 */
void srs_take_secrets(struct srs *srs, struct slice text);

/* `sender` (not empty) as an address at `domain`; from the arena. False without a secret, for a
 * sender whose domain cannot be written so (a literal with '=' in it), and when it would be too
 * long (RFC 5321: 64 octets of local part are not kept to by anybody here; 256 of path are). `days`
 * is wall time in whole days. */
bool srs_forward(const struct srs *srs, struct slice sender, struct slice domain, uint32_t days,
                 struct arena *arena, struct slice *ret_address);

enum srs_reverse { SRS_OK = 0, SRS_NO_SRS, SRS_FORGED, SRS_OLD };
/* What the local part (quoted or not) stands for; *ret_sender is set with SRS_OK, and is a mailbox
 * elsewhere. HMACs are compared in constant time and whatever the case. Without a secret all is
 * SRS_FORGED; ask first. */
enum srs_reverse srs_reverse(const struct srs *srs, struct slice local_part, uint32_t days,
                             struct arena *arena, struct slice *ret_sender);

#endif
