/*
 * The mail servers of a domain as its MX records name them: RFC 5321 section 5.1, RFC 7505. Pure.
 */
#ifndef NUNCIO_RELAY_MX_LIST_H
#define NUNCIO_RELAY_MX_LIST_H

#include "dns/dns.h"

struct mx_host {
    struct slice name; /* lower case, no final dot */
    uint16_t preference;
    bool ours; /* set by the caller: this is the server that asks */
};

struct mx_list {
    struct mx_host *hosts; /* by preference, equal ones by name; each name once */
    unsigned count;
};

enum mx_list_result {
    MX_LIST_HOSTS = 0,
    MX_LIST_NULL = 1,    /* the domain says that it takes no mail (RFC 7505) */
    MX_LIST_NOWHERE = 2, /* there are records, and none of them names a host */
};

/* Of an answer that was found. Memory is the arena's. At most DNS_RECORDS_MAX hosts. */
enum mx_list_result mx_list_read(const struct dns_answer *answer, struct arena *arena,
                                 struct mx_list *ret_list);

/* Leaves out the best host that is ours and all of equal or worse preference, so that mail only
 * ever comes nearer to its goal. True: something was left out. */
bool mx_list_cut(struct mx_list *list);

#endif
