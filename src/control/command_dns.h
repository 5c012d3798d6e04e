/* The DNS for commands that look for faults. */
#ifndef NUNCIO_CONTROL_COMMAND_DNS_H
#define NUNCIO_CONTROL_COMMAND_DNS_H

#include "dns/dns.h"

/*
 * As the configuration says: that after -c (NULL: none was given), which must be right; otherwise
 * the usual one, and where that cannot be read or is broken the system's name servers, because who
 * looks for a fault may well have one. 0 or -errno, after a word on standard error.
 */
int command_dns_open(const char *given, struct dns **ret_dns);

#endif
