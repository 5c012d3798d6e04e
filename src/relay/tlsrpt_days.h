/*
 * Today and the days whose reports are not all sent, in memory and on disk. Not thread-safe: they
 * are the thread's of tlsrpt.c. A file that cannot be written stays in memory and is tried again.
 */
#ifndef NUNCIO_RELAY_TLSRPT_DAYS_H
#define NUNCIO_RELAY_TLSRPT_DAYS_H

#include "relay/tlsrpt_day.h"

struct tlsrpt_days {
    int folder; /* -1: memory only */
    struct tlsrpt_day *today;
    struct tlsrpt_day *over; /* a list */
};

/* What is in the folder; what is damaged there is logged and left out. */
void tlsrpt_days_load(struct tlsrpt_days *days);
/* Adds a list of days, which are freed, to ours, and turns over the day at midnight. */
void tlsrpt_days_add(struct tlsrpt_days *days, struct tlsrpt_day *fresh);
/* Writes what has changed, and drops days that have nothing left. */
void tlsrpt_days_save(struct tlsrpt_days *days);
/* Nothing is to be reported any more. */
void tlsrpt_days_forget(struct tlsrpt_days *days);
void tlsrpt_days_done(struct tlsrpt_days *days);

#endif
