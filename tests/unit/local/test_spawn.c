#include "local/spawn.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

static bool find(const char *name, struct spawn_user *user, struct buf *why)
{
    buf_reset(why);
    return spawn_find_user(slice_from_cstr(name), user, why);
}

static void test_root_and_system_users_are_refused(void **state)
{
    static const char *const refused[] = {"root", "daemon", "mail", "no-such-user-here", ""};
    struct spawn_user user;
    struct buf why;

    (void)state;
    if (geteuid() != 0)
        skip();
    buf_init(&why, 512);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_false(find(refused[i], &user, &why));
        assert_true(why.len > 0);
    }
    assert_true(find("nobody", &user, &why));
    assert_int_equal(user.uid, 65534);
    buf_done(&why);
}

static void test_who_is_not_root_stays_himself(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        struct spawn_user user;
        struct buf why;
        bool good;
        buf_init(&why, 512);
        if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(2);
        good = !find("daemon", &user, &why) && strstr(why.ptr, "not started as root") != NULL &&
               !find("root", &user, &why) && find("", &user, &why) && user.uid == geteuid() &&
               find(user.name, &user, &why);
        buf_done(&why);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_root_and_system_users_are_refused),
        cmocka_unit_test(test_who_is_not_root_stays_himself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
