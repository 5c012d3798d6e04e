/* Introspection: what answers mean, and how requests end, with a small server in a thread. */
#include "../cmocka_all.h"

#include "account/oauth.h"
#include "base/buf.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NOW_S = 1000000 };

struct answer_case {
    const char *body;
    enum oauth_verdict verdict;
    const char *account;
    uint64_t expires_s;
};

static const struct answer_case answers[] = {
    {"{\"active\":true,\"username\":\"joe\",\"scope\":\"a mail b\"}", OAUTH_GOOD, "joe",
     UINT64_MAX},
    {"{\"active\":true,\"username\":\"joe\",\"scope\":\"mail\",\"exp\":1000001,\"nbf\":1000000}",
     OAUTH_GOOD, "joe", 1000001},
    {"{\"active\":true,\"username\":\"joe\",\"scope\":\"mail\",\"exp\":1000000}", OAUTH_REFUSED,
     NULL, 0},
    {"{\"active\":true,\"username\":\"joe\",\"scope\":\"mail\",\"nbf\":1000001}", OAUTH_REFUSED,
     NULL, 0},
    {"{\"active\":true,\"username\":\"joe\",\"scope\":\"mailbox\"}", OAUTH_REFUSED, NULL, 0},
    {"{\"active\":true,\"username\":\"joe\"}", OAUTH_REFUSED, NULL, 0},
    {"{\"active\":true,\"scope\":\"mail\"}", OAUTH_REFUSED, NULL, 0},
    {"{\"active\":true,\"scope\":\"mail\",\"username\":\"\"}", OAUTH_REFUSED, NULL, 0},
    {"{\"active\":true,\"scope\":\"mail\",\"username\":7}", OAUTH_REFUSED, NULL, 0},
    {"{\"active\":false}", OAUTH_REFUSED, NULL, 0},
    {"{\"active\":true,\"username\":\"joe\",\"scope\":\"mail\",\"exp\":-1}", OAUTH_LATER, NULL, 0},
    {"{\"active\":true,\"username\":\"joe\",\"scope\":\"mail\",\"exp\":\"x\"}", OAUTH_LATER, NULL,
     0},
    {"{\"active\":\"true\",\"username\":\"joe\",\"scope\":\"mail\"}", OAUTH_LATER, NULL, 0},
    {"{\"active\":1}", OAUTH_LATER, NULL, 0},
    {"{\"active\":false,\"active\":true}", OAUTH_LATER, NULL, 0},
    {"{}", OAUTH_LATER, NULL, 0},
    {"[]", OAUTH_LATER, NULL, 0},
    {"<html>", OAUTH_LATER, NULL, 0},
    {"", OAUTH_LATER, NULL, 0},
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        const struct answer_case *c = &answers[i];
        struct oauth_answer answer;
        struct arena arena;
        arena_init(&arena);
        oauth_answer_parse(slice_from_cstr(c->body), SLICE("username"), SLICE("mail"), NOW_S,
                           &arena, &answer);
        if (answer.verdict != c->verdict)
            fail_msg("%s: %d", c->body, (int)answer.verdict);
        if (c->account) {
            assert_true(slice_eq(answer.account, slice_from_cstr(c->account)));
            assert_int_equal(answer.expires_s, c->expires_s);
        } else {
            assert_non_null(answer.why);
        }
        arena_done(&arena);
    }
}

/* ---- a server -------------------------------------------------------------------------------- */

struct bench {
    int listener;
    uint16_t port;
    pthread_t server;
    unsigned requests;
    char seen[8192]; /* the last request */
    struct oauth *oauth;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t woken;
    bool wake;
    bool answered;
    enum oauth_verdict verdict;
    char account[64], why[128];
};

static void say(int fd, const char *status, const char *body)
{
    char text[1024];
    int len = snprintf(text, sizeof(text),
                       "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status,
                       strlen(body), body);

    assert_int_equal(write(fd, text, (size_t)len), len);
}

static void say_too_much(int fd)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    static char blanks[4096];
    ssize_t n = write(fd, head, sizeof(head) - 1);

    memset(blanks, ' ', sizeof(blanks));
    for (int i = 0; i < 1000 && n > 0; i++)
        n = send(fd, blanks, sizeof(blanks), MSG_NOSIGNAL);
}

static void serve(struct bench *bench, int fd)
{
    size_t len = 0;

    while (len < sizeof(bench->seen) - 1 && !strstr(bench->seen, "token=")) {
        ssize_t n = read(fd, bench->seen + len, sizeof(bench->seen) - 1 - len);
        if (n <= 0)
            return;
        len += (size_t)n;
        bench->seen[len] = '\0';
    }
    if (strstr(bench->seen, "token=good"))
        say(fd, "200 OK", "{\"active\":true,\"username\":\"joe@a.example\"}");
    else if (strstr(bench->seen, "token=moved"))
        say(fd, "302 Found\r\nLocation: /other", "");
    else if (strstr(bench->seen, "token=stranger"))
        say(fd, "401 Unauthorized", "{}");
    else if (strstr(bench->seen, "token=huge"))
        say_too_much(fd);
    else if (!strstr(bench->seen, "token=cut"))
        say(fd, "200 OK", "{\"active\":false}");
}

static void *run_server(void *arg)
{
    struct bench *bench = arg;

    for (;;) {
        int fd = accept(bench->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        bench->requests++;
        memset(bench->seen, 0, sizeof(bench->seen));
        serve(bench, fd);
        close(fd);
    }
}

static void on_wake(void *arg)
{
    struct bench *bench = arg;

    pthread_mutex_lock(&bench->lock);
    bench->wake = true;
    pthread_cond_signal(&bench->woken);
    pthread_mutex_unlock(&bench->lock);
}

static void set_rules(struct bench *bench, uint16_t port)
{
    char url[64];
    struct oauth_rules rules = {
        .client_id = SLICE("mail:1"), .client_secret = SLICE("s&cret"), .field = SLICE("username")};

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/introspect", port);
    rules.url = slice_from_cstr(url);
    oauth_set_rules(bench->oauth, &rules);
}

static int set_up(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    struct bench *bench = xcalloc(1, sizeof(*bench));

    pthread_mutex_init(&bench->lock, NULL);
    pthread_cond_init(&bench->woken, NULL);
    bench->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(bench->listener, (struct sockaddr *)&address, len) < 0 ||
        listen(bench->listener, 16) < 0 ||
        getsockname(bench->listener, (struct sockaddr *)&address, &len) < 0)
        return -1;
    bench->port = ntohs(address.sin_port);
    bench->oauth = oauth_new(on_wake, bench);
    set_rules(bench, bench->port);
    *state = bench;
    return pthread_create(&bench->server, NULL, run_server, bench) == 0 &&
                   oauth_start(bench->oauth) == 0
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    oauth_free(bench->oauth);
    shutdown(bench->listener, SHUT_RDWR);
    pthread_join(bench->server, NULL);
    close(bench->listener);
    free(bench);
    return 0;
}

static void on_answer(void *arg, uint64_t job, const struct oauth_answer *answer)
{
    struct bench *bench = arg;

    assert_int_equal(job, 7);
    bench->answered = true;
    bench->verdict = answer->verdict;
    snprintf(bench->account, sizeof(bench->account), "%.*s", SLICE_ARG(answer->account));
    snprintf(bench->why, sizeof(bench->why), "%s", answer->why);
}

static enum oauth_verdict ask(struct bench *bench, const char *token)
{
    struct timespec deadline;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 30;
    bench->answered = false;
    assert_int_equal(oauth_ask(bench->oauth, 7, slice_from_cstr(token)), 0);
    while (!bench->answered) {
        pthread_mutex_lock(&bench->lock);
        while (!bench->wake)
            assert_int_equal(pthread_cond_timedwait(&bench->woken, &bench->lock, &deadline), 0);
        bench->wake = false;
        pthread_mutex_unlock(&bench->lock);
        oauth_collect(bench->oauth, on_answer, bench);
    }
    return bench->verdict;
}

static void test_a_good_token(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(ask(bench, "good+/="), OAUTH_GOOD);
    assert_string_equal(bench->account, "joe@a.example");
    assert_non_null(strstr(bench->seen, "POST /introspect HTTP/1.1\r\n"));
    assert_non_null(strstr(bench->seen, "token=good%2B%2F%3D"));
    /* "mail%3A1:s%26cret" */
    assert_non_null(strstr(bench->seen, "Authorization: Basic bWFpbCUzQTE6cyUyNmNyZXQ=\r\n"));
    /* Kept, until the rules change. */
    assert_int_equal(ask(bench, "good+/="), OAUTH_GOOD);
    assert_string_equal(bench->account, "joe@a.example");
    assert_int_equal(bench->requests, 1);
    set_rules(bench, bench->port);
    assert_int_equal(ask(bench, "good+/="), OAUTH_GOOD);
    assert_int_equal(bench->requests, 2);
}

static void test_a_bad_token(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(ask(bench, "bad"), OAUTH_REFUSED);
    assert_int_equal(ask(bench, "bad"), OAUTH_REFUSED);
    assert_int_equal(bench->requests, 1);
}

/* Whatever is wrong with the server says nothing of the token, and is not kept. */
static void test_a_bad_server(void **state)
{
    static const char *const tokens[] = {"moved", "stranger", "huge", "cut"};
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        assert_int_equal(ask(bench, tokens[i]), OAUTH_LATER);
        assert_int_equal(ask(bench, tokens[i]), OAUTH_LATER);
        if (strcmp(tokens[i], "huge") == 0)
            assert_string_equal(bench->why, "the server's answer is too large");
    }
    assert_int_equal(bench->requests, 8);
    shutdown(bench->listener, SHUT_RDWR);
    assert_int_equal(ask(bench, "good"), OAUTH_LATER);
}

/* It takes the connection and says nothing. */
static void test_a_slow_server(void **state)
{
    struct bench *bench = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    uint64_t before = clock_mono_ms(), took;
    int mute = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(mute, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(mute, 1), 0);
    assert_int_equal(getsockname(mute, (struct sockaddr *)&address, &len), 0);
    set_rules(bench, ntohs(address.sin_port));
    assert_int_equal(ask(bench, "good"), OAUTH_LATER);
    took = clock_mono_ms() - before;
    assert_true(took >= OAUTH_PATIENCE_MS - 100 && took < 2 * OAUTH_PATIENCE_MS);
    close(mute);
}

static void test_bounds(void **state)
{
    struct bench *bench = *state;
    struct oauth *idle = oauth_new(on_wake, bench);

    for (uint64_t i = 0; i < OAUTH_JOBS_MAX; i++)
        assert_int_equal(oauth_ask(idle, i, SLICE("x")), 0);
    assert_true(oauth_ask(idle, 0, SLICE("x")) < 0);
    oauth_free(idle);
}

static void test_no_rules(void **state)
{
    const struct oauth_rules none = {.url = SLICE_NULL};
    struct bench *bench = *state;

    oauth_set_rules(bench->oauth, &none);
    assert_int_equal(ask(bench, "good"), OAUTH_LATER);
    assert_int_equal(bench->requests, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        TEST(test_a_good_token),
        TEST(test_a_bad_token),
        TEST(test_a_bad_server),
        TEST(test_a_slow_server),
        TEST(test_bounds),
        TEST(test_no_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
