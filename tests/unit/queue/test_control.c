/* The control socket: one JSON object a line, within bounds, for whom it is meant. */
#include "queue/control.h"
#include "queue/suspend.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    struct queue queue;
    struct role_context role;
    struct sockaddr_un address;
    pthread_t server; /* runs the loop */
    const char *request;
    size_t request_len;
    char answer[4096];
};

static void on_wake(void *arg)
{
    loop_stop(((struct fixture *)arg)->role.loop);
}

static void *serve(void *arg)
{
    loop_run(((struct fixture *)arg)->role.loop);
    return NULL;
}

static int setup(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    const struct scheduler_rules rules = {.concurrency = 1, .active = 1};
    const struct peer_groups groups = {0};

    fixture->role.loop = loop_new();
    fixture->address.sun_family = AF_UNIX;
    snprintf(fixture->address.sun_path, sizeof(fixture->address.sun_path),
             "/tmp/nuncio-control-%ld.sock", (long)getpid());
    unlink(fixture->address.sun_path);
    fixture->role.control = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fixture->role.control, (const struct sockaddr *)&fixture->address,
                          sizeof(fixture->address)),
                     0);
    assert_int_equal(listen(fixture->role.control, 4), 0);
    fixture->role.parent = -1;
    fixture->queue.role = &fixture->role;
    ledger_init(&fixture->queue.ledger);
    arena_init(&fixture->queue.scratch);
    fixture->queue.scheduler = scheduler_new(&rules);
    fixture->queue.suspensions = suspensions_new();
    fixture->queue.control = control_new(&fixture->queue, &groups);
    loop_on_wake(fixture->role.loop, on_wake, fixture);
    pthread_create(&fixture->server, NULL, serve, fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    loop_wake(fixture->role.loop);
    pthread_join(fixture->server, NULL);
    control_free(fixture->queue.control);
    scheduler_free(fixture->queue.scheduler);
    suspensions_free(fixture->queue.suspensions);
    ledger_done(&fixture->queue.ledger);
    arena_done(&fixture->queue.scratch);
    loop_free(fixture->role.loop);
    close(fixture->role.control);
    unlink(fixture->address.sun_path);
    test_free(fixture);
    return 0;
}

/* Sends the request, reads until the other side says the end or goes away. */
static void converse(struct fixture *fixture, int fd)
{
    size_t have = 0, sent = 0;

    while (sent < fixture->request_len) {
        ssize_t n = send(fd, fixture->request + sent, fixture->request_len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    shutdown(fd, SHUT_WR);
    while (have < sizeof(fixture->answer) - 1) {
        ssize_t n = recv(fd, fixture->answer + have, sizeof(fixture->answer) - 1 - have, 0);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    fixture->answer[have] = '\0';
}

static const char *ask_bytes(struct fixture *fixture, const char *request, size_t len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    fixture->request = request;
    fixture->request_len = len;
    assert_int_equal(
        connect(fd, (const struct sockaddr *)&fixture->address, sizeof(fixture->address)), 0);
    converse(fixture, fd);
    close(fd);
    return fixture->answer;
}

static const char *ask(struct fixture *fixture, const char *request)
{
    return ask_bytes(fixture, request, strlen(request));
}

static void test_requests_and_mistakes(void **state)
{
    static const struct {
        const char *request, *answer;
    } rows[] = {
        {"{\"command\":\"queue.list\"}\n",
         "{\"messages\":0,\"recipients\":0,\"bytes\":0,\"end\":true}\n"},
        {"\n{\"command\":\"queue.list\"}\r\n",
         "{\"messages\":0,\"recipients\":0,\"bytes\":0,\"end\":true}\n"},
        {"{\"command\":\"queue.fly\"}\n",
         "{\"error\":\"there is no such command\",\"end\":true}\n"},
        {"[1,2]\n", "{\"error\":\"a request is a JSON object on one line\",\"end\":true}\n"},
        {"{\"command\":", ""},
        {"{\"command\":\"queue.show\",\"id\":\"000000000000Z\"}\n",
         "{\"error\":\"no such message in the queue: 000000000000Z\",\"end\":true}\n"},
        {"{\"command\":\"queue.show\",\"id\":\"!\"}\n",
         "{\"error\":\"that is no message id (13 letters and digits)\",\"end\":true}\n"},
        {"{\"command\":\"queue.remove\"}\n", "{\"error\":\"say which: an id, a sender, a "
                                             "recipient, a domain, a lane, an age, a reply, a "
                                             "state, or all\",\"end\":true}\n"},
        {"{\"command\":\"queue.reroute\",\"all\":true}\n",
         "{\"error\":\"queue.reroute needs a route: \\\"to\\\"\",\"end\":true}\n"},
        {"{\"command\":\"queue.list\",\"state\":\"asleep\"}\n",
         "{\"error\":\"there is no such state: say waiting, ready, sending, failed, held or "
         "suspended\",\"end\":true}\n"},
        {"{\"command\":\"queue.list\",\"older_ms\":-1}\n",
         "{\"error\":\"older_ms and newer_ms must be numbers from 0 on\",\"end\":true}\n"},
        {"{\"command\":\"queue.suspend\",\"kind\":\"moon\"}\n",
         "{\"error\":\"say what: a lane, a domain, a sender or a source\",\"end\":true}\n"},
        {"{\"command\":\"queue.suspend\",\"kind\":\"source\",\"what\":\"mx.test\"}\n",
         "{\"error\":\"a source is an IP address\",\"end\":true}\n"},
        {"{\"command\":\"queue.resume\",\"kind\":\"lane\",\"what\":\"x\"}\n",
         "{\"error\":\"that is not suspended; see nuncio queue suspended\",\"end\":true}\n"},
        {"{\"command\":\"queue.suspended\"}\n", "{\"suspensions\":0,\"end\":true}\n"},
        {"{\"command\":\"queue.remove\",\"sender\":7}\n",
         "{\"error\":\"sender, recipient, domain, lane, reply and state must be strings\","
         "\"end\":true}\n"},
        {"{\"command\":\"queue.remove\",\"all\":true}\n",
         "{\"messages\":0,\"recipients\":0,\"dry\":false,\"end\":true}\n"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(ask(*state, rows[i].request), rows[i].answer);
}

static void test_requests_on_one_connection_are_answered_in_order(void **state)
{
    assert_string_equal(ask(*state, "{\"command\":\"queue.list\"}\n{}\n{\"command\":"
                                    "\"queue.list\"}\n"),
                        "{\"messages\":0,\"recipients\":0,\"bytes\":0,\"end\":true}\n"
                        "{\"error\":\"there is no such command\",\"end\":true}\n"
                        "{\"messages\":0,\"recipients\":0,\"bytes\":0,\"end\":true}\n");
}

static void test_a_line_without_end_is_cut_off(void **state)
{
    static char request[300000];

    memset(request, 'x', sizeof(request));
    assert_string_equal(ask_bytes(*state, request, sizeof(request)),
                        "{\"error\":\"the request is too long\",\"end\":true}\n");
}

static void test_without_a_parent_its_commands_fail(void **state)
{
    assert_string_equal(ask(*state, "{\"command\":\"reload\"}\n"),
                        "{\"error\":\"the parent process cannot be asked now\",\"end\":true}\n");
}

/* A child of another user asks; the socket's mode would keep it out, the role does too. */
static void test_strangers_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char answer[256];
    ssize_t n;
    int pipes[2];
    pid_t pid;

    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(fixture->address.sun_path, 0666), 0);
    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    if (pid == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (setgid(65534) < 0 || setuid(65534) < 0 ||
            connect(fd, (const struct sockaddr *)&fixture->address, sizeof(fixture->address)) < 0)
            _exit(1);
        n = recv(fd, answer, sizeof(answer), 0);
        if (n < 0 || write(pipes[1], answer, (size_t)n) != n)
            _exit(1);
        _exit(0);
    }
    n = read(pipes[0], answer, sizeof(answer) - 1);
    assert_true(n > 0);
    answer[n] = '\0';
    assert_non_null(strstr(answer, "\"error\":\"the control socket is not for you"));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_requests_and_mistakes),
        TEST(test_requests_on_one_connection_are_answered_in_order),
        TEST(test_a_line_without_end_is_cut_off),
        TEST(test_without_a_parent_its_commands_fail),
        TEST(test_strangers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
