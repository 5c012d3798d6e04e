/* See fake_dns.h. */
#include "fake_dns.h"

#include "base/buf.h"
#include "dns/resolver.h"

struct held {
    struct held *next;
    dns_answered *answered;
    void *arg;
};

static struct {
    struct dns dns;
    struct held *held;
    bool used, holds;
} fake;

static void keep(struct dns *dns, const char *name, enum dns_type type, uint64_t deadline,
                 dns_answered *answered, void *arg)
{
    struct held *held = xcalloc(1, sizeof(*held));

    (void)dns, (void)name, (void)type, (void)deadline;
    *held = (struct held){.next = fake.held, .answered = answered, .arg = arg};
    fake.held = held;
}

static bool answer_all(enum dns_result result)
{
    struct held *held = fake.held;
    bool any = held != NULL;

    fake.held = NULL;
    while (held) {
        struct held *next = held->next;
        held->answered(held->arg, &(struct dns_answer){.result = result});
        free(held);
        held = next;
    }
    return any;
}

static void fail_all(struct dns *dns)
{
    (void)dns;
    (void)answer_all(DNS_FAILED);
}

void fake_dns_use(bool use)
{
    fake.used = use;
}

struct dns *fake_dns_open(void)
{
    static const struct dns_methods methods = {.ask = keep, .stop = fail_all, .free = fail_all};

    fake.dns.methods = &methods;
    return fake.used ? &fake.dns : NULL;
}

void fake_dns_hold(bool hold)
{
    fake.holds = hold;
}

bool fake_dns_answer(void)
{
    return !fake.holds && answer_all(DNS_NO_NAME);
}
