/*
 * iprev (RFC 8601 sections 2.7.3 and 3) and HELO checks. See client_name.h.
 *
 * Names of the reverse tree belong to whoever has the address, so there may be many: NAMES_MAX of
 * them are looked at, side by side. One that cannot be looked up now decides only when no other
 * passes. A name in HELO passes when mail could be sent to it or comes from it; that its address is
 * the client's is told and not asked for (RFC 5321 section 4.1.4 forbids to refuse for that).
 */
#include "trust/client_name.h"

#include "mail/address.h"
#include "trust/ip.h"
#include "trust/printable.h"

#include <errno.h>

enum { NAMES_MAX = 10 };

/* ---- iprev ---------------------------------------------------------------------------------- */

const char *iprev_result_name(enum iprev_result result)
{
    switch (result) {
    case IPREV_PASS:
        return "pass";
    case IPREV_FAIL:
        return "fail";
    case IPREV_TEMPERROR:
        return "temperror";
    case IPREV_PERMERROR:
        break;
    }
    return "permerror";
}

static enum trust_type address_type(const struct trust_ip *client)
{
    return client->v6 ? TRUST_AAAA : TRUST_A;
}

static int judge_without_names(const struct trust_answer *names, struct arena *arena,
                               struct iprev_verdict *verdict)
{
    if (names->result == TRUST_FAILED) {
        verdict->result = IPREV_TEMPERROR;
        verdict->problem = arena_printf(arena, "the name of the address cannot be looked up: %.*s",
                                        SLICE_ARG(names->why));
        return 0;
    }
    verdict->result = IPREV_PERMERROR;
    verdict->problem = SLICE("the address has no name (no PTR record)");
    return 0;
}

static int judge_names(const struct trust_ip *client, const struct trust_answer *names,
                       const struct trust_names *dns, struct arena *arena,
                       struct iprev_verdict *verdict)
{
    unsigned n = names->n_records < NAMES_MAX ? names->n_records : NAMES_MAX;
    bool again = false, failed = false;

    for (unsigned i = 0; i < n; i++) {
        const struct trust_answer *addresses;
        struct slice name = names->records[i].bytes;
        if (trust_ask(dns, name, address_type(client), &addresses) < 0) {
            again = true;
            continue;
        }
        failed |= addresses->result == TRUST_FAILED;
        if (again || !trust_ip_among(client, addresses))
            continue;
        *verdict = (struct iprev_verdict){.result = IPREV_PASS,
                                          .name = printable_text(arena, name, TRUST_NAME_MAX)};
        return 0;
    }
    if (again)
        return -EAGAIN;
    verdict->result = failed ? IPREV_TEMPERROR : IPREV_FAIL;
    verdict->claimed = printable_text(arena, names->records[0].bytes, TRUST_NAME_MAX);
    verdict->problem =
        arena_printf(arena,
                     failed ? "the addresses of %.*s cannot be looked up now"
                            : "the address claims to be %.*s, which has other addresses or none",
                     SLICE_ARG(verdict->claimed));
    return 0;
}

int iprev_check(const struct trust_ip *client, const struct trust_names *names, struct arena *arena,
                struct iprev_verdict *ret_verdict)
{
    char reverse[TRUST_IP_REVERSE_MAX];
    const struct trust_answer *found;
    int r = trust_ask(names, trust_ip_reverse(client, reverse), TRUST_PTR, &found);

    if (r < 0)
        return r;
    *ret_verdict = (struct iprev_verdict){.result = IPREV_FAIL};
    if (found->n_records == 0)
        return judge_without_names(found, arena, ret_verdict);
    return judge_names(client, found, names, arena, ret_verdict);
}

/* ---- HELO ----------------------------------------------------------------------------------- */

const char *helo_result_name(enum helo_result result)
{
    switch (result) {
    case HELO_PASS:
        return "pass";
    case HELO_FAIL:
        return "fail";
    case HELO_TEMPERROR:
        break;
    }
    return "temperror";
}

static int fail(struct helo_verdict *verdict, const char *problem)
{
    verdict->result = HELO_FAIL;
    verdict->problem = slice_from_cstr(problem);
    return 0;
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3). */
static int judge_literal(struct slice helo, const struct trust_ip *client,
                         struct helo_verdict *verdict)
{
    struct slice text = slice_sub(helo, 1, helo.len - 1);
    bool v6 = slice_starts_with_nocase(text, SLICE("IPv6:"));
    struct trust_ip said;

    if (v6)
        text = slice_skip(text, 5);
    if (text.len == 0 || text.ptr[text.len - 1] != ']')
        return fail(verdict, "the address is not closed by a bracket");
    text.len--;
    if ((slice_find(text, ':') >= 0) != v6 || !trust_ip_parse(text, &said))
        return fail(verdict, "there is no address between the brackets");
    if (!trust_ip_eq(&said, client))
        return fail(verdict, "it is an address, but not that of the client");
    verdict->result = HELO_PASS;
    verdict->is_client = true;
    return 0;
}

static bool ends_in_number(struct slice name)
{
    size_t at = name.len;

    while (at > 0 && ascii_is_digit(name.ptr[at - 1]))
        at--;
    return at < name.len && (at == 0 || name.ptr[at - 1] == '.');
}

/* NULL when the DNS can be asked about it. */
static const char *judge_form(struct slice helo, struct arena *arena, struct slice *ret_name)
{
    struct slice name;

    if (helo.len && helo.ptr[helo.len - 1] == '.')
        helo.len--;
    if (helo.len == 0 || address_domain_to_ascii(arena, helo, &name) < 0)
        return "it is no domain name";
    if (ends_in_number(name))
        return "it is an address without brackets, or no domain name";
    if (slice_find(name, '.') < 0)
        return "it is a name without a domain";
    *ret_name = name;
    return NULL;
}

static int judge_mail(struct slice name, bool failed, const struct trust_names *names,
                      struct helo_verdict *verdict)
{
    const struct trust_answer *mx;
    int r = trust_ask(names, name, TRUST_MX, &mx);

    if (r < 0)
        return r;
    if (mx->n_records && mx->records[0].bytes.len) {
        verdict->result = HELO_PASS;
        return 0;
    }
    if (!failed && mx->result != TRUST_FAILED)
        return fail(verdict, "the name has no address and no MX record");
    verdict->result = HELO_TEMPERROR;
    verdict->problem = SLICE("the name cannot be looked up now");
    return 0;
}

static int judge_name(struct slice name, const struct trust_ip *client,
                      const struct trust_names *names, struct helo_verdict *verdict)
{
    const struct trust_answer *v4, *v6;
    bool again = trust_ask(names, name, TRUST_A, &v4) < 0;

    again |= trust_ask(names, name, TRUST_AAAA, &v6) < 0;
    if (again)
        return -EAGAIN;
    verdict->is_client = trust_ip_among(client, client->v6 ? v6 : v4);
    verdict->result = HELO_PASS;
    if (v4->n_records || v6->n_records)
        return 0;
    return judge_mail(name, v4->result == TRUST_FAILED || v6->result == TRUST_FAILED, names,
                      verdict);
}

int helo_check(struct slice helo, const struct trust_ip *client, struct slice our_hostname,
               const struct trust_names *names, struct arena *arena,
               struct helo_verdict *ret_verdict)
{
    const char *problem;
    struct slice name;

    *ret_verdict = (struct helo_verdict){.result = HELO_FAIL};
    if (helo.len && helo.ptr[0] == '[')
        return judge_literal(helo, client, ret_verdict);
    problem = judge_form(helo, arena, &name);
    if (problem)
        return fail(ret_verdict, problem);
    if (slice_eq_nocase(name, our_hostname)) {
        ret_verdict->is_ours = true;
        return fail(ret_verdict, "it is our own name");
    }
    return judge_name(name, client, names, ret_verdict);
}
