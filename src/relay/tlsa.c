/*
 * See tlsa.h. An answer that is not secure counts as none, whatever it says; one that is bogus or
 * does not come is TLSA_FAILED, because an attacker can make it so (RFC 7672 section 2.1.2). A
 * record that is secure and that we cannot use still is a promise of TLS (section 2.2).
 */
#include "relay/tlsa.h"

#include "base/buf.h"

static bool read_record(struct slice rdata, struct arena *arena, struct tls_tlsa *ret_tlsa)
{
    struct dns_tlsa record;

    if (!dns_read_tlsa(rdata, &record))
        return false;
    *ret_tlsa = (struct tls_tlsa){.usage = record.usage,
                                  .selector = record.selector,
                                  .matching = record.matching,
                                  .data = arena_dup(arena, record.data)};
    return true;
}

/* The usable ones; or, when there is none, what there is for those who are told of it. */
static void take_records(struct tlsa_answer *answer, const struct dns_answer *found,
                         struct arena *arena)
{
    struct tls_tlsa *other = arena_alloc(arena, found->n_records * sizeof(*other));
    struct tls_tlsa tlsa;
    unsigned n_other = 0;

    answer->list = arena_alloc(arena, found->n_records * sizeof(*answer->list));
    for (unsigned i = 0; i < found->n_records; i++) {
        if (!read_record(found->records[i], arena, &tlsa))
            continue;
        if (tls_tlsa_is_usable(&tlsa))
            answer->list[answer->count++] = tlsa;
        else
            other[n_other++] = tlsa;
    }
    answer->state = answer->count ? TLSA_USABLE : TLSA_UNUSABLE;
    if (!answer->count)
        answer->unusable = tlsa_to_text(other, n_other, arena);
}

static bool has_failed(const struct dns_answer *found, struct tlsa_answer *answer)
{
    if (found->result != DNS_FAILED && found->result != DNS_TIMEOUT && found->security != DNS_BOGUS)
        return false;
    answer->state = TLSA_FAILED;
    answer->why = found->why.len ? found->why : slice_from_cstr(dns_result_text(found->result));
    return true;
}

/* One candidate for the base domain. False: the next one is to be asked. */
static bool ask(struct dns *dns, const struct tlsa_question *question, struct slice base,
                struct arena *arena, struct tlsa_answer *answer)
{
    struct slice name =
        arena_printf(arena, "_%u._tcp.%.*s", (unsigned)question->port, SLICE_ARG(base));
    struct dns_answer found = {0};

    (void)dns_lookup(dns, name, DNS_TLSA, question->deadline, arena, &found);
    if (has_failed(&found, answer))
        return true;
    if (found.result != DNS_FOUND || found.security != DNS_SECURE)
        return false;
    answer->base = base;
    take_records(answer, &found, arena);
    return true;
}

/* Is the name's CNAME signed, though what it leads to is not? False with an answer: a failure. */
static bool is_secure_alias(struct dns *dns, const struct tlsa_question *question,
                            struct arena *arena, struct tlsa_answer *answer)
{
    struct dns_answer found = {0};

    (void)dns_lookup(dns, question->host, DNS_CNAME, question->deadline, arena, &found);
    return !has_failed(&found, answer) && found.result == DNS_FOUND && found.security == DNS_SECURE;
}

void tlsa_find(struct dns *dns, const struct tlsa_question *question, struct arena *arena,
               struct tlsa_answer *ret_answer)
{
    bool alias = question->canonical.len && !slice_eq_nocase(question->canonical, question->host);

    *ret_answer = (struct tlsa_answer){.state = TLSA_NONE};
    if (!question->address_secure && (!alias || !is_secure_alias(dns, question, arena, ret_answer)))
        return;
    if (question->address_secure && alias &&
        ask(dns, question, question->canonical, arena, ret_answer))
        return;
    (void)ask(dns, question, question->host, arena, ret_answer);
}

struct slice tlsa_to_text(const struct tls_tlsa *list, unsigned count, struct arena *arena)
{
    static const char hex[] = "0123456789abcdef";
    struct slice copy;
    struct buf text;

    buf_init(&text, 64 * 1024);
    for (unsigned i = 0; i < count; i++) {
        buf_printf(&text, "%s%u %u %u ", i ? "\n" : "", list[i].usage, list[i].selector,
                   list[i].matching);
        for (size_t k = 0; k < list[i].data.len; k++) {
            unsigned char byte = (unsigned char)list[i].data.ptr[k];
            buf_add_char(&text, hex[byte >> 4]);
            buf_add_char(&text, hex[byte & 15]);
        }
    }
    copy = arena_dup(arena, buf_slice(&text));
    buf_done(&text);
    return copy;
}
