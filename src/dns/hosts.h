/*
 * /etc/hosts: addresses that come before those of the DNS (hosts(5)). Immutable once read.
 * Included by src/dns alone.
 */
#ifndef NUNCIO_DNS_HOSTS_H
#define NUNCIO_DNS_HOSTS_H

#include "dns/dns.h"

struct hosts;

/* Lines that are none are left out. */
struct hosts *hosts_parse(struct slice text);
/* A file that is missing, or larger than 8 MiB, is as good as empty. */
struct hosts *hosts_read(const char *path);
void hosts_free(struct hosts *hosts);

/* False for names that are not in it, and for questions about anything but addresses. A name that
 * has addresses of the other family alone has no data. `name` is clean (name.h). */
bool hosts_find(const struct hosts *hosts, const char *name, enum dns_type type,
                struct arena *arena, struct dns_answer *ret_answer);

#endif
