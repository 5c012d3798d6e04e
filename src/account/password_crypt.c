/*
 * The shapes of crypt(3)'s forms (crypt(5) of libxcrypt), and what each would cost. See
 * password_form.h.
 *
 * libxcrypt itself takes any cost that a form asks for, and a form without its hash as a mere
 * setting. So each is looked at before: prefix, the cost's field, and how long the hash is.
 */
#include "account/password_form.h"

#include <string.h>

/* A digit of crypt's own base 64, or -1. */
static int digit(char c)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const char *found = c ? strchr(digits, c) : NULL;

    return found ? (int)(found - digits) : -1;
}

static bool is_digits(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (digit(text.ptr[i]) < 0)
            return false;
    }
    return true;
}

/* A number in n digits, the least first. */
static bool read_fixed(struct slice text, size_t n, uint32_t *ret_number)
{
    *ret_number = 0;
    if (text.len < n || n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        int value = digit(text.ptr[i]);
        if (value < 0)
            return false;
        *ret_number |= (uint32_t)value << (6 * i);
    }
    return true;
}

/* yescrypt's numbers of varying length: the first digit says how many follow. Cuts it off. */
static bool cut_number(struct slice *text, uint32_t least, uint32_t *ret_number)
{
    uint32_t start = 0, end = 47, bits = 0, number = least, value;

    if (text->len == 0 || digit(text->ptr[0]) < 0)
        return false;
    value = (uint32_t)digit(text->ptr[0]);
    while (value > end) {
        number += (end + 1 - start) << bits;
        start = end + 1;
        end = start + (62 - end) / 2;
        bits += 6;
        if (bits > 24)
            return false;
    }
    number += (value - start) << bits;
    *text = slice_skip(*text, 1);
    for (; bits > 0; bits -= 6) {
        if (text->len == 0 || digit(text->ptr[0]) < 0)
            return false;
        number += (uint32_t)digit(text->ptr[0]) << (bits - 6);
        *text = slice_skip(*text, 1);
    }
    *ret_number = number;
    return true;
}

/* 128 r 2^n octets of memory, and the time that p and t make of it. */
static bool is_bearable(uint32_t n, uint32_t r, uint32_t p, uint32_t t)
{
    if (n == 0 || n > 21 || r == 0 || r > 65536 || p == 0 || p > PASSWORD_LANES_MAX ||
        t > PASSWORD_PASSES_MAX)
        return false;
    return (UINT64_C(128) * r << n) * p * (t + 1) <= PASSWORD_MEMORY_MAX;
}

/* "j9T", perhaps with more numbers: flavour, n, r, which others there are, and those. */
static bool check_yescrypt(struct slice costs)
{
    uint32_t flavour, n, r, have = 0, p = 1, t = 0;

    if (!cut_number(&costs, 0, &flavour) || !cut_number(&costs, 1, &n) ||
        !cut_number(&costs, 1, &r))
        return false;
    if (costs.len && !cut_number(&costs, 1, &have))
        return false;
    if ((have & 1 && !cut_number(&costs, 2, &p)) || (have & 2 && !cut_number(&costs, 1, &t)))
        return false;
    /* Upgrades and a ROM are not what password tables have. */
    return !(have & ~3u) && costs.len == 0 && is_bearable(n, r, p, t);
}

/* n in one digit, r and p in five each; the salt is in the same field. */
static bool check_scrypt(struct slice field)
{
    uint32_t n, r, p;

    return read_fixed(field, 1, &n) && read_fixed(slice_skip(field, 1), 5, &r) &&
           read_fixed(slice_skip(field, 6), 5, &p) && is_bearable(n, r, p, 0);
}

static bool check_rounds(struct slice number)
{
    uint64_t rounds;

    return slice_parse_u64(number, PASSWORD_ROUNDS_MAX, &rounds);
}

/* "rounds=5000" or, without it, the salt. */
static bool check_optional_rounds(struct slice field)
{
    if (!slice_starts_with_nocase(field, SLICE("rounds=")))
        return true;
    return check_rounds(slice_skip(field, 7));
}

/* "05" */
static bool check_bcrypt(struct slice field)
{
    uint64_t cost;

    return field.len == 2 && slice_parse_u64(field, PASSWORD_BCRYPT_MAX, &cost) && cost >= 4;
}

static bool check_nothing(struct slice field)
{
    (void)field;
    return true;
}

/* Forms of dollars. `check` gets the field behind the prefix. */
static const struct shape {
    struct slice prefix;
    bool (*check)(struct slice field);
    int least_fields, most_fields; /* behind the prefix */
    size_t hash;                   /* digits of the last one */
} shapes[] = {
    {SLICE_INIT("$y$"), check_yescrypt, 3, 3, 43},
    {SLICE_INIT("$gy$"), check_yescrypt, 3, 3, 43},
    {SLICE_INIT("$7$"), check_scrypt, 2, 2, 43},
    {SLICE_INIT("$2a$"), check_bcrypt, 2, 2, 53},
    {SLICE_INIT("$2b$"), check_bcrypt, 2, 2, 53},
    {SLICE_INIT("$2x$"), check_bcrypt, 2, 2, 53},
    {SLICE_INIT("$2y$"), check_bcrypt, 2, 2, 53},
    {SLICE_INIT("$6$"), check_optional_rounds, 2, 3, 86},
    {SLICE_INIT("$5$"), check_optional_rounds, 2, 3, 43},
    {SLICE_INIT("$sha1$"), check_rounds, 3, 3, 28},
    {SLICE_INIT("$md5,"), check_optional_rounds, 3, 4, 22},
    {SLICE_INIT("$md5$"), check_nothing, 2, 3, 22},
    {SLICE_INIT("$1$"), check_nothing, 2, 2, 22},
    {SLICE_INIT("$3$"), check_nothing, 2, 2, 32},
};

static bool fits(const struct shape *shape, struct slice text)
{
    struct slice rest = slice_skip(text, shape->prefix.len), field = slice_cut(&rest, '$');
    int fields = 1;

    if (!shape->check(field))
        return false;
    for (; rest.ptr; fields++)
        field = slice_cut(&rest, '$');
    return fields >= shape->least_fields && fields <= shape->most_fields &&
           field.len == shape->hash && is_digits(field);
}

/* Traditional DES: two digits of salt and eleven of hash. BSDi's: "_", four digits of rounds, four
 * of salt, eleven of hash. */
static bool is_des(struct slice text)
{
    uint32_t rounds;

    if (text.len == 13)
        return is_digits(text);
    return text.len == 20 && text.ptr[0] == '_' && is_digits(slice_skip(text, 1)) &&
           read_fixed(slice_skip(text, 1), 4, &rounds) && rounds > 0 &&
           rounds <= PASSWORD_ROUNDS_MAX;
}

bool password_crypt_is_sound(struct slice text)
{
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        /* As crypt(5): printable ASCII without these. */
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 127 || strchr(":;*!\\", text.ptr[i]))
            return false;
    }
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const struct shape *shape = &shapes[i];
        if (slice_eq(slice_sub(text, 0, shape->prefix.len), shape->prefix))
            return fits(shape, text);
    }
    return text.ptr[0] != '$' && is_des(text);
}
