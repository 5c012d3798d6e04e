/*
 * One mail transaction over a connection that has been greeted: MAIL, RCPT for each recipient, the
 * text by DATA or BDAT, and the final reply (or replies: LMTP). RFC 5321 section 3.3, RFC 2033,
 * 2920, 3030.
 */
#ifndef NUNCIO_RELAY_TRANSACTION_H
#define NUNCIO_RELAY_TRANSACTION_H

#include "relay/client.h"
#include "relay/outcome.h"
#include "relay/text.h"

/* What is to be done, fixed by what the server offers (see plan.h). */
struct transaction {
    struct client *client;
    struct outcome *outcome;
    struct text *text;          /* rewound to its beginning */
    const uint32_t *recipients; /* numbers in the unit; at least one */
    uint32_t n_recipients;
    bool body_8bitmime; /* say BODY=8BITMIME */
    bool smtputf8;
    bool chunking;   /* BDAT instead of DATA */
    bool pipelining; /* more than one command at a time */
    struct buf *out; /* scratch */
    /* Asked before the text goes out: false gives the transaction up. May be NULL. */
    bool (*still_wanted)(void *arg);
    void *arg;

    /* Results; zero before. */
    uint32_t n_accepted; /* recipients that the server took at RCPT */
    uint32_t n_too_many; /* recipients that it wants in another transaction, postponed */
    bool completed;      /* the final reply came */
    bool bdat_unknown;   /* CHUNKING was a lie: recipients are left open, for DATA elsewhere */
};

enum transaction_result {
    TRANSACTION_OVER = 0,
    /* A connection that had carried mail before was lost before MAIL was answered: it had been
     * closed while it was idle. Nothing was decided; try on a fresh connection. */
    TRANSACTION_STALE = 1,
};

/*
 * Runs it. Each recipient is decided, or postponed ("too many recipients"), or left open when the
 * result is TRANSACTION_STALE. Failures of the connection are verdicts like any other; afterwards
 * client->broken tells whether it may be used again.
 */
enum transaction_result transaction_run(struct transaction *transaction);

#endif
