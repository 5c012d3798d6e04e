/* Facts about certificates: their stored form, and what is to be said about them. See the header.
 */
#include "daemon/certificate_fact.h"

#include "base/wire.h"
#include "io/tls_material.h"

#include <errno.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)

enum { FACTS_MAX = 2 * TLS_PAIRS_MAX };

void certificate_facts_encode(struct buf *out, const struct certificate_facts *facts)
{
    wire_put_u32(out, facts->count);
    for (uint32_t i = 0; i < facts->count; i++) {
        const struct certificate_fact *fact = &facts->list[i];
        wire_put_u8(out, (uint8_t)fact->kind);
        wire_put_slice(out, fact->name);
        wire_put_slice(out, fact->source.file);
        wire_put_u32(out, fact->source.line);
        wire_put_u8(out, fact->in_force);
        wire_put_slice(out, fact->pair.kind);
        wire_put_u64(out, fact->pair.not_before);
        wire_put_u64(out, fact->pair.not_after);
        wire_put_slice(out, fact->problem);
        wire_put_slice(out, fact->warning);
        wire_put_u64(out, fact->waits_until);
        wire_put_u32(out, fact->pair.n_hosts);
        for (uint32_t j = 0; j < fact->pair.n_hosts; j++)
            wire_put_slice(out, fact->pair.hosts[j]);
    }
}

static void get_fact(struct wire *in, struct arena *arena, struct certificate_fact *ret_fact)
{
    ret_fact->kind = (enum certificate_kind)wire_get_u8(in);
    ret_fact->name = arena_dup(arena, wire_get_slice(in));
    ret_fact->source.file = arena_dup(arena, wire_get_slice(in));
    ret_fact->source.line = wire_get_u32(in);
    ret_fact->in_force = wire_get_u8(in) != 0;
    ret_fact->pair.kind = arena_dup(arena, wire_get_slice(in));
    ret_fact->pair.not_before = wire_get_u64(in);
    ret_fact->pair.not_after = wire_get_u64(in);
    ret_fact->problem = arena_dup(arena, wire_get_slice(in));
    ret_fact->warning = arena_dup(arena, wire_get_slice(in));
    ret_fact->waits_until = wire_get_u64(in);
    ret_fact->pair.n_hosts = wire_get_count(in, TLS_HOSTS_MAX);
    ret_fact->pair.hosts =
        arena_alloc(arena, ret_fact->pair.n_hosts * sizeof(*ret_fact->pair.hosts));
    for (uint32_t i = 0; i < ret_fact->pair.n_hosts; i++)
        ret_fact->pair.hosts[i] = arena_dup(arena, wire_get_slice(in));
}

int certificate_facts_decode(struct slice stored, struct arena *arena,
                             struct certificate_facts *ret_facts)
{
    struct wire in = wire_from(stored);
    struct certificate_facts facts = {.count = wire_get_count(&in, FACTS_MAX)};

    facts.list = arena_alloc(arena, facts.count * sizeof(*facts.list));
    for (uint32_t i = 0; i < facts.count; i++)
        get_fact(&in, arena, &facts.list[i]);
    if (!wire_ended_well(&in))
        return -EBADMSG;
    *ret_facts = facts;
    return 0;
}

int64_t certificate_fact_days_left(const struct certificate_fact *fact, uint64_t now_ms)
{
    int64_t left = (int64_t)fact->pair.not_after - (int64_t)now_ms;

    return left < 0 ? (left - DAY_MS + 1) / DAY_MS : left / DAY_MS;
}

/* "listen submission" or "certificate mx1", for the beginning of a message. */
static const char *section_of(const struct certificate_fact *fact)
{
    return fact->kind == CERTIFICATE_CLIENT_CA ? "listen" : "certificate";
}

static void add(struct problem_list *list, const struct certificate_fact *fact, const char *before,
                struct slice text)
{
    problem_add(list, fact->source.file, fact->source.line, "%s %.*s: %s%.*s", section_of(fact),
                SLICE_ARG(fact->name), before, SLICE_ARG(text));
}

int certificate_facts_tell_problems(const struct certificate_facts *facts,
                                    struct problem_list *problems)
{
    unsigned before = problems->count;

    for (uint32_t i = 0; i < facts->count; i++) {
        const struct certificate_fact *fact = &facts->list[i];
        if (fact->problem.len && !fact->in_force)
            add(problems, fact, "", fact->problem);
    }
    return problems->count == before ? 0 : -EINVAL;
}

static void warn_of_end(const struct certificate_fact *fact, uint64_t now_ms,
                        struct problem_list *warnings)
{
    int64_t days = certificate_fact_days_left(fact, now_ms);

    if (fact->pair.not_before > now_ms)
        add(warnings, fact, "", SLICE("its time has not come yet: clients refuse it"));
    else if (days < 0)
        add(warnings, fact, "", SLICE("its time is over: clients refuse it; renew it"));
    else if (days < CERTIFICATE_WARN_DAYS)
        problem_add(warnings, fact->source.file, fact->source.line,
                    "certificate %.*s: its time is over in %lld days; renew it",
                    SLICE_ARG(fact->name), (long long)days);
}

/* A name of a certificate against a host: equal, or "*.example.org" for one label more. */
static bool covers(struct slice name, struct slice host)
{
    ptrdiff_t dot = slice_find(host, '.');

    if (name.len > 2 && name.ptr[0] == '*' && name.ptr[1] == '.')
        return dot > 0 && slice_eq_nocase(slice_skip(name, 1), slice_skip(host, (size_t)dot));
    return slice_eq_nocase(name, host);
}

static bool is_for(const struct certificate_fact *fact, struct slice host)
{
    for (uint32_t i = 0; i < fact->pair.n_hosts; i++) {
        if (covers(fact->pair.hosts[i], host))
            return true;
    }
    return false;
}

void certificate_facts_tell_warnings(const struct certificate_facts *facts, struct slice hostname,
                                     uint64_t now_ms, struct problem_list *warnings)
{
    bool any = false, for_us = false;

    for (uint32_t i = 0; i < facts->count; i++) {
        const struct certificate_fact *fact = &facts->list[i];
        bool has_pair = fact->kind != CERTIFICATE_CLIENT_CA && fact->in_force;
        if (fact->problem.len && fact->in_force)
            add(warnings, fact, "the older one stays, because: ", fact->problem);
        if (fact->warning.len)
            add(warnings, fact, "", fact->warning);
        if (has_pair)
            warn_of_end(fact, now_ms, warnings);
        any = any || has_pair;
        for_us = for_us || (has_pair && is_for(fact, hostname));
    }
    if (any && !for_us)
        problem_add(warnings, SLICE_NULL, 0,
                    "no certificate has the name %.*s (hostname): clients that look at it refuse "
                    "it",
                    SLICE_ARG(hostname));
}
