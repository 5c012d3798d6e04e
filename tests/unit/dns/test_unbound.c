/* The resolver proper, without a network: names of /etc/hosts, and questions nobody answers. */
#include "dns/dns.h"

#include "base/clock.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONG_MS = 20000, SHORT_MS = 50, THREADS = 8 };

static void *ask_localhost(void *arg)
{
    struct dns_addresses found;
    int r = dns_lookup_addresses(arg, SLICE("localhost"), clock_mono_ms() + LONG_MS, &found);
    static const unsigned char loopback[] = {127, 0, 0, 1};

    if (r != DNS_FOUND)
        return NULL;
    for (unsigned i = 0; i < found.count; i++) {
        if (found.list[i].family == AF_INET && memcmp(found.list[i].bytes, loopback, 4) == 0)
            return arg;
    }
    return NULL;
}

static void test_many_threads_ask_at_a_time(void **state)
{
    struct dns *dns;
    pthread_t threads[THREADS];

    (void)state;
    assert_int_equal(dns_new(NULL, &dns), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_localhost, dns), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *found;
        pthread_join(threads[i], &found);
        assert_ptr_equal(found, dns);
    }
    dns_free(dns);
}

static void test_the_deadline_comes_first(void **state)
{
    struct dns *dns;
    struct dns_addresses found;
    uint64_t before = clock_mono_ms();
    int r;

    (void)state;
    assert_int_equal(dns_new(NULL, &dns), 0);
    /* Whatever the network here is like: the question is not answered before it is asked. */
    r = dns_lookup_addresses(dns, SLICE("slow.invalid-top-level.example"), before, &found);
    assert_true(r == DNS_TIMEOUT || r == DNS_NO_NAME);
    assert_true(clock_mono_ms() - before < LONG_MS);
    dns_free(dns);
}

static void *stop_soon(void *arg)
{
    usleep(SHORT_MS * 1000);
    dns_stop(arg);
    return NULL;
}

static void test_stopping_answers_at_once(void **state)
{
    struct dns *dns;
    struct dns_addresses found;
    pthread_t thread;
    uint64_t before = clock_mono_ms();

    (void)state;
    assert_int_equal(dns_new(NULL, &dns), 0);
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, dns), 0);
    dns_lookup_addresses(dns, SLICE("slow.example.net"), before + LONG_MS, &found);
    assert_true(clock_mono_ms() - before < LONG_MS);
    pthread_join(thread, NULL);
    assert_int_equal(dns_lookup_addresses(dns, SLICE("localhost"), before + LONG_MS, &found),
                     DNS_FAILED);
    dns_free(dns);
}

static void count_answer(void *arg, const struct dns_answer *answer)
{
    atomic_uint *refused = arg;

    if (slice_eq(answer->why, SLICE("too many questions under way")))
        (*refused)++;
}

/* Strangers choose what we ask; where nobody answers, that adds up. */
static void test_questions_are_bounded(void **state)
{
    enum { MOST = 8192, MORE = 100 };
    struct config_endpoint server = {.host = SLICE("127.0.0.1")};
    struct config_dns settings = {.servers = {.list = &server, .count = 1}};
    struct sockaddr_in silent = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(silent);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    atomic_uint refused = 0;
    struct dns *dns;
    char name[32];

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&silent, sizeof(silent)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&silent, &len), 0);
    server.port = ntohs(silent.sin_port);
    assert_int_equal(dns_new(&settings, &dns), 0);
    for (unsigned i = 0; i < MOST + MORE; i++) {
        snprintf(name, sizeof(name), "n%u.example", i);
        dns_ask(dns, slice_from_cstr(name), DNS_A, clock_mono_ms() + LONG_MS, count_answer,
                &refused);
    }
    assert_int_equal(refused, MORE);
    dns_free(dns);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_threads_ask_at_a_time),
        cmocka_unit_test(test_the_deadline_comes_first),
        cmocka_unit_test(test_stopping_answers_at_once),
        cmocka_unit_test(test_questions_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
