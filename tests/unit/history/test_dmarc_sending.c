/* Relay is this file: role_send() ends here. */
#include "history/dmarc_sending.h"

#include "../cmocka_all.h"
#include "base/buf.h"
#include "base/clock.h"
#include "config/config.h"
#include "history/dmarc_compose.h"
#include "io/memory_file.h"
#include "trust/dmarc_report_read.h"
#include "trust/inflate.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DAY = 20000 };

struct world {
    char folder[64], path[96];
    struct role_context role;
    struct config config;
    struct dmarc_rows *rows;
    struct dmarc_sending *sending;
    struct arena arena;
    int fails; /* role_send() does, with this */
    unsigned sends;
    struct msg_dmarc_send last; /* of the arena */
    struct dmarc_report report;
};

static struct world *world;

int __wrap_role_send(struct role_context *role, enum role to, uint16_t type, struct slice payload,
                     const int *fds, unsigned n_fds);
int __wrap_role_send(struct role_context *role, enum role to, uint16_t type, struct slice payload,
                     const int *fds, unsigned n_fds)
{
    struct buf gzip, xml;

    (void)role;
    assert_int_equal(to, ROLE_RELAY);
    assert_int_equal(type, MSG_DMARC_SEND);
    assert_int_equal(n_fds, 1);
    if (world->fails)
        return world->fails;
    world->sends++;
    assert_int_equal(
        msg_dmarc_send_decode(arena_dup(&world->arena, payload), &world->arena, &world->last), 0);
    buf_init(&gzip, 1 << 20);
    buf_init(&xml, 1 << 20);
    assert_int_equal(memory_file_read_all(fds[0], &gzip), 0);
    assert_true(inflate_bounded(&xml, buf_slice(&gzip), INFLATE_GZIP));
    assert_null(dmarc_report_read(buf_slice(&xml), &world->arena, &world->report));
    buf_done(&gzip);
    buf_done(&xml);
    return 0;
}

static void set_time(int64_t seconds)
{
    clock_fake((uint64_t)seconds * 1000, (uint64_t)seconds * 1000);
}

static int setup(void **state)
{
    world = xcalloc(1, sizeof(*world));
    *state = world;
    arena_init(&world->arena);
    snprintf(world->folder, sizeof(world->folder), "/tmp/nuncio-sending-XXXXXX");
    if (!mkdtemp(world->folder))
        return -1;
    snprintf(world->path, sizeof(world->path), "%s/dmarc_rows.db", world->folder);
    world->config.hostname = SLICE("mx.us.example");
    world->role.config = &world->config;
    world->sending = dmarc_sending_new(&world->role);
    set_time(DAY * (int64_t)DMARC_ROWS_DAY_S);
    return dmarc_rows_open(world->path, &world->rows);
}

static int teardown(void **state)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char path[128];

    (void)state;
    clock_unfake();
    dmarc_sending_free(world->sending);
    dmarc_rows_close(world->rows);
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", world->path, tails[i]);
        unlink(path);
    }
    rmdir(world->folder);
    arena_done(&world->arena);
    free(world);
    return 0;
}

static void add(const char *domain, const char *record)
{
    struct msg_dmarc_dkim dkim = {
        .domain = SLICE("a.example"), .selector = SLICE("s1"), .result = SLICE("fail")};
    const struct msg_dmarc_row row = {.seconds = DAY * (uint64_t)DMARC_ROWS_DAY_S + 5,
                                      .policy_domain = slice_from_cstr(domain),
                                      .record = slice_from_cstr(record),
                                      .author = slice_from_cstr(domain),
                                      .client = SLICE("192.0.2.1"),
                                      .asked = DMARC_DISPOSITION_REJECT,
                                      .spf_pass = true,
                                      .dkim = &dkim,
                                      .n_dkim = 1,
                                      .spf_domain = slice_from_cstr(domain),
                                      .spf_result = SLICE("pass")};

    assert_int_equal(dmarc_rows_begin(world->rows), 0);
    assert_int_equal(dmarc_rows_add(world->rows, &row), 0);
    assert_int_equal(dmarc_rows_add(world->rows, &row), 0);
    assert_int_equal(dmarc_rows_commit(world->rows), 0);
}

static bool count_heap(void *arg, const struct dmarc_heap *heap)
{
    (void)heap;
    ++*(unsigned *)arg;
    return true;
}

static unsigned heaps(void)
{
    unsigned n = 0;

    assert_int_equal(dmarc_rows_each_heap(world->rows, SLICE_NULL, count_heap, &n), 0);
    return n;
}

static void answer(enum dmarc_sent first, enum dmarc_sent second)
{
    const struct msg_dmarc_sent sent = {.request = world->last.request,
                                        .results = {(uint8_t)first, (uint8_t)second},
                                        .n_results = world->last.n_to};
    struct buf out;

    buf_init(&out, 4096);
    msg_dmarc_sent_encode(&out, &sent);
    dmarc_sending_answered(world->sending, world->rows, buf_slice(&out));
    buf_done(&out);
}

/* The first time at which the day's report is due, and a second more. */
static void go_to_first_try(const char *domain)
{
    int64_t first = dmarc_sending_first_try(DAY, slice_from_cstr(domain), world->config.hostname);

    assert_in_range(first, (DAY + 1) * (int64_t)DMARC_ROWS_DAY_S + DMARC_SENDING_FIRST_S,
                    (DAY + 1) * (int64_t)DMARC_ROWS_DAY_S + DMARC_SENDING_FIRST_S +
                        DMARC_SENDING_SPREAD_S);
    set_time(first - 1);
    dmarc_sending_tick(world->sending, world->rows);
    set_time(first + 1);
}

static int64_t at_once(void *arg, const struct dmarc_heap *heap)
{
    (void)arg;
    (void)heap;
    return 1;
}

#define RECORD "v=DMARC1; p=reject; rua=mailto:d@a.example"

static void test_a_report_goes_once_when_the_day_is_over(void **state)
{
    (void)state;
    add("a.example", RECORD);
    dmarc_sending_tick(world->sending, world->rows);
    go_to_first_try("a.example");
    assert_int_equal(world->sends, 0);
    dmarc_sending_tick(world->sending, world->rows);
    dmarc_sending_tick(world->sending, world->rows);
    assert_int_equal(world->sends, 1);
    assert_int_equal(world->last.n_to, 1);
    assert_true(slice_eq(world->last.report_id, SLICE("2024-10-04.a.example@mx.us.example")));
    assert_int_equal(world->report.n_rows, 1);
    assert_int_equal(world->report.rows[0].count, 2);
    assert_true(slice_eq(world->report.rows[0].disposition, SLICE("pass")));
    assert_true(slice_eq(world->report.rows[0].signatures[0].selector, SLICE("s1")));
    assert_true(slice_eq(world->report.policy.p, SLICE("reject")));
    answer(DMARC_SENT_TAKEN, 0);
    assert_int_equal(world->sends, 1);
    assert_int_equal(heaps(), 0);
}

static void test_one_address_does_not_stop_the_other(void **state)
{
    (void)state;
    add("a.example", "v=DMARC1; p=none; rua=mailto:d@a.example,https://x.example/,"
                     "mailto:e@b.example!10m,mailto:tiny@c.example!10,mailto:D@A.example");
    go_to_first_try("a.example");
    dmarc_sending_tick(world->sending, world->rows);
    assert_int_equal(world->last.n_to, 2);
    answer(DMARC_SENT_TAKEN, DMARC_SENT_LATER);
    assert_int_equal(heaps(), 1);
    set_time((int64_t)(clock_wall_ms() / 1000) + DMARC_SENDING_RETRY_S + 1);
    dmarc_sending_tick(world->sending, world->rows);
    assert_int_equal(world->sends, 2);
    assert_int_equal(world->last.n_to, 1);
    assert_true(slice_eq(world->last.to[0], SLICE("e@b.example")));
    answer(DMARC_SENT_FORBIDDEN, 0);
    assert_int_equal(heaps(), 0);
}

static void test_it_is_tried_again_and_given_up(void **state)
{
    (void)state;
    add("a.example", RECORD);
    go_to_first_try("a.example");
    for (unsigned hours = 0; hours < 80; hours++) {
        dmarc_sending_tick(world->sending, world->rows);
        dmarc_sending_lost(world->sending, world->rows);
        set_time((int64_t)(clock_wall_ms() / 1000) + DMARC_SENDING_RETRY_S + 1);
    }
    assert_int_equal(heaps(), 0);
    assert_in_range(world->sends, 60, 75);
}

static void test_nothing_is_lost_when_relay_is_away(void **state)
{
    (void)state;
    add("a.example", RECORD);
    go_to_first_try("a.example");
    world->fails = -ENOTCONN;
    dmarc_sending_tick(world->sending, world->rows);
    assert_int_equal(heaps(), 1);
    world->fails = 0;
    set_time((int64_t)(clock_wall_ms() / 1000) + DMARC_SENDING_RETRY_S + 1);
    dmarc_sending_tick(world->sending, world->rows);
    assert_int_equal(world->sends, 1);
}

static void test_without_a_mailbox_it_is_dropped(void **state)
{
    (void)state;
    add("a.example", "v=DMARC1; p=none; rua=https://a.example/");
    go_to_first_try("a.example");
    dmarc_sending_tick(world->sending, world->rows);
    assert_int_equal(world->sends, 0);
    assert_int_equal(heaps(), 0);
}

static void test_a_host_gets_no_more_than_its_share(void **state)
{
    (void)state;
    add("a.example", RECORD);
    go_to_first_try("a.example");
    assert_int_equal(dmarc_rows_begin(world->rows), 0);
    for (unsigned i = 0; i < DMARC_SENDING_HOST_MAX; i++) {
        assert_int_equal(dmarc_rows_settle(world->rows, 1000 + i, SLICE("x@a.example"), true,
                                           (int64_t)(clock_wall_ms() / 1000)),
                         0);
    }
    assert_int_equal(dmarc_rows_commit(world->rows), 0);
    dmarc_sending_tick(world->sending, world->rows);
    assert_int_equal(world->sends, 0);
    assert_int_equal(heaps(), 1);
}

/* As on a full disk: the table takes nothing of this kind any more. */
static void forbid(const char *what)
{
    char sql[160];
    sqlite3 *db;

    snprintf(sql, sizeof(sql), "CREATE TRIGGER full BEFORE %s BEGIN SELECT RAISE(ABORT, 'x'); END",
             what);
    assert_int_equal(sqlite3_open(world->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_what_cannot_be_postponed_is_not_sent(void **state)
{
    (void)state;
    add("a.example", RECORD);
    go_to_first_try("a.example");
    dmarc_sending_tick(world->sending, NULL);
    assert_int_equal(dmarc_rows_plan(world->rows, DAY + 1, at_once, NULL), 0);
    forbid("UPDATE ON heap");
    for (unsigned i = 0; i < 10; i++)
        dmarc_sending_tick(world->sending, world->rows);
    assert_int_equal(world->sends, 0);
    assert_int_equal(heaps(), 1);
}

static void test_what_went_without_a_note_does_not_go_again(void **state)
{
    (void)state;
    add("a.example", RECORD);
    go_to_first_try("a.example");
    dmarc_sending_tick(world->sending, world->rows);
    forbid("INSERT ON settled");
    for (unsigned i = 0; i < 10; i++) {
        answer(DMARC_SENT_TAKEN, 0);
        set_time((int64_t)(clock_wall_ms() / 1000) + DMARC_SENDING_RETRY_S + 1);
        dmarc_sending_tick(world->sending, world->rows);
    }
    assert_int_equal(world->sends, 1);
}

static void test_one_that_is_late_is_not_given_up_while_it_is_under_way(void **state)
{
    (void)state;
    add("a.example", RECORD);
    set_time((DAY + 9) * (int64_t)DMARC_ROWS_DAY_S);
    dmarc_sending_tick(world->sending, world->rows);
    assert_int_equal(world->sends, 1);
    assert_int_equal(heaps(), 1);
    set_time((int64_t)(clock_wall_ms() / 1000) + DMARC_SENDING_ANSWER_MS / 1000 + 1);
    dmarc_sending_tick(world->sending, world->rows);
    assert_int_equal(heaps(), 0);
    assert_int_equal(world->sends, 1);
}

/* Another program's, of which nothing can be read. */
static void test_a_report_without_rows_is_none(void **state)
{
    sqlite3 *db;

    (void)state;
    add("a.example", RECORD);
    assert_int_equal(sqlite3_open(world->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE row SET facts = x'00'", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    go_to_first_try("a.example");
    dmarc_sending_tick(world->sending, world->rows);
    assert_int_equal(world->sends, 0);
    assert_int_equal(heaps(), 0);
}

/* Ten thousand rows as large as a stranger can make them would not fit into the memory of anybody.
 */
static void test_a_huge_heap_is_cut(void **state)
{
    enum { ROWS = 3300 };
    static char long_text[DMARC_ROW_TEXT_MAX], long_name[DMARC_ROW_NAME_MAX];
    const struct dmarc_heap heap = {.id = 1, .domain = SLICE("a.example"), .n_rows = ROWS};
    struct msg_dmarc_dkim dkim[DMARC_ROW_DKIM_MAX];
    struct dmarc_report report;

    (void)state;
    memset(long_text, 'x', sizeof(long_text));
    memset(long_name, 'y', sizeof(long_name));
    for (unsigned i = 0; i < DMARC_ROW_DKIM_MAX; i++)
        dkim[i] = (struct msg_dmarc_dkim){.domain = slice_from(long_name, sizeof(long_name)),
                                          .selector = slice_from(long_name, sizeof(long_name)),
                                          .result = SLICE("fail"),
                                          .problem = slice_from(long_text, sizeof(long_text))};
    assert_int_equal(dmarc_rows_begin(world->rows), 0);
    for (unsigned i = 0; i < ROWS; i++) {
        char ip[16];
        snprintf(ip, sizeof(ip), "10.0.%u.%u", i / 256, i % 256);
        assert_int_equal(
            dmarc_rows_add(world->rows,
                           &(struct msg_dmarc_row){.seconds = DAY * (uint64_t)DMARC_ROWS_DAY_S,
                                                   .policy_domain = heap.domain,
                                                   .author = heap.domain,
                                                   .client = slice_from_cstr(ip),
                                                   .dkim = dkim,
                                                   .n_dkim = DMARC_ROW_DKIM_MAX}),
            0);
    }
    assert_int_equal(dmarc_rows_commit(world->rows), 0);
    assert_int_equal(dmarc_compose(world->rows, &heap, &world->config, &world->arena, &report), 0);
    assert_in_range(report.n_rows, 2000, 3200);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_report_goes_once_when_the_day_is_over),
        TEST(test_one_address_does_not_stop_the_other),
        TEST(test_it_is_tried_again_and_given_up),
        TEST(test_nothing_is_lost_when_relay_is_away),
        TEST(test_without_a_mailbox_it_is_dropped),
        TEST(test_a_host_gets_no_more_than_its_share),
        TEST(test_what_cannot_be_postponed_is_not_sent),
        TEST(test_what_went_without_a_note_does_not_go_again),
        TEST(test_one_that_is_late_is_not_given_up_while_it_is_under_way),
        TEST(test_a_report_without_rows_is_none),
        TEST(test_a_huge_heap_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
