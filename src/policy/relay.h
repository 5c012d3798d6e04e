/*
 * Who may send to whom: the relay rules over the configuration.
 *
 *     a domain of ours            anybody
 *     a domain that we relay for  anybody
 *     anywhere else               clients of a `trusted` network, who has logged in, and users of
 *                                 this machine
 *
 * A verdict names the line of the configuration that decided, for the log and for `why`. Pure:
 * whether the mailbox exists is asked elsewhere.
 */
#ifndef NUNCIO_POLICY_RELAY_H
#define NUNCIO_POLICY_RELAY_H

#include "config/config.h"
#include "mail/envelope.h"

/* Who sends, as far as relaying is concerned. */
struct policy_sender {
    bool may_relay;
    struct config_source source; /* what says so; no file: a local user */
};

/* A client by its network address; NULL (a unix socket) is a stranger. */
struct policy_sender policy_sender_of_client(const struct config *config,
                                             const struct sockaddr *address);
/* Whoever has logged in, on a listener that lets people do so. */
struct policy_sender policy_sender_of_login(const struct config_listener *listener);
/* A user of this machine, who has an account of its system. */
struct policy_sender policy_sender_local_user(void);

enum policy_outcome {
    POLICY_ACCEPT,   /* under `class` */
    POLICY_NO_ROUTE, /* the sender may, but there is no way to that domain */
    POLICY_DENY,     /* a stranger asks to relay */
};

struct policy_verdict {
    enum policy_outcome outcome;
    enum recipient_class class;
    const struct config_domain *domain; /* ours; a domain alias gives what it stands for. Or NULL */
    struct config_source source;        /* no file: no line says it, it is the rule without one */
};

/* `domain` as the recipient has it; any case, U-labels or A-labels. Address literals are foreign.
 */
struct policy_verdict policy_relay(const struct config *config, const struct policy_sender *sender,
                                   struct slice domain);

#endif
