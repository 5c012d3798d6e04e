/*
 * CRC-32C by the processor's instruction where x86-64 has it, by table elsewhere.
 *
 * A CRC is the remainder of a polynomial over GF(2), here with its bits reversed: bit 31 is x^0. So
 * to join two, the first is multiplied by x for each bit of the second text.
 */
#include "base/crc32c.h"

#include <pthread.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u
#define X_TO_0     0x80000000u
#define X_TO_8     0x00800000u

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
        table[i] = crc;
    }
}

static uint32_t by_table(uint32_t crc, const unsigned char *ptr, size_t len)
{
    pthread_once(&table_once, fill_table);
    for (; len; len--)
        crc = (crc >> 8) ^ table[(crc ^ *ptr++) & 0xff];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const unsigned char *ptr, size_t len)
{
    uint64_t wide = crc;

    for (; len >= 8; ptr += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, ptr, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; len; len--)
        crc = __builtin_ia32_crc32qi(crc, *ptr++);
    return crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *ptr, size_t len)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~by_instruction(~crc, ptr, len);
#endif
    return ~by_table(~crc, ptr, len);
}

static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (uint32_t bit = X_TO_0; bit; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = (b >> 1) ^ (b & 1 ? POLYNOMIAL : 0);
    }
    return product;
}

uint32_t crc32c_join(uint32_t first, uint32_t second, uint64_t second_len)
{
    uint32_t shift = X_TO_0;

    for (uint32_t square = X_TO_8; second_len;
         second_len >>= 1, square = multiply(square, square)) {
        if (second_len & 1)
            shift = multiply(shift, square);
    }
    return multiply(shift, first) ^ second;
}
