/*
 * libunbound's results as answers (RFC 4035 section 4.3, RFC 2308).
 *
 * A bogus answer is a failure whatever stands in it, with libunbound's reason. A truthful "no" is
 * told apart from a name server's error: only the first may bounce mail.
 */
#include "dns/unbound_answer.h"

#include "dns/name.h"

enum { RCODE_NXDOMAIN = 3, HEADER_SIZE = 12, ABSENCE_TTL_S = 60, TTL_MAX_S = 86400 };

static const char *rcode_text(int rcode)
{
    static const char *const texts[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                        "NXDOMAIN", "NOTIMP",  "REFUSED"};

    if (rcode >= 0 && rcode < (int)(sizeof(texts) / sizeof(texts[0])))
        return texts[rcode];
    return "unusual error";
}

/* "validation failure <example. MX IN>: signature expired from 192.0.2.1": the reason alone. */
static struct slice bogus_text(const char *why, struct arena *arena)
{
    struct slice text = slice_from_cstr(why);
    ptrdiff_t end = slice_find(text, '>');

    if (end >= 0)
        text = slice_skip(text, (size_t)end + 1);
    if (slice_starts_with_nocase(text, SLICE(":")))
        text = slice_skip(text, 1);
    text = slice_trim(text);
    if (text.len == 0)
        return SLICE("validation failed");
    return arena_printf(arena, "validation failed: %.*s", SLICE_ARG(text));
}

static void take_failure(const struct ub_result *result, struct arena *arena,
                         struct dns_answer *answer)
{
    answer->result = DNS_FAILED;
    if (result->bogus) {
        answer->security = DNS_BOGUS;
        answer->why = bogus_text(result->why_bogus, arena);
    } else {
        answer->why = slice_from_cstr(rcode_text(result->rcode));
    }
}

static void take_records(const struct ub_result *result, struct arena *arena,
                         struct dns_answer *answer)
{
    answer->records = arena_alloc(arena, DNS_RECORDS_MAX * sizeof(*answer->records));
    for (unsigned i = 0; i < DNS_RECORDS_MAX && result->data[i]; i++)
        answer->records[answer->n_records++] =
            slice_from(result->data[i], (size_t)(result->len[i] < 0 ? 0 : result->len[i]));
    answer->result = DNS_FOUND;
}

/* Are there records in the answer's authority section (RFC 1035 section 4.1.1)? */
static bool has_authority(const struct ub_result *result)
{
    const unsigned char *header = result->answer_packet;

    return result->answer_len >= HEADER_SIZE && (header[8] || header[9]);
}

/* libunbound says 0 of an absence without an SOA record, which has no time of its own (RFC 2308
 * section 5), and of what its cache forgets within this second. */
static uint32_t take_ttl(const struct ub_result *result)
{
    int ttl = result->ttl;

    if (ttl <= 0)
        return result->havedata || has_authority(result) ? 0 : ABSENCE_TTL_S;
    return ttl < TTL_MAX_S ? (uint32_t)ttl : TTL_MAX_S;
}

struct dns_answer unbound_answer(int error, const struct ub_result *result, const char *name,
                                 struct arena *arena)
{
    struct dns_answer answer = {.result = DNS_FAILED, .canonical = slice_from_cstr(name)};
    char canonical[DNS_NAME_MAX + 1];

    if (error || !result) {
        answer.result = error == UB_SYNTAX ? DNS_NO_NAME : DNS_FAILED;
        answer.why = slice_from_cstr(error ? ub_strerror(error) : "no answer");
        return answer;
    }
    if (result->canonname && dns_name_clean(slice_from_cstr(result->canonname), canonical))
        answer.canonical = arena_dup(arena, slice_from_cstr(canonical));
    answer.security = result->secure ? DNS_SECURE : DNS_INSECURE;
    answer.ttl_s = take_ttl(result);
    if (result->bogus || (result->rcode != 0 && result->rcode != RCODE_NXDOMAIN))
        take_failure(result, arena, &answer);
    else if (result->havedata)
        take_records(result, arena, &answer);
    else
        answer.result = result->nxdomain ? DNS_NO_NAME : DNS_NO_DATA;
    return answer;
}
