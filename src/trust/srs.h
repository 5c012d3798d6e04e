/*
 * The Sender Rewriting Scheme: a reverse-path at a domain of ours that stands for one elsewhere, so
 * that SPF passes when mail is forwarded, and bounces find their way back.
 * SRS0=HASH=TT=domain=local and SRS1 for what is rewritten again. Pure; no RFC, see the description
 * by Shevek (2003) that libsrs2 and postsrsd implement.
 */
#ifndef NUNCIO_TRUST_SRS_H
#define NUNCIO_TRUST_SRS_H

#include "base/arena.h"

enum { SRS_SECRET = 32 };
struct srs {
    uint8_t secret[SRS_SECRET];
    unsigned max_age_days; /* of an address that comes back */
};

/* `sender` (not empty) as an address at `domain`; from the arena. False when it would be too long
 * (RFC 5321: 64 octets of local part are not kept to by anybody here; 256 of path are). `days` is
 * wall time in whole days. */
bool srs_forward(const struct srs *srs, struct slice sender, struct slice domain, uint32_t days,
                 struct arena *arena, struct slice *ret_address);

enum srs_reverse { SRS_OK = 0, SRS_NO_SRS, SRS_FORGED, SRS_OLD };
/* What the local part stands for. HMACs are compared in constant time and whatever the case. */
enum srs_reverse srs_reverse(const struct srs *srs, struct slice local_part, uint32_t days,
                             struct arena *arena, struct slice *ret_sender);

#endif
