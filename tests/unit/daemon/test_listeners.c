#include "daemon/listeners.h"

#include "../cmocka_all.h"
#include "in_child.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A configuration with one listener on these endpoints. */
struct fixture {
    struct config config;
    struct config_listener listener;
};

static struct config *one_listener(struct fixture *fixture, struct config_endpoint *endpoints,
                                   size_t count)
{
    *fixture = (struct fixture){0};
    fixture->listener.name = SLICE("inward");
    fixture->listener.unix_mode = 0660;
    fixture->listener.addresses = (struct config_endpoints){endpoints, count};
    fixture->config.listeners = &fixture->listener;
    fixture->config.n_listeners = 1;
    return &fixture->config;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in6 address;
    socklen_t len = sizeof(address);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin6_port); /* where sockaddr_in has it too */
}

static bool tells(const struct problem_list *problems, const char *what)
{
    const struct problem *problem = problems->first;
    return problem && memmem(problem->text.ptr, problem->text.len, what, strlen(what));
}

static void test_the_sockets_stand_in_the_configurations_order(void **state)
{
    struct config_endpoint endpoints[] = {{ENDPOINT_INET, SLICE_INIT("127.0.0.1"), 0, {{0}, 0}},
                                          {ENDPOINT_INET, SLICE_INIT("*"), 0, {{0}, 0}}};
    struct fixture fixture;
    struct listeners listeners;
    struct problem_list problems;
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    (void)state;
    problem_list_init(&problems);
    assert_int_equal(listeners_open(one_listener(&fixture, endpoints, 2), &listeners, &problems),
                     0);
    assert_int_equal(listeners.count, 2);
    assert_int_equal(getsockname(listeners.fds[0], (struct sockaddr *)&address, &len), 0);
    assert_int_equal(address.ss_family, AF_INET);
    listeners_close(&listeners);
    problem_list_done(&problems);
}

/* As on a host whose kernel was started with ipv6.disable=1. */
static void forbid_ipv6(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    assert_non_null(filter);
    assert_int_equal(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                                      SCMP_A0(SCMP_CMP_EQ, AF_INET6)),
                     0);
    assert_int_equal(seccomp_load(filter), 0);
    seccomp_release(filter);
}

static int listen_without_ipv6(void *arg)
{
    struct config_endpoint endpoint = {ENDPOINT_INET, SLICE_INIT("*"), 0, {{0}, 0}};
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    struct problem_list problems;
    struct listeners listeners;
    struct fixture fixture;
    int family = 0;

    (void)arg;
    forbid_ipv6();
    problem_list_init(&problems);
    if (listeners_open(one_listener(&fixture, &endpoint, 1), &listeners, &problems) == 0) {
        if (getsockname(listeners.fds[0], (struct sockaddr *)&address, &len) == 0)
            family = address.ss_family;
        listeners_close(&listeners);
    }
    problem_list_done(&problems);
    return family == AF_INET ? 0 : 1;
}

static void test_without_ipv6_all_addresses_are_those_of_ipv4(void **state)
{
    (void)state;
    assert_int_equal(in_child(listen_without_ipv6, NULL), 0);
}

static void test_a_taken_port_is_told_with_who_has_it(void **state)
{
    struct config_endpoint endpoint = {
        ENDPOINT_INET, SLICE_INIT("127.0.0.1"), 0, {SLICE_INIT("nuncio.conf"), 7}};
    struct fixture fixture;
    struct listeners first, second = {0};
    struct problem_list problems;
    char pid[32];

    (void)state;
    problem_list_init(&problems);
    assert_int_equal(listeners_open(one_listener(&fixture, &endpoint, 1), &first, &problems), 0);
    endpoint.port = port_of(first.fds[0]);
    assert_int_equal(listeners_open(&fixture.config, &second, &problems), -EADDRINUSE);
    snprintf(pid, sizeof(pid), "process %ld:", (long)getpid());
    assert_true(tells(&problems, pid));
    assert_true(tells(&problems, "listener 'inward'"));
    assert_int_equal(problems.first->line, 7);
    listeners_close(&first);
    problem_list_done(&problems);
}

static void test_a_name_is_no_address(void **state)
{
    struct config_endpoint endpoint = {ENDPOINT_INET, SLICE_INIT("mx.example.org"), 2525, {{0}, 0}};
    struct fixture fixture;
    struct listeners listeners;
    struct problem_list problems;

    (void)state;
    problem_list_init(&problems);
    assert_int_equal(listeners_open(one_listener(&fixture, &endpoint, 1), &listeners, &problems),
                     -EADDRINUSE);
    assert_true(tells(&problems, "an IP address is needed"));
    problem_list_done(&problems);
}

static void test_a_dead_servers_socket_is_replaced_and_a_living_ones_not(void **state)
{
    char folder[] = "/tmp/nuncio-unix-XXXXXX", path[64];
    struct stat st;
    int first, second;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/sock", folder);
    first = listeners_bind_unix(path, 0660);
    assert_true(first >= 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(listeners_bind_unix(path, 0660), -EADDRINUSE);
    close(first);
    second = listeners_bind_unix(path, 0600);
    assert_true(second >= 0);
    close(second);
    unlink(path);

    /* A file that is no socket is somebody's, and stays. */
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(listeners_bind_unix(path, 0660), -EEXIST);
    rmdir(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_sockets_stand_in_the_configurations_order),
        cmocka_unit_test(test_without_ipv6_all_addresses_are_those_of_ipv4),
        cmocka_unit_test(test_a_taken_port_is_told_with_who_has_it),
        cmocka_unit_test(test_a_name_is_no_address),
        cmocka_unit_test(test_a_dead_servers_socket_is_replaced_and_a_living_ones_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
