#include "base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void put_all(struct buf *buf)
{
    wire_put_u8(buf, 0x12);
    wire_put_u16(buf, 0x3456);
    wire_put_u32(buf, 0x789abcde);
    wire_put_u64(buf, 0xfedcba9876543210);
    wire_put_slice(buf, SLICE("a\0b"));
    wire_put_slice(buf, SLICE_NULL);
}

/* The bytes are what the spool's format says, on any machine. */
static void test_little_endian(void **state)
{
    static const unsigned char want[] = {0x12, 0x56, 0x34, 0xde, 0xbc, 0x9a, 0x78, 0x10, 0x32,
                                         0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe, 3,    0,    0,
                                         0,    'a',  0,    'b',  0,    0,    0,    0};
    struct buf buf;

    (void)state;
    buf_init(&buf, 100);
    put_all(&buf);
    assert_int_equal(buf.len, sizeof(want));
    assert_memory_equal(buf.ptr, want, sizeof(want));
    buf_done(&buf);
}

static bool get_all(struct slice input)
{
    struct wire wire = wire_from(input);
    bool good = true;

    good &= wire_get_u8(&wire) == 0x12;
    good &= wire_get_u16(&wire) == 0x3456;
    good &= wire_get_u32(&wire) == 0x789abcde;
    good &= wire_get_u64(&wire) == 0xfedcba9876543210;
    good &= slice_eq(wire_get_slice(&wire), SLICE("a\0b"));
    good &= wire_get_slice(&wire).len == 0;
    return good && wire_ended_well(&wire);
}

static void test_round_trip_and_every_cut(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 100);
    put_all(&buf);
    assert_true(get_all(buf_slice(&buf)));
    for (size_t len = 0; len < buf.len; len++) {
        char *copy = xslicedup(slice_from(buf.ptr, len));
        assert_false(get_all(slice_from(copy, len)));
        free(copy);
    }
    buf_add_char(&buf, 'x'); /* one byte too many */
    assert_false(get_all(buf_slice(&buf)));
    buf_done(&buf);
}

static void test_failure_sticks(void **state)
{
    struct wire wire = wire_from(SLICE("\xff\xff\xff\xff"
                                       "abc"));

    (void)state;
    assert_int_equal(wire_get_slice(&wire).len, 0); /* longer than the input by far */
    assert_true(wire.failed);
    assert_int_equal(wire_get_u8(&wire), 0); /* though bytes are left */
    assert_int_equal(wire_get_bytes(&wire, 0).len, 0);
    assert_false(wire_ended_well(&wire));

    wire = wire_from(SLICE("abc"));
    assert_true(slice_eq(wire_get_bytes(&wire, 2), SLICE("ab")));
    assert_int_equal(wire_get_u16(&wire), 0);
    assert_true(wire.failed);
    wire = wire_from(SLICE_NULL);
    assert_true(wire_ended_well(&wire));
    assert_int_equal(wire_get_bytes(&wire, 0).len, 0);
    assert_true(wire_ended_well(&wire));
}

static void test_a_bool_and_a_count_are_held_to_their_range(void **state)
{
    struct wire good = wire_from(SLICE("\1\2\0\0\0ab"));
    struct wire two = wire_from(SLICE("\2"));
    struct wire many = wire_from(SLICE("\3\0\0\0abc"));
    struct wire more_than_there = wire_from(SLICE("\3\0\0\0ab"));

    (void)state;
    assert_true(wire_get_bool(&good));
    assert_int_equal(wire_get_count(&good, 2), 2);
    assert_false(good.failed);
    (void)wire_get_bool(&two);
    assert_true(two.failed);
    assert_int_equal(wire_get_count(&many, 2), 0);
    assert_true(many.failed);
    assert_int_equal(wire_get_count(&more_than_there, 5), 0);
    assert_true(more_than_there.failed);
}

static void test_writer_inherits_the_bound(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 5);
    wire_put_u32(&buf, 1);
    wire_put_u16(&buf, 2);
    assert_true(buf.overflow);
    assert_int_equal(buf.len, 4);
    wire_put_u8(&buf, 3);
    assert_int_equal(buf.len, 4);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_little_endian),
        cmocka_unit_test(test_round_trip_and_every_cut),
        cmocka_unit_test(test_failure_sticks),
        cmocka_unit_test(test_a_bool_and_a_count_are_held_to_their_range),
        cmocka_unit_test(test_writer_inherits_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
