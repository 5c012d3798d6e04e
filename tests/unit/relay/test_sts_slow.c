/* A domain's policy server takes the connection and says nothing: its mail must not wait for long.
 * Real HTTPS against a real socket, with less patience than the server has. */
#include "base/clock.h"
#include "dns/dns_fake.h"
#include "relay/sts.h"

#include "../cmocka_all.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 300, LIMIT_MS = 10 * 1000 };

static const struct dns_fake_entry names[] = {
    {.name = "_mta-sts.slow.test", .type = DNS_TXT, .data = "v=STSv1; id=1;"},
    {.name = "mta-sts.slow.test", .address = "127.0.0.1"},
};

struct asked {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    unsigned answers;
    bool has_policy;
    char failure[64];
};

static void on_found(void *arg, const struct sts_answer *answer)
{
    struct asked *asked = arg;

    pthread_mutex_lock(&asked->lock);
    asked->answers++;
    asked->has_policy |= answer->policy != NULL;
    snprintf(asked->failure, sizeof(asked->failure), "%s", answer->failure ? answer->failure : "");
    pthread_cond_broadcast(&asked->answered);
    pthread_mutex_unlock(&asked->lock);
    sts_policy_unref(answer->policy);
}

static int listen_silently(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void wait_for(struct asked *asked, unsigned answers)
{
    pthread_mutex_lock(&asked->lock);
    while (asked->answers < answers)
        pthread_cond_wait(&asked->answered, &asked->lock);
    pthread_mutex_unlock(&asked->lock);
}

static void test_mail_goes_on_without_a_policy(void **state)
{
    struct asked asked = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false, ""};
    struct sts_settings settings = {.folder = -1, .fetch_ms = PATIENCE_MS};
    int listener = listen_silently(&settings.port);
    struct dns *dns = dns_fake_new(names, sizeof(names) / sizeof(names[0]));
    uint64_t began = clock_mono_ms(), ended;
    struct sts *sts;

    (void)state;
    settings.dns = dns;
    assert_int_equal(https_new(dns, &settings.https), 0);
    sts = sts_new(&settings);
    sts_ask(sts, SLICE("slow.test"), began + LIMIT_MS, on_found, &asked);
    wait_for(&asked, 1);
    ended = clock_mono_ms();
    assert_in_range(ended - began, PATIENCE_MS - 50, LIMIT_MS);
    assert_false(asked.has_policy);
    assert_string_equal(asked.failure, "sts-policy-fetch-error");
    /* Whoever comes next does not wait; the server is asked again in a few minutes. */
    sts_ask(sts, SLICE("slow.test"), ended + LIMIT_MS, on_found, &asked);
    assert_int_equal(asked.answers, 2);
    assert_false(asked.has_policy);
    dns_stop(dns);
    https_stop(settings.https);
    sts_free(sts);
    https_free(settings.https);
    dns_free(dns);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mail_goes_on_without_a_policy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
