/*
 * Deliveries to programs: each recipient is a run, asked of the program role. At most PROGRAMS_MAX
 * run at a time, the others wait. Everything on the loop's thread.
 */
#ifndef NUNCIO_LOCAL_RUNS_H
#define NUNCIO_LOCAL_RUNS_H

#include "io/role.h"
#include "local/delivery.h"

struct runs;

/* `on_done` gets each delivery when all its recipients have verdicts. */
struct runs *runs_new(struct role_context *role,
                      void (*on_done)(void *arg, struct delivery *delivery), void *arg);
void runs_free(struct runs *runs);

/* Takes the delivery over. */
void runs_add(struct runs *runs, struct delivery *delivery);
/* MSG_RAN of the program role. */
void runs_answer(struct runs *runs, struct slice payload);
/* The program role is gone, and what it ran with it: all that was asked is to be tried later. */
void runs_lost(struct runs *runs);
/* Of those that run and those that wait. */
size_t runs_count(const struct runs *runs);

#endif
