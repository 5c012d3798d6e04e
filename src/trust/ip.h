/* Addresses of clients: from text, to text, their names in the reverse trees. Pure. */
#ifndef NUNCIO_TRUST_IP_H
#define NUNCIO_TRUST_IP_H

#include "base/buf.h"
#include "trust/names.h"

/* 4 or 16 bytes in network order. IPv4-mapped IPv6 becomes IPv4. */
struct trust_ip trust_ip_from_bytes(const void *bytes, bool v6);
/* "192.0.2.1" or "2001:db8::1", without brackets or prefix; mapped becomes IPv4. */
bool trust_ip_parse(struct slice text, struct trust_ip *ret_ip);
/* Of one family as it stands, for networks in records: 4 or 16 bytes. */
bool trust_ip_parse_v4(struct slice text, uint8_t ret_bytes[static 4]);
bool trust_ip_parse_v6(struct slice text, uint8_t ret_bytes[static 16]);

bool trust_ip_eq(const struct trust_ip *a, const struct trust_ip *b);
/* The first `prefix` bits are those of `bytes`, which are of the client's family. */
bool trust_ip_in_network(const struct trust_ip *ip, const uint8_t *bytes, unsigned prefix);

/* RFC 5952's form of it. */
enum { TRUST_IP_TEXT_MAX = 46 };
struct slice trust_ip_text(const struct trust_ip *ip, char space[static TRUST_IP_TEXT_MAX]);

/* "1.2.0.192.in-addr.arpa", "1.0. ... .ip6.arpa" (RFC 1035 section 3.5, RFC 3596 section 2.5). */
enum { TRUST_IP_REVERSE_MAX = 73 };
struct slice trust_ip_reverse(const struct trust_ip *ip, char space[static TRUST_IP_REVERSE_MAX]);

/* The answer to a question for addresses of the client's family has it. */
bool trust_ip_among(const struct trust_ip *ip, const struct trust_answer *answer);

#endif
