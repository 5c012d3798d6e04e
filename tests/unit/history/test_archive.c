#include "history/archive.h"

#include "../cmocka_all.h"

#include "mail/envelope.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/nuncio-history-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/history.db", folder);
    return 0;
}

static int remove_folder(void **state)
{
    char command[96];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static struct archive *open_one(void)
{
    struct archive *archive;

    assert_int_equal(archive_open(path, 1000, &archive), 0);
    return archive;
}

static void add(struct archive *archive, uint64_t time_ms, const char *name, const char *text,
                bool unless_there)
{
    struct event event = {.time_ms = time_ms,
                          .level = LOG_INFO,
                          .role = SLICE("receive"),
                          .name = slice_from_cstr(name)};
    struct arena arena;

    arena_init(&arena);
    assert_int_equal(event_read_fields(slice_from_cstr(text), &arena, &event), 0);
    assert_int_equal(archive_begin(archive), 0);
    assert_int_equal(archive_add(archive, &event, unless_there), 0);
    assert_int_equal(archive_commit(archive), 0);
    arena_done(&arena);
}

static bool on_subject(void *arg, const struct subject *subject)
{
    struct buf *out = arg;

    buf_printf(out, "%s%llx ", subject->kind == SUBJECT_MESSAGE ? "m" : "s",
               (unsigned long long)subject->key);
    return true;
}

static bool on_event(void *arg, const struct event *event, int64_t number, int64_t subject)
{
    struct buf *out = arg;

    (void)number;
    (void)subject;
    buf_printf(out, "%.*s(%.*s) ", SLICE_ARG(event->name), SLICE_ARG(event->text));
    return true;
}

static void assert_found(struct archive *archive, enum term_kind kind, const char *text,
                         const char *want)
{
    struct buf out;

    buf_init(&out, 1000);
    assert_int_equal(archive_each_by_term(archive, kind, slice_from_cstr(text), on_subject, &out),
                     0);
    if (!slice_eq(buf_slice(&out), slice_from_cstr(want)))
        fail_msg("%s: %.*s", text, SLICE_ARG(buf_slice(&out)));
    buf_done(&out);
}

static void add_three(struct archive *archive)
{
    add(archive, 1000, "connect", "session=a1 client=192.0.2.7", false);
    add(archive, 1100, "accepted",
        "session=a1 message=0000000000001 client=192.0.2.7 from=a@b.test to=joe@x.test", false);
    add(archive, 1200, "accepted",
        "session=a1 message=0000000000002 client=192.0.2.7 from=a@b.test to=ann@x.test", false);
    add(archive, 1300, "delivered", "message=0000000000001 to=joe@x.test", false);
    add(archive, 1400, "ready", "pid=7", false);
}

static void test_events_are_found_by_who_is_in_them(void **state)
{
    struct archive *archive = open_one();
    struct subject subject, session;
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    add_three(archive);
    assert_found(archive, TERM_ADDRESS, "joe@x.test", "m1 ");
    assert_found(archive, TERM_ADDRESS, "a@b.test", "m2 m1 ");
    assert_found(archive, TERM_DOMAIN, "x.test", "m2 m1 ");
    assert_found(archive, TERM_IP, "192.0.2.7", "m2 m1 sa1 ");
    assert_found(archive, TERM_IP, "192.0.2.8", "");
    assert_int_equal(archive_each_loose(archive, 1400, 1401, on_event, &out), 0);
    assert_int_equal(archive_each_loose(archive, 0, 1400, on_event, &out), 0);
    assert_true(slice_eq(buf_slice(&out), SLICE("ready(pid=7) ")));
    buf_reset(&out);
    assert_int_equal(archive_find_subject(archive, SUBJECT_MESSAGE, 1, &subject), 1);
    assert_int_equal(archive_find_subject(archive, SUBJECT_MESSAGE, 9, &session), 0);
    assert_int_equal(archive_subject_by_id(archive, subject.session, &session), 1);
    assert_int_equal(session.key, 0xa1);
    archive_each_event(archive, subject.id, on_event, &out);
    assert_true(
        slice_eq(buf_slice(&out),
                 SLICE("accepted(session=a1 message=0000000000001 client=192.0.2.7 from=a@b.test "
                       "to=joe@x.test) delivered(message=0000000000001 to=joe@x.test) ")));
    buf_reset(&out);
    assert_int_equal(archive_each_by_time(archive, 1200, 1300, on_subject, &out), 0);
    assert_true(slice_eq(buf_slice(&out), SLICE("m2 ")));
    buf_reset(&out);
    assert_int_equal(archive_each_of_session(archive, session.id, on_subject, &out), 0);
    assert_true(slice_eq(buf_slice(&out), SLICE("m1 m2 ")));
    buf_done(&out);
    archive_close(archive);
}

static bool only_two(void *arg, const struct subject *subject)
{
    struct buf *out = arg;

    return on_subject(arg, subject) && out->len < 6;
}

/* However many there are: the newest come first, and no more is read than is wanted. */
static void test_those_of_a_time_come_newest_first(void **state)
{
    struct archive *archive = open_one();
    char text[64];
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    for (unsigned i = 1; i <= 9; i++) {
        snprintf(text, sizeof(text), "message=000000000000%u to=joe@x.test", i);
        add(archive, 1000 + 10 * i, "accepted", text, false);
    }
    add(archive, 2000, "delivered", "message=0000000000003 to=joe@x.test", false);
    add(archive, 2001, "ready", "pid=7", false);
    assert_int_equal(archive_each_by_time(archive, 0, 3000, only_two, &out), 0);
    assert_true(slice_eq(buf_slice(&out), SLICE("m3 m9 ")));
    buf_reset(&out);
    assert_int_equal(archive_each_by_time(archive, 1030, 1050, on_subject, &out), 0);
    assert_true(slice_eq(buf_slice(&out), SLICE("m4 m3 ")));
    buf_done(&out);
    archive_close(archive);
}

static void test_an_event_is_added_once_when_asked_so(void **state)
{
    struct archive *archive = open_one();
    int64_t first, second;

    (void)state;
    add_three(archive);
    assert_int_equal(archive_last_number(archive, &first), 0);
    add(archive, 1300, "delivered", "message=0000000000001 to=joe@x.test", true);
    assert_int_equal(archive_last_number(archive, &second), 0);
    assert_int_equal(first, second);
    add(archive, 1301, "delivered", "message=0000000000001 to=joe@x.test", true);
    assert_int_equal(archive_last_number(archive, &second), 0);
    assert_int_equal(first + 1, second);
    archive_close(archive);
}

static void test_the_oldest_go_with_what_pointed_to_them(void **state)
{
    struct archive *archive = open_one();
    bool more;

    (void)state;
    add_three(archive);
    assert_int_equal(archive_expire(archive, 1200, 1 << 30, &more), 0);
    assert_false(more);
    /* Its later event is left. */
    assert_found(archive, TERM_ADDRESS, "joe@x.test", "m1 ");
    assert_found(archive, TERM_IP, "192.0.2.7", "m2 m1 ");
    assert_int_equal(archive_expire(archive, 1301, 1 << 30, &more), 0);
    assert_found(archive, TERM_ADDRESS, "joe@x.test", "");
    assert_found(archive, TERM_ADDRESS, "a@b.test", "");
    add(archive, 1500, "accepted", "message=0000000000003 from=a@b.test", false);
    assert_found(archive, TERM_ADDRESS, "a@b.test", "m3 ");
    archive_close(archive);
}

static off_t size_of_file(void)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static void test_the_file_stays_below_its_size(void **state)
{
    enum { SIZE = 512 * 1024 };
    struct archive *archive = open_one();
    struct arena arena;
    bool more = true;

    (void)state;
    arena_init(&arena);
    assert_int_equal(archive_begin(archive), 0);
    for (unsigned i = 0; i < 10000; i++) {
        char text[100];
        struct event event = {.time_ms = 1000 + i, .role = SLICE("receive"), .name = SLICE("e")};
        snprintf(text, sizeof(text), "session=%x from=user%u@b.test client=192.0.2.7", i + 1, i);
        arena_reset(&arena);
        assert_int_equal(event_read_fields(slice_from_cstr(text), &arena, &event), 0);
        assert_int_equal(archive_add(archive, &event, false), 0);
    }
    assert_int_equal(archive_commit(archive), 0);
    while (more)
        assert_int_equal(archive_expire(archive, 0, SIZE, &more), 0);
    assert_found(archive, TERM_ADDRESS, "user0@b.test", "");
    assert_found(archive, TERM_ADDRESS, "user9999@b.test", "s2710 ");
    archive_close(archive);
    assert_int_equal(archive_open(path, 1000, &archive), 0);
    assert_int_equal(archive_expire(archive, 0, SIZE, &more), 0);
    archive_close(archive);
    assert_true(size_of_file() < 2 * SIZE);
    arena_done(&arena);
}

static void test_a_reader_sees_what_a_writer_has_written(void **state)
{
    struct archive *writer = open_one(), *reader;

    (void)state;
    add_three(writer);
    assert_int_equal(archive_open_read(path, &reader), 0);
    assert_found(reader, TERM_ADDRESS, "joe@x.test", "m1 ");
    assert_int_equal(archive_begin(writer), 0);
    assert_found(reader, TERM_ADDRESS, "joe@x.test", "m1 ");
    archive_rollback(writer);
    archive_close(writer);
    archive_close(reader);
    assert_int_equal(archive_open_read(path, &reader), 0);
    assert_int_equal(archive_add(reader, &(struct event){.name = SLICE("e")}, false), -EACCES);
    archive_close(reader);
}

static void test_damaged_missing_and_later_files(void **state)
{
    struct archive *archive;
    int fd;

    (void)state;
    assert_int_equal(archive_open_read(path, &archive), -ENOENT);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "this is no database, it is a text of some length", 48), 48);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(write(fd, "this is no database, it is a text of some length", 48), 48);
    close(fd);
    assert_int_equal(archive_open(path, 1000, &archive), -EUCLEAN);
    assert_int_equal(archive_open_read(path, &archive), -EUCLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_events_are_found_by_who_is_in_them, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_those_of_a_time_come_newest_first, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_an_event_is_added_once_when_asked_so, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_the_oldest_go_with_what_pointed_to_them, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_the_file_stays_below_its_size, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_a_reader_sees_what_a_writer_has_written, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_damaged_missing_and_later_files, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
