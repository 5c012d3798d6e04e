/*
 * Times of TLS reports, RFC 3339. See tlsrpt_report.h.
 */
#include "trust/tlsrpt_report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DATE_LEN = 19 }; /* 2026-11-22T23:59:59 */

/* What cannot be written again in four digits of a year, or lies before 1970, is no time. */
#define LAST_SECOND INT64_C(253402300799)

struct tlsrpt_time tlsrpt_time_format(int64_t seconds)
{
    struct tlsrpt_time out;
    time_t time = (time_t)seconds;
    struct tm tm;

    if (!gmtime_r(&time, &tm) ||
        strftime(out.text, sizeof(out.text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out.text, sizeof(out.text), "1970-01-01T00:00:00Z");
    return out;
}

/* Digits where `form` has a 0, the same byte elsewhere. */
static bool has_form(struct slice text, const char *form)
{
    if (text.len < strlen(form))
        return false;
    for (size_t i = 0; form[i]; i++) {
        char c = text.ptr[i];
        if (form[i] == '0' ? !ascii_is_digit(c) : ascii_lower(c) != form[i])
            return false;
    }
    return true;
}

static int number(const char *digits, unsigned n)
{
    int value = 0;

    for (unsigned i = 0; i < n; i++)
        value = value * 10 + (digits[i] - '0');
    return value;
}

/* "Z", "+01:00", or nothing, which is taken for UTC. */
static bool parse_zone(struct slice zone, int64_t *ret_seconds)
{
    int64_t offset;

    *ret_seconds = 0;
    if (zone.len == 0 || slice_eq_nocase(zone, SLICE("Z")))
        return true;
    if (zone.len != 6 || !(has_form(zone, "+00:00") || has_form(zone, "-00:00")))
        return false;
    offset = number(zone.ptr + 1, 2) * 3600 + number(zone.ptr + 4, 2) * 60;
    *ret_seconds = zone.ptr[0] == '-' ? -offset : offset;
    return true;
}

bool tlsrpt_time_parse(struct slice text, int64_t *ret_seconds)
{
    struct slice rest;
    struct tm tm = {.tm_isdst = 0};
    int64_t zone, seconds;

    if (!has_form(text, "0000-00-00t00:00:00") && !has_form(text, "0000-00-00 00:00:00"))
        return false;
    rest = slice_skip(text, DATE_LEN);
    if (rest.len && rest.ptr[0] == '.') {
        size_t n = 1;
        while (n < rest.len && ascii_is_digit(rest.ptr[n]))
            n++;
        rest = slice_skip(rest, n);
    }
    if (!parse_zone(rest, &zone))
        return false;
    tm.tm_year = number(text.ptr, 4) - 1900;
    tm.tm_mon = number(text.ptr + 5, 2) - 1;
    tm.tm_mday = number(text.ptr + 8, 2);
    tm.tm_hour = number(text.ptr + 11, 2);
    tm.tm_min = number(text.ptr + 14, 2);
    tm.tm_sec = number(text.ptr + 17, 2);
    if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    seconds = (int64_t)timegm(&tm) - zone;
    if (seconds < 0 || seconds > LAST_SECOND)
        return false;
    *ret_seconds = seconds;
    return true;
}
