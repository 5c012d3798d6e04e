/* The table of messages, their recipients' states, and the timetable. */
#include "queue/ledger.h"

#include "queue/extra.h"
#include "queue/retry.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static int setup(void **state)
{
    struct ledger *ledger = test_malloc(sizeof(*ledger));

    ledger_init(ledger);
    *state = ledger;
    return 0;
}

static int teardown(void **state)
{
    ledger_done(*state);
    test_free(*state);
    return 0;
}

static struct message *add(struct ledger *ledger, uint64_t id, uint32_t n)
{
    return ledger_add(ledger, id, n, (struct spool_location){.offset = (uint32_t)id},
                      QUEUE_TIME_START);
}

static void test_messages_are_found_until_removed(void **state)
{
    struct ledger *ledger = *state;

    for (uint64_t id = 1; id <= 3000; id++)
        add(ledger, id * 7919, 1);
    for (uint64_t id = 1; id <= 3000; id += 2)
        ledger_remove(ledger, ledger_find(ledger, id * 7919));
    for (uint64_t id = 1; id <= 3000; id++) {
        const struct message *message = ledger_find(ledger, id * 7919);
        assert_int_equal(message != NULL, id % 2 == 0);
        if (message)
            assert_int_equal(message->location.offset, (uint32_t)(id * 7919));
    }
    assert_int_equal(ledger->messages.live, 1500);
}

static void test_walk_sees_each_living_message_once(void **state)
{
    struct ledger *ledger = *state;
    struct message *message;
    uint32_t handle = 0;
    uint64_t sum = 0;

    for (uint64_t id = 1; id <= 1000; id++)
        add(ledger, id, 1);
    ledger_remove(ledger, ledger_find(ledger, 500));
    while ((message = ledger_next(ledger, &handle)))
        sum += message->id;
    assert_int_equal(sum, 1000 * 1001 / 2 - 500);
}

static void test_what_is_over_stays_over(void **state)
{
    struct message *message = add(*state, 1, 2);

    assert_int_equal(message->n_open, 2);
    ledger_set_state(message, 0, RECIPIENT_RELAYED, 0);
    assert_int_equal(message->n_open, 1);
    ledger_set_state(message, 0, RECIPIENT_WAITING, 5);
    ledger_set_state(message, 0, RECIPIENT_REMOVED, 0);
    assert_int_equal(recipient_state(ledger_recipient(message, 0)), RECIPIENT_RELAYED);
    assert_int_equal(message->n_open, 1);
}

static void test_flags_and_state_do_not_touch_each_other(void **state)
{
    struct message *message = add(*state, 1, 1);
    struct ledger_recipient *recipient = ledger_recipient(message, 0);

    recipient_set_flags(recipient, FLAG_HELD | FLAG_BOUNCE_NEXT);
    ledger_set_state(message, 0, RECIPIENT_PARKED, 0);
    assert_int_equal(recipient_flags(recipient), FLAG_HELD | FLAG_BOUNCE_NEXT);
    recipient_set_flags(recipient, FLAG_WARNED);
    assert_int_equal(recipient_state(recipient), RECIPIENT_PARKED);
}

static void test_recipients_are_added_behind_the_others(void **state)
{
    struct ledger *ledger = *state;
    struct message *message = add(ledger, 1, 1);

    ledger_set_reply(ledger, ledger_recipient(message, 0), SLICE("450 later"));
    ledger_set_state(message, 0, RECIPIENT_EXPANDED, 0);
    ledger_add_recipients(message, 3);
    ledger_add_recipients(message, 1);
    assert_int_equal(message->n_recipients, 5);
    assert_int_equal(message->n_open, 4);
    assert_int_equal(recipient_state(ledger_recipient(message, 0)), RECIPIENT_EXPANDED);
    assert_true(slice_eq(texts_get(ledger->texts, ledger_recipient(message, 0)->reply),
                         SLICE("450 later")));
    assert_int_equal(recipient_state(ledger_recipient(message, 4)), RECIPIENT_WAITING);
}

static void test_timetable_gives_what_is_due_in_order(void **state)
{
    static const unsigned seconds[] = {50, 10, 40, 20, 30};
    struct ledger *ledger = *state;

    for (uint64_t i = 0; i < 5; i++)
        ledger_set_due(ledger, add(ledger, i + 1, 1), QUEUE_TIME_START + seconds[i] * 1000);
    assert_null(ledger_pop_due(ledger, QUEUE_TIME_START + 9999));
    assert_int_equal(ledger_next_due(ledger), QUEUE_TIME_START + 10000);
    assert_int_equal(ledger_pop_due(ledger, QUEUE_TIME_START + 30000)->id, 2);
    assert_int_equal(ledger_pop_due(ledger, QUEUE_TIME_START + 30000)->id, 4);
    assert_int_equal(ledger_pop_due(ledger, QUEUE_TIME_START + 30000)->id, 5);
    assert_null(ledger_pop_due(ledger, QUEUE_TIME_START + 30000));
}

static void test_an_earlier_time_wins_and_each_comes_once(void **state)
{
    struct ledger *ledger = *state;
    struct message *message = add(ledger, 1, 1);

    ledger_set_due(ledger, message, QUEUE_TIME_START + 5000);
    ledger_set_due(ledger, message, QUEUE_TIME_START + 9000);
    ledger_set_due(ledger, message, QUEUE_TIME_START + 1000);
    assert_ptr_equal(ledger_pop_due(ledger, QUEUE_TIME_START + 1000), message);
    assert_null(ledger_pop_due(ledger, QUEUE_TIME_START + 99999));
    assert_int_equal(ledger_next_due(ledger), UINT64_MAX);
}

static void test_timetable_does_not_grow_by_changes(void **state)
{
    struct ledger *ledger = *state;
    struct message *message = add(ledger, 1, 1);

    for (unsigned i = 100000; i > 0; i--)
        ledger_set_due(ledger, message, QUEUE_TIME_START + i * 1000);
    assert_true(ledger->n_heap < 2000);
    assert_int_equal(ledger_next_due(ledger), QUEUE_TIME_START + 1000);
}

static void test_removed_messages_are_never_due(void **state)
{
    struct ledger *ledger = *state;
    struct message *message = add(ledger, 1, 1);

    ledger_set_due(ledger, message, QUEUE_TIME_START + 1000);
    ledger_remove(ledger, message);
    assert_null(ledger_pop_due(ledger, QUEUE_TIME_START + 99999));
}

static void test_texts_are_shared_and_bounded(void **state)
{
    struct texts *texts = ((struct ledger *)*state)->texts;
    uint16_t first = texts_take(texts, SLICE("450 4.2.1 busy")), numbers[TEXTS_MAX];
    char text[64];

    assert_int_equal(texts_take(texts, SLICE("450 4.2.1 busy")), first);
    texts_drop(texts, first);
    assert_true(slice_eq(texts_get(texts, first), SLICE("450 4.2.1 busy")));
    assert_int_equal(texts_take(texts, SLICE_NULL), 0);
    for (int i = 0; i < TEXTS_MAX; i++) {
        snprintf(text, sizeof(text), "451 4.7.1 greylisted, id %d", i);
        numbers[i] = texts_take(texts, slice_from_cstr(text));
    }
    /* One place is taken by the first, and number 0 is none: the last ones find no room. */
    assert_int_equal(numbers[TEXTS_MAX - 1], 0);
    texts_drop(texts, numbers[0]);
    assert_int_not_equal(texts_take(texts, SLICE("451 4.7.1 greylisted, id x")), 0);
    snprintf(text, sizeof(text), "451 4.7.1 greylisted, id %d", TEXTS_MAX + 7);
    assert_int_equal(texts_take(texts, slice_from_cstr(text)), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_messages_are_found_until_removed),
        TEST(test_walk_sees_each_living_message_once),
        TEST(test_what_is_over_stays_over),
        TEST(test_flags_and_state_do_not_touch_each_other),
        TEST(test_recipients_are_added_behind_the_others),
        TEST(test_timetable_gives_what_is_due_in_order),
        TEST(test_an_earlier_time_wins_and_each_comes_once),
        TEST(test_timetable_does_not_grow_by_changes),
        TEST(test_removed_messages_are_never_due),
        TEST(test_texts_are_shared_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
