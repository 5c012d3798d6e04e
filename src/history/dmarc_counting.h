/*
 * DMARC in the role: rows that receive tells of are counted on disk in the rhythm of events, and
 * what is counted is sent when its day is over. On the role's thread.
 */
#ifndef NUNCIO_HISTORY_DMARC_COUNTING_H
#define NUNCIO_HISTORY_DMARC_COUNTING_H

#include "io/role.h"

struct dmarc_counting;

/* After lock_in(): opens the file. */
struct dmarc_counting *dmarc_counting_new(struct role_context *role);
/* Commits and closes. NULL is fine. */
void dmarc_counting_free(struct dmarc_counting *counting);

/* MSG_DMARC_ROW of receive. */
void dmarc_counting_take(struct dmarc_counting *counting, struct slice payload);
/* MSG_DMARC_SENT of relay; and relay is gone. */
void dmarc_counting_answered(struct dmarc_counting *counting, struct slice payload);
void dmarc_counting_relay_lost(struct dmarc_counting *counting);

#endif
