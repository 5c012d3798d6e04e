#include "daemon/aside.h"

#include "../cmocka_all.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int touched;

static void say(void *arg, struct buf *out)
{
    touched = 1; /* in the other process */
    for (unsigned i = 0; i < 1000; i++)
        buf_add_cstr(out, arg);
}

static void die(void *arg, struct buf *out)
{
    (void)arg;
    buf_add_cstr(out, "never seen");
    _exit(3);
}

static void be_killed(void *arg, struct buf *out)
{
    (void)arg, (void)out;
    raise(SIGKILL);
}

static void sleep_long(void *arg, struct buf *out)
{
    (void)arg, (void)out;
    sleep(60);
}

static void test_the_result_comes_back_and_nothing_else(void **state)
{
    char text[] = "0123456789";
    struct buf out;

    (void)state;
    buf_init(&out, 100000);
    assert_int_equal(aside_run(say, text, 30000, &out), 0);
    assert_int_equal(out.len, 10000);
    assert_int_equal(touched, 0);
    buf_done(&out);
}

static void test_its_misfortunes_are_told(void **state)
{
    char text[] = "0123456789";
    struct buf out;

    (void)state;
    buf_init(&out, 5000);
    assert_int_equal(aside_run(say, text, 30000, &out), -EMSGSIZE);
    assert_int_equal(out.len, 0);
    assert_int_equal(aside_run(die, NULL, 30000, &out), -EIO);
    assert_int_equal(aside_run(be_killed, NULL, 30000, &out), -EIO);
    assert_int_equal(aside_run(sleep_long, NULL, 50, &out), -ETIMEDOUT);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_result_comes_back_and_nothing_else),
        cmocka_unit_test(test_its_misfortunes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
