/*
 * How far the queue is behind with reading our log, and what that means for the clients: their
 * replies come later and later, and at last no transaction is begun. Pure; the lock is the
 * caller's.
 *
 * Only a queue that is there and has said how far it is can hold us back. One that is away or is
 * just starting does not: the log is the border between us, and it has room until the disk is full,
 * which the spool watches.
 */
#ifndef NUNCIO_RECEIVE_PRESSURE_H
#define NUNCIO_RECEIVE_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Bytes of the log that the queue has not read. It reads its hints at once and much faster than we
 * write; so what is below half a segment is a moment's delay (about 3,000 messages of 10 KiB), and
 * one whole segment is a queue that does not keep up. Eight are more than it reads in the first
 * seconds after a restart: more would only grow the wait for mail that is accepted already.
 */
enum {
    PRESSURE_SLOW_FROM = 32 << 20,
    PRESSURE_SLOWEST_FROM = 64 << 20,
    PRESSURE_REFUSE_FROM = 512 << 20,
    PRESSURE_DELAY_MAX_MS = 1000, /* far below the client's patience (RFC 5321 section 4.5.3.2.6) */
    PRESSURE_SEGMENTS = 16,       /* more than lie between here and refusing */
};

struct pressure {
    /* Segments that we published from, newest first, each with what had been published before. */
    struct {
        uint64_t segment, before;
    } segments[PRESSURE_SEGMENTS];
    unsigned n_segments;
    uint64_t published;     /* bytes of all segments */
    uint64_t taken_segment; /* the queue has read all before it, */
    uint64_t taken_length;  /* and so much of it */
    bool heard;
};

/* The log is on disk up to here. */
void pressure_published(struct pressure *pressure, uint64_t segment, uint64_t length);
/* The queue has read up to here. */
void pressure_taken(struct pressure *pressure, uint64_t segment, uint64_t length);
/* The queue is away, or another process now. */
void pressure_forget(struct pressure *pressure);
/* Bytes that are published and not read; 0 while nothing is known of the queue. */
uint64_t pressure_unread(const struct pressure *pressure);

/* How long the reply to a message that is on disk waits. */
unsigned pressure_delay_ms(uint64_t unread);
/* Is it time to begin no more transactions? */
bool pressure_refuses(uint64_t unread);

#endif
