/*
 * Reading `maildirsize`. See quota_file.h.
 *
 * The mailbox's owner and his programs write this file as well, so nothing in it is believed that
 * does not add up: a sum that overflows or is negative makes the whole file worthless, and it is
 * made anew from the mailbox.
 *
 * It does not open or write anything; that is quota.c's.
 */
#include "local/quota_file.h"

#include <inttypes.h>
#include <stdio.h>

void quota_file_format_limits(const struct quota *quota, char *to, size_t size)
{
    int len = 0;

    to[0] = '\0';
    if (quota->limit_bytes)
        len = snprintf(to, size, "%" PRIu64 "S", quota->limit_bytes);
    if (quota->limit_messages)
        snprintf(to + len, size - (size_t)len, "%s%" PRIu64 "C", len ? "," : "",
                 quota->limit_messages);
}

static bool parse_signed(struct slice text, int64_t *ret_value)
{
    bool negative = text.len && text.ptr[0] == '-';
    uint64_t value;

    if (!slice_parse_u64(slice_skip(text, negative ? 1 : 0), INT64_MAX, &value))
        return false;
    *ret_value = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static bool parse_line(struct slice line, int64_t *bytes, int64_t *messages)
{
    struct slice rest = slice_trim(line);
    struct slice first = slice_cut(&rest, ' ');
    int64_t b, m;

    if (!rest.ptr || !parse_signed(first, &b) || !parse_signed(slice_trim(rest), &m))
        return false;
    return !__builtin_add_overflow(*bytes, b, bytes) &&
           !__builtin_add_overflow(*messages, m, messages);
}

bool quota_file_parse(struct slice text, struct quota *quota, unsigned *ret_lines)
{
    char limits[64];
    int64_t bytes = 0, messages = 0;
    unsigned lines = 0;

    quota_file_format_limits(quota, limits, sizeof(limits));
    if (!slice_eq(slice_trim(slice_cut(&text, '\n')), slice_from_cstr(limits)))
        return false;
    while (text.len) {
        if (!parse_line(slice_cut(&text, '\n'), &bytes, &messages))
            return false;
        lines++;
    }
    if (lines == 0 || bytes < 0 || messages < 0)
        return false;
    quota->bytes = bytes;
    quota->messages = messages;
    *ret_lines = lines;
    return true;
}
