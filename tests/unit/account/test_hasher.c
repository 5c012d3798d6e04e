/* Jobs and their answers, on real threads. */
#include "../cmocka_all.h"

#include "account/hasher.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

struct bench {
    struct hasher *hasher;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    unsigned wakes, answers;
    int tags[HASHER_JOBS_MAX + 1];
    unsigned turns[HASHER_JOBS_MAX + 1]; /* when they were answered */
};

static void on_wake(void *arg)
{
    struct bench *bench = arg;

    pthread_mutex_lock(&bench->lock);
    bench->wakes++;
    pthread_cond_signal(&bench->woken);
    pthread_mutex_unlock(&bench->lock);
}

static void on_answer(void *arg, uint64_t job, int tag)
{
    struct bench *bench = arg;

    bench->tags[job] = tag;
    bench->turns[job] = bench->answers++;
}

static void await(struct bench *bench, unsigned answers)
{
    struct timespec deadline;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 30;
    while (bench->answers < answers) {
        pthread_mutex_lock(&bench->lock);
        while (bench->wakes == 0)
            assert_int_equal(pthread_cond_timedwait(&bench->woken, &bench->lock, &deadline), 0);
        bench->wakes = 0;
        pthread_mutex_unlock(&bench->lock);
        hasher_collect(bench->hasher, on_answer, bench);
    }
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.wakes = 0};
    pthread_mutex_init(&bench->lock, NULL);
    pthread_cond_init(&bench->woken, NULL);
    bench->hasher = hasher_new(on_wake, bench);
}

static void test_the_first_right_one(void **state)
{
    const struct hash_candidate list[] = {
        {SLICE("{PLAIN}one"), SLICE("two"), 5},
        {SLICE("damaged"), SLICE("two"), 6},
        {SLICE("{PLAIN}two"), SLICE("two"), 7},
        {SLICE("{PLAIN}two"), SLICE("two"), 8},
    };
    const struct hash_candidate behind_nothing[] = {{.password = SLICE("two")}, list[2]};
    const struct hash_candidate nothing = {.password = SLICE("two"), .tag = 9};
    struct bench bench;

    (void)state;
    bench_init(&bench);
    assert_int_equal(hasher_start(bench.hasher), 0);
    assert_int_equal(hasher_add(bench.hasher, 0, false, list, 4), 0);
    assert_int_equal(hasher_add(bench.hasher, 1, false, list, 2), 0);
    assert_int_equal(hasher_add(bench.hasher, 2, false, &nothing, 1), 0);
    assert_int_equal(hasher_add(bench.hasher, 3, false, NULL, 0), 0);
    assert_int_equal(hasher_add(bench.hasher, 4, false, behind_nothing, 2), 0);
    await(&bench, 5);
    assert_int_equal(bench.tags[4], 7);
    assert_int_equal(bench.tags[0], 7);
    assert_int_equal(bench.tags[1], HASHER_NONE);
    assert_int_equal(bench.tags[2], HASHER_NONE);
    assert_int_equal(bench.tags[3], HASHER_NONE);
    hasher_free(bench.hasher);
}

/* More than it takes are refused, the caller's bytes are copied, and an end with jobs waiting
 * leaves nothing behind. */
static void test_bounds(void **state)
{
    char password[] = "two";
    const struct hash_candidate one = {SLICE("{PLAIN}two"), slice_from(password, 3), 1};
    struct hash_candidate many[HASHER_CANDIDATES_MAX + 1];
    struct bench bench;

    (void)state;
    bench_init(&bench);
    for (uint64_t i = 0; i < HASHER_JOBS_MAX; i++)
        assert_int_equal(hasher_add(bench.hasher, i, i >= HASHER_STRANGERS_MAX, &one, 1), 0);
    assert_true(hasher_add(bench.hasher, HASHER_JOBS_MAX, true, &one, 1) < 0);
    memset(password, 'x', 3);
    assert_int_equal(hasher_start(bench.hasher), 0);
    await(&bench, HASHER_JOBS_MAX);
    for (size_t i = 0; i < HASHER_JOBS_MAX; i++)
        assert_int_equal(bench.tags[i], 1);
    for (size_t i = 0; i <= HASHER_CANDIDATES_MAX; i++)
        many[i] = one;
    assert_true(hasher_add(bench.hasher, 0, false, many, HASHER_CANDIDATES_MAX + 1) < 0);
    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(hasher_add(bench.hasher, i, false, NULL, 0), 0);
    hasher_free(bench.hasher);
}

/* A crowd of strangers keeps nobody out who has logged in before, and does not go before him. */
/* But for a thread that has to wait for a processor with its answer in its hand. */
static void test_who_is_known_goes_first(void **state)
{
    const unsigned first = HASHER_JOBS_MAX - HASHER_STRANGERS_MAX + HASHER_THREADS;
    const struct hash_candidate one = {SLICE("{PLAIN}two"), SLICE("two"), 1};
    struct bench bench;
    unsigned late = 0;

    (void)state;
    bench_init(&bench);
    for (uint64_t i = 0; i < HASHER_STRANGERS_MAX; i++)
        assert_int_equal(hasher_add(bench.hasher, i, false, &one, 1), 0);
    assert_true(hasher_add(bench.hasher, HASHER_JOBS_MAX, false, &one, 1) < 0);
    for (uint64_t i = HASHER_STRANGERS_MAX; i < HASHER_JOBS_MAX; i++)
        assert_int_equal(hasher_add(bench.hasher, i, true, &one, 1), 0);
    assert_int_equal(hasher_start(bench.hasher), 0);
    await(&bench, HASHER_JOBS_MAX);
    for (unsigned i = HASHER_STRANGERS_MAX; i < HASHER_JOBS_MAX; i++)
        late += bench.turns[i] > first;
    assert_in_range(late, 0, HASHER_THREADS);
    hasher_free(bench.hasher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_right_one),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_who_is_known_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
