/*
 * What the DNS says of a client's address and of the name by which it introduces itself. Pure, see
 * names.h.
 */
#ifndef NUNCIO_TRUST_CLIENT_NAME_H
#define NUNCIO_TRUST_CLIENT_NAME_H

#include "trust/names.h"

/* RFC 8601 section 2.7.3: a name of the address that has the address among its own (FCrDNS). */
enum iprev_result { IPREV_PASS, IPREV_FAIL, IPREV_TEMPERROR, IPREV_PERMERROR };
const char *iprev_result_name(enum iprev_result result);

struct iprev_verdict {
    enum iprev_result result;
    struct slice name;    /* that passed, in lower case; or empty */
    struct slice claimed; /* IPREV_FAIL: the first name that the address has, or empty */
    struct slice problem; /* why not, for people */
};
int iprev_check(const struct trust_ip *client, const struct trust_names *names, struct arena *arena,
                struct iprev_verdict *ret_verdict);

/* RFC 5321 section 4.1.4: EHLO's argument. A name must be a domain name with more than one label
 * and have an address or MX record; a literal must be the client's own address. */
enum helo_result { HELO_PASS, HELO_FAIL, HELO_TEMPERROR };
const char *helo_result_name(enum helo_result result);

struct helo_verdict {
    enum helo_result result;
    bool is_client; /* one of the name's addresses is the client's */
    bool is_ours;   /* it is our own name or address, which no stranger has: HELO_FAIL */
    struct slice problem;
};
int helo_check(struct slice helo, const struct trust_ip *client, struct slice our_hostname,
               const struct trust_names *names, struct arena *arena,
               struct helo_verdict *ret_verdict);

#endif
