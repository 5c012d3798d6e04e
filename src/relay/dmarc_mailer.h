/*
 * Mails DMARC reports that history made (MSG_DMARC_SEND): asks the DNS whether each destination
 * wants them (RFC 9990, "Verifying External Destinations"), makes the mail, hands it to queue, and
 * tells history what became of it. On threads of its own, so that a slow name server holds up
 * nothing but another report or two.
 */
#ifndef NUNCIO_RELAY_DMARC_MAILER_H
#define NUNCIO_RELAY_DMARC_MAILER_H

#include "dns/dns.h"
#include "io/role.h"
#include "relay/mail_out.h"

enum { DMARC_MAILER_THREADS = 2, DMARC_MAILER_WAITING_MAX = 16, DMARC_MAILER_GZIP_MAX = 16 << 20 };

struct dmarc_mailer;

struct dmarc_mailer_settings {
    struct role_context *role;
    struct dns *dns;
    struct mail_out *mail_out;
};
struct dmarc_mailer *dmarc_mailer_new(const struct dmarc_mailer_settings *settings);
/* Starts the threads. -errno. */
int dmarc_mailer_start(struct dmarc_mailer *mailer);
/* After dns_stop() and mail_out_stop(), so that nobody waits. NULL is fine. */
void dmarc_mailer_free(struct dmarc_mailer *mailer);

/* Who we are: the name in subject and file, and the sender's address. */
void dmarc_mailer_set_identity(struct dmarc_mailer *mailer, struct slice hostname,
                               struct slice from);

/* A message of history; its descriptors stay the caller's. */
void dmarc_mailer_take(struct dmarc_mailer *mailer, const struct channel_message *message);

#endif
