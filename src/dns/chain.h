/*
 * Whether validation can work at all: some resolvers do not pass on what DNSSEC needs, and behind
 * one of them every answer looks forged. Then no mail would leave; so validation is switched off,
 * and DANE with it, until the resolver is seen to pass DNSSEC again.
 *
 * The question that decides is the probe: for the keys of the trust anchor itself. Where they
 * cannot be validated nothing can; where they can, what is bogus is bogus.
 *
 * Pure; time as a parameter; one thread.
 */
#ifndef NUNCIO_DNS_CHAIN_H
#define NUNCIO_DNS_CHAIN_H

#include "dns/dns.h"

enum {
    CHAIN_GOOD_MS = 300000,  /* a good probe is believed so long */
    CHAIN_AGAIN_MS = 300000, /* between probes while validation is off */
    /* Where validation has worked before, a bad probe is an outage or an attack, unless it is still
     * bad after so long; more than libunbound remembers a failure. */
    CHAIN_DOUBT_MS = 90000,
};

struct chain {
    bool off, probing, has_worked;
    uint64_t good_until_ms;
    uint64_t bad_since_ms; /* 0: not */
    uint64_t again_ms;
};

/* What is to be done with an answer that is bogus. */
enum chain_step {
    CHAIN_BELIEVE, /* it is */
    CHAIN_PROBE,   /* hold it, and probe */
    CHAIN_HOLD,    /* until the probe under way is answered */
    CHAIN_REASK,   /* without validation */
};
enum chain_step chain_on_bogus(struct chain *chain, uint64_t now_ms);
void chain_on_secure(struct chain *chain);
/* True: validation is off, and it is time to look whether it can be on. */
bool chain_wants_probe(struct chain *chain, uint64_t now_ms);

enum chain_change { CHAIN_SAME, CHAIN_OFF, CHAIN_ON };
enum chain_change chain_on_probe(struct chain *chain, uint64_t now_ms,
                                 const struct dns_answer *answer);

#endif
