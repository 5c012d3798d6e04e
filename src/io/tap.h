/*
 * What a process logs, on its way to the history role: a bounded ring of lines in memory, filled by
 * the log on whatever thread (base/log.h), emptied by the thread that runs the loop.
 *
 * Nothing waits here: a line that finds the ring full is dropped and counted. One tap a process.
 */
#ifndef NUNCIO_IO_TAP_H
#define NUNCIO_IO_TAP_H

#include "base/slice.h"

/* So much is kept for a history that is slow or away: about 20,000 events. */
enum { TAP_SIZE = 4 * 1024 * 1024 };

/* Makes the ring, anew in a process that inherited one by fork(); to be called while there is one
 * thread. 0 or -errno. */
int tap_open(void);
/* Whether the log's events come here; at first not. Without tap_open() nothing happens. */
void tap_enable(bool on);
/* A descriptor that becomes readable once lines have come after tap_rest(); -1 without a ring. */
int tap_fd(void);

/* Copies the oldest whole lines, each with its LF, as many as fit; 0: there are none. */
size_t tap_peek(char *out, size_t size);
/* Forgets so many bytes, as told by tap_peek(). Both on one thread only. */
void tap_forget(size_t n);
/* Clears the descriptor. True when the ring is empty: from now on the next line makes it readable.
 */
bool tap_rest(void);

/* Lines that found no room, since the start. */
uint64_t tap_dropped(void);

#endif
