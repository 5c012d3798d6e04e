/*
 * Sends the reports on the days that are over: one for each policy domain, spread over the hours
 * after midnight UTC, by relay. What could not go is tried again, for some days. On the role's
 * thread.
 */
#ifndef NUNCIO_HISTORY_DMARC_SENDING_H
#define NUNCIO_HISTORY_DMARC_SENDING_H

#include "history/dmarc_rows.h"
#include "io/role.h"

enum {
    DMARC_SENDING_FIRST_S = 600,         /* after the day's end, at the earliest */
    DMARC_SENDING_SPREAD_S = 4 * 3600,   /* and over so long */
    DMARC_SENDING_RETRY_S = 3600,        /* when the DNS, relay or queue was away */
    DMARC_SENDING_GIVE_UP_S = 3 * 86400, /* after the day's end */
    DMARC_SENDING_AT_ONCE = 4,
    DMARC_SENDING_ANSWER_MS = 5 * 60 * 1000, /* for relay's word */
    DMARC_SENDING_DAY_MAX = 20000,           /* mails in 24 hours */
    DMARC_SENDING_HOST_MAX = 2000,           /* of these to one host */
};

struct dmarc_sending;

struct dmarc_sending *dmarc_sending_new(struct role_context *role);
void dmarc_sending_free(struct dmarc_sending *sending); /* NULL is fine */

/* Now and then, once a second or less: plans, sends what is due. `rows` may differ each time, or be
 * NULL; no transaction is open. */
void dmarc_sending_tick(struct dmarc_sending *sending, struct dmarc_rows *rows);

/* MSG_DMARC_SENT. */
void dmarc_sending_answered(struct dmarc_sending *sending, struct dmarc_rows *rows,
                            struct slice payload);
/* Relay is gone, and with it what it had. */
void dmarc_sending_lost(struct dmarc_sending *sending, struct dmarc_rows *rows);

/* When a day's report on that domain is first tried, by this host. */
int64_t dmarc_sending_first_try(int64_t day, struct slice domain, struct slice hostname);

/* Its addresses that can be sent to: mailto, within the size that a URI says ("!10m"; 0: not
 * known yet), each once. From the arena; DMARC_SEND_TO_MAX at most. */
uint32_t dmarc_sending_addresses(struct slice record, uint64_t size, struct arena *arena,
                                 struct slice *ret_addresses);

#endif
