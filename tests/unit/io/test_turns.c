#include "io/turns.h"

#include "../cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

enum { THREADS = 8 };

static struct turns turns;
static atomic_int holders, most, ended;
static atomic_bool blocked, go_on;

static void *take_and_hold(void *arg)
{
    int now;

    (void)arg;
    turns_take(&turns);
    turns_take(&turns); /* the second time costs nothing */
    now = atomic_fetch_add(&holders, 1) + 1;
    if (now > atomic_load(&most))
        atomic_store(&most, now);
    usleep(1000);
    atomic_fetch_sub(&holders, 1);
    turns_give_up();
    turns_give_up();
    atomic_fetch_add(&ended, 1);
    return NULL;
}

static void test_no_more_hold_a_turn_than_there_are(void **state)
{
    pthread_t threads[THREADS];
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    (void)state;
    turns_init(&turns);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_hold, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(ended, THREADS);
    assert_true(most <= (processors > 2 ? processors : 2));
    turns_done(&turns);
}

static void *block_without_turn(void *arg)
{
    (void)arg;
    turns_take(&turns);
    turns_give_up();
    atomic_store(&blocked, true);
    while (!atomic_load(&go_on))
        usleep(100);
    return NULL;
}

static void test_who_blocks_lets_another_go_on(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    turns_init(&turns);
    atomic_store(&ended, 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, block_without_turn, NULL), 0);
    while (!atomic_load(&blocked))
        usleep(100);
    take_and_hold(NULL);
    assert_int_equal(ended, 1);
    atomic_store(&go_on, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    turns_done(&turns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_more_hold_a_turn_than_there_are),
        cmocka_unit_test(test_who_blocks_lets_another_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
