/*
 * Work in a process of its own, for a moment. What it had in memory is gone with it, so that no
 * role that is forked later inherits it; and work that hangs or dies takes nobody along.
 */
#ifndef NUNCIO_DAEMON_ASIDE_H
#define NUNCIO_DAEMON_ASIDE_H

#include "base/buf.h"

typedef void aside_work(void *arg, struct buf *out);

/* Runs it with copies of all that the caller has, waits for it, and appends to `ret_out` what it
 * has put into its `out` (which has the same bound). From a process with one thread. 0; -ETIMEDOUT
 * when it was killed for its slowness, -EIO when it died, -EMSGSIZE when it had too much to say. */
int aside_run(aside_work *work, void *arg, unsigned deadline_ms, struct buf *ret_out);

#endif
