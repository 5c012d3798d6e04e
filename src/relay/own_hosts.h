/*
 * Is a mail server that DNS names this very one? By name: the hostname and what we call ourselves
 * in EHLO. By address: where one of our listeners takes connections, at the port that would be
 * called. To call ourselves would send the mail in a circle (RFC 5321 section 5.1).
 */
#ifndef NUNCIO_RELAY_OWN_HOSTS_H
#define NUNCIO_RELAY_OWN_HOSTS_H

#include "config/config.h"
#include "dns/dns.h"

/* The addresses of this machine's interfaces when they were read. Begins as all zero. */
struct own_hosts {
    struct dns_address *addresses;
    unsigned count;
};

/* Reads the interfaces; where that is not allowed all remains as it was, and the listeners count.
 */
void own_hosts_read(struct own_hosts *own);
void own_hosts_done(struct own_hosts *own);

/* `name` in A-labels. */
bool own_hosts_has_name(const struct config *config, struct slice name);
bool own_hosts_has_address(const struct own_hosts *own, const struct config *config,
                           const struct dns_address *address, uint16_t port);

#endif
