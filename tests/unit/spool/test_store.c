#include "fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct fixture fixture;

static int set_up(void **state)
{
    (void)state;
    fixture_init(&fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_done(&fixture);
    return 0;
}

static void test_messages_of_all_sizes_come_back_with_their_bytes(void **state)
{
    static const size_t sizes[] = {0, 1, 4000, 4096, 10240, 32768, 32769, 200000, 1000000};
    enum { N = sizeof(sizes) / sizeof(sizes[0]) };
    struct spool_writer *writer = fixture_writer(&fixture);
    struct spool_store *store = fixture_store(&fixture);
    uint64_t ids[N];

    (void)state;
    assert_non_null(writer);
    assert_non_null(store);
    for (size_t i = 0; i < N; i++)
        ids[i] = fixture_submit(writer, sizes[i]);
    fixture_poll(store, writer);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(fixture.n_messages, N);
        for (size_t i = 0; i < N; i++) {
            const struct seen_message *message = fixture_find(&fixture, ids[i]);
            assert_non_null(message);
            assert_int_equal(message->size, sizes[i]);
            assert_true(fixture_text_is_right(store, message));
        }
        spool_store_close(store);
        if (writer)
            spool_writer_close(writer);
        writer = NULL;
        fixture_forget(&fixture);
        store = fixture_store(&fixture);
        assert_non_null(store);
    }
    assert_int_equal(fixture.n_troubles, 0);
    spool_store_close(store);
}

static void ignore_line(void *arg, struct slice line)
{
    (void)arg;
    fprintf(stderr, "%.*s\n", SLICE_ARG(line));
}

static void test_fields_are_put_in_front_of_a_text(void **state)
{
    static const size_t sizes[] = {300, 5000, 32768, 33067, 33069, 200000, 1000000};
    enum { N = sizeof(sizes) / sizeof(sizes[0]), FRONT = 300 };
    struct spool_writer *writer = fixture_writer(&fixture);
    struct spool_store *store = fixture_store(&fixture);
    uint64_t ids[2 * N];

    (void)state;
    for (size_t i = 0; i < 2 * N; i++)
        ids[i] = fixture_submit_in_front(writer, sizes[i / 2], FRONT, i % 2 ? FRONT : 5000);
    fixture_poll(store, writer);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 2 * N; i++) {
            const struct seen_message *message = fixture_find(&fixture, ids[i]);
            assert_non_null(message);
            assert_int_equal(message->size, sizes[i / 2]);
            assert_true(fixture_text_is_right(store, message));
        }
        spool_store_close(store);
        if (writer)
            spool_writer_close(writer);
        writer = NULL;
        /* Checksums and lengths are right. */
        assert_int_equal(spool_check(disk_real(), fixture.directory, ignore_line, NULL), 0);
        fixture_forget(&fixture);
        store = fixture_store(&fixture);
    }
    assert_int_equal(fixture.n_troubles, 0);
    spool_store_close(store);
}

static void test_a_text_in_a_file_needs_room_in_front(void **state)
{
    struct spool_writer *writer = fixture_writer(&fixture);
    struct spool_body *body = spool_body_new(writer, spool_writer_next_id(writer));
    char text[40000];

    (void)state;
    memset(text, 'x', sizeof(text));
    spool_body_keep_room(body, 10);
    assert_int_equal(spool_body_add(body, slice_from(text, sizeof(text))), 0);
    assert_int_equal(spool_body_prepend(body, slice_from(text, 6)), 0);
    assert_int_equal(spool_body_prepend(body, slice_from(text, 4)), 0);
    assert_int_equal(spool_body_size(body), sizeof(text) + 10);
    assert_int_equal(spool_body_prepend(body, slice_from(text, 1)), -EMSGSIZE);
    spool_body_free(body);
    spool_writer_close(writer);
}

static void test_position_follows_what_was_read(void **state)
{
    struct spool_writer *writer = fixture_writer(&fixture);
    struct spool_store *store = fixture_store(&fixture);
    uint64_t segment, length, read_segment, read_length;

    (void)state;
    assert_non_null(writer);
    assert_non_null(store);
    spool_store_position(store, "nobody", &read_segment, &read_length);
    assert_true(read_segment == 0 && read_length == 0);
    for (unsigned i = 0; i < 20; i++)
        fixture_submit(writer, 100000);
    fixture_poll(store, writer);
    spool_writer_durable(writer, &segment, &length);
    spool_store_position(store, "receive", &read_segment, &read_length);
    assert_true(read_segment == segment && read_length == length);
    /* Nobody told the store of this one. */
    fixture_submit(writer, 5000);
    spool_writer_durable(writer, &segment, &length);
    spool_store_position(store, "receive", &read_segment, &read_length);
    assert_true(read_segment < segment || read_length < length);
    fixture_poll(store, writer);
    spool_store_position(store, "receive", &read_segment, &read_length);
    assert_true(read_segment == segment && read_length == length);
    spool_store_close(store);
    spool_writer_close(writer);
}

static void test_finished_messages_do_not_come_back_and_pending_ones_keep_their_state(void **state)
{
    struct spool_writer *writer = fixture_writer(&fixture);
    struct spool_store *store = fixture_store(&fixture);
    uint64_t done, later;

    (void)state;
    done = fixture_submit(writer, 5000);
    later = fixture_submit(writer, 50000);
    fixture_poll(store, writer);
    assert_int_equal(fixture_outcome(store, later, OUTCOME_PENDING, NULL), 0);
    assert_int_equal(fixture_outcome(store, done, OUTCOME_DELIVERED, NULL), 0);
    spool_writer_close(writer);
    for (int round = 0; round < 3; round++) {
        spool_store_close(store);
        fixture_forget(&fixture);
        store = fixture_store(&fixture);
        assert_non_null(store);
        assert_null(fixture_find(&fixture, done));
        assert_non_null(fixture_find(&fixture, later));
        assert_int_equal(fixture.n_outcomes, 1);
        assert_true(fixture.outcomes[0].id == later);
        assert_int_equal(fixture.outcomes[0].first.attempts, 3);
        assert_string_equal(fixture.outcomes[0].reply, "450 4.2.0 later");
    }
    spool_store_close(store);
}

static void test_a_bounce_is_a_message_of_its_own(void **state)
{
    struct spool_writer *writer = fixture_writer(&fixture);
    struct spool_store *store = fixture_store(&fixture);
    struct recipient sender = {.address = SLICE("ann@example.com"), .class = CLASS_AUTHORISED};
    struct spool_dsn dsn = {
        .envelope = {.recipients = &sender, .n_recipients = 1},
        .text = SLICE("Subject: failed\r\n\r\nsorry\r\n"),
    };
    uint64_t id;

    (void)state;
    id = fixture_submit(writer, 100);
    fixture_poll(store, writer);
    dsn.envelope.id = spool_store_next_id(store);
    assert_int_equal(fixture_outcome(store, id, OUTCOME_BOUNCED, &dsn), 0);
    fixture_poll(store, writer);
    assert_non_null(fixture_find(&fixture, dsn.envelope.id));
    spool_writer_close(writer);
    spool_store_close(store);
    fixture_forget(&fixture);
    store = fixture_store(&fixture);
    assert_int_equal(fixture.n_messages, 1);
    assert_true(fixture.messages[0].id == dsn.envelope.id);
    assert_int_equal(fixture.messages[0].size, dsn.text.len);
    spool_store_close(store);
}

static void test_segments_are_freed_when_all_in_them_is_finished(void **state)
{
    struct spool_writer *writer = fixture_writer(&fixture);
    struct spool_store *store = fixture_store(&fixture);
    struct spool_stats stats;

    (void)state;
    for (int i = 0; i < 100; i++) {
        uint64_t id = fixture_submit(writer, i % 10 == 0 ? 100000 : 30000);
        assert_true(id != 0);
        fixture_poll(store, writer);
        assert_int_equal(fixture_outcome(store, id, OUTCOME_DELIVERED, NULL), 0);
    }
    spool_writer_close(writer);
    spool_store_close(store);
    store = fixture_store(&fixture);
    fixture_poll(store, NULL);
    spool_store_stats(store, &stats);
    assert_int_equal(stats.live_messages, 0);
    /* The newest of each writer, and what the own log has open. */
    assert_in_range(stats.segments, 2, 5);
    assert_int_equal(fixture.n_troubles, 0);
    spool_store_close(store);
}

static bool is_signed(struct spool_store *store, uint64_t id, struct slice want)
{
    struct slice got = SLICE("none");
    struct arena arena;
    bool is;

    arena_init(&arena);
    is = spool_store_signature(store, id, &arena, &got) == 0 && slice_eq(got, want);
    arena_done(&arena);
    return is;
}

/* Read from the log before a checkpoint, and from the checkpoint after it, as often as it is
 * written again. */
static void test_a_signature_outlives_restarts_and_checkpoints(void **state)
{
    const struct slice first = SLICE("DKIM-Signature: b=first\r\n");
    const struct slice second = SLICE("DKIM-Signature: b=second\r\n");
    struct spool_writer *writer = fixture_writer(&fixture);
    struct spool_store *store = fixture_store(&fixture);
    uint64_t a, b, c;

    (void)state;
    a = fixture_submit(writer, 100);
    b = fixture_submit(writer, 100);
    c = fixture_submit(writer, 100);
    fixture_poll(store, writer);
    assert_true(is_signed(store, a, SLICE_NULL));
    assert_int_equal(fixture_sign(store, a, first), 0);
    assert_int_equal(fixture_outcome(store, c, OUTCOME_PENDING, NULL), 0);
    fixture_poll(store, writer);
    spool_writer_close(writer);
    for (int round = 0; round < 4; round++) {
        assert_true(is_signed(store, a, first));
        assert_true(is_signed(store, b, round < 2 ? SLICE_NULL : second));
        assert_true(is_signed(store, c, SLICE_NULL));
        spool_store_close(store);
        fixture_forget(&fixture);
        store = fixture_store(&fixture);
        assert_non_null(store);
        assert_int_equal(fixture_outcome(store, a, OUTCOME_PENDING, NULL), 0);
        if (round == 1)
            assert_int_equal(fixture_sign(store, b, second), 0);
        fixture_poll(store, NULL);
    }
    assert_int_equal(fixture_outcome(store, a, OUTCOME_DELIVERED, NULL), 0);
    fixture_poll(store, NULL);
    assert_true(is_signed(store, a, SLICE_NULL));
    assert_int_equal(fixture.n_troubles, 0);
    spool_store_close(store);
}

static void test_a_second_store_and_a_second_writer_are_refused(void **state)
{
    struct spool_writer *writer = fixture_writer(&fixture);
    struct spool_store *store = fixture_store(&fixture);

    (void)state;
    assert_null(fixture_store(&fixture));
    assert_null(fixture_writer(&fixture));
    spool_writer_close(writer);
    spool_store_close(store);
}

static int header_error;

static ssize_t pread_no_header(struct disk *disk, int handle, void *to, size_t len, uint64_t offset)
{
    return offset == 0 ? header_error : disk_real()->ops->pread(disk, handle, to, len, offset);
}

/* What the disk says of itself is not taken for what a header says of its segment. */
static void test_a_header_that_cannot_be_read_is_not_judged(void **state)
{
    static const int errors[] = {-EBADMSG, -ENOTSUP, -EIO};
    struct spool_writer *writer = fixture_writer(&fixture);
    struct disk_ops ops = *disk_real()->ops;
    struct disk disk = {.ops = &ops};
    struct spool_store_options options = {
        .disk = &disk, .directory = fixture.directory, .events = &fixture.events};
    struct spool_store *store;

    (void)state;
    assert_true(fixture_submit(writer, 5000) != 0);
    spool_writer_close(writer);
    ops.pread = pread_no_header;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        header_error = errors[i];
        assert_int_equal(spool_store_open(&options, &store), -EIO);
        assert_int_equal(fixture.n_troubles, 0);
    }
    store = fixture_store(&fixture);
    assert_non_null(store);
    assert_int_equal(fixture.n_messages, 1);
    spool_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_messages_of_all_sizes_come_back_with_their_bytes,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_finished_messages_do_not_come_back_and_pending_ones_keep_their_state, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_fields_are_put_in_front_of_a_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_text_in_a_file_needs_room_in_front, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_position_follows_what_was_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bounce_is_a_message_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_segments_are_freed_when_all_in_them_is_finished,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_header_that_cannot_be_read_is_not_judged, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_signature_outlives_restarts_and_checkpoints, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_second_store_and_a_second_writer_are_refused, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
