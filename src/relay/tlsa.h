/*
 * TLSA records of a mail server (RFC 7672 section 2.2.3): where they are, and whether they can be
 * of use.
 */
#ifndef NUNCIO_RELAY_TLSA_H
#define NUNCIO_RELAY_TLSA_H

#include "dns/dns.h"
#include "io/tls_client.h"

enum tlsa_state {
    TLSA_NONE,     /* not asked for, none there, or not signed */
    TLSA_FAILED,   /* bogus, or no answer: the host must not be used */
    TLSA_UNUSABLE, /* signed, but not one that we can use: TLS without authentication */
    TLSA_USABLE,
};

struct tlsa_answer {
    enum tlsa_state state;
    struct slice base;     /* the TLSA base domain */
    struct tls_tlsa *list; /* the usable ones; from the arena, as all of it */
    unsigned count;
    struct slice unusable; /* TLSA_UNUSABLE: what is there, as tlsa_to_text() has it */
    struct slice why;      /* TLSA_FAILED: for people */
};

/*
 * Asks for _port._tcp of `canonical`, the host's name after CNAMEs, and then of the name itself,
 * when the addresses were secure; for an alias in a signed zone that leads out of it, of the name
 * alone (section 2.2.2). Servers of unsigned zones are not asked: some fail on questions for TLSA.
 * Blocks until the deadline at the longest.
 */
struct tlsa_question {
    struct slice host, canonical;
    uint16_t port;
    bool address_secure; /* all of the way to the address records */
    uint64_t deadline;
};
void tlsa_find(struct dns *dns, const struct tlsa_question *question, struct arena *arena,
               struct tlsa_answer *ret_answer);

/* Records as a report has them (RFC 8460 section 4.4): "3 1 1 ab12...", a line each. */
struct slice tlsa_to_text(const struct tls_tlsa *list, unsigned count, struct arena *arena);

#endif
