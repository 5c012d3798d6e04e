/*
 * Mails of our own, handed to queue (MSG_MAIL) by threads that wait until it is on disk. Any number
 * of threads.
 */
#ifndef NUNCIO_RELAY_MAIL_OUT_H
#define NUNCIO_RELAY_MAIL_OUT_H

#include "io/role.h"

struct mail_out;

struct mail_out *mail_out_new(struct role_context *role);
void mail_out_free(struct mail_out *out); /* NULL is fine; nobody may wait */

/* True: queue has it on disk. Waits some time for its word. */
bool mail_out_send(struct mail_out *out, struct slice from, struct slice to, struct slice text);

/* MSG_MAIL_TAKEN, on the loop's thread. */
void mail_out_answered(struct mail_out *out, struct slice payload);
/* Queue has come or gone: nobody's mail was taken. */
void mail_out_lost(struct mail_out *out);
/* From now on nothing is sent, and nobody waits. */
void mail_out_stop(struct mail_out *out);

#endif
