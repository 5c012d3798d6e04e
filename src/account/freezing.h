/*
 * What becomes of a message that an account hands in (MSG_SUBMISSION, io/login_message.h): it goes,
 * waits, is refused, or is held because the account is frozen; and freezing itself, which is in the
 * store before anybody hears of it. The queue is told of each freeze until it has taken it, also of
 * those that the command line makes.
 */
#ifndef NUNCIO_ACCOUNT_FREEZING_H
#define NUNCIO_ACCOUNT_FREEZING_H

#include "account/directories.h"
#include "io/login_message.h"
#include "io/loop.h"

struct freezing;

typedef void freezing_send(void *arg, enum role to, uint16_t type, struct slice payload);

/* Takes up the counts of a former process. The directories and the loop must outlive it. */
struct freezing *freezing_new(struct config *config, struct directories *directories,
                              struct loop *loop, freezing_send *send, void *arg);
/* Keeps the counts for the next one. */
void freezing_free(struct freezing *freezing);
void freezing_set_config(struct freezing *freezing, struct config *config);

/* False: this is no message for it. */
bool freezing_take(struct freezing *freezing, enum role from, uint16_t type, struct slice payload);
void freezing_peer_up(struct freezing *freezing, enum role peer);
/* Nobody waits for answers any more. */
void freezing_peer_down(struct freezing *freezing, enum role peer);

#endif
