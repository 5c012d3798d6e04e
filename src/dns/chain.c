/* The state of validation, from probe to probe. See chain.h. */
#include "dns/chain.h"

enum chain_step chain_on_bogus(struct chain *chain, uint64_t now_ms)
{
    if (chain->off)
        return CHAIN_REASK;
    if (now_ms < chain->good_until_ms)
        return CHAIN_BELIEVE;
    if (chain->probing)
        return CHAIN_HOLD;
    chain->probing = true;
    return CHAIN_PROBE;
}

void chain_on_secure(struct chain *chain)
{
    chain->has_worked = true;
    chain->bad_since_ms = 0;
}

bool chain_wants_probe(struct chain *chain, uint64_t now_ms)
{
    if (!chain->off || chain->probing || now_ms < chain->again_ms)
        return false;
    chain->probing = true;
    return true;
}

static enum chain_change on_good(struct chain *chain, uint64_t now_ms)
{
    bool was_off = chain->off;

    chain_on_secure(chain);
    chain->off = false;
    chain->good_until_ms = now_ms + CHAIN_GOOD_MS;
    return was_off ? CHAIN_ON : CHAIN_SAME;
}

enum chain_change chain_on_probe(struct chain *chain, uint64_t now_ms,
                                 const struct dns_answer *answer)
{
    chain->probing = false;
    chain->again_ms = now_ms + CHAIN_AGAIN_MS;
    if (answer->security == DNS_SECURE)
        return on_good(chain, now_ms);
    /* A resolver that is away says nothing of DNSSEC. */
    if (chain->off || answer->security != DNS_BOGUS)
        return CHAIN_SAME;
    if (!chain->bad_since_ms)
        chain->bad_since_ms = now_ms;
    if (chain->has_worked && now_ms < chain->bad_since_ms + CHAIN_DOUBT_MS)
        return CHAIN_SAME;
    chain->off = true;
    return CHAIN_OFF;
}
