/*
 * Questions as the rest of the server asks them, whoever answers: the two address families are
 * asked for at the same time and their answers merged.
 *
 * IPv6 and IPv4 take turns, so that a host whose IPv6 is broken somewhere on the way is reached at
 * the second try and not after all its IPv6 addresses (the thought behind RFC 8305).
 */
#include "dns/resolver.h"

#include <sys/socket.h>

enum { NAME_MAX_BYTES = 254 }; /* RFC 1035 section 2.3.4, in text, with the final dot */

const char *dns_result_text(enum dns_result result)
{
    switch (result) {
    case DNS_FOUND:
        return "found";
    case DNS_NO_NAME:
        return "no such name";
    case DNS_NO_DATA:
        return "no address for this name";
    case DNS_TIMEOUT:
        return "name servers did not answer in time";
    case DNS_FAILED:
        break;
    }
    return "name servers gave no usable answer";
}

void dns_free(struct dns *dns)
{
    if (dns)
        dns->methods->free(dns);
}

void dns_stop(struct dns *dns)
{
    dns->methods->stop(dns);
}

static void merge(const struct dns_family_answer *answers, struct dns_addresses *ret_addresses)
{
    struct dns_addresses merged = {0};

    for (unsigned i = 0; i < DNS_ADDRESSES_MAX; i++) {
        for (unsigned family = 0; family < 2; family++) {
            const struct dns_addresses *from = &answers[family].addresses;
            if (i < from->count && merged.count < DNS_ADDRESSES_MAX)
                merged.list[merged.count++] = from->list[i];
        }
    }
    *ret_addresses = merged;
}

/* Nothing was found: the answer that leaves most hope. */
static enum dns_result worst(enum dns_result a, enum dns_result b)
{
    static const enum dns_result order[] = {DNS_FAILED, DNS_TIMEOUT, DNS_NO_DATA};

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (a == order[i] || b == order[i])
            return order[i];
    }
    return DNS_NO_NAME;
}

int dns_lookup_addresses(struct dns *dns, struct slice name, uint64_t deadline,
                         struct dns_addresses *ret_addresses)
{
    struct dns_family_answer answers[2] = {{.family = AF_INET6, .result = DNS_FAILED},
                                           {.family = AF_INET, .result = DNS_FAILED}};
    char cstr[NAME_MAX_BYTES + 1];

    if (name.len == 0 || name.len > NAME_MAX_BYTES || slice_find(name, '\0') >= 0)
        return DNS_NO_NAME;
    memcpy(cstr, name.ptr, name.len);
    cstr[name.len] = '\0';
    dns->methods->lookup(dns, cstr, answers, 2, deadline);
    if (answers[0].result == DNS_FOUND || answers[1].result == DNS_FOUND) {
        merge(answers, ret_addresses);
        return DNS_FOUND;
    }
    return (int)worst(answers[0].result, answers[1].result);
}
