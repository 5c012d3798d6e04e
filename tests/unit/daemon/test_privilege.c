#include "daemon/privilege.h"

#include "../cmocka_all.h"
#include "in_child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static void test_caller_for_all_needs_no_users(void **state)
{
    struct identities identities;
    struct problem_list problems;

    (void)state;
    problem_list_init(&problems);
    assert_int_equal(identities_find(false, &identities, &problems), 0);
    for (enum role role = 0; role < ROLE_COUNT; role++)
        assert_int_equal(identities.of[role].uid, geteuid());
    assert_int_equal(problems.count, 0);
    problem_list_done(&problems);
}

static int drop_to_nobody(void *arg)
{
    struct identities identities = {.separate = true, .spool_gid = 54321};

    (void)arg;
    identities.of[ROLE_RECEIVE] = (struct identity){65534, 65534, true};
    if (privilege_drop(&identities, ROLE_RECEIVE) < 0)
        return 1;
    if (geteuid() != 65534 || getegid() != 65534 || setuid(0) == 0)
        return 2;
    gid_t groups[4];
    if (getgroups(4, groups) != 1 || groups[0] != 54321)
        return 3;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
}

static void test_a_role_leaves_root_for_good(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(drop_to_nobody, NULL), 0);
}

static int keep_two(void *arg)
{
    int fds[5], keep[2];

    (void)arg;
    for (int i = 0; i < 5; i++)
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    keep[0] = fds[3];
    keep[1] = fds[1];
    privilege_close_others(keep, 2);
    for (int i = 0; i < 5; i++) {
        bool is_open = fcntl(fds[i], F_GETFD) >= 0;
        if (is_open != (i == 1 || i == 3))
            return 10 + i;
    }
    return fcntl(STDERR_FILENO, F_GETFD) >= 0 ? 0 : 1;
}

static void test_only_what_is_kept_stays_open(void **state)
{
    (void)state;
    assert_int_equal(in_child(keep_two, NULL), 0);
}

static void test_a_dead_parent_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(privilege_die_with_parent(1 << 30), -ESRCH);
    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caller_for_all_needs_no_users),
        cmocka_unit_test(test_a_role_leaves_root_for_good),
        cmocka_unit_test(test_only_what_is_kept_stays_open),
        cmocka_unit_test(test_a_dead_parent_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
