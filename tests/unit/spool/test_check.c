/* Damage, torn tails and formats of other versions, in a spool on the real disk. */
#include "fixture.h"

#include "spool/format.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct fixture fixture;
static char told[8192];

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

static void tell(void *arg, struct slice line)
{
    size_t len = strlen(told);

    (void)arg;
    snprintf(told + len, sizeof(told) - len, "%.*s\n", SLICE_ARG(line));
}

static int check(void)
{
    told[0] = '\0';
    return spool_check(disk_real(), fixture.directory, tell, NULL);
}

static int open_segment(void)
{
    int fd = open(spool_segment_path(fixture.receive, 1, ".seg").text, O_RDWR);

    assert_true(fd >= 0);
    return fd;
}

/* Turns one byte of receive's first segment around. */
static void turn_byte(off_t at)
{
    int fd = open_segment();
    unsigned char c;

    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 0x40;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

/* Five batches of one message each; the ids. Each batch takes 8 KiB. */
static void write_five(uint64_t ids[5], bool sealed)
{
    struct spool_writer *writer = fixture_writer(&fixture);

    for (int i = 0; i < 5; i++)
        ids[i] = fixture_submit(writer, 5000);
    spool_writer_close(writer);
    if (!sealed) {
        int fd = open_segment();
        char zeros[4096] = {0};
        struct stat st;
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(pwrite(fd, zeros, 4096, st.st_size - 4096), 4096);
        close(fd);
    }
}

static void test_a_sound_spool_is_said_to_be_sound(void **state)
{
    uint64_t ids[5];

    (void)state;
    write_five(ids, true);
    assert_int_equal(check(), 0);
    assert_non_null(strstr(told, "5 messages"));
    assert_non_null(strstr(told, ": sound"));
}

static void test_damage_is_set_aside_and_the_rest_goes_on(void **state)
{
    static const struct {
        off_t at;        /* the byte that is turned */
        unsigned damage; /* 1: message 1 is lost with it */
    } cases[] = {
        {4096 + 8192 + 3000, 1}, /* in the text */
        {4096 + 8192 + 50, 1},   /* in the record's header */
        {4096 + 8192 + 9, 0},    /* in the batch's header: its record is sound */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct spool_store *store;
        uint64_t ids[5];

        fixture_done(&fixture);
        fixture_init(&fixture);
        write_five(ids, false);
        turn_byte(cases[i].at);
        assert_int_equal(check(), 1);
        assert_non_null(strstr(told, "damaged from byte"));
        store = fixture_store(&fixture);
        assert_non_null(store);
        assert_int_equal(fixture.n_messages, 5 - cases[i].damage);
        assert_int_equal(fixture_find(&fixture, ids[1]) == NULL, cases[i].damage);
        for (unsigned k = 0; k < fixture.n_messages; k++)
            assert_true(fixture_text_is_right(store, &fixture.messages[k]));
        assert_non_null(strstr(fixture.trouble, "damaged"));
        spool_store_close(store);
    }
}

static void test_a_batch_that_was_not_finished_is_no_damage(void **state)
{
    struct spool_store *store;
    uint64_t ids[5];

    (void)state;
    write_five(ids, false);
    turn_byte(4096 + 4 * 8192 + 3000);
    assert_int_equal(check(), 0);
    assert_non_null(strstr(told, "never finished"));
    store = fixture_store(&fixture);
    assert_int_equal(fixture.n_messages, 4);
    assert_null(fixture_find(&fixture, ids[4]));
    spool_store_close(store);
}

static void test_a_newer_format_is_refused_by_name(void **state)
{
    unsigned char block[SPOOL_BLOCK];
    struct segment_header header;
    uint64_t ids[5];
    int fd;

    (void)state;
    write_five(ids, true);
    fd = open_segment();
    assert_int_equal(pread(fd, block, sizeof(block), 0), sizeof(block));
    assert_int_equal(segment_header_decode(block, sizeof(block), &header), 0);
    header.version = SPOOL_VERSION + 1;
    segment_header_encode(&header, block);
    assert_int_equal(pwrite(fd, block, sizeof(block), 0), sizeof(block));
    close(fd);
    assert_int_equal(check(), -ENOTSUP);
    assert_non_null(strstr(told, "has format 3, made by a newer program"));
    assert_null(fixture_store(&fixture));
}

/* Format 1 knows no room in front of a text: there the offset of a body file is 0, and so are the
 * bytes in which format 2 keeps it. */
static void test_format_1_is_read(void **state)
{
    static const size_t sizes[] = {0, 100, 4096, 200000};
    struct spool_writer *writer = fixture_writer(&fixture);
    unsigned char block[SPOOL_BLOCK];
    struct segment_header header;
    struct spool_store *store;
    uint64_t ids[4];
    int fd;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        ids[i] = fixture_submit(writer, sizes[i]);
    spool_writer_close(writer);
    fd = open_segment();
    assert_int_equal(pread(fd, block, sizeof(block), 0), sizeof(block));
    assert_int_equal(segment_header_decode(block, sizeof(block), &header), 0);
    assert_int_equal(header.version, 2);
    header.version = 1;
    segment_header_encode(&header, block);
    assert_int_equal(pwrite(fd, block, sizeof(block), 0), sizeof(block));
    close(fd);
    assert_int_equal(check(), 0);
    for (int round = 0; round < 2; round++) { /* from the log, from the checkpoint */
        fixture_forget(&fixture);
        store = fixture_store(&fixture);
        assert_non_null(store);
        assert_int_equal(fixture.n_messages, 4);
        for (size_t i = 0; i < 4; i++) {
            const struct seen_message *message = fixture_find(&fixture, ids[i]);
            assert_non_null(message);
            assert_int_equal(message->size, sizes[i]);
            assert_true(fixture_text_is_right(store, message));
        }
        spool_store_close(store);
    }
    assert_int_equal(fixture.n_troubles, 0);
}

static void test_a_damaged_checkpoint_stops_the_start(void **state)
{
    struct spool_path path;
    uint64_t ids[5];
    int fd;

    (void)state;
    write_five(ids, true);
    spool_store_close(fixture_store(&fixture));
    path = spool_path(fixture.directory, "queue/checkpoint");
    fd = open(path.text, O_RDWR);
    assert_int_equal(pwrite(fd, "\xff", 1, 40), 1);
    close(fd);
    assert_null(fixture_store(&fixture));
    assert_non_null(strstr(fixture.trouble, "damaged"));
    unlink(path.text);
    fixture_forget(&fixture);
    spool_store_close(fixture_store(&fixture));
    assert_int_equal(fixture.n_messages, 5);
}

static void damage_checkpoint(const char *path, off_t at, off_t cut)
{
    int fd = open(path, O_RDWR);
    struct stat st;
    unsigned char c;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    if (at < 0)
        at += st.st_size;
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 0x10;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    if (cut)
        assert_int_equal(ftruncate(fd, st.st_size - cut), 0);
    close(fd);
}

static void test_a_check_tells_of_a_damaged_checkpoint_and_changes_nothing(void **state)
{
    static const struct {
        off_t at, cut; /* the byte that is turned, from the end when negative; bytes cut off */
    } cases[] = {{16, 0}, {40, 0}, {-1, 0}, {40, 1}, {40, 30}};
    struct spool_path path;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ids[5];
        struct stat before, after;

        fixture_done(&fixture);
        fixture_init(&fixture);
        write_five(ids, true);
        spool_store_close(fixture_store(&fixture));
        path = spool_path(fixture.directory, "queue/checkpoint");
        assert_int_equal(check(), 0);
        damage_checkpoint(path.text, cases[i].at, cases[i].cut);
        assert_int_equal(stat(path.text, &before), 0);
        assert_int_equal(check(), -EBADMSG);
        assert_non_null(strstr(told, "queue/checkpoint is damaged"));
        assert_int_equal(stat(path.text, &after), 0);
        assert_true(before.st_ino == after.st_ino && before.st_size == after.st_size &&
                    before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    }
}

static void test_a_running_server_is_left_alone(void **state)
{
    struct spool_store *store = fixture_store(&fixture);

    (void)state;
    assert_int_equal(check(), -EAGAIN);
    spool_store_close(store);
    assert_int_equal(check(), 0);
}

static void read_text(const struct spool_path *path, char *to, size_t size)
{
    int fd = open(path->text, O_RDONLY);
    ssize_t n;

    assert_true(fd >= 0);
    n = read(fd, to, size - 1);
    assert_true(n >= 0);
    to[n] = '\0';
    close(fd);
}

static void test_export_writes_texts_and_envelopes(void **state)
{
    struct spool_path to = spool_path(fixture.directory, "export");
    struct spool_writer *writer = fixture_writer(&fixture);
    char name[64], got[6000], want[5000];
    struct spool_path path;
    uint64_t id;

    (void)state;
    id = fixture_submit(writer, sizeof(want));
    spool_writer_close(writer);
    told[0] = '\0';
    assert_int_equal(spool_export(disk_real(), fixture.directory, to.text, tell, NULL), 0);
    assert_non_null(strstr(told, "1 messages written"));
    snprintf(name, sizeof(name), "%s.eml", message_id_format(id).text);
    path = spool_path(to.text, name);
    read_text(&path, got, sizeof(got));
    fixture_fill_text(id, want, sizeof(want));
    assert_memory_equal(got, want, sizeof(want));
    snprintf(name, sizeof(name), "%s.json", message_id_format(id).text);
    path = spool_path(to.text, name);
    read_text(&path, got, sizeof(got));
    assert_non_null(strstr(got, "\"reverse_path\": \"ann@example.com\""));
    assert_non_null(strstr(got, "\"address\": \"joe@example.org\""));
    assert_non_null(strstr(got, "\"login\": \"ann@example.com\""));
    assert_non_null(strstr(got, "\"hold\": \"the account is frozen\""));
}

static void test_a_file_system_without_a_disk_is_warned_of(void **state)
{
    (void)state;
    told[0] = '\0';
    assert_int_equal(spool_check_filesystem("/dev/shm", tell, NULL), 1);
    assert_non_null(strstr(told, "/dev/shm is on tmpfs"));
    assert_int_equal(spool_check_filesystem("/no/such/place", tell, NULL), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_sound_spool_is_said_to_be_sound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_is_set_aside_and_the_rest_goes_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_batch_that_was_not_finished_is_no_damage, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_newer_format_is_refused_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_format_1_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_checkpoint_stops_the_start, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_check_tells_of_a_damaged_checkpoint_and_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_running_server_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_export_writes_texts_and_envelopes, set_up, tear_down),
        cmocka_unit_test(test_a_file_system_without_a_disk_is_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
