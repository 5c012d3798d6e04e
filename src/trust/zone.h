/*
 * Records from the text of a file in place of the DNS, so that verdicts can be had without a
 * network and again tomorrow: for `nuncio verify --zone` and tests.
 *
 * The text is a master file (RFC 1035 section 5) or what people write by hand; both at once is
 * fine:
 *
 *     $ORIGIN example.net.
 *     @         3600 IN  MX    10 mail
 *     sel._domainkey     TXT   ( "v=DKIM1; p=MIIB"
 *                                "IjANBg" )
 *     example.com        TXT   v=spf1 ip4:192.0.2.0/24 -all
 *     192.0.2.1          PTR   mail.example.com
 *     slow.example.com   TXT   !timeout
 *     broken.example.com !servfail
 *
 * Names are relative to $ORIGIN, and whole while there is none. TXT without quotes is one text to
 * the end of its line, ";" included. An address as a name stands for its name in the reverse tree.
 * "!servfail" and "!timeout" make questions fail, of one type or of all. Types that no evaluator
 * asks for (SOA, NS ...) are read over: their name exists. Wildcards and CNAMEs work as in the DNS.
 */
#ifndef NUNCIO_TRUST_ZONE_H
#define NUNCIO_TRUST_ZONE_H

#include "base/problem.h"
#include "trust/names.h"

struct zone;

/* `file` is what problems call it ("records.zone:3: ..."). NULL after adding problems. The text may
 * go away afterwards. */
struct zone *zone_read(struct slice file, struct slice text, struct problem_list *problems);
void zone_free(struct zone *zone); /* NULL is fine */

/* Answers at once, and the answers live as long as the zone. */
struct trust_names zone_names(struct zone *zone);

#endif
