#include "daemon/watched.h"

#include "place.h"

static void test_changes_are_seen_once(void **state)
{
    struct watched files = {0};

    (void)state;
    place_write("a", "one");
    place_write("b", "one");
    watched_add(&files, slice_from_cstr(place_path("a")));
    watched_add(&files, slice_from_cstr(place_path("a")));
    watched_add(&files, slice_from_cstr(place_path("missing")));
    assert_int_equal(files.count, 2);
    assert_false(watched_look(&files));
    place_write("b", "two"); /* none of ours */
    assert_false(watched_look(&files));
    place_write("a", "longer");
    assert_true(watched_look(&files));
    assert_false(watched_look(&files));
    place_write("missing", "came");
    assert_true(watched_look(&files));
    assert_int_equal(unlink(place_path("a")), 0);
    assert_true(watched_look(&files));
    assert_false(watched_look(&files));
    watched_done(&files);
    assert_false(watched_look(&files));
}

/* certbot: live/x.pem is a link, and comes to mean another file of the same size. */
static void test_links_are_followed(void **state)
{
    struct watched files = {0};

    (void)state;
    place_write("x1.pem", "one");
    place_write("x2.pem", "two");
    assert_int_equal(symlink("x1.pem", place_path("x.pem")), 0);
    watched_add(&files, slice_from_cstr(place_path("x.pem")));
    assert_false(watched_look(&files));
    assert_int_equal(symlink("x2.pem", place_path("new")), 0);
    assert_int_equal(rename(place_path("new"), place_path("x.pem")), 0);
    assert_true(watched_look(&files));
    place_write("x2.pem", "tw2"); /* in place, of the same size */
    assert_true(watched_look(&files));
    watched_done(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_changes_are_seen_once, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_links_are_followed, place_make, place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
