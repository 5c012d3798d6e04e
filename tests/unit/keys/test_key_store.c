#include "fixture.h"

#include <sys/resource.h>

#include <errno.h>
#include <string.h>

static void test_keys_are_listed_by_domain_and_age(void **state)
{
    static const char *const order[] = {"old", "new", "x"};
    struct key_list list;
    struct buf record;

    (void)state;
    fixture_add("b.example", "x", 5, DKIM_KEY_ED25519);
    fixture_add("a.example", "new", 9, DKIM_KEY_ED25519);
    fixture_add("a.example", "old", 7, DKIM_KEY_RSA);
    assert_int_equal(key_store_read(fixture_folder, &list), 0);
    assert_int_equal(list.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(slice_eq(list.entries[i].selector, slice_from_cstr(order[i])));
        assert_non_null(list.entries[i].key);
        assert_int_equal(list.entries[i].problem.len, 0);
        buf_init(&record, KEY_PEM_MAX);
        assert_true(dkim_key_write(&record, list.entries[i].key));
        assert_true(slice_eq(buf_slice(&record), list.entries[i].record));
        buf_done(&record);
    }
    assert_non_null(key_list_find(&list, SLICE("A.EXAMPLE"), SLICE("old")));
    assert_null(key_list_find(&list, SLICE("a.example"), SLICE("x")));
    key_list_done(&list);
}

static void test_a_key_is_made_once_and_removed_for_good(void **state)
{
    const struct key_facts facts = {.made_s = 1};
    EVP_PKEY *key = key_make(DKIM_KEY_ED25519, 0);
    struct key_list list;

    (void)state;
    fixture_add("a.example", "s", 7, DKIM_KEY_ED25519);
    assert_int_equal(key_store_add(fixture_folder, SLICE("a.example"), SLICE("s"), key, &facts),
                     -EEXIST);
    EVP_PKEY_free(key);
    assert_int_equal(key_store_remove(fixture_folder, SLICE("a.example"), SLICE("s")), 0);
    assert_int_equal(key_store_remove(fixture_folder, SLICE("a.example"), SLICE("s")), -ENOENT);
    assert_int_equal(key_store_write_facts(fixture_folder, SLICE("a.example"), SLICE("s"), &facts),
                     -ENOENT);
    assert_int_equal(key_store_read(fixture_folder, &list), 0);
    assert_int_equal(list.count, 0);
    key_list_done(&list);
}

static void assert_problem(const char *selector, const char *word)
{
    const struct key_entry *entry;
    struct key_list list;

    assert_int_equal(key_store_read(fixture_folder, &list), 0);
    entry = key_list_find(&list, SLICE("a.example"), slice_from_cstr(selector));
    assert_non_null(entry);
    assert_null(entry->key);
    assert_non_null(memmem(entry->problem.ptr, entry->problem.len, word, strlen(word)));
    /* One bad key hides no other. */
    assert_non_null(key_list_find(&list, SLICE("a.example"), SLICE("good"))->key);
    key_list_done(&list);
}

static void put_file(const char *name, const char *text, mode_t mode)
{
    char path[256];
    int fd;

    snprintf(path, sizeof(path), "%s/a.example/%s", fixture_path, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void test_what_cannot_be_used_says_why(void **state)
{
    char path[256];

    (void)state;
    fixture_add("a.example", "good", 1, DKIM_KEY_ED25519);
    put_file("rubbish.pem", "rubbish", 0600);
    assert_problem("rubbish", "no private key");
    fixture_add("a.example", "facts", 1, DKIM_KEY_ED25519);
    put_file("facts.json", "{", 0600);
    assert_problem("facts", "facts.json");
    fixture_add("a.example", "open", 1, DKIM_KEY_ED25519);
    snprintf(path, sizeof(path), "%s/a.example/open.pem", fixture_path);
    assert_int_equal(chmod(path, 0640), 0);
    assert_problem("open", "chmod 600");
    snprintf(path, sizeof(path), "%s/a.example/link.pem", fixture_path);
    assert_int_equal(symlink("good.pem", path), 0);
    assert_problem("link", "link.pem");
    snprintf(path, sizeof(path), "%s/a.example/folder.pem", fixture_path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_problem("folder", "no plain file");
}

static void test_a_folder_that_others_can_change_is_not_trusted(void **state)
{
    struct key_list list;
    char path[256];

    (void)state;
    fixture_add("a.example", "s", 1, DKIM_KEY_ED25519);
    snprintf(path, sizeof(path), "%s/a.example", fixture_path);
    assert_int_equal(chmod(path, 0770), 0);
    assert_int_equal(key_store_read(fixture_folder, &list), 0);
    assert_int_equal(list.count, 1);
    assert_null(list.entries[0].key);
    key_list_done(&list);
}

static void test_a_folder_that_is_shut_is_told(void **state)
{
    uint64_t before, now;
    struct key_list list;
    char path[256];
    bool root = geteuid() == 0;

    (void)state;
    assert_int_equal(key_store_fingerprint(fixture_folder, &before), 0);
    snprintf(path, sizeof(path), "%s/a.example", fixture_path);
    assert_int_equal(mkdir(path, root ? 0700 : 0), 0);
    if (root) {
        assert_int_equal(chown(fixture_path, 65534, 65534), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    assert_int_equal(key_store_fingerprint(fixture_folder, &now), 0);
    assert_true(now != before);
    assert_int_equal(key_store_read(fixture_folder, &list), 0);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(list.count, 1);
    assert_true(slice_eq(list.entries[0].domain, SLICE("a.example")));
    assert_non_null(
        memmem(list.entries[0].problem.ptr, list.entries[0].problem.len, "chown -R", 8));
    key_list_done(&list);
    assert_int_equal(chmod(path, 0700), 0);
}

static void test_a_key_without_facts_was_made_when_its_file_was(void **state)
{
    struct key_list list;
    struct stat st;
    char path[256];

    (void)state;
    fixture_add("a.example", "s", 1, DKIM_KEY_ED25519);
    snprintf(path, sizeof(path), "%s/a.example/s.json", fixture_path);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/a.example/s.pem", fixture_path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(key_store_read(fixture_folder, &list), 0);
    assert_int_equal(list.entries[0].facts.made_s, st.st_mtim.tv_sec);
    assert_non_null(list.entries[0].key);
    key_list_done(&list);
}

static void test_a_fingerprint_tells_any_change(void **state)
{
    const struct key_facts facts = {.made_s = 1, .seen_s = 2};
    uint64_t now, before;
    char path[256];

    (void)state;
    assert_int_equal(key_store_fingerprint(fixture_folder, &before), 0);
    fixture_add("a.example", "s", 1, DKIM_KEY_ED25519);
    assert_int_equal(key_store_fingerprint(fixture_folder, &now), 0);
    assert_true(now != before);
    before = now;
    assert_int_equal(key_store_fingerprint(fixture_folder, &now), 0);
    assert_true(now == before);
    assert_int_equal(key_store_write_facts(fixture_folder, SLICE("a.example"), SLICE("s"), &facts),
                     0);
    assert_int_equal(key_store_fingerprint(fixture_folder, &now), 0);
    assert_true(now != before);
    before = now;
    snprintf(path, sizeof(path), "%s/a.example/s.pem", fixture_path);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(key_store_fingerprint(fixture_folder, &now), 0);
    assert_true(now != before);
}

static void test_one_writes_at_a_time(void **state)
{
    int lock = key_store_lock(fixture_folder, 0);

    (void)state;
    assert_true(lock >= 0);
    assert_int_equal(key_store_lock(fixture_folder, 0), -EBUSY);
    close(lock);
    lock = key_store_lock(fixture_folder, 0);
    assert_true(lock >= 0);
    close(lock);
}

/* An administrator may have put both there; a signature by the other one would fit nothing. */
static void test_selectors_that_differ_in_case_are_not_mixed_up(void **state)
{
    struct key_list list;

    (void)state;
    fixture_add("a.example", "mail", 1, DKIM_KEY_RSA);
    fixture_add("a.example", "Mail", 2, DKIM_KEY_ED25519);
    assert_int_equal(key_store_read(fixture_folder, &list), 0);
    assert_int_equal(list.count, 2);
    assert_ptr_equal(key_list_find(&list, SLICE("A.example"), SLICE("mail")), &list.entries[0]);
    assert_ptr_equal(key_list_find(&list, SLICE("a.example"), SLICE("Mail")), &list.entries[1]);
    assert_ptr_equal(key_list_find(&list, SLICE("a.example"), SLICE("MAIL")), &list.entries[0]);
    key_list_done(&list);
}

/* No descriptor is left for the domain's folder: that is not to look as if there were no keys. */
static void test_trouble_of_our_own_hides_no_keys(void **state)
{
    struct rlimit before, few;
    struct key_list list;
    uint64_t fingerprint;
    int r, next;

    (void)state;
    fixture_add("a.example", "s", 1, DKIM_KEY_ED25519);
    next = dup(fixture_folder);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){.rlim_cur = (rlim_t)next + 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    r = key_store_read(fixture_folder, &list);
    key_list_done(&list);
    assert_int_equal(key_store_fingerprint(fixture_folder, &fingerprint), -EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(r, -EMFILE);
}

static void test_selectors(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"202611r", true}, {"mail.2026", true}, {"a-b", true},      {"", false},
        {".a", false},     {"a.", false},       {"a..b", false},    {"-a", false},
        {"a-", false},     {"a/b", false},      {"../../x", false}, {"a b", false},
        {"a_b", false},    {"\xc3\xbc", false}, {"a.-b.c", false},
    };
    char label[130];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(key_selector_is_valid(slice_from_cstr(cases[i].text)), cases[i].good);
    memset(label, 'a', sizeof(label));
    assert_true(key_selector_is_valid(slice_from(label, 63)));
    assert_false(key_selector_is_valid(slice_from(label, 64)));
    label[63] = '.';
    label[127] = '.';
    assert_true(key_selector_is_valid(slice_from(label, 127)));
    assert_false(key_selector_is_valid(slice_from(label, 130)));
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_make, fixture_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_keys_are_listed_by_domain_and_age),
        WITH_FOLDER(test_a_key_is_made_once_and_removed_for_good),
        WITH_FOLDER(test_what_cannot_be_used_says_why),
        WITH_FOLDER(test_a_folder_that_others_can_change_is_not_trusted),
        WITH_FOLDER(test_a_folder_that_is_shut_is_told),
        WITH_FOLDER(test_a_key_without_facts_was_made_when_its_file_was),
        WITH_FOLDER(test_a_fingerprint_tells_any_change),
        WITH_FOLDER(test_one_writes_at_a_time),
        WITH_FOLDER(test_selectors_that_differ_in_case_are_not_mixed_up),
        WITH_FOLDER(test_trouble_of_our_own_hides_no_keys),
        cmocka_unit_test(test_selectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
