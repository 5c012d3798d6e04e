/* The stored form of TLS material. See tls_material.h. */
#include "io/tls_material.h"

#include "base/wire.h"

#include <errno.h>

void tls_material_encode(struct buf *out, const struct tls_material *material)
{
    wire_put_u32(out, material->n_pairs);
    for (uint32_t i = 0; i < material->n_pairs; i++) {
        const struct tls_pair *pair = &material->pairs[i];
        wire_put_slice(out, pair->name);
        wire_put_slice(out, pair->chain);
        wire_put_slice(out, pair->key);
        wire_put_u32(out, pair->n_hosts);
        for (uint32_t j = 0; j < pair->n_hosts; j++)
            wire_put_slice(out, pair->hosts[j]);
    }
    wire_put_u32(out, material->n_client_cas);
    for (uint32_t i = 0; i < material->n_client_cas; i++) {
        wire_put_slice(out, material->client_cas[i].listener);
        wire_put_slice(out, material->client_cas[i].cas);
    }
}

static void get_pair(struct wire *in, struct arena *arena, struct tls_pair *ret_pair)
{
    ret_pair->name = wire_get_slice(in);
    ret_pair->chain = wire_get_slice(in);
    ret_pair->key = wire_get_slice(in);
    ret_pair->n_hosts = wire_get_count(in, TLS_HOSTS_MAX);
    ret_pair->hosts = arena_alloc(arena, ret_pair->n_hosts * sizeof(*ret_pair->hosts));
    for (uint32_t i = 0; i < ret_pair->n_hosts; i++)
        ret_pair->hosts[i] = wire_get_slice(in);
}

int tls_material_decode(struct slice stored, struct arena *arena, struct tls_material *ret_material)
{
    struct wire in = wire_from(stored);
    struct tls_material *m = ret_material;

    m->n_pairs = wire_get_count(&in, TLS_PAIRS_MAX);
    m->pairs = arena_alloc(arena, m->n_pairs * sizeof(*m->pairs));
    for (uint32_t i = 0; i < m->n_pairs; i++)
        get_pair(&in, arena, &m->pairs[i]);
    m->n_client_cas = wire_get_count(&in, TLS_PAIRS_MAX);
    m->client_cas = arena_alloc(arena, m->n_client_cas * sizeof(*m->client_cas));
    for (uint32_t i = 0; i < m->n_client_cas; i++) {
        m->client_cas[i].listener = wire_get_slice(&in);
        m->client_cas[i].cas = wire_get_slice(&in);
    }
    return wire_ended_well(&in) ? 0 : -EBADMSG;
}
