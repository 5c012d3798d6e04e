#include "spool/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

enum { IDS = 5000 };

/* Ids as they come: counting up, from two writers. */
static uint64_t id_of(unsigned i)
{
    return (uint64_t)(1 + i % 2) << 60 | (uint64_t)(i / 700) << 30 | i;
}

static void test_what_was_added_is_found_until_it_is_removed(void **state)
{
    struct live_table table = {0};
    bool there[IDS] = {false};
    unsigned count = 0;

    (void)state;
    srandom(1);
    for (int step = 0; step < 40000; step++) {
        unsigned i = (unsigned)random() % IDS;
        struct live *live = live_table_find(&table, id_of(i));

        assert_int_equal(live != NULL, there[i]);
        if (live) {
            assert_int_equal(live->offset, i);
            live_table_remove(&table, live);
            count--;
        } else {
            live_table_add(&table, &(struct live){.id = id_of(i), .offset = i});
            count++;
        }
        there[i] = !there[i];
        assert_int_equal(table.count, count);
    }
    for (unsigned i = 0; i < IDS; i++)
        assert_int_equal(live_table_find(&table, id_of(i)) != NULL, there[i]);
    live_table_done(&table);
}

static void test_sorted_is_by_segment_and_offset(void **state)
{
    struct live_table table = {0};
    struct live *sorted;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        live_table_add(&table, &(struct live){.id = i + 1, .segment = i % 3, .offset = 1000 - i});
    sorted = live_table_sorted(&table);
    for (unsigned i = 1; i < 100; i++) {
        assert_true(sorted[i - 1].segment <= sorted[i].segment);
        assert_true(sorted[i - 1].segment < sorted[i].segment ||
                    sorted[i - 1].offset < sorted[i].offset);
    }
    free(sorted);
    live_table_done(&table);
}

static void test_a_live_message_costs_at_most_48_bytes(void **state)
{
    struct live_table table = {0};

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        live_table_add(&table, &(struct live){.id = i + 1});
    assert_true((table.mask + 1) * sizeof(struct live) <= 100000 * 48);
    live_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_added_is_found_until_it_is_removed),
        cmocka_unit_test(test_sorted_is_by_segment_and_offset),
        cmocka_unit_test(test_a_live_message_costs_at_most_48_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
