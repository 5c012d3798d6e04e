/*
 * The whole role over real sockets and a real spool: this test is parent, auth, queue and client.
 */
#include "receive/receive.h"

#include "base/clock.h"
#include "config/config.h"
#include "spool/spool.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char state[64];
    struct role_context role;
    pthread_t thread, auth_thread;
    int parent, auth, queue; /* our ends */
    int listeners[3];        /* mx, submission, lmtp */
    int result;
};

static int lock_in(struct role_context *role)
{
    (void)role;
    return 0;
}

static void *run_role(void *arg)
{
    struct fixture *fixture = arg;

    fixture->result = receive_main(&fixture->role);
    return NULL;
}

static enum resolve_status judge(struct slice address)
{
    if (slice_starts_with_nocase(address, SLICE("joe@")))
        return RESOLVE_LOCAL;
    if (slice_starts_with_nocase(address, SLICE("full@")))
        return RESOLVE_FULL;
    return RESOLVE_UNKNOWN;
}

/* The auth role. */
static void *answer_questions(void *arg)
{
    struct fixture *fixture = arg;
    char *buffer = xmalloc(CHANNEL_PAYLOAD_MAX + 2);

    for (;;) {
        struct pollfd ready = {.fd = fixture->auth, .events = POLLIN};
        struct channel_message message;
        struct msg_resolve question;
        struct msg_resolved answer = {.status = RESOLVE_LATER};
        struct buf out;
        int r;
        poll(&ready, 1, 1000);
        r = channel_receive(fixture->auth, buffer, CHANNEL_PAYLOAD_MAX + 2, &message);
        if (r == -EAGAIN)
            continue;
        if (r < 0)
            break;
        if (msg_resolve_decode(message.payload, NULL, &question) < 0)
            continue;
        answer.request = question.request;
        answer.status = judge(question.address);
        buf_init(&out, CHANNEL_PAYLOAD_MAX);
        msg_resolved_encode(&out, &answer);
        channel_send(fixture->auth, MSG_RESOLVED, buf_slice(&out), NULL, 0);
        buf_done(&out);
    }
    free(buffer);
    return NULL;
}

static struct config *make_config(const char *state)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;
    struct buf text;

    buf_init(&text, 10000);
    buf_printf(&text,
               "hostname mx.example.org\nstate %s\n"
               "domain example.org { deliver maildir }\n"
               "listen mx { service mx; address 127.0.0.1:2525; tls off }\n"
               "listen submission { service submission; address 127.0.0.1:2587; tls off; "
               "auth offered; insecure_auth yes }\n"
               "listen lmtp { service lmtp; address 127.0.0.1:2424 }\n"
               "workers { mx 3; submission 2 }\n"
               /* A resolver would open and close descriptors, which are counted here. */
               "checks { unchecked { 127.0.0.0/8 } }\n"
               "limits { sessions 20; sessions_per_client 10 }\n",
               state);
    config_bundle_from_text(SLICE("test.conf"), buf_slice(&text), &bundle);
    problem_list_init(&problems);
    if (config_parse(&bundle, &config, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(problem_line(&problems, problems.first)));
    problem_list_done(&problems);
    config_bundle_done(&bundle);
    buf_done(&text);
    return config;
}

/* On any free port. */
static int make_listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 100), 0);
    return fd;
}

static int connect_peer(struct fixture *fixture, enum role peer)
{
    const struct msg_peer message = {.role = peer};
    struct buf out;
    int pair[2];

    assert_int_equal(channel_pair(pair), 0);
    buf_init(&out, 100);
    msg_peer_encode(&out, &message);
    assert_int_equal(channel_send(fixture->parent, MSG_PEER, buf_slice(&out), &pair[1], 1), 0);
    buf_done(&out);
    close(pair[1]);
    return pair[0];
}

static int setup(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));
    char path[100];
    int pair[2];

    snprintf(fixture->state, sizeof(fixture->state), "/tmp/nuncio-receive-XXXXXX");
    assert_non_null(mkdtemp(fixture->state));
    snprintf(path, sizeof(path), "%s/spool", fixture->state);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(channel_pair(pair), 0);
    for (unsigned i = 0; i < 3; i++)
        fixture->listeners[i] = make_listener();
    fixture->parent = pair[0];
    fixture->role = (struct role_context){.self = ROLE_RECEIVE,
                                          .loop = loop_new(),
                                          .config = make_config(fixture->state),
                                          .parent = pair[1],
                                          .listeners = fixture->listeners,
                                          .n_listeners = 3,
                                          .control = -1,
                                          .lock_in = lock_in};
    for (unsigned i = 0; i < ROLE_COUNT; i++)
        fixture->role.peers[i] = -1;
    assert_int_equal(pthread_create(&fixture->thread, NULL, run_role, fixture), 0);
    fixture->auth = connect_peer(fixture, ROLE_AUTH);
    fixture->queue = connect_peer(fixture, ROLE_QUEUE);
    assert_int_equal(pthread_create(&fixture->auth_thread, NULL, answer_questions, fixture), 0);
    *state = fixture;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status, (void)kind, (void)ftw;
    return remove(path);
}

static void stop_role(struct fixture *fixture)
{
    assert_int_equal(channel_send(fixture->parent, MSG_STOP, SLICE_NULL, NULL, 0), 0);
    pthread_join(fixture->thread, NULL);
    assert_int_equal(fixture->result, 0);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    pthread_join(fixture->auth_thread, NULL); /* the role has closed its end */
    close(fixture->parent);
    close(fixture->role.parent);
    close(fixture->auth);
    close(fixture->queue);
    loop_free(fixture->role.loop);
    config_unref(fixture->role.config);
    nftw(fixture->state, remove_entry, 10, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

/* Connects `fd`, from 127.0.0.`host`. */
static void dial_with(struct fixture *fixture, unsigned which, int fd, unsigned host)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK + host - 1)};
    socklen_t len = sizeof(address);
    struct timeval patience = {.tv_sec = 20};

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    getsockname(fixture->listeners[which], (struct sockaddr *)&address, &len);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        fail_msg("connect: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

static int dial(struct fixture *fixture, unsigned which)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    dial_with(fixture, which, fd, 1);
    return fd;
}

/* Says it, and reads until `wanted` stands at the start of a line that ends a reply. */
static void chat(int fd, const char *say, const char *wanted)
{
    struct buf got;

    if (*say)
        assert_int_equal(send(fd, say, strlen(say), MSG_NOSIGNAL), strlen(say));
    buf_init(&got, 64 * 1024);
    for (;;) {
        struct slice rest, line = SLICE_NULL;
        char *room = buf_reserve(&got, 4096);
        ssize_t n = room ? recv(fd, room, 4096, 0) : -1;
        if (n <= 0)
            fail_msg("wanted '%s' for '%s', have '%.*s'", wanted, say, (int)got.len, got.ptr);
        buf_added(&got, (size_t)n);
        rest = buf_slice(&got);
        if (got.ptr[got.len - 1] != '\n')
            continue;
        while (rest.len)
            line = slice_cut(&rest, '\n');
        if (slice_starts_with_nocase(line, slice_from_cstr(wanted)))
            break;
    }
    buf_done(&got);
}

static void send_message(int fd)
{
    chat(fd, "MAIL FROM:<ann@example.net>\r\nRCPT TO:<joe@example.org>\r\nDATA\r\n", "354");
    chat(fd, "Subject: hello\r\n\r\nOne line.\r\n.\r\n", "250 2.0.0 Ok: queued as");
}

struct seen {
    unsigned messages;
    struct buf text;
};

static void on_message(void *arg, const struct envelope *envelope, struct spool_location location)
{
    struct seen *seen = arg;

    (void)location;
    seen->messages++;
    assert_int_equal(envelope->n_recipients, 1);
    buf_add_slice(&seen->text, envelope->recipients[0].address);
}

/* What the spool holds, as queue would find it. */
static void assert_stored(const struct fixture *fixture, unsigned messages)
{
    struct seen seen = {.messages = 0};
    struct spool_store_events events = {.message = on_message, .arg = &seen};
    struct spool_store_options options = {.disk = disk_real(), .events = &events};
    struct spool_store *store;
    char path[100];

    buf_init(&seen.text, 10000);
    snprintf(path, sizeof(path), "%s/spool", fixture->state);
    options.directory = path;
    assert_int_equal(spool_store_open(&options, &store), 0);
    spool_store_close(store);
    assert_int_equal(seen.messages, messages);
    buf_done(&seen.text);
}

static void test_what_was_accepted_is_in_the_spool(void **state)
{
    struct fixture *fixture = *state;
    char buffer[1000];
    struct pollfd ready = {.fd = fixture->queue, .events = POLLIN};
    int fd = dial(fixture, 0);

    chat(fd, "", "220 mx.example.org ESMTP");
    chat(fd, "EHLO client.example\r\n", "250 HELP");
    send_message(fd);
    send_message(fd);
    chat(fd, "MAIL FROM:<>\r\n", "250");
    chat(fd, "RCPT TO:<nobody@example.org>\r\n", "550 5.1.1");
    chat(fd, "RCPT TO:<full@example.org>\r\n", "452 4.2.2");
    chat(fd, "RCPT TO:<joe@example.com>\r\n", "550 5.7.1");
    chat(fd, "QUIT\r\n", "221");
    close(fd);
    assert_int_equal(poll(&ready, 1, 10000), 1);
    assert_true(recv(fixture->queue, buffer, sizeof(buffer), MSG_DONTWAIT) > 2);
    assert_int_equal(buffer[0], MSG_DURABLE);
    stop_role(fixture);
    assert_stored(fixture, 2);
}

static void test_many_clients_at_once(void **state)
{
    struct fixture *fixture = *state;
    int fds[10];

    for (unsigned i = 0; i < 10; i++) {
        fds[i] = dial(fixture, i % 3 ? 0 : 2);
        chat(fds[i], "", "220 ");
    }
    for (unsigned i = 0; i < 10; i++)
        chat(fds[i], i % 3 ? "EHLO me\r\n" : "LHLO me\r\n", "250 HELP");
    for (unsigned i = 0; i < 10; i++)
        chat(fds[i], "MAIL FROM:<>\r\nRCPT TO:<joe@example.org>\r\nDATA\r\n", "354");
    for (unsigned i = 0; i < 10; i++)
        chat(fds[i], "a: b\r\n\r\n.\r\n", "250 2.0.0");
    for (unsigned i = 0; i < 10; i++)
        close(fds[i]);
    stop_role(fixture);
    assert_stored(fixture, 10);
}

static void test_the_eleventh_of_one_client_is_sent_away(void **state)
{
    struct fixture *fixture = *state;
    int fds[11];

    for (unsigned i = 0; i < 10; i++) {
        fds[i] = dial(fixture, 0);
        chat(fds[i], "", "220 ");
    }
    fds[10] = dial(fixture, 0);
    chat(fds[10], "", "421 4.7.0 too many connections from your address");
    /* One that leaves makes room. */
    chat(fds[0], "QUIT\r\n", "221");
    close(fds[0]);
    usleep(100 * 1000);
    fds[0] = dial(fixture, 0);
    chat(fds[0], "", "220 ");
    for (unsigned i = 0; i < 11; i++)
        close(fds[i]);
    stop_role(fixture);
}

static void test_the_twenty_first_of_all_is_sent_away(void **state)
{
    struct fixture *fixture = *state;
    int fds[21];

    for (unsigned i = 0; i < 21; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        dial_with(fixture, 0, fds[i], 2 + i);
        chat(fds[i], "", i < 20 ? "220 " : "421 4.3.2 too many connections");
    }
    for (unsigned i = 0; i < 21; i++)
        close(fds[i]);
    stop_role(fixture);
}

/* A message that brings a descriptor must not come when there is none left. */
static void wait_until_read(int channel)
{
    int unread = 1;

    for (unsigned i = 0; unread && i < 2000; i++) {
        assert_int_equal(ioctl(channel, SIOCOUTQ, &unread), 0);
        usleep(unread ? 10 * 1000 : 0);
    }
    assert_int_equal(unread, 0);
}

static void test_without_descriptors_clients_are_told_so(void **state)
{
    enum { DESCRIPTORS = 200 };
    struct fixture *fixture = *state;
    struct rlimit before, few;
    int fds[DESCRIPTORS], n = 0, late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

    getrlimit(RLIMIT_NOFILE, &before);
    /* One that works shows that the role has all it needs. */
    fd = dial(fixture, 0);
    chat(fd, "", "220 ");
    wait_until_read(fixture->parent);
    few = (struct rlimit){.rlim_cur = DESCRIPTORS, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while ((fds[n] = dup(fd)) >= 0)
        n++;
    dial_with(fixture, 0, late, 1);
    chat(late, "", "421 4.3.2 too many connections");
    while (n > 0)
        close(fds[--n]);
    setrlimit(RLIMIT_NOFILE, &before);
    close(late);
    late = dial(fixture, 0);
    chat(late, "", "220 ");
    chat(fd, "NOOP\r\n", "250");
    close(late);
    close(fd);
    stop_role(fixture);
}

static void test_stopping_tells_everybody(void **state)
{
    struct fixture *fixture = *state;
    int idle = dial(fixture, 0), busy = dial(fixture, 0);

    chat(idle, "", "220 ");
    chat(busy, "", "220 ");
    chat(busy, "EHLO me\r\n", "250 HELP");
    chat(busy, "MAIL FROM:<>\r\nRCPT TO:<joe@example.org>\r\nDATA\r\n", "354");
    send(busy, "half a mess", 11, MSG_NOSIGNAL);
    stop_role(fixture);
    chat(idle, "", "421 4.3.2");
    chat(busy, "", "421 4.3.2");
    close(idle);
    close(busy);
    assert_stored(fixture, 0);
}

#define ROLE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROLE_TEST(test_what_was_accepted_is_in_the_spool),
        ROLE_TEST(test_many_clients_at_once),
        ROLE_TEST(test_the_eleventh_of_one_client_is_sent_away),
        ROLE_TEST(test_the_twenty_first_of_all_is_sent_away),
        ROLE_TEST(test_without_descriptors_clients_are_told_so),
        ROLE_TEST(test_stopping_tells_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
