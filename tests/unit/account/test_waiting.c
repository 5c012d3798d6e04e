/*
 * Questions that wait for a slow directory: their deadline, who is gone, how many there may be. The
 * slow one takes the place of directory_dovecot.c when this program is linked.
 */
#include "../cmocka_all.h"
#include "resolving.h"

#include "account/directory_dovecot.h"

static const char config_text[] =
    "hostname mx.example.org\n"
    "accounts slow { dovecot_auth /nowhere; dovecot_userdb /neither }\n"
    "domain slow.test { accounts slow }\n"
    "domain fast.test\n";

/* What the slow directory was asked and has not answered, oldest first. */
struct asked {
    char address[64];
    directory_on_entry *answer;
    void *arg;
};
static struct {
    struct asked list[RESOLVER_UNDER_WAY_MAX + 1]; /* one more, until it is taken back */
    size_t count, cancelled;
} slow;

static struct asked take(size_t i)
{
    struct asked asked = slow.list[i];

    memmove(&slow.list[i], &slow.list[i + 1], (--slow.count - i) * sizeof(asked));
    return asked;
}

static void slow_find(struct directory *directory, struct slice address, directory_on_entry *answer,
                      void *arg)
{
    struct asked *asked = &slow.list[slow.count++];

    (void)directory;
    assert_true(slow.count <= RESOLVER_UNDER_WAY_MAX + 1);
    snprintf(asked->address, sizeof(asked->address), "%.*s", SLICE_ARG(address));
    asked->answer = answer;
    asked->arg = arg;
}

static void slow_cancel(struct directory *directory, void *arg)
{
    (void)directory;
    for (size_t i = 0; i < slow.count; i++) {
        if (slow.list[i].arg == arg) {
            (void)take(i);
            slow.cancelled++;
            return;
        }
    }
    fail_msg("cancelled what was not asked");
}

static void slow_free(struct directory *directory)
{
    assert_int_equal(slow.count, 0);
    free(directory);
}

struct directory *directory_dovecot_new(const struct config_accounts *accounts, struct loop *loop,
                                        const struct files *files)
{
    static const struct directory_methods methods = {.name = "slow",
                                                     .fleeting = true,
                                                     .find = slow_find,
                                                     .cancel = slow_cancel,
                                                     .free = slow_free};
    struct directory *directory = calloc(1, sizeof(*directory));

    (void)accounts;
    (void)loop;
    (void)files;
    directory->methods = &methods;
    return directory;
}

void directory_dovecot_refresh(struct directory *directory)
{
    (void)directory;
}

/* The oldest question of the slow directory gets this answer. */
static void slow_answers(enum directory_status status)
{
    const struct directory_entry entry = {.is_account = true, .enabled = true};
    struct asked asked;

    assert_true(slow.count > 0);
    asked = take(0);
    asked.answer(asked.arg, status, &entry);
}

static int set_up(void **state)
{
    memset(&slow, 0, sizeof(slow));
    return bench_init(state, config_text);
}

static int tear_down(void **state)
{
    return bench_done(state);
}

/* A question whose text is gone when the call returns. */
static void put(struct bench *bench, unsigned asker, const char *address, uint64_t now_ms)
{
    char text[64];
    struct msg_resolve request = {.request = asker};

    clock_fake(0, now_ms);
    snprintf(text, sizeof(text), "%s", address);
    request.address = slice_from_cstr(text);
    resolver_resolve(bench->resolver, asker, &request);
    memset(text, 'x', sizeof(text));
}

static void stop(void *arg)
{
    loop_stop(arg);
}

/* All timers that are due at this time. */
static void pass_time(struct bench *bench, uint64_t now_ms)
{
    struct loop_timer *end = loop_timer(bench->loop, stop, bench->loop);

    clock_fake(0, now_ms);
    loop_timer_arm(end, now_ms);
    assert_int_equal(loop_run(bench->loop), 0);
    loop_timer_free(end);
}

static size_t under_way(struct bench *bench)
{
    return resolver_counts(bench->resolver).under_way;
}

static void test_a_late_answer_is_an_answer(void **state)
{
    struct bench *bench = *state;

    put(bench, 1, "joe+tag@slow.test", 1000);
    assert_int_equal(bench->answers, 0);
    assert_string_equal(slow.list[0].address, "joe+tag@slow.test");
    slow_answers(DIRECTORY_NONE);
    assert_int_equal(bench->answers, 0);
    assert_string_equal(slow.list[0].address, "joe@slow.test");
    slow_answers(DIRECTORY_FOUND);
    assert_int_equal(bench->answers, 1);
    assert_int_equal(bench->answer.status, RESOLVE_LOCAL);
    assert_true(slice_eq(bench->answer.account, SLICE("joe@slow.test")));
    put(bench, 1, "ann@slow.test", 1000);
    slow_answers(DIRECTORY_NONE);
    assert_int_equal(bench->answer.status, RESOLVE_UNKNOWN);
    assert_int_equal(under_way(bench), 0);
}

static void test_no_answer_within_four_seconds_is_later(void **state)
{
    struct bench *bench = *state;

    put(bench, 1, "joe@slow.test", 1000);
    put(bench, 2, "ann@slow.test", 2000);
    pass_time(bench, 1000 + RESOLVER_PATIENCE_MS - 1);
    assert_int_equal(bench->answers, 0);
    pass_time(bench, 1000 + RESOLVER_PATIENCE_MS);
    assert_int_equal(bench->answers, 1);
    assert_int_equal(bench->asker, 1);
    assert_int_equal(bench->answer.status, RESOLVE_LATER);
    /* The other one still has its time, though it was asked while the first one waited. */
    assert_int_equal(under_way(bench), 1);
    pass_time(bench, 2000 + RESOLVER_PATIENCE_MS);
    assert_int_equal(bench->asker, 2);
    assert_int_equal(slow.cancelled, 2);
    assert_int_equal(resolver_counts(bench->resolver).failed, 2);
}

static void test_a_second_look_up_gets_no_second_patience(void **state)
{
    struct bench *bench = *state;

    put(bench, 1, "joe+tag@slow.test", 1000);
    clock_fake(0, 1000 + RESOLVER_PATIENCE_MS - 1);
    slow_answers(DIRECTORY_NONE);
    pass_time(bench, 1000 + RESOLVER_PATIENCE_MS);
    assert_int_equal(bench->answers, 1);
    assert_int_equal(bench->answer.status, RESOLVE_LATER);
}

static void test_who_is_gone_gets_no_answer(void **state)
{
    struct bench *bench = *state;

    put(bench, 1, "joe@slow.test", 1000);
    put(bench, 2, "ann@slow.test", 1000);
    put(bench, 1, "eve@slow.test", 1000);
    resolver_forget(bench->resolver, 1);
    assert_int_equal(slow.cancelled, 2);
    assert_int_equal(under_way(bench), 1);
    slow_answers(DIRECTORY_FOUND);
    assert_int_equal(bench->answers, 1);
    assert_int_equal(bench->asker, 2);
    pass_time(bench, 1000 + 2 * RESOLVER_PATIENCE_MS);
    assert_int_equal(bench->answers, 1);
}

static void test_no_more_wait_than_there_may_be(void **state)
{
    struct bench *bench = *state;

    for (unsigned i = 0; i < RESOLVER_UNDER_WAY_MAX; i++)
        put(bench, i, "joe@slow.test", 1000);
    assert_int_equal(bench->answers, 0);
    assert_int_equal(under_way(bench), RESOLVER_UNDER_WAY_MAX);
    /* One more would wait, so its question is taken back at once. */
    put(bench, 9999, "ann@slow.test", 1000);
    assert_int_equal(slow.cancelled, 1);
    assert_int_equal(bench->asker, 9999);
    assert_int_equal(bench->answer.status, RESOLVE_LATER);
    /* Nobody else suffers from that. */
    put(bench, 9998, "nobody@fast.test", 1000);
    assert_int_equal(bench->asker, 9998);
    assert_int_equal(bench->answer.status, RESOLVE_UNKNOWN);
    slow_answers(DIRECTORY_FOUND);
    assert_int_equal(bench->asker, 0);
    put(bench, 9997, "ann@slow.test", 1000);
    assert_int_equal(under_way(bench), RESOLVER_UNDER_WAY_MAX);
    pass_time(bench, 1000 + RESOLVER_PATIENCE_MS);
    assert_int_equal(under_way(bench), 0);
    assert_int_equal(slow.count, 0);
    assert_int_equal(bench->answers, RESOLVER_UNDER_WAY_MAX + 3);
}

static void test_a_new_configuration_answers_all_who_wait(void **state)
{
    struct bench *bench = *state;
    struct config *config = parse(config_text);

    put(bench, 1, "joe@slow.test", 1000);
    put(bench, 2, "ann@slow.test", 1000);
    use_config(bench, config);
    config_unref(config);
    assert_int_equal(bench->answers, 2);
    assert_int_equal(bench->answer.status, RESOLVE_LATER);
    assert_int_equal(slow.cancelled, 2);
}

static void test_the_end_takes_back_what_waits(void **state)
{
    struct bench *bench = *state;

    put(bench, 1, "joe@slow.test", 1000);
    put(bench, 2, "ann@slow.test", 1000);
    assert_int_equal(under_way(bench), 2); /* slow_free() sees to the rest */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_late_answer_is_an_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_answer_within_four_seconds_is_later, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_second_look_up_gets_no_second_patience, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_who_is_gone_gets_no_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_more_wait_than_there_may_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_new_configuration_answers_all_who_wait, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_end_takes_back_what_waits, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
