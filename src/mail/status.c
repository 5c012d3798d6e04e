/*
 * Enhanced mail system status codes (RFC 3463): three numbers with dots, where the first must agree
 * with the reply that carries them (RFC 2034 section 4).
 *
 * The defaults for bare reply codes say what RFC 5321 section 4.2.3 says of them and no more: 550
 * has too many meanings to guess one.
 */
#include "mail/status.h"

#include <stdio.h>

enum { NUMBER_MAX = 999 };

struct status_text status_format(struct status status)
{
    struct status_text result;

    snprintf(result.text, sizeof(result.text), "%u.%u.%u",
             (unsigned)(status.class <= 9 ? status.class : 9),
             (unsigned)(status.subject <= NUMBER_MAX ? status.subject : NUMBER_MAX),
             (unsigned)(status.detail <= NUMBER_MAX ? status.detail : NUMBER_MAX));
    return result;
}

/* One to three digits, and no leading zero but for zero itself. */
static bool parse_number(struct slice digits, uint16_t *ret_value)
{
    uint64_t value;

    if (!slice_parse_u64(digits, NUMBER_MAX, &value) || (digits.len > 1 && digits.ptr[0] == '0'))
        return false;
    *ret_value = (uint16_t)value;
    return true;
}

bool status_parse(struct slice text, struct status *ret_status, size_t *ret_len)
{
    struct slice word = text;
    struct slice class;
    struct slice subject;
    struct status status;
    size_t len = 0;

    while (len < text.len && !ascii_is_blank(text.ptr[len]))
        len++;
    word.len = len;
    class = slice_cut(&word, '.');
    subject = slice_cut(&word, '.');
    if (class.len != 1 || slice_find(SLICE("245"), class.ptr[0]) < 0)
        return false;
    status.class = (uint8_t)(class.ptr[0] - '0');
    if (!parse_number(subject, &status.subject) || !parse_number(word, &status.detail))
        return false;
    *ret_status = status;
    if (ret_len)
        *ret_len = len < text.len ? len + 1 : len;
    return true;
}

struct status status_from_reply(unsigned code)
{
    static const struct {
        unsigned code;
        struct status status;
    } known[] = {
        {421, {4, 3, 2}}, {450, {4, 2, 0}}, {451, {4, 3, 0}},  {452, {4, 3, 1}}, {455, {4, 5, 4}},
        {500, {5, 5, 2}}, {501, {5, 5, 4}}, {502, {5, 5, 1}},  {503, {5, 5, 1}}, {504, {5, 5, 4}},
        {523, {5, 3, 4}}, {530, {5, 7, 0}}, {535, {5, 7, 8}},  {551, {5, 1, 6}}, {552, {5, 2, 2}},
        {553, {5, 1, 3}}, {555, {5, 5, 4}}, {556, {5, 1, 10}},
    };
    unsigned class = code / 100;

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].code == code)
            return known[i].status;
    }
    /* A reply that is no reply (3yz at the wrong time, garbage) is a protocol error of the peer. */
    return class == 2 || class == 4 || class == 5 ? STATUS((uint8_t) class, 0, 0) : STATUS(4, 5, 0);
}

struct status status_of_reply(unsigned code, struct slice text)
{
    struct status status;

    if (status_parse(text, &status, NULL) && status.class == code / 100)
        return status;
    return status_from_reply(code);
}
