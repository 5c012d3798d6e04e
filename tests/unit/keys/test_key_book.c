#include "fixture.h"

#include "keys/key_book.h"

#include <string.h>

static const struct key_entry *entry_of(const struct key_book *book, const char *selector)
{
    const struct key_entry *entry =
        key_list_find(&book->list, SLICE("a.example"), slice_from_cstr(selector));

    assert_non_null(entry);
    return entry;
}

static bool note(struct key_book *book, const char *selector, bool seen, uint64_t now_s)
{
    const struct msg_key_seen message = {
        .domain = SLICE("a.example"), .selector = slice_from_cstr(selector), .seen = seen};

    return key_book_note(book, &message, now_s);
}

static void test_the_folder_is_read_when_it_changes(void **state)
{
    struct key_book book;

    (void)state;
    key_book_init(&book);
    assert_true(key_book_look(&book, fixture_folder)); /* that there are none is news too */
    assert_false(key_book_look(&book, fixture_folder));
    fixture_add("a.example", "s", 1, DKIM_KEY_ED25519);
    assert_true(key_book_look(&book, fixture_folder));
    assert_int_equal(key_book_numbers(&book).usable, 1);
    assert_false(key_book_look(&book, fixture_folder));
    key_book_done(&book);
}

static void test_what_the_dns_shows_is_kept(void **state)
{
    struct key_book book;

    (void)state;
    fixture_add("a.example", "s", 1, DKIM_KEY_ED25519);
    key_book_init(&book);
    key_book_look(&book, fixture_folder);
    assert_false(note(&book, "other", true, 50));
    assert_true(note(&book, "s", true, 50));
    assert_false(note(&book, "s", true, 60)); /* known */
    assert_int_equal(key_book_numbers(&book).seen, 1);
    assert_true(key_book_look(&book, fixture_folder));
    key_book_done(&book);

    key_book_init(&book);
    key_book_look(&book, fixture_folder);
    assert_int_equal(entry_of(&book, "s")->facts.seen_s, 50);
    assert_int_equal(entry_of(&book, "s")->facts.made_s, 1);
    assert_true(note(&book, "s", false, 70));
    assert_int_equal(key_book_numbers(&book).seen, 0);
    key_book_done(&book);
}

static void test_a_seen_key_retires_the_older_ones_of_its_kind(void **state)
{
    struct key_book book;

    (void)state;
    fixture_add("a.example", "old", 1, DKIM_KEY_ED25519);
    fixture_add("a.example", "rsa", 1, DKIM_KEY_RSA);
    fixture_add("a.example", "new", 2, DKIM_KEY_ED25519);
    fixture_add("b.example", "old", 1, DKIM_KEY_ED25519);
    key_book_init(&book);
    key_book_look(&book, fixture_folder);
    assert_true(note(&book, "old", true, 50));
    assert_int_equal(entry_of(&book, "new")->facts.retired_s, 0);
    assert_true(note(&book, "new", true, 60));
    assert_int_equal(entry_of(&book, "old")->facts.retired_s, 60);
    assert_int_equal(entry_of(&book, "rsa")->facts.retired_s, 0);
    assert_int_equal(key_list_find(&book.list, SLICE("b.example"), SLICE("old"))->facts.retired_s,
                     0);
    assert_true(key_book_save(&book, fixture_folder));
    key_book_done(&book);

    key_book_init(&book);
    key_book_look(&book, fixture_folder);
    assert_int_equal(entry_of(&book, "old")->facts.retired_s, 60);
    assert_int_equal(entry_of(&book, "old")->facts.seen_s, 50);
    key_book_done(&book);
}

static void test_a_held_lock_puts_writing_off_and_loses_nothing(void **state)
{
    const struct key_facts facts = {.made_s = 1, .retired_s = 9};
    struct key_book book;
    int lock;

    (void)state;
    fixture_add("a.example", "s", 1, DKIM_KEY_ED25519);
    key_book_init(&book);
    key_book_look(&book, fixture_folder);
    lock = key_store_lock(fixture_folder, 0);
    assert_true(note(&book, "s", true, 50));
    assert_false(key_book_save(&book, fixture_folder));
    /* Who has the lock writes something else. */
    assert_int_equal(key_store_write_facts(fixture_folder, SLICE("a.example"), SLICE("s"), &facts),
                     0);
    assert_true(key_book_look(&book, fixture_folder));
    assert_int_equal(entry_of(&book, "s")->facts.seen_s, 50);
    assert_int_equal(entry_of(&book, "s")->facts.retired_s, 9);
    close(lock);
    assert_true(key_book_save(&book, fixture_folder));
    key_book_done(&book);

    key_book_init(&book);
    key_book_look(&book, fixture_folder);
    assert_int_equal(entry_of(&book, "s")->facts.seen_s, 50);
    assert_int_equal(entry_of(&book, "s")->facts.retired_s, 9);
    key_book_done(&book);
}

static void test_relay_is_told_of_keys_that_can_be_used(void **state)
{
    struct key_book book;
    struct msg_key *keys;
    struct arena arena;
    char path[128];

    (void)state;
    fixture_add("a.example", "s", 1, DKIM_KEY_ED25519);
    fixture_add("a.example", "open", 1, DKIM_KEY_ED25519);
    snprintf(path, sizeof(path), "%s/a.example/open.pem", fixture_path);
    assert_int_equal(chmod(path, 0644), 0);
    key_book_init(&book);
    key_book_look(&book, fixture_folder);
    arena_init(&arena);
    assert_int_equal(key_book_list(&book, &arena, &keys), 1);
    assert_true(slice_eq(keys[0].selector, SLICE("s")));
    assert_int_equal(memcmp(keys[0].record.ptr, "v=DKIM1; k=ed25519; p=", 22), 0);
    assert_false(keys[0].seen || keys[0].retired);
    assert_int_equal(key_book_numbers(&book).refused, 1);
    arena_done(&arena);
    key_book_done(&book);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_the_folder_is_read_when_it_changes),
        WITH_FOLDER(test_what_the_dns_shows_is_kept),
        WITH_FOLDER(test_a_seen_key_retires_the_older_ones_of_its_kind),
        WITH_FOLDER(test_a_held_lock_puts_writing_off_and_loses_nothing),
        WITH_FOLDER(test_relay_is_told_of_keys_that_can_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
