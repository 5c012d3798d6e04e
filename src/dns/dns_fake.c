/*
 * The scripted resolver. Its delays are real sleeps, cut at the deadline, so that tests of waiting
 * code see time pass as with a slow name server.
 */
#include "dns/dns_fake.h"

#include "base/buf.h"
#include "base/clock.h"
#include "dns/resolver.h"

#include <arpa/inet.h>
#include <poll.h>

struct fake {
    struct dns dns;
    const struct dns_fake_entry *script;
    size_t n_entries;
};

static void take_entry(const struct dns_fake_entry *entry, struct dns_family_answer *answer)
{
    struct dns_address address = {.family = answer->family};

    if (!entry->address) {
        answer->result = entry->result;
    } else if (inet_pton(answer->family, entry->address, address.bytes) == 1) {
        answer->result = DNS_FOUND;
        if (answer->addresses.count < DNS_ADDRESSES_MAX)
            answer->addresses.list[answer->addresses.count++] = address;
    } else if (answer->result != DNS_FOUND) {
        answer->result = DNS_NO_DATA;
    }
}

static void fake_lookup(struct dns *dns, const char *name, struct dns_family_answer *answers,
                        unsigned n, uint64_t deadline)
{
    struct fake *fake = (struct fake *)dns;
    uint64_t now = clock_mono_ms();
    uint64_t delay = 0;

    for (unsigned i = 0; i < n; i++) {
        answers[i].result = DNS_NO_NAME;
        for (size_t e = 0; e < fake->n_entries; e++) {
            const struct dns_fake_entry *entry = &fake->script[e];
            if (!slice_eq_nocase(slice_from_cstr(entry->name), slice_from_cstr(name)))
                continue;
            take_entry(entry, &answers[i]);
            delay = entry->delay_ms > delay ? entry->delay_ms : delay;
        }
    }
    if (delay && now + delay > deadline) {
        for (unsigned i = 0; i < n; i++)
            answers[i] = (struct dns_family_answer){.result = DNS_TIMEOUT};
        delay = deadline > now ? deadline - now : 0;
    }
    if (delay)
        poll(NULL, 0, (int)delay);
}

static void fake_stop(struct dns *dns)
{
    ((struct fake *)dns)->n_entries = 0;
}

static void fake_free(struct dns *dns)
{
    free(dns);
}

struct dns *dns_fake_new(const struct dns_fake_entry *script, size_t n_entries)
{
    static const struct dns_methods methods = {
        .lookup = fake_lookup, .stop = fake_stop, .free = fake_free};
    struct fake *fake = xcalloc(1, sizeof(*fake));

    *fake = (struct fake){.dns.methods = &methods, .script = script, .n_entries = n_entries};
    return &fake->dns;
}
