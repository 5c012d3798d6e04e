#include "daemon/self_signed.h"

#include "place.h"

#define DAY UINT64_C(86400000)
#define NOW (UINT64_C(20000) * DAY)

static void test_one_is_made_and_will_do(void **state)
{
    char why[KEY_PAIR_WHY_SIZE];
    struct key_pair pair;
    struct arena arena;
    struct slice pem;
    struct stat st;

    (void)state;
    arena_init(&arena);
    assert_int_equal(
        self_signed_make(place_path("own.pem"), SLICE("mx.example.org"), NOW, &arena, &pem), 0);
    assert_int_equal(stat(place_path("own.pem"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, pem.len);
    assert_int_equal(access(place_path("own.pem.new"), F_OK), -1);
    assert_int_equal(key_pair_read(pem, pem, &arena, &pair, why), 0);
    assert_true(slice_eq(pair.kind, SLICE("ECDSA P-256")));
    assert_int_equal(pair.n_hosts, 1);
    assert_true(slice_eq(pair.hosts[0], SLICE("mx.example.org")));
    assert_true(self_signed_will_do(&pair, SLICE("mx.example.org"), NOW));
    assert_false(self_signed_will_do(&pair, SLICE("mx2.example.org"), NOW));
    assert_true(self_signed_will_do(&pair, SLICE("mx.example.org"), NOW + 3600 * DAY));
    assert_false(self_signed_will_do(&pair, SLICE("mx.example.org"), NOW + 3625 * DAY));
    /* The clock was years ahead when it was made. */
    assert_false(self_signed_will_do(&pair, SLICE("mx.example.org"), NOW - 1000 * DAY));
    arena_done(&arena);
}

static void test_long_names_and_wide_modes(void **state)
{
    static const char host[] = "a-rather-long-name-of-a-machine.in-a-rather-long-domain."
                               "example.organization";
    char why[KEY_PAIR_WHY_SIZE];
    struct key_pair pair;
    struct arena arena;
    struct slice pem;
    struct stat st;

    (void)state;
    arena_init(&arena);
    place_write_slice("own.pem.new", SLICE("left over by a crash"), 0666);
    assert_int_equal(
        self_signed_make(place_path("own.pem"), slice_from_cstr(host), NOW, &arena, &pem), 0);
    assert_int_equal(stat(place_path("own.pem"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(key_pair_read(pem, pem, &arena, &pair, why), 0);
    assert_true(slice_eq(pair.hosts[0], slice_from_cstr(host)));
    assert_true(self_signed_make("/there/is/no/folder", SLICE("a"), NOW, &arena, &pem) < 0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_is_made_and_will_do, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_long_names_and_wide_modes, place_make, place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
