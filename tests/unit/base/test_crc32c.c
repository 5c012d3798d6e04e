#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* RFC 3720 appendix B.4. */
static void test_vectors(void **state)
{
    unsigned char bytes[32];

    (void)state;
    assert_int_equal(crc32c(0, "", 0), 0);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43);
    for (unsigned char i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(crc32c(0, bytes, 32), 0x46dd794e);
    for (unsigned char i = 0; i < 32; i++)
        bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(crc32c(0, bytes, 32), 0x113fdb5c);
}

/* Bit by bit, as the polynomial has it: independent of tables and instructions. */
static uint32_t slowly(const unsigned char *ptr, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= ptr[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

/* Any length, any alignment, any cut into pieces. */
static void test_pieces_make_the_whole(void **state)
{
    unsigned char bytes[80];

    (void)state;
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 151 + 7);
    for (size_t start = 0; start < 8; start++) {
        for (size_t len = 0; start + len <= sizeof(bytes); len++) {
            uint32_t whole = slowly(bytes + start, len);
            assert_int_equal(crc32c(0, bytes + start, len), whole);
            for (size_t cut = 0; cut <= len; cut += 5)
                assert_int_equal(
                    crc32c(crc32c(0, bytes + start, cut), bytes + start + cut, len - cut), whole);
            for (size_t cut = 0; cut <= len; cut += 3)
                assert_int_equal(crc32c_join(crc32c(0, bytes + start, cut),
                                             crc32c(0, bytes + start + cut, len - cut), len - cut),
                                 whole);
        }
    }
}

/* A second text of more than 4 GiB, the bits of whose length all count: n zeros and then 1. */
static void test_joined_far_apart(void **state)
{
    uint32_t first = crc32c(0, "abc", 3), zeros = crc32c(0, "", 1), all = first;
    uint64_t len = 1;

    (void)state;
    for (int i = 0; i < 33; i++, len *= 2)
        zeros = crc32c_join(zeros, zeros, len);
    for (uint64_t part = len / 4, left = len; left; left -= part) {
        uint32_t piece = crc32c(0, "", 1);
        for (uint64_t n = 1; n < part; n *= 2)
            piece = crc32c_join(piece, piece, n);
        all = crc32c_join(all, piece, part);
    }
    assert_int_equal(crc32c_join(first, zeros, len), all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_pieces_make_the_whole),
        cmocka_unit_test(test_joined_far_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
