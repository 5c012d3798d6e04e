/*
 * The collector of the maildrop: a task that watches STATE/maildrop and takes up what sendmail(1)
 * leaves there. A file is removed only when its message is on disk in the spool.
 */
#ifndef NUNCIO_RECEIVE_DROP_H
#define NUNCIO_RECEIVE_DROP_H

#include "receive/server.h"

struct drop;

/* Opens the folder and sets up the watch; before the role is locked in. NULL when there is no such
 * folder, which is logged. */
struct drop *drop_open(struct server *server, struct slice state);
/* Starts collecting. -errno. */
int drop_start(struct drop *drop, struct tasks *pool);
/* After the pool has ended; NULL is fine. */
void drop_close(struct drop *drop);

#endif
