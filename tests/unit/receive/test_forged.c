/* Forged Authentication-Results: which fields go, however the header section is cut in pieces. */
#include "receive/forged.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

struct result {
    struct buf kept;
    unsigned removed;
};

static void keep(void *arg, struct slice piece)
{
    buf_add_slice(&((struct result *)arg)->kept, piece);
}

static void count(void *arg, struct slice value)
{
    (void)value;
    ((struct result *)arg)->removed++;
}

static void filter(struct slice header, size_t piece, struct result *result)
{
    const struct forged_options options = {.authserv_id = SLICE("mx.example.org"),
                                           .max = 1 << 20,
                                           .keep = keep,
                                           .keep_arg = result,
                                           .removed = count,
                                           .removed_arg = result};
    struct forged forged;

    result->removed = 0;
    buf_init(&result->kept, 1 << 20);
    forged_init(&forged, &options);
    for (size_t at = 0; at < header.len; at += piece)
        forged_feed(&forged, slice_sub(header, at, piece));
    forged_end(&forged);
    forged_done(&forged);
}

static const struct {
    const char *header, *kept;
} cases[] = {
    {"From: a@b\r\n\r\n", "From: a@b\r\n\r\n"},
    {"Authentication-Results: mx.example.org; spf=pass\r\nFrom: a@b\r\n\r\n", "From: a@b\r\n\r\n"},
    {"Authentication-Results: other.example; spf=pass\r\n\r\n",
     "Authentication-Results: other.example; spf=pass\r\n\r\n"},
    /* all of them, last to first or the other way */
    {"authentication-results:MX.example.ORG;none\r\nA: b\r\nAUTHENTICATION-RESULTS : "
     "mx.example.org\r\n ; dkim=pass\r\n\tx\r\nC: d\r\n\r\n",
     "A: b\r\nC: d\r\n\r\n"},
    /* folded, commented, at the very end, without the empty line */
    {"A: b\r\nAuthentication-Results:\r\n (hello\r\n ) mx.example.org\r\n 1; spf=pass\r\n",
     "A: b\r\n"},
    {"A: b\r\nAuthentication-Results: mx.example.org; spf=pass", "A: b\r\n"},
    /* names that only begin alike, and lines that are no field */
    {"Authentication-Results-X: mx.example.org; x\r\n\r\n",
     "Authentication-Results-X: mx.example.org; x\r\n\r\n"},
    {"Authentication-Result: mx.example.org; x\r\nAuth\r\nAuthentication-Results\r\n\r\n",
     "Authentication-Result: mx.example.org; x\r\nAuth\r\nAuthentication-Results\r\n\r\n"},
    {"X: y\r\n Authentication-Results: mx.example.org; x\r\n\r\n",
     "X: y\r\n Authentication-Results: mx.example.org; x\r\n\r\n"},
    {"ARC-Authentication-Results: i=1; mx.example.org; spf=pass\r\n\r\n",
     "ARC-Authentication-Results: i=1; mx.example.org; spf=pass\r\n\r\n"},
    {"", ""},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice header = slice_from_cstr(cases[i].header);
        for (size_t piece = 1; piece <= header.len + 1; piece++) {
            struct result result;
            filter(header, piece, &result);
            if (!slice_eq(buf_slice(&result.kept), slice_from_cstr(cases[i].kept)))
                fail_msg("case %zu, pieces of %zu: %.*s", i, piece,
                         SLICE_ARG(buf_slice(&result.kept)));
            assert_int_equal(result.removed > 0, result.kept.len < header.len);
            buf_done(&result.kept);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
