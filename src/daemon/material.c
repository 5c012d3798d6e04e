/*
 * Gathering certificates, keys and CAs. See material.h.
 *
 * What counts as no good: it cannot be read, does not fit together (key_pair.h), or is out of its
 * time while the one in force is not. At a start, with nothing in force, a certificate out of its
 * time is used all the same: mail that comes in with a warning is better than a server that stays
 * away after a reboot.
 */
#include "daemon/material.h"

#include "daemon/regular_file.h"
#include "daemon/self_signed.h"
#include "io/tls_server.h"

#include <errno.h>

struct gathering {
    const struct material_request *request;
    struct arena *arena;
    struct material *material;
};

static struct certificate_fact *add_fact(struct gathering *g, enum certificate_kind kind,
                                         struct slice name, struct config_source source)
{
    struct certificate_facts *facts = &g->material->facts;
    struct certificate_fact *fact = &facts->list[facts->count++];

    *fact = (struct certificate_fact){.kind = kind, .name = name, .source = source};
    return fact;
}

static void put_pair(struct gathering *g, struct certificate_fact *fact, struct tls_pair pair)
{
    struct tls_material *tls = &g->material->tls;

    pair.name = fact->name;
    pair.hosts = fact->pair.hosts;
    pair.n_hosts = fact->pair.n_hosts;
    tls->pairs[tls->n_pairs++] = pair;
    fact->in_force = true;
}

static bool is_in_time(const struct key_pair *pair, uint64_t now_ms)
{
    return pair->not_before <= now_ms && now_ms < pair->not_after;
}

/* ---- configured certificates --------------------------------------------------------------- */

static int read_file(struct gathering *g, const char *word, struct slice path,
                     struct slice *ret_text, struct stat *ret_stat, struct slice *ret_problem)
{
    char why[REGULAR_FILE_WHY_SIZE];
    int r = regular_file_read(path, MATERIAL_FILE_MAX, g->arena, ret_text, ret_stat, why);

    if (r < 0)
        *ret_problem = arena_printf(g->arena, "%s: %.*s: %s", word, SLICE_ARG(path), why);
    return r;
}

/* What receive would say to it: one pair that is no good would keep all from being used. */
static int check_usable(const struct tls_pair *pair, char why[KEY_PAIR_WHY_SIZE])
{
    struct tls_pair copy = *pair;
    const struct tls_material alone = {.pairs = &copy, .n_pairs = 1};
    const struct tls_rules rules = {.only_1_3 = false};
    struct tls_server *server;
    int r = tls_server_new(&alone, &rules, &server, why, KEY_PAIR_WHY_SIZE);

    if (r == 0)
        tls_server_unref(server);
    return r;
}

static int read_pair(struct gathering *g, const struct config_certificate *certificate,
                     struct tls_pair *ret_pair, struct certificate_fact *fact)
{
    char why[KEY_PAIR_WHY_SIZE];
    struct stat chain, key;

    if (read_file(g, "chain", certificate->chain, &ret_pair->chain, &chain, &fact->problem) < 0 ||
        read_file(g, "key", certificate->key, &ret_pair->key, &key, &fact->problem) < 0)
        return -EINVAL;
    if (key_pair_read(ret_pair->chain, ret_pair->key, g->arena, &fact->pair, why) < 0) {
        fact->problem = arena_printf(g->arena, "%s", why);
        return -EINVAL;
    }
    if (check_usable(ret_pair, why) < 0) {
        fact->problem = arena_printf(g->arena, "OpenSSL cannot use it: %s", why);
        return -EINVAL;
    }
    if (key.st_mode & S_IROTH)
        fact->warning = arena_printf(g->arena,
                                     "key: %.*s may be read by every user of this machine; write: "
                                     "chmod o-r %.*s",
                                     SLICE_ARG(certificate->key), SLICE_ARG(certificate->key));
    return 0;
}

/* The pair of this name that is in force, if there is one that can be used on. */
static bool find_old(struct gathering *g, struct slice name, struct tls_pair *ret_pair,
                     struct key_pair *ret_facts)
{
    const struct tls_material *old = g->request->old;
    char why[KEY_PAIR_WHY_SIZE];

    for (uint32_t i = 0; old && i < old->n_pairs; i++) {
        if (!slice_eq(old->pairs[i].name, name))
            continue;
        *ret_pair = old->pairs[i];
        return key_pair_read(ret_pair->chain, ret_pair->key, g->arena, ret_facts, why) == 0;
    }
    return false;
}

static void add_certificate(struct gathering *g, const struct config_certificate *certificate)
{
    struct certificate_fact *fact =
        add_fact(g, CERTIFICATE_CONFIGURED, certificate->name, certificate->source);
    struct tls_pair pair = {0}, old_pair;
    uint64_t now = g->request->now_ms;
    struct key_pair old;
    bool good = read_pair(g, certificate, &pair, fact) == 0;

    if (good && is_in_time(&fact->pair, now)) {
        put_pair(g, fact, pair);
        return;
    }
    if (!find_old(g, certificate->name, &old_pair, &old) || (good && !is_in_time(&old, now))) {
        if (good)
            put_pair(g, fact, pair);
        return;
    }
    if (good && fact->pair.not_after <= now) {
        fact->problem = SLICE("chain: its time is over already");
    } else if (good) {
        fact->problem = SLICE("chain: its time has not come yet");
        fact->waits_until = fact->pair.not_before;
    }
    fact->pair = old;
    put_pair(g, fact, old_pair);
}

/* ---- our own ------------------------------------------------------------------------------- */

/* The certificate without the key that is in the same file. */
static struct slice certificate_part(struct slice pem)
{
    const char *begin = memmem(pem.ptr, pem.len, "-----BEGIN CERTIFICATE-----",
                               strlen("-----BEGIN CERTIFICATE-----"));
    return begin ? slice_skip(pem, (size_t)(begin - pem.ptr)) : SLICE_NULL;
}

static void add_own(struct gathering *g)
{
    const struct material_request *request = g->request;
    struct slice hostname = request->config->hostname, pem,
                 path = slice_from_cstr(request->own_path);
    struct certificate_fact *fact =
        add_fact(g, CERTIFICATE_OURS, SLICE(SELF_SIGNED_NAME), (struct config_source){.line = 0});
    char why[KEY_PAIR_WHY_SIZE];
    struct stat st;
    int r = regular_file_read(path, SELF_SIGNED_SIZE_MAX, g->arena, &pem, &st, why);
    bool good = r == 0 && key_pair_read(pem, pem, g->arena, &fact->pair, why) == 0;

    if (!good || !self_signed_will_do(&fact->pair, hostname, request->now_ms)) {
        r = self_signed_make(request->own_path, hostname, request->now_ms, g->arena, &pem);
        if (r < 0)
            fact->problem = arena_printf(g->arena, "%s: it cannot be made: %s", request->own_path,
                                         strerror(-r));
        else
            good = key_pair_read(pem, pem, g->arena, &fact->pair, why) == 0;
    }
    if (good)
        put_pair(g, fact, (struct tls_pair){.chain = certificate_part(pem), .key = pem});
}

/* ---- CAs of clients ------------------------------------------------------------------------ */

static bool find_old_cas(struct gathering *g, struct slice listener, struct slice *ret_cas)
{
    const struct tls_material *old = g->request->old;

    for (uint32_t i = 0; old && i < old->n_client_cas; i++) {
        if (!slice_eq(old->client_cas[i].listener, listener))
            continue;
        *ret_cas = old->client_cas[i].cas;
        return true;
    }
    return false;
}

static void add_client_ca(struct gathering *g, const struct config_listener *listener)
{
    struct certificate_fact *fact =
        add_fact(g, CERTIFICATE_CLIENT_CA, listener->name, listener->source);
    struct tls_material *tls = &g->material->tls;
    struct slice cas = SLICE_NULL;
    char why[KEY_PAIR_WHY_SIZE];
    struct stat st;

    if (read_file(g, "client_ca", listener->client_ca, &cas, &st, &fact->problem) == 0 &&
        key_pair_check_cas(cas, why) < 0)
        fact->problem =
            arena_printf(g->arena, "client_ca: %.*s: %s", SLICE_ARG(listener->client_ca), why);
    if (fact->problem.len && !find_old_cas(g, listener->name, &cas))
        return;
    tls->client_cas[tls->n_client_cas++] =
        (struct tls_client_ca){.listener = listener->name, .cas = cas};
    fact->in_force = true;
}

void material_gather(const struct material_request *request, struct arena *arena,
                     struct material *ret_material)
{
    const struct config *config = request->config;
    struct gathering g = {.request = request, .arena = arena, .material = ret_material};
    size_t n_pairs = config->n_certificates + 1;

    *ret_material = (struct material){
        .tls = {.pairs = arena_alloc(arena, n_pairs * sizeof(struct tls_pair)),
                .client_cas =
                    arena_alloc(arena, config->n_listeners * sizeof(struct tls_client_ca))},
        .facts = {.list = arena_alloc(arena, (n_pairs + config->n_listeners) *
                                                 sizeof(struct certificate_fact))}};
    for (size_t i = 0; i < config->n_certificates; i++)
        add_certificate(&g, &config->certificates[i]);
    if (config->n_certificates == 0 && request->own_path)
        add_own(&g);
    for (size_t i = 0; i < config->n_listeners; i++) {
        if (config->listeners[i].client_certificate != CERTIFICATE_IGNORED)
            add_client_ca(&g, &config->listeners[i]);
    }
}
