/* The relay rules. See relay.h. They know nothing of `open_relay`: that word only allows wide
 * networks in `trusted`, and the configuration checks it. */
#include "policy/relay.h"

struct policy_sender policy_sender_of_client(const struct config *config,
                                             const struct sockaddr *address)
{
    const struct config_network *network =
        address ? config_find_network(&config->trusted, address) : NULL;

    if (!network)
        return (struct policy_sender){.may_relay = false};
    return (struct policy_sender){.may_relay = true, .source = network->source};
}

struct policy_sender policy_sender_of_login(const struct config_listener *listener)
{
    return (struct policy_sender){.may_relay = true, .source = listener->source};
}

struct policy_sender policy_sender_local_user(void)
{
    return (struct policy_sender){.may_relay = true};
}

/* The domain that `domain` stands for. The configuration allows no alias of an alias. */
static const struct config_domain *follow_alias(const struct config *config,
                                                const struct config_domain *domain)
{
    const struct config_domain *target =
        domain->alias_of.len ? config_find_domain(config, domain->alias_of) : NULL;

    return target ? target : domain;
}

struct policy_verdict policy_relay(const struct config *config, const struct policy_sender *sender,
                                   struct slice name)
{
    const struct config_domain *domain = config_find_domain(config, name);
    struct policy_verdict verdict = {.outcome = POLICY_DENY};

    if (domain) {
        verdict.outcome = POLICY_ACCEPT;
        verdict.source = domain->source;
        verdict.domain = follow_alias(config, domain);
        verdict.class = verdict.domain->local ? CLASS_LOCAL : CLASS_RELAY;
    } else if (sender->may_relay) {
        verdict.outcome = config_route_for(config, name) ? POLICY_ACCEPT : POLICY_NO_ROUTE;
        verdict.source = sender->source;
        verdict.class = CLASS_AUTHORISED;
    }
    return verdict;
}
