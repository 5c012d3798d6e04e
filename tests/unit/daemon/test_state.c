#include "daemon/state.h"

#include "../cmocka_all.h"
#include "in_child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static char root[] = "/tmp/nuncio-state-XXXXXX";
static char state_folder[64];

static int make_root(void **state)
{
    (void)state;
    memcpy(root + strlen(root) - 6, "XXXXXX", 6);
    if (!mkdtemp(root))
        return -1;
    snprintf(state_folder, sizeof(state_folder), "%s/var/lib", root);
    return 0;
}

static int remove_root(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", root);
    return system(command);
}

static int prepare(struct problem_list *problems)
{
    struct identities identities;

    problem_list_init(problems);
    assert_int_equal(identities_find(false, &identities, problems), 0);
    return state_prepare(state_folder, &identities, problems);
}

static mode_t mode_of(const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    assert_true(state_path(path, state_folder, name));
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static bool tells(const struct problem_list *problems, const char *what)
{
    for (const struct problem *problem = problems->first; problem; problem = problem->next) {
        if (memmem(problem->text.ptr, problem->text.len, what, strlen(what)))
            return true;
    }
    return false;
}

static void test_the_tree_has_its_modes_and_keeps_the_administrators(void **state)
{
    struct problem_list problems;
    char mail[PATH_MAX], accounts[PATH_MAX];

    (void)state;
    assert_int_equal(prepare(&problems), 0);
    assert_int_equal(mode_of(""), 0755);
    assert_int_equal(mode_of("spool/receive"), 02770);
    assert_int_equal(mode_of("accounts"), 0700);
    assert_int_equal(mode_of("maildrop"), 03733);
    assert_int_equal(mode_of("history"), 02750);
    assert_int_equal(mode_of("relay"), 0700);
    assert_int_equal(mode_of("keys"), 0700);
    assert_true(state_path(mail, state_folder, "mail"));
    assert_true(state_path(accounts, state_folder, "accounts"));
    assert_int_equal(chmod(mail, 0750), 0);
    assert_int_equal(chmod(accounts, 0777), 0);
    problem_list_done(&problems);

    assert_int_equal(prepare(&problems), 0);
    assert_int_equal(mode_of("mail"), 0750);
    assert_int_equal(mode_of("accounts"), 0700);
    problem_list_done(&problems);
}

static void test_a_link_in_place_of_a_folder_is_refused(void **state)
{
    struct problem_list problems;
    char accounts[PATH_MAX];

    (void)state;
    assert_int_equal(prepare(&problems), 0);
    problem_list_done(&problems);
    assert_true(state_path(accounts, state_folder, "accounts"));
    assert_int_equal(rmdir(accounts), 0);
    assert_int_equal(symlink("/tmp", accounts), 0);
    assert_int_equal(prepare(&problems), -EACCES);
    assert_true(tells(&problems, accounts));
    problem_list_done(&problems);
}

static void test_the_second_server_is_refused_by_pid(void **state)
{
    struct problem_list problems;
    char pid[64];
    int first, second = -1;

    (void)state;
    assert_int_equal(prepare(&problems), 0);
    assert_int_equal(state_lock(state_folder, 0, &first, &problems), 0);
    assert_int_equal(state_lock(state_folder, 50, &second, &problems), -EBUSY);
    assert_int_equal(second, -1);
    snprintf(pid, sizeof(pid), "process %ld:", (long)getpid());
    assert_true(tells(&problems, pid));
    assert_true(tells(&problems, state_folder));
    close(first);
    assert_int_equal(state_lock(state_folder, 0, &second, &problems), 0);
    close(second);
    problem_list_done(&problems);
}

static int check_as_nobody(void *arg)
{
    struct problem_list problems;
    int r;

    if (setgid(65534) < 0 || setuid(65534) < 0)
        return 1;
    problem_list_init(&problems);
    r = state_check_reach(state_folder, ROLE_AUTH, &problems);
    if (r != -EACCES || !tells(&problems, arg))
        return 2;
    problem_list_done(&problems);
    return 0;
}

static void test_what_cannot_be_reached_is_named(void **state)
{
    struct problem_list problems;
    char shut[80];

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(prepare(&problems), 0);
    problem_list_done(&problems);
    snprintf(shut, sizeof(shut), "%s is shut", root); /* mkdtemp made it 0700 */
    assert_int_equal(in_child(check_as_nobody, shut), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_tree_has_its_modes_and_keeps_the_administrators,
                                        make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_a_link_in_place_of_a_folder_is_refused, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(test_the_second_server_is_refused_by_pid, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_reached_is_named, make_root,
                                        remove_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
