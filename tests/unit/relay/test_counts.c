/* What is counted under which name. */
#include "relay/counts.h"

#include "../cmocka_all.h"
#include "base/exposition.h"

#include <string.h>

static void expect(const struct relay_counts *counts, const char *line)
{
    struct exposition exposition = {0};
    char wanted[128];
    struct buf out;

    snprintf(wanted, sizeof(wanted), "\n%s\n", line);
    buf_init(&out, 64 * 1024);
    exposition.out = &out;
    counts_expose(counts, &exposition);
    buf_add_char(&out, '\0');
    assert_false(out.overflow);
    if (!strstr(out.ptr, wanted))
        fail_msg("no %s in\n%s", line, out.ptr);
    buf_done(&out);
}

static void test_an_attempt_is_counted_by_its_best_recipient(void **state)
{
    static const struct {
        enum done_kind kinds[2];
        const char *line;
    } cases[] = {
        {{DONE_OK, DONE_OK}, "nuncio_relay_attempts_total{result=\"delivered\"} 1"},
        {{DONE_NEVER, DONE_OK}, "nuncio_relay_attempts_total{result=\"delivered\"} 1"},
        {{DONE_NEVER, DONE_LATER}, "nuncio_relay_attempts_total{result=\"refused\"} 1"},
        {{DONE_LATER, DONE_LATER}, "nuncio_relay_attempts_total{result=\"deferred\"} 1"},
        {{DONE_NETWORK, DONE_NETWORK}, "nuncio_relay_attempts_total{result=\"unreachable\"} 1"},
        {{DONE_AGAIN, DONE_AGAIN}, "nuncio_relay_attempts_total{result=\"again\"} 1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct relay_counts counts = {0};
        struct done_recipient recipients[2] = {{.kind = cases[i].kinds[0]},
                                               {.kind = cases[i].kinds[1]}};
        struct msg_done done = {.recipients = recipients, .n_recipients = 2};
        counts_attempt(&counts, &done);
        expect(&counts, cases[i].line);
    }
}

static void test_sessions_and_sites(void **state)
{
    struct relay_counts counts = {0};

    (void)state;
    counts_opening(&counts, true);
    counts_opening(&counts, true);
    counts_opening(&counts, false);
    counts_tls(&counts, SECURITY_DANE, COUNTED_TLS_OK);
    counts_tls(&counts, SECURITY_OPPORTUNISTIC, COUNTED_TLS_CLEAR);
    counts_tls(&counts, SECURITY_REQUIRETLS, COUNTED_TLS_FAILED);
    counts_site(&counts, SITE_NEVER);
    expect(&counts, "nuncio_relay_connections_opened_total{result=\"ok\"} 2");
    expect(&counts, "nuncio_relay_connections_opened_total{result=\"failed\"} 1");
    expect(&counts, "nuncio_relay_tls_sessions_total{rule=\"dane\",result=\"ok\"} 1");
    expect(&counts, "nuncio_relay_tls_sessions_total{rule=\"dane\",result=\"failed\"} 0");
    expect(&counts, "nuncio_relay_tls_sessions_total{rule=\"opportunistic\",result=\"clear\"} 1");
    expect(&counts, "nuncio_relay_tls_sessions_total{rule=\"requiretls\",result=\"failed\"} 1");
    expect(&counts, "nuncio_relay_sites_total{result=\"never\"} 1");
    expect(&counts, "nuncio_relay_sites_total{result=\"found\"} 0");
}

/* An attempt of a test, or of a command, has nobody who counts. */
static void test_nobody_need_count(void **state)
{
    struct done_recipient recipient = {.kind = DONE_OK};

    (void)state;
    counts_attempt(NULL, &(struct msg_done){.recipients = &recipient, .n_recipients = 1});
    counts_opening(NULL, true);
    counts_tls(NULL, SECURITY_DANE, COUNTED_TLS_OK);
    counts_site(NULL, SITE_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_attempt_is_counted_by_its_best_recipient),
        cmocka_unit_test(test_sessions_and_sites),
        cmocka_unit_test(test_nobody_need_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
