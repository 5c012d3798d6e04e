/*
 * Names of the DNS, in text and on the wire (RFC 1035 section 3.1), in one form: lower case,
 * without final dot; the root is empty. Labels are made of visible ASCII without dot and backslash:
 * what else there may be in the DNS, no host and no domain of mail is called so.
 */
#ifndef NUNCIO_DNS_NAME_H
#define NUNCIO_DNS_NAME_H

#include "base/wire.h"
#include "dns/dns.h"

/* The text in that form, with a NUL behind it; false when it is no name. */
bool dns_name_clean(struct slice text, char ret_name[DNS_NAME_MAX + 1]);

/* A name of the wire, uncompressed, behind the cursor; sets its `failed` when it is malformed. */
void dns_name_read(struct wire *wire, char ret_name[DNS_NAME_MAX + 1]);

/* The other way, for the fake: `name` must be clean. */
void dns_name_write(struct buf *out, const char *name);

#endif
