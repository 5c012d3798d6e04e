#include "history/dmarc_rows.h"

#include "../cmocka_all.h"
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { DAY = 20000 };

struct place {
    char folder[64], path[96];
    struct dmarc_rows *rows;
};

static int setup(void **state)
{
    struct place *place = xcalloc(1, sizeof(*place));

    *state = place;
    snprintf(place->folder, sizeof(place->folder), "/tmp/nuncio-rows-XXXXXX");
    if (!mkdtemp(place->folder))
        return -1;
    snprintf(place->path, sizeof(place->path), "%s/dmarc_rows.db", place->folder);
    return dmarc_rows_open(place->path, &place->rows);
}

static int teardown(void **state)
{
    static const char *const tails[] = {"", "-wal", "-shm", ".damaged"};
    struct place *place = *state;
    char path[128];

    dmarc_rows_close(place->rows);
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", place->path, tails[i]);
        unlink(path);
    }
    rmdir(place->folder);
    free(place);
    return 0;
}

static int add(struct place *place, int64_t day, const char *domain, const char *ip)
{
    const struct msg_dmarc_row row = {.seconds = (uint64_t)day * DMARC_ROWS_DAY_S + 77,
                                      .policy_domain = slice_from_cstr(domain),
                                      .record = SLICE("v=DMARC1; p=none"),
                                      .author = slice_from_cstr(domain),
                                      .client = slice_from_cstr(ip)};

    return dmarc_rows_add(place->rows, &row);
}

struct seen {
    unsigned n;
    uint64_t messages, n_rows, dropped, first;
    int64_t id;
};

static bool on_heap(void *arg, const struct dmarc_heap *heap)
{
    struct seen *seen = arg;

    seen->n++;
    seen->id = heap->id;
    seen->messages += heap->messages;
    seen->n_rows += heap->n_rows;
    seen->dropped += heap->dropped;
    assert_true(slice_eq(heap->record, SLICE("v=DMARC1; p=none")));
    return true;
}

static void on_row(void *arg, const struct msg_dmarc_row *row, uint64_t count)
{
    struct seen *seen = arg;

    assert_int_equal(row->client.len, 9);
    if (seen->n++ == 0)
        seen->first = count;
}

static struct seen look(struct place *place, const char *domain)
{
    struct seen seen = {0};

    assert_int_equal(dmarc_rows_each_heap(place->rows, slice_from_cstr(domain), on_heap, &seen), 0);
    return seen;
}

static void test_equal_messages_are_one_row(void **state)
{
    struct place *place = *state;
    struct seen seen, rows = {0};

    assert_int_equal(dmarc_rows_begin(place->rows), 0);
    assert_int_equal(add(place, DAY, "a.example", "192.0.2.1"), 0);
    assert_int_equal(add(place, DAY, "a.example", "192.0.2.2"), 0);
    assert_int_equal(add(place, DAY, "a.example", "192.0.2.2"), 0);
    assert_int_equal(add(place, DAY, "b.example", "192.0.2.1"), 0);
    assert_int_equal(add(place, DAY + 1, "a.example", "192.0.2.1"), 0);
    assert_int_equal(dmarc_rows_commit(place->rows), 0);
    seen = look(place, "");
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.messages, 5);
    seen = look(place, "B.example");
    assert_int_equal(seen.n, 1);
    assert_int_equal(dmarc_rows_each(place->rows, seen.id, on_row, &rows), 0);
    assert_int_equal(rows.n, 1);
}

static void test_what_is_not_committed_is_gone_and_the_rest_survives(void **state)
{
    struct place *place = *state;

    assert_int_equal(dmarc_rows_begin(place->rows), 0);
    assert_int_equal(add(place, DAY, "a.example", "192.0.2.1"), 0);
    assert_int_equal(dmarc_rows_commit(place->rows), 0);
    assert_int_equal(dmarc_rows_begin(place->rows), 0);
    assert_int_equal(add(place, DAY, "a.example", "192.0.2.2"), 0);
    dmarc_rows_close(place->rows);
    assert_int_equal(dmarc_rows_open(place->path, &place->rows), 0);
    assert_int_equal(look(place, "").messages, 1);
}

static void test_rows_of_one_domain_are_bounded(void **state)
{
    struct place *place = *state;
    struct seen seen;

    assert_int_equal(dmarc_rows_begin(place->rows), 0);
    for (unsigned i = 0; i < DMARC_ROWS_OF_ONE_MAX + 5; i++) {
        char ip[16];
        snprintf(ip, sizeof(ip), "10.0.%04x", i);
        assert_int_equal(add(place, DAY, "a.example", ip), i >= DMARC_ROWS_OF_ONE_MAX);
    }
    assert_int_equal(add(place, DAY, "a.example", "10.0.0001"), 0);
    assert_int_equal(dmarc_rows_commit(place->rows), 0);
    seen = look(place, "");
    assert_int_equal(seen.n_rows, DMARC_ROWS_OF_ONE_MAX);
    assert_int_equal(seen.messages, DMARC_ROWS_OF_ONE_MAX + 1);
    assert_int_equal(seen.dropped, 5);
}

/* Each of them costs the same, or this takes a minute. */
static void test_domains_of_a_day_are_bounded(void **state)
{
    struct place *place = *state;
    char domain[32];

    assert_int_equal(dmarc_rows_begin(place->rows), 0);
    assert_int_equal(add(place, DAY, "gone.example", "192.0.2.1"), 0);
    dmarc_rows_rollback(place->rows);
    assert_int_equal(dmarc_rows_begin(place->rows), 0);
    for (unsigned i = 0; i < DMARC_ROWS_DOMAINS_MAX + 5; i++) {
        snprintf(domain, sizeof(domain), "d%u.example", i);
        assert_int_equal(add(place, DAY, domain, "192.0.2.1"), i >= DMARC_ROWS_DOMAINS_MAX);
    }
    assert_int_equal(add(place, DAY + 1, "d.example", "192.0.2.1"), 0);
    assert_int_equal(add(place, DAY, "another.example", "192.0.2.1"), 1);
    assert_int_equal(dmarc_rows_commit(place->rows), 0);
    assert_int_equal(dmarc_rows_remove(place->rows, look(place, "d7.example").id), 0);
    assert_int_equal(dmarc_rows_begin(place->rows), 0);
    assert_int_equal(add(place, DAY, "another.example", "192.0.2.1"), 0);
    assert_int_equal(dmarc_rows_commit(place->rows), 0);
}

static int64_t at_noon(void *arg, const struct dmarc_heap *heap)
{
    (void)arg;
    return (heap->day + 1) * DMARC_ROWS_DAY_S + 43200;
}

static void test_only_days_that_are_over_are_due(void **state)
{
    const int64_t noon = (DAY + 1) * (int64_t)DMARC_ROWS_DAY_S + 43200;
    struct place *place = *state;
    struct dmarc_heap heap;
    struct arena arena;

    arena_init(&arena);
    assert_int_equal(dmarc_rows_begin(place->rows), 0);
    assert_int_equal(add(place, DAY, "a.example", "192.0.2.1"), 0);
    assert_int_equal(add(place, DAY + 1, "a.example", "192.0.2.1"), 0);
    assert_int_equal(dmarc_rows_commit(place->rows), 0);
    assert_int_equal(dmarc_rows_plan(place->rows, DAY + 1, at_noon, NULL), 0);
    assert_int_equal(dmarc_rows_due(place->rows, DAY + 1, noon - 1, &arena, &heap), 0);
    assert_int_equal(dmarc_rows_due(place->rows, DAY + 1, noon, &arena, &heap), 1);
    assert_int_equal(heap.day, DAY);
    assert_int_equal(dmarc_rows_postpone(place->rows, heap.id, noon + 10), 0);
    assert_int_equal(dmarc_rows_due(place->rows, DAY + 1, noon, &arena, &heap), 0);
    assert_int_equal(dmarc_rows_remove(place->rows, heap.id), 0);
    assert_int_equal(look(place, "").n, 1);
    arena_done(&arena);
}

static void test_who_has_it_is_known(void **state)
{
    struct place *place = *state;
    bool settled;
    int64_t sent;

    assert_int_equal(dmarc_rows_settle(place->rows, 1, SLICE("d@Host.example"), true, 100000), 0);
    assert_int_equal(dmarc_rows_settle(place->rows, 1, SLICE("e@host.example"), false, 100000), 0);
    assert_int_equal(dmarc_rows_is_settled(place->rows, 1, SLICE("d@Host.example"), &settled), 0);
    assert_true(settled);
    assert_int_equal(dmarc_rows_is_settled(place->rows, 2, SLICE("d@Host.example"), &settled), 0);
    assert_false(settled);
    assert_int_equal(dmarc_rows_sent_since(place->rows, SLICE("host.example"), 99999, &sent), 0);
    assert_int_equal(sent, 1);
    assert_int_equal(dmarc_rows_sent_since(place->rows, SLICE_NULL, 100001, &sent), 0);
    assert_int_equal(sent, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_equal_messages_are_one_row, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_committed_is_gone_and_the_rest_survives,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_of_one_domain_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_domains_of_a_day_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_days_that_are_over_are_due, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_has_it_is_known, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
