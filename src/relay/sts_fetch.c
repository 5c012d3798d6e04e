/*
 * 200 and text/plain, or it is no policy; a redirect is a failure like any other. See sts_fetch.h.
 */
#include "relay/sts_fetch.h"

#include "base/buf.h"
#include "relay/sts_file.h"

enum { URL_MAX = 512, HTTPS_PORT = 443 };

static struct sts_fetched failed(const char *failure, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static struct sts_fetched failed(const char *failure, const char *format, ...)
{
    struct sts_fetched fetched = {.failure = failure};
    va_list args;

    va_start(args, format);
    vsnprintf(fetched.why, sizeof(fetched.why), format, args);
    va_end(args);
    return fetched;
}

static bool is_plain_text(struct slice type)
{
    return slice_eq_nocase(slice_trim(slice_cut(&type, ';')), SLICE("text/plain"));
}

struct sts_fetched sts_fetch_judge(const struct https_answer *answer)
{
    struct sts_fetched fetched = {.failure = NULL};
    const char *wrong;

    if (answer->failure == HTTPS_UNTRUSTED)
        return failed("sts-webpki-invalid", "its policy server's certificate: %s", answer->why);
    if (answer->failure == HTTPS_TOO_LARGE)
        return failed("sts-policy-invalid", "its policy is larger than %u KiB",
                      STS_TEXT_MAX / 1024);
    if (answer->failure)
        return failed("sts-policy-fetch-error", "its policy server: %s", answer->why);
    if (answer->status >= 300 && answer->status < 400)
        return failed("sts-policy-fetch-error",
                      "its policy server answers %ld, a redirect, which is not allowed",
                      answer->status);
    if (answer->status != 200)
        return failed("sts-policy-fetch-error", "its policy server answers %ld", answer->status);
    if (!is_plain_text(answer->type))
        return failed("sts-policy-invalid", "its policy is %.*s, not text/plain",
                      SLICE_ARG(slice_sub(answer->type, 0, 64)));
    fetched.policy = sts_policy_new(answer->body, &wrong);
    if (!fetched.policy)
        return failed("sts-policy-invalid", "its policy is malformed: %s", wrong);
    return fetched;
}

char *sts_fetch_url(struct slice domain, uint16_t port)
{
    char *url = xmalloc(URL_MAX);
    char colon[8] = "";

    if (port != HTTPS_PORT)
        snprintf(colon, sizeof(colon), ":%u", port);
    snprintf(url, URL_MAX, "https://mta-sts.%.*s%s/.well-known/mta-sts.txt", SLICE_ARG(domain),
             colon);
    return url;
}
