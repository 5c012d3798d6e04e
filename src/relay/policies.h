/*
 * What the role knows and tells about TLS elsewhere, put together: HTTPS, MTA-STS policies, counts
 * for TLS reports, and their folder state/relay. The mailing of reports, of DMARC too, goes with
 * it.
 */
#ifndef NUNCIO_RELAY_POLICIES_H
#define NUNCIO_RELAY_POLICIES_H

#include "io/role.h"
#include "relay/dmarc_mailer.h"
#include "relay/mail_out.h"
#include "relay/sts.h"
#include "relay/tlsrpt.h"

struct policies {
    struct role_context *role;
    int sts_folder, tlsrpt_folder; /* -1: nothing is kept */
    struct https *https;
    struct sts *sts;
    struct tlsrpt *tlsrpt;
    struct mail_out *mail_out;
    struct dmarc_mailer *dmarc_mailer;
    struct loop_timer *timer;
};

/* Opens and reads; no thread. -errno. */
int policies_open(struct policies *policies, struct role_context *role, struct dns *dns);
/* After lock_in(). -errno. */
int policies_start(struct policies *policies);
/* A configuration is in force. */
void policies_configure(struct policies *policies, const struct config *config);
/* CAs, as PEM text, that the default route trusts; empty: the system's. */
void policies_set_ca(struct policies *policies, struct slice ca);
/* A message of queue or history; false: none for us. */
bool policies_take_message(struct policies *policies, const struct channel_message *message);
/* Queue has come or gone. */
void policies_queue_changed(struct policies *policies);
/* Members of the status. */
void policies_status(struct policies *policies, struct buf *json);
/* Whoever waits for an answer gets one. */
void policies_stop(struct policies *policies);
/* After dns_stop(). */
void policies_close(struct policies *policies);

#endif
