#include "control/send_options.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <sysexits.h>

static int parse(const char *server, bool lmtp, struct send_options *options)
{
    char *argv[] = {
        "send", "--to", "<joe@example.net>", (char *)(uintptr_t)server, lmtp ? "--lmtp" : NULL,
        NULL};
    bool done;

    return send_options_parse(lmtp ? 5 : 4, argv, options, &done);
}

static void test_servers_of_all_kinds(void **state)
{
    static const struct {
        const char *text;
        bool lmtp;
        const char *host; /* NULL: refused */
        uint16_t port;
    } cases[] = {
        {"mx.example.net", false, "mx.example.net", 25},
        {"mx.example.net", true, "mx.example.net", 24},
        {"127.0.0.1:2525", false, "127.0.0.1", 2525},
        {"[::1]:2525", false, "::1", 2525},
        {"[::1]", false, "::1", 25},
        {"2001:db8::1", false, "2001:db8::1", 25},
        {"unix:/run/lmtp", true, "/run/lmtp", 0},
        {"", false, NULL, 0},
        {":25", false, NULL, 0},
        {"mx:", false, NULL, 0},
        {"mx:0", false, NULL, 0},
        {"mx:65536", false, NULL, 0},
        {"mx:smtp", false, NULL, 0},
        {"[::1", false, NULL, 0},
        {"[]:25", false, NULL, 0},
        {"[::1]25", false, NULL, 0},
        {"unix:", false, NULL, 0},
    };
    struct send_options *options = xmalloc(sizeof(*options));

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int r = parse(cases[i].text, cases[i].lmtp, options);
        assert_int_equal(r, cases[i].host ? 0 : EX_USAGE);
        if (!cases[i].host)
            continue;
        assert_true(slice_eq(options->server.host, slice_from_cstr(cases[i].host)));
        assert_int_equal(options->server.port, cases[i].port);
        assert_true(slice_eq(options->to[0], SLICE("joe@example.net")));
    }
    free(options);
}

static void test_mistakes_are_told(void **state)
{
    static char *const lines[][5] = {
        {"send", NULL},
        {"send", "localhost", NULL},
        {"send", "--to", "a@b", NULL},
        {"send", "--to", "a@b", "one", "two"},
        {"send", "--nonsense", NULL},
    };
    static const int counts[] = {1, 2, 3, 5, 2};
    struct send_options *options = xmalloc(sizeof(*options));
    bool done;

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        char *argv[6] = {NULL};
        memcpy(argv, lines[i], sizeof(lines[i]));
        assert_int_equal(send_options_parse(counts[i], argv, options, &done), EX_USAGE);
    }
    free(options);
}

static void test_tls_and_its_port(void **state)
{
    static const struct {
        char *arguments[5];
        int code;
        enum send_tls tls;
        bool verify;
        uint16_t port;
    } cases[] = {
        {{"--tls", "starttls", "mx.example.net"}, 0, SEND_STARTTLS, false, 25},
        {{"--tls", "implicit", "mx.example.net"}, 0, SEND_IMPLICIT, false, 465},
        {{"--tls", "implicit", "--verify", "mx.example.net:587"}, 0, SEND_IMPLICIT, true, 587},
        {{"--tls", "yes", "mx.example.net"}, EX_USAGE, SEND_CLEAR, false, 0},
        {{"--verify", "mx.example.net"}, EX_USAGE, SEND_CLEAR, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *argv[9] = {"send", "--to", "joe@example.net"};
        struct send_options *options = xmalloc(sizeof(*options));
        int argc = 3;
        bool done;
        for (unsigned k = 0; k < 5 && cases[i].arguments[k]; k++)
            argv[argc++] = cases[i].arguments[k];
        assert_int_equal(send_options_parse(argc, argv, options, &done), cases[i].code);
        if (cases[i].code == 0) {
            assert_int_equal(options->tls, cases[i].tls);
            assert_int_equal(options->verify, cases[i].verify);
            assert_int_equal(options->server.port, cases[i].port);
        }
        free(options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls_and_its_port),
        cmocka_unit_test(test_servers_of_all_kinds),
        cmocka_unit_test(test_mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
