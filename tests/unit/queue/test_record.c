/* When a record may say that its message is finished. */
#include "queue/record.h"

#include "queue/extra.h"
#include "queue/failures.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static unsigned written;
static bool finished;

/* In the places of the spool's and the loop's (see meson.build). */
void __wrap_loop_wake(struct loop *loop);
void __wrap_loop_wake(struct loop *loop)
{
    (void)loop;
}

void __wrap_spool_store_outcome(struct spool_store *store, const struct outcome *outcome,
                                const struct spool_dsn *dsns, unsigned n_dsns, spool_done *done,
                                void *arg);
void __wrap_spool_store_outcome(struct spool_store *store, const struct outcome *outcome,
                                const struct spool_dsn *dsns, unsigned n_dsns, spool_done *done,
                                void *arg)
{
    (void)store, (void)dsns, (void)n_dsns;
    written++;
    finished = outcome->finished;
    done(arg, 0); /* which nobody hears of before record_take_done() */
}

struct fixture {
    struct role_context role;
    struct queue queue;
    struct message *message;
};

/* A message whose only recipient has failed. */
static int setup(void **state)
{
    static const struct record_events events;
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    struct failure failure = {.status = STATUS(5, 1, 1)};

    fixture->queue.role = &fixture->role;
    arena_init(&fixture->queue.scratch);
    ledger_init(&fixture->queue.ledger);
    fixture->queue.records = record_log_new(&fixture->queue, &events);
    fixture->message = ledger_add(&fixture->queue.ledger, 7, 1, (struct spool_location){0}, 0);
    ledger_set_state(fixture->message, 0, RECIPIENT_FAILED, 0);
    extra_add_failure(fixture->message, &failure);
    written = 0;
    finished = false;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    record_log_free(fixture->queue.records);
    ledger_done(&fixture->queue.ledger);
    arena_done(&fixture->queue.scratch);
    test_free(fixture);
    return 0;
}

static void test_it_is_with_the_record_that_tells_its_failures(void **state)
{
    struct fixture *fixture = *state;
    struct record record;

    record_begin(&fixture->queue, fixture->message, &record);
    failures_tell(&record, 0);
    record_commit(&record);
    assert_int_equal(written, 1);
    assert_true(finished);
}

/* That one may not come to the disk, and the failure would never be told. */
static void test_it_is_not_while_another_message_is_to_tell_them(void **state)
{
    struct fixture *fixture = *state;
    struct record record;

    failures_promise(fixture->message, 0, 4711);
    record_begin(&fixture->queue, fixture->message, &record);
    record_commit(&record); /* of a release, say, which leaves alone what is being told */
    assert_int_equal(written, 0);
    record_begin(&fixture->queue, fixture->message, &record);
    failures_tell(&record, 4711);
    record_commit(&record);
    assert_int_equal(written, 1);
    assert_true(finished);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_is_with_the_record_that_tells_its_failures, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_it_is_not_while_another_message_is_to_tell_them, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
