/*
 * What each account has sent lately, and when that is more than its owner can have meant. Pure:
 * times are monotonic milliseconds of the caller, texts go into a buffer.
 *
 * Messages, recipients and bounces are counted over the last hour, messages over the last minute as
 * well. Above a limit of the minute the message is put off; above one of the hour the breaker
 * trips, and the account is to be frozen. Neither message is counted, so that who is put off can go
 * on when the minute is over.
 */
#ifndef NUNCIO_ACCOUNT_BREAKER_H
#define NUNCIO_ACCOUNT_BREAKER_H

#include "base/buf.h"

/* The least recently used account is forgotten for one more. */
enum { BREAKER_ACCOUNTS_MAX = 10000 };

struct breaker;

/* 0: none. */
struct breaker_limits {
    uint64_t messages_per_minute, messages_per_hour, recipients_per_hour, bounces_per_hour;
};

enum breaker_verdict { BREAKER_GO = 1, BREAKER_LATER, BREAKER_TRIP };

struct breaker *breaker_new(void);
void breaker_free(struct breaker *breaker);

/* A message is about to be handed in; counted when the verdict is BREAKER_GO. Otherwise `why` gets
 * the reason: "612 recipients in an hour, the limit is 600". */
enum breaker_verdict breaker_submit(struct breaker *breaker, struct slice account,
                                    const struct breaker_limits *limits, uint32_t recipients,
                                    uint64_t now_ms, struct buf *why);
/* A message of an account that is frozen is about to be held: BREAKER_GO, and it is counted, or
 * BREAKER_LATER, for nobody may fill the disk with what waits for the administrator. In an hour it
 * is as many as the account may send, and BREAKER_HELD_MIN at least. */
enum { BREAKER_HELD_MIN = 100 };
enum breaker_verdict breaker_hold(struct breaker *breaker, struct slice account,
                                  const struct breaker_limits *limits, uint64_t now_ms,
                                  struct buf *why);
/* So many recipients have refused its mail for good. BREAKER_GO or BREAKER_TRIP; always counted. */
enum breaker_verdict breaker_bounced(struct breaker *breaker, struct slice account,
                                     const struct breaker_limits *limits, uint32_t recipients,
                                     uint64_t now_ms, struct buf *why);

/* The account was frozen for it. From the next breaker_thawed() on, which is to be called for a
 * message of an account that is not frozen, it counts from zero. */
void breaker_tripped(struct breaker *breaker, struct slice account, uint64_t now_ms);
void breaker_thawed(struct breaker *breaker, struct slice account);

/* All counts, to be taken up by another process `elapsed_ms` later. -EBADMSG: that is none; then
 * nothing is counted yet. */
void breaker_save(const struct breaker *breaker, uint64_t now_ms, struct buf *out);
int breaker_load(struct breaker *breaker, struct slice saved, uint64_t elapsed_ms, uint64_t now_ms);

#endif
