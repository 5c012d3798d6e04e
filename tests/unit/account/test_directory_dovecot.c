/* A Dovecot that says what the test tells it to, on real sockets and a real loop. */
#include "../cmocka_all.h"

#include "account/directory_dovecot.h"
#include "account/dovecot_link.h"
#include "base/clock.h"
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAIT_MS = 5000 };

struct server {
    char path[96];
    int listener, fd; /* -1: none */
};

struct bench {
    char folder[64];
    struct server auth, userdb;
    struct loop *loop;
    struct files *files;
    struct directory *directory;
    unsigned answers;
    bool running; /* the loop */
    enum directory_status status;
    struct directory_entry entry;
    char why[256];
};

static void server_open(struct server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, server->path, strlen(server->path));
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server->listener, 5), 0);
}

static void server_hang_up(struct server *server)
{
    if (server->fd >= 0)
        close(server->fd);
    server->fd = -1;
}

static void server_close(struct server *server)
{
    server_hang_up(server);
    if (server->listener >= 0)
        close(server->listener);
    server->listener = -1;
    unlink(server->path);
}

static void server_say(struct server *server, const char *text)
{
    if (server->fd < 0)
        server->fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(server->fd >= 0);
    assert_int_equal(write(server->fd, text, strlen(text)), strlen(text));
}

/* What was said to it since the last time. */
static const char *server_heard(struct server *server)
{
    static char text[8192];
    struct pollfd wait = {.fd = server->fd, .events = POLLIN};
    ssize_t n;

    assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
    n = read(server->fd, text, sizeof(text) - 1);
    assert_true(n >= 0);
    text[n] = '\0';
    return text;
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    struct config_accounts accounts = {.kind = ACCOUNTS_DOVECOT};

    log_setup("test", LOG_ERROR, LOG_LOGFMT, 2);
    snprintf(bench->folder, sizeof(bench->folder), "/tmp/nuncio-test-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    snprintf(bench->auth.path, sizeof(bench->auth.path), "%s/auth", bench->folder);
    snprintf(bench->userdb.path, sizeof(bench->userdb.path), "%s/userdb", bench->folder);
    bench->auth.fd = bench->userdb.fd = -1;
    server_open(&bench->auth);
    server_open(&bench->userdb);
    accounts.auth_socket = slice_from_cstr(bench->auth.path);
    accounts.userdb_socket = slice_from_cstr(bench->userdb.path);
    bench->loop = loop_new();
    bench->files = files_new();
    bench->directory = directory_dovecot_new(&accounts, bench->loop, bench->files);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    clock_unfake();
    if (bench->directory)
        bench->directory->methods->free(bench->directory);
    files_free(bench->files);
    loop_free(bench->loop);
    server_close(&bench->auth);
    server_close(&bench->userdb);
    assert_int_equal(rmdir(bench->folder), 0);
    free(bench);
    return 0;
}

static void on_entry(void *arg, enum directory_status status, const struct directory_entry *entry)
{
    struct bench *bench = arg;

    bench->answers++;
    bench->status = status;
    if (status == DIRECTORY_FOUND)
        bench->entry = *entry;
    if (bench->running)
        loop_stop(bench->loop);
}

static void on_check(void *arg, enum directory_status status, struct slice why)
{
    struct bench *bench = arg;

    bench->answers++;
    bench->status = status;
    snprintf(bench->why, sizeof(bench->why), "%.*s", SLICE_ARG(why));
    if (bench->running)
        loop_stop(bench->loop);
}

static void stop(void *arg)
{
    loop_stop(arg);
}

/* Until an answer has come, or for this long. */
static void run(struct bench *bench, unsigned ms)
{
    struct loop_timer *timer = loop_timer(bench->loop, stop, bench->loop);

    loop_timer_arm(timer, clock_mono_ms() + ms);
    bench->running = true;
    assert_int_equal(loop_run(bench->loop), 0);
    bench->running = false;
    loop_timer_free(timer);
}

static void find(struct bench *bench, const char *address)
{
    bench->directory->methods->find(bench->directory, slice_from_cstr(address), on_entry, bench);
}

static void check(struct bench *bench, const char *password)
{
    bench->directory->methods->check(bench->directory, SLICE("joe@a.example"),
                                     slice_from_cstr(password), SLICE("192.0.2.1"), on_check,
                                     bench);
}

static const char userdb_hello[] = "VERSION\t1\t0\nSPID\t77\n";
static const char auth_hello[] = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\nSPID\t77\n"
                                 "CUID\t1\nCOOKIE\tabc\nDONE\n";

/* The first question of a test, with its answer. */
static void find_once(struct bench *bench, const char *address, const char *reply)
{
    char hello_and_reply[512];

    find(bench, address);
    assert_int_equal(bench->answers, 0);
    snprintf(hello_and_reply, sizeof(hello_and_reply), "%s%s", userdb_hello, reply);
    server_say(&bench->userdb, hello_and_reply);
    run(bench, WAIT_MS);
    assert_int_equal(bench->answers, 1);
}

static void test_a_user_is_there_or_not(void **state)
{
    struct bench *bench = *state;

    find(bench, "joe@a.example");
    find(bench, "no@a.example");
    server_say(&bench->userdb, userdb_hello);
    run(bench, 100);
    assert_string_equal(server_heard(&bench->userdb),
                        "VERSION\t1\t0\nUSER\t1\tjoe@a.example\tservice=smtp\n"
                        "USER\t2\tno@a.example\tservice=smtp\n");
    /* In any order, and with lines that are not for us. */
    server_say(&bench->userdb, "NEWS\tx\nNOTFOUND\t2\nUSER\t99\tx\n");
    run(bench, WAIT_MS);
    assert_int_equal(bench->status, DIRECTORY_NONE);
    server_say(&bench->userdb, "USER\t1\tjoe@a.example\tuid=5\tquota_rule=*:storage=1M\n");
    run(bench, WAIT_MS);
    assert_int_equal(bench->answers, 2);
    assert_int_equal(bench->status, DIRECTORY_FOUND);
    assert_true(bench->entry.is_account && bench->entry.enabled && bench->entry.own_quota);
    assert_int_equal(bench->entry.quota_bytes, 1 << 20);
}

static void test_answers_are_remembered_for_a_while(void **state)
{
    struct bench *bench = *state;
    uint64_t now = clock_mono_ms();

    find_once(bench, "joe@a.example", "USER\t1\tjoe@a.example\n");
    clock_fake(0, now + DOVECOT_KNOWN_MS - 2000);
    find(bench, "joe@a.example");
    assert_int_equal(bench->answers, 2);
    server_close(&bench->userdb);
    clock_fake(0, now + DOVECOT_KNOWN_MS + 2000);
    find(bench, "joe@a.example");
    clock_unfake();
    run(bench, WAIT_MS);
    assert_int_equal(bench->answers, 3);
    assert_int_equal(bench->status, DIRECTORY_LATER);
}

static void test_a_missing_user_may_be_made_soon(void **state)
{
    struct bench *bench = *state;
    uint64_t now = clock_mono_ms();

    find_once(bench, "new@a.example", "NOTFOUND\t1\n");
    find(bench, "new@a.example");
    assert_int_equal(bench->answers, 2);
    assert_int_equal(bench->status, DIRECTORY_NONE);
    clock_fake(0, now + DOVECOT_UNKNOWN_MS + 2000);
    find(bench, "new@a.example");
    clock_unfake();
    assert_int_equal(bench->answers, 2);
    server_say(&bench->userdb, "USER\t2\tnew@a.example\n");
    run(bench, WAIT_MS);
    assert_int_equal(bench->status, DIRECTORY_FOUND);
}

static void test_trouble_is_never_a_no(void **state)
{
    static const char *const replies[] = {
        "VERSION\t1\t0\nSPID\t1\nFAIL\t1\tdatabase is down\n",
        "VERSION\t2\t0\n",
        "VERSION\t1\t0\nNOTFOUND\t1\n",
        "HTTP/1.1 400 Bad Request\n",
        "VERSION\t1\t0\nSPID\t1\nUSER\tone\tjoe\n",
        "VERSION\t1\t0\nSPID\t1\nNOTFOUND\n",
        "VERSION\t1\t0\nSPID\t1\nOK\t1\n",
        "\n",
    };

    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        struct bench *bench;
        set_up(state);
        bench = *state;
        find(bench, "joe@a.example");
        server_say(&bench->userdb, replies[i]);
        run(bench, WAIT_MS);
        assert_int_equal(bench->answers, 1);
        if (bench->status != DIRECTORY_LATER)
            fail_msg("%s: %d", replies[i], (int)bench->status);
        tear_down(state);
    }
}

static void test_a_line_without_an_end_is_not_read_for_ever(void **state)
{
    struct bench *bench = *state;
    char text[8192];

    memset(text, 'x', sizeof(text));
    find(bench, "joe@a.example");
    server_say(&bench->userdb, "");
    for (int i = 0; i < 3 && bench->answers == 0; i++) {
        assert_true(write(bench->userdb.fd, text, sizeof(text)) > 0);
        run(bench, 100);
    }
    assert_int_equal(bench->answers, 1);
    assert_int_equal(bench->status, DIRECTORY_LATER);
}

static void test_a_silent_one_is_left_after_its_time_and_tried_again(void **state)
{
    struct bench *bench = *state;

    find(bench, "joe@a.example");
    server_say(&bench->userdb, "");
    run(bench, WAIT_MS);
    assert_int_equal(bench->answers, 1);
    assert_int_equal(bench->status, DIRECTORY_LATER);
    server_hang_up(&bench->userdb);
    usleep((LINK_PAUSE_MIN_MS + 50) * 1000);
    find(bench, "joe@a.example");
    server_say(&bench->userdb, "VERSION\t1\t0\nSPID\t1\nUSER\t2\tjoe@a.example\n");
    run(bench, WAIT_MS);
    assert_int_equal(bench->answers, 2);
    assert_int_equal(bench->status, DIRECTORY_FOUND);
}

static void test_it_comes_back_by_itself(void **state)
{
    struct bench *bench = *state;

    server_close(&bench->userdb);
    find(bench, "joe@a.example");
    assert_int_equal(bench->status, DIRECTORY_LATER);
    server_open(&bench->userdb);
    find(bench, "joe@a.example"); /* not so soon */
    assert_int_equal(bench->answers, 2);
    assert_int_equal(bench->status, DIRECTORY_LATER);
    usleep((LINK_PAUSE_MIN_MS + 50) * 1000);
    find(bench, "joe@a.example");
    server_say(&bench->userdb, "VERSION\t1\t0\nSPID\t1\nUSER\t1\tjoe@a.example\n");
    run(bench, WAIT_MS);
    assert_int_equal(bench->answers, 3);
    assert_int_equal(bench->status, DIRECTORY_FOUND);
    /* Gone in the middle of a question. */
    find(bench, "ann@a.example");
    server_hang_up(&bench->userdb);
    run(bench, WAIT_MS);
    assert_int_equal(bench->answers, 4);
    assert_int_equal(bench->status, DIRECTORY_LATER);
}

static void test_passwords_are_dovecots_to_judge(void **state)
{
    static const struct {
        const char *reply, *why;
        enum directory_status status;
    } cases[] = {
        {"OK\t%u\tuser=joe@a.example\n", "Dovecot says yes", DIRECTORY_FOUND},
        {"OK\t%u\tuser=joe@a.example\tnologin\n", "Dovecot says that the user may not log in",
         DIRECTORY_NONE},
        {"FAIL\t%u\tuser=joe@a.example\n", "Dovecot says no", DIRECTORY_NONE},
        {"FAIL\t%u\tuser=joe\treason=not\001tnow\n", "not\tnow", DIRECTORY_NONE},
        {"FAIL\t%u\tuser=joe\tcode=user_disabled\n", "Dovecot says no", DIRECTORY_NONE},
        {"FAIL\t%u\tuser=joe\tcode=temp_fail\n", "Dovecot says no", DIRECTORY_LATER},
        {"FAIL\t%u\tuser=joe\ttemp\n", "Dovecot says no", DIRECTORY_LATER},
        {"CONT\t%u\tabc\n", "Dovecot cannot tell now", DIRECTORY_LATER},
        {"USER\t%u\tjoe\n", "Dovecot cannot tell now", DIRECTORY_LATER},
    };
    struct bench *bench = *state;
    char reply[256];

    check(bench, "secret");
    server_say(&bench->auth, auth_hello);
    run(bench, 100);
    assert_non_null(strstr(server_heard(&bench->auth),
                           "\nAUTH\t1\tPLAIN\tservice=smtp\tsecured\tno-penalty\tnologin\t"
                           "rip=192.0.2.1\tresp=AGpvZUBhLmV4YW1wbGUAc2VjcmV0\n"));
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (i)
            check(bench, "secret");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(reply, sizeof(reply), cases[i].reply, i + 1);
#pragma GCC diagnostic pop
        server_say(&bench->auth, reply);
        run(bench, WAIT_MS);
        assert_int_equal(bench->answers, i + 1);
        assert_int_equal(bench->status, cases[i].status);
        assert_string_equal(bench->why, cases[i].why);
    }
}

static void test_without_plain_no_password_is_wrong(void **state)
{
    struct bench *bench = *state;

    check(bench, "secret");
    server_say(&bench->auth, "VERSION\t1\t2\nMECH\tCRAM-MD5\nSPID\t1\nDONE\n");
    run(bench, WAIT_MS);
    assert_int_equal(bench->status, DIRECTORY_LATER);
}

static void test_impossible_passwords_are_not_sent(void **state)
{
    struct bench *bench = *state;
    char *text = calloc(1, 5000);

    memset(text, 'x', 4999);
    check(bench, text);
    assert_int_equal(bench->answers, 1);
    assert_int_equal(bench->status, DIRECTORY_NONE);
    bench->directory->methods->check(bench->directory, SLICE("joe@a.example"), SLICE("a\0b"),
                                     SLICE_NULL, on_check, bench);
    assert_int_equal(bench->answers, 2);
    assert_int_equal(bench->status, DIRECTORY_NONE);
    free(text);
}

static void test_who_has_given_up_gets_no_answer(void **state)
{
    struct bench *bench = *state;

    find(bench, "joe@a.example");
    bench->directory->methods->cancel(bench->directory, bench);
    server_say(&bench->userdb, userdb_hello);
    server_say(&bench->userdb, "USER\t1\tjoe@a.example\n");
    run(bench, 200);
    assert_int_equal(bench->answers, 0);
    /* And who has not, gets one when the directory goes. */
    find(bench, "joe@a.example");
    bench->directory->methods->free(bench->directory);
    bench->directory = NULL;
    assert_int_equal(bench->answers, 1);
    assert_int_equal(bench->status, DIRECTORY_LATER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_user_is_there_or_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answers_are_remembered_for_a_while, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_missing_user_may_be_made_soon, set_up, tear_down),
        cmocka_unit_test(test_trouble_is_never_a_no),
        cmocka_unit_test_setup_teardown(test_a_line_without_an_end_is_not_read_for_ever, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_silent_one_is_left_after_its_time_and_tried_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_it_comes_back_by_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_passwords_are_dovecots_to_judge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_plain_no_password_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_impossible_passwords_are_not_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_has_given_up_gets_no_answer, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
