/*
 * The gate: what a session passes before its banner, and what XCLIENT sends it through again.
 */
#ifndef NUNCIO_RECEIVE_GATE_H
#define NUNCIO_RECEIVE_GATE_H

#include "receive/session.h"

/* The first step of a session. */
void gate_open(struct session *session, struct step *step);
/* The PROXY header, cut off *input; false when it is not whole yet. */
bool gate_take_proxy(struct session *session, struct step *step, struct slice *input);
/* The client is in; how long does it wait for the banner? */
void gate_wait_for_banner(struct session *session);
void gate_send_banner(struct session *session, struct step *step);
/* Bytes have come before the banner. */
void gate_early_talker(struct session *session, struct step *step);

/* Counts the client in; a reply with code 0, or the one that sends it away. */
struct smtp_reply gate_count_client(struct session *session);
struct smtp_reply gate_banner(const struct session *session, struct arena *scratch);

#endif
