/*
 * What a reload cannot change: listeners, whose sockets are bound, and the state folder, which is
 * opened and locked, once at start by a parent that was root then; the pools of threads, which are
 * made once; the groups of the control socket, which are looked up before the queue is locked in;
 * whom auth may connect to, which is settled when it is locked in; and the resolver of relay, which
 * reads its files before that. See config.h.
 */
#include "config/config.h"

static bool same_endpoints(const struct config_endpoints *a, const struct config_endpoints *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct config_endpoint *x = &a->list[i], *y = &b->list[i];
        if (x->kind != y->kind || x->port != y->port || !slice_eq(x->host, y->host))
            return false;
    }
    return true;
}

static bool same_networks(const struct config_networks *a, const struct config_networks *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct config_network *x = &a->list[i], *y = &b->list[i];
        if (x->family != y->family || x->prefix != y->prefix ||
            memcmp(x->address, y->address, sizeof(x->address)) != 0)
            return false;
    }
    return true;
}

static bool same_login(const struct config_listener *a, const struct config_listener *b)
{
    return a->tls == b->tls && a->auth == b->auth && a->insecure_auth == b->insecure_auth &&
           a->mechanisms == b->mechanisms && a->client_certificate == b->client_certificate &&
           slice_eq(a->client_ca, b->client_ca);
}

static bool same_checks(const struct config_checks *a, const struct config_checks *b)
{
    for (size_t i = 0; i < CHECKED_KINDS; i++) {
        if (a->list[i].action != b->list[i].action)
            return false;
    }
    return a->has_defer == b->has_defer && a->defer_ms == b->defer_ms;
}

static const struct config_listener *find_listener(const struct config *config, struct slice name)
{
    for (size_t i = 0; i < config->n_listeners; i++) {
        if (slice_eq(config->listeners[i].name, name))
            return &config->listeners[i];
    }
    return NULL;
}

static void tell(struct problem_list *problems, const struct config_listener *listener,
                 const char *what)
{
    problem_add(problems, listener->source.file, listener->source.line,
                "listen %.*s %s: needs a restart", SLICE_ARG(listener->name), what);
}

static void compare_listeners(const struct config *old, const struct config *new,
                              struct problem_list *problems)
{
    for (size_t i = 0; i < new->n_listeners; i++) {
        const struct config_listener *now = &new->listeners[i];
        const struct config_listener *before = find_listener(old, now->name);
        if (!before)
            tell(problems, now, "is new");
        else if (!same_endpoints(&before->addresses, &now->addresses))
            tell(problems, now, "has other addresses");
        else if (before->service != now->service)
            tell(problems, now, "has another service");
        else if (before->unix_mode != now->unix_mode)
            tell(problems, now, "has another mode");
        else if (!same_networks(&before->proxy, &now->proxy) ||
                 !same_networks(&before->xclient, &now->xclient))
            tell(problems, now, "has other proxies");
        else if (before->bare_newline != now->bare_newline)
            tell(problems, now, "has another bare_newline");
        else if (!same_login(before, now))
            tell(problems, now, "has other rules of TLS or AUTH");
        else if (!same_checks(&before->checks, &now->checks))
            tell(problems, now, "has other checks");
        else if (i >= old->n_listeners || before != &old->listeners[i])
            tell(problems, now, "stands at another place in the order");
    }
    for (size_t i = 0; i < old->n_listeners; i++) {
        if (!find_listener(new, old->listeners[i].name))
            tell(problems, &old->listeners[i], "was there, and is gone");
    }
}

/* What was granted at the start may stay unused; what was not, cannot be had later. */
static void compare_auth(const struct config *old, const struct config *new,
                         struct problem_list *problems)
{
    uint16_t port = config_oauth_port(new);

    if (config_asks_dovecot(new) && !config_asks_dovecot(old))
        problem_add(problems, SLICE_NULL, 0,
                    "accounts: auth may not speak to Dovecot yet: needs a restart");
    if (port && port != config_oauth_port(old))
        problem_add(problems, SLICE_NULL, 0,
                    "oauth: auth may not connect to port %u yet: needs a restart", port);
}

static bool same_dns(const struct config_dns *a, const struct config_dns *b)
{
    if (a->recurse != b->recurse || a->validate != b->validate ||
        a->n_trust_anchors != b->n_trust_anchors || !same_endpoints(&a->servers, &b->servers) ||
        !same_endpoints(&a->stubs, &b->stubs))
        return false;
    for (size_t i = 0; i < a->n_trust_anchors; i++) {
        if (!slice_eq(a->trust_anchors[i], b->trust_anchors[i]))
            return false;
    }
    return true;
}

void config_compare(const struct config *old, const struct config *new,
                    struct problem_list *problems)
{
    compare_listeners(old, new, problems);
    compare_auth(old, new, problems);
    if (!same_dns(&old->dns, &new->dns))
        problem_add(problems, SLICE_NULL, 0, "dns changed: needs a restart");
    if (!slice_eq(old->state, new->state))
        problem_add(problems, SLICE_NULL, 0, "state changed from %.*s to %.*s: needs a restart",
                    SLICE_ARG(old->state), SLICE_ARG(new->state));
    if (old->workers_mx != new->workers_mx || old->workers_submission != new->workers_submission)
        problem_add(problems, SLICE_NULL, 0, "workers changed: needs a restart");
    if (!slice_eq(old->control_read_group, new->control_read_group) ||
        !slice_eq(old->control_admin_group, new->control_admin_group))
        problem_add(problems, SLICE_NULL, 0, "control changed: needs a restart");
}
