/*
 * SPF's face: who is asked about (RFC 7208 sections 2.3, 2.4 and 4.1 to 4.3), and the verdict. See
 * spf.h.
 *
 * A reverse-path that is empty, and HELO, stand for postmaster@HELO. U-labels of the sender become
 * A-labels before anything is asked (RFC 8616 section 4), and macros have them so, too. What is
 * left of the last "@" is the local part as it was given, quotes and all.
 */
#include "trust/spf.h"

#include "base/utf8.h"
#include "mail/address.h"
#include "trust/spf_host.h"

#include <errno.h>

const char *spf_result_name(enum spf_result result)
{
    switch (result) {
    case SPF_NONE:
        return "none";
    case SPF_NEUTRAL:
        return "neutral";
    case SPF_PASS:
        return "pass";
    case SPF_FAIL:
        return "fail";
    case SPF_SOFTFAIL:
        return "softfail";
    case SPF_TEMPERROR:
        return "temperror";
    case SPF_PERMERROR:
        break;
    }
    return "permerror";
}

/* ---- the sender ----------------------------------------------------------------------------- */

static struct slice to_a_labels(struct slice domain, struct arena *arena)
{
    struct slice ascii;

    if (utf8_is_ascii(domain) || address_domain_to_ascii(arena, domain, &ascii) < 0)
        return domain;
    return ascii;
}

static struct slice without_dot(struct slice domain)
{
    if (domain.len && domain.ptr[domain.len - 1] == '.')
        domain.len--;
    return domain;
}

static struct slice join_address(struct slice local, struct slice domain, struct arena *arena)
{
    char *bytes = arena_alloc(arena, local.len + 1 + domain.len);

    memcpy(bytes, local.ptr, local.len);
    bytes[local.len] = '@';
    if (domain.len)
        memcpy(bytes + local.len + 1, domain.ptr, domain.len);
    return slice_from(bytes, local.len + 1 + domain.len);
}

static void take_sender(struct spf_check *check)
{
    const struct spf_question *question = check->question;
    bool is_helo = question->identity == SPF_HELO || question->sender.len == 0;
    struct slice sender = is_helo ? question->helo : question->sender;
    ptrdiff_t at = is_helo ? -1 : slice_find_last(sender, '@');
    struct slice domain = slice_skip(sender, (size_t)(at + 1));

    check->helo = without_dot(question->helo);
    check->local = at > 0 ? slice_sub(sender, 0, (size_t)at) : SLICE("postmaster");
    check->origin = without_dot(to_a_labels(domain, check->arena));
    check->sender = check->origin.ptr == domain.ptr && at > 0 && check->origin.len == domain.len
                        ? sender
                        : join_address(check->local, check->origin, check->arena);
}

/* ---- the verdict ---------------------------------------------------------------------------- */

static struct slice lower(struct slice text, struct arena *arena)
{
    char *bytes = arena_alloc(arena, text.len);

    for (size_t i = 0; i < text.len; i++)
        bytes[i] = ascii_lower(text.ptr[i]);
    return slice_from(bytes, text.len);
}

/* "none" has no record to complain of. */
static const char *why_none(struct slice domain)
{
    return slice_find(domain, '.') < 0 || domain.ptr[0] == '['
               ? "there is no domain with several labels to ask about"
               : "the domain has no SPF record";
}

static void fill_verdict(const struct spf_check *check, const struct spf_finding *finding,
                         struct spf_verdict *verdict)
{
    *verdict = (struct spf_verdict){
        .result = finding->result,
        .identity = check->question->identity,
        .domain = lower(check->origin, check->arena),
        .term = finding->term,
        .record = finding->record,
        .lookups = check->lookups,
        .void_lookups = check->voids,
    };
    if (finding->result == SPF_NONE)
        verdict->problem = slice_from_cstr(why_none(check->origin));
    if (finding->result == SPF_TEMPERROR || finding->result == SPF_PERMERROR)
        verdict->problem = check->problem;
}

int spf_check(const struct spf_question *question, const struct trust_names *names,
              struct arena *arena, struct spf_verdict *ret_verdict)
{
    struct spf_check check = {.question = question, .names = names, .arena = arena};
    struct spf_finding finding;
    int r;

    take_sender(&check);
    r = spf_check_host(&check, check.origin, &finding);
    if (r < 0)
        return r;
    fill_verdict(&check, &finding, ret_verdict);
    if (finding.result == SPF_FAIL && finding.exp.len)
        return spf_explain(&check, finding.exp, finding.exp_domain, &ret_verdict->explanation);
    return 0;
}
