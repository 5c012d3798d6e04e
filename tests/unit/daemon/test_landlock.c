/* Each test goes behind the fence in a child, where it tries what is granted and what is not. */
#include "daemon/landlock.h"

#include "daemon/probe.h"
#include "../cmocka_all.h"
#include "in_child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

struct place {
    char root[64], open[96], shut[96], readable[96];
};

static int enter_with_ports(const struct place *place, bool tcp, const uint16_t *ports, size_t n)
{
    const struct landlock_path paths[] = {{place->open, GRANT_WRITE},
                                          {place->readable, GRANT_READ},
                                          {"/there/is/no/such/path", GRANT_READ}};
    const struct landlock_rules rules = {paths, 3, tcp, ports, n};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return landlock_enter(&rules);
}

static int enter(const struct place *place, bool tcp)
{
    return enter_with_ports(place, tcp, NULL, 0);
}

static int can_make(const char *folder)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/made", folder);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : errno;
}

static int try_files(void *arg)
{
    struct place *place = arg;
    char from[128], to[128];

    if (enter(place, false) < 0)
        return 1;
    if (can_make(place->open) != 0)
        return 2;
    if (can_make(place->shut) != EACCES || probe_open(place->shut) != PROBE_REFUSED)
        return 3;
    if (can_make(place->readable) != EACCES || probe_open(place->readable) != PROBE_WORKED)
        return 4;
    /* A Maildir moves files between its folders. */
    snprintf(from, sizeof(from), "%s/made", place->open);
    snprintf(to, sizeof(to), "%s/sub/moved", place->open);
    return rename(from, to) == 0 ? 0 : 5;
}

static int try_exec(void *arg)
{
    return enter(arg, false) < 0 ? 1 : probe_exec_in_child() == PROBE_REFUSED ? 0 : 2;
}

static int try_tcp_refused(void *arg)
{
    return enter(arg, false) < 0 ? 1 : probe_tcp_connect() == PROBE_REFUSED ? 0 : 2;
}

static int try_tcp_granted(void *arg)
{
    return enter(arg, true) < 0 ? 1 : probe_tcp_connect() == PROBE_WORKED ? 0 : 2;
}

/* probe_tcp_connect() tries port 9. */
static int try_tcp_other_port(void *arg)
{
    const uint16_t ports[] = {443, 53};

    return enter_with_ports(arg, false, ports, 2) < 0 ? 1
           : probe_tcp_connect() == PROBE_REFUSED     ? 0
                                                      : 2;
}

static int try_tcp_this_port(void *arg)
{
    const uint16_t ports[] = {443, 9};

    return enter_with_ports(arg, false, ports, 2) < 0 ? 1
           : probe_tcp_connect() == PROBE_WORKED      ? 0
                                                      : 2;
}

static void run_in_place(int (*step)(void *arg))
{
    struct place place = {.root = "/tmp/nuncio-landlock-XXXXXX"};
    char sub[128], command[128];

    if (landlock_version() == 0)
        skip();
    assert_non_null(mkdtemp(place.root));
    snprintf(place.open, sizeof(place.open), "%s/open", place.root);
    snprintf(place.shut, sizeof(place.shut), "%s/shut", place.root);
    snprintf(place.readable, sizeof(place.readable), "%s/readable", place.root);
    snprintf(sub, sizeof(sub), "%s/sub", place.open);
    assert_int_equal(mkdir(place.open, 0700), 0);
    assert_int_equal(mkdir(place.shut, 0700), 0);
    assert_int_equal(mkdir(place.readable, 0700), 0);
    assert_int_equal(mkdir(sub, 0700), 0);
    assert_int_equal(in_child(step, &place), 0);
    snprintf(command, sizeof(command), "rm -rf %s", place.root);
    assert_int_equal(system(command), 0);
}

static void test_only_granted_folders_are_open(void **state)
{
    (void)state;
    run_in_place(try_files);
}

static void test_nothing_can_be_executed(void **state)
{
    (void)state;
    run_in_place(try_exec);
}

static void test_tcp_is_refused_unless_granted(void **state)
{
    (void)state;
    if (landlock_version() < 4)
        skip();
    run_in_place(try_tcp_refused);
    run_in_place(try_tcp_granted);
    run_in_place(try_tcp_other_port);
    run_in_place(try_tcp_this_port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_granted_folders_are_open),
        cmocka_unit_test(test_nothing_can_be_executed),
        cmocka_unit_test(test_tcp_is_refused_unless_granted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
