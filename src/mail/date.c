/*
 * Dates of messages, by arithmetic of our own: the C library's calendar calls look at locale and
 * time zone, which a message has nothing to do with.
 *
 * The calendar is the proleptic Gregorian one. Reading is lenient where RFC 5322 section 4.3 is
 * (comments, folding, two-digit years, zones by name) and strict about ranges: there is no 30
 * February and no hour 24; second 60 is a leap second and counts as the next second.
 */
#include "mail/date.h"

#include <stdio.h>

enum { DAY = 86400, COMMENT_DEPTH_MAX = 32, YEAR_MAX = 9999 };

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char weekdays[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int64_t year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month] + (month == 1 && is_leap(year));
}

/* Days from 1 January of year 0 to that of `year`. */
static int64_t days_before_year(int64_t year)
{
    return year * 365 + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
}

static int64_t days_since_1970(int64_t year, int month, int day)
{
    int64_t days = days_before_year(year) - days_before_year(1970) + day - 1;

    for (int i = 0; i < month; i++)
        days += month_days(year, i);
    return days;
}

struct date_text date_format(int64_t seconds, int zone_minutes)
{
    const int64_t first = days_since_1970(0, 0, 1) * DAY;
    const int64_t last = days_since_1970(YEAR_MAX + 1, 0, 1) * DAY - 1;
    int zone = zone_minutes < -5999 ? -5999 : zone_minutes > 5999 ? 5999 : zone_minutes;
    unsigned zone_abs = (unsigned)(zone < 0 ? -zone : zone);
    struct date_text result;
    int64_t day;
    int64_t year = 0;
    int month = 0;

    seconds = seconds < first ? first : seconds > last ? last : seconds;
    seconds += (int64_t)zone * 60;
    seconds = seconds < first ? first : seconds > last ? last : seconds;
    seconds -= first; /* from here on since year 0, never negative */
    day = seconds / DAY;
    year = day * 400 / 146097;
    if (days_before_year(year) > day)
        year--;
    else if (days_before_year(year + 1) <= day)
        year++;
    day -= days_before_year(year);
    while (day >= month_days(year, month))
        day -= month_days(year, month++);
    /* 1 January of year 0 was a Saturday. */
    snprintf(result.text, sizeof(result.text), "%s, %d %s %04d %02d:%02d:%02d %c%02u%02u",
             weekdays[(seconds / DAY + 6) % 7], (int)day + 1, months[month], (int)year,
             (int)(seconds % DAY / 3600), (int)(seconds % 3600 / 60), (int)(seconds % 60),
             zone < 0 ? '-' : '+', zone_abs / 60, zone_abs % 60);
    return result;
}

/* Blanks, folding and comments. False for a comment that does not end or nests too deep. */
static bool skip_cfws(struct slice *rest)
{
    unsigned depth = 0;

    while (rest->len) {
        char c = rest->ptr[0];
        if (c == '(')
            depth++;
        else if (depth && c == ')')
            depth--;
        else if (!depth && c != ' ' && c != '\t' && c != '\r' && c != '\n')
            break;
        if (depth > COMMENT_DEPTH_MAX)
            return false;
        *rest = slice_skip(*rest, depth && c == '\\' ? 2 : 1);
    }
    return depth == 0;
}

/* The letters (or the digits) that come next, after blanks; empty when there are none. */
static struct slice take_run(struct slice *rest, bool digits)
{
    struct slice run;
    size_t len = 0;

    if (!skip_cfws(rest))
        return SLICE_NULL;
    while (len < rest->len && ascii_is_alnum(rest->ptr[len]) &&
           ascii_is_digit(rest->ptr[len]) == digits)
        len++;
    run = slice_sub(*rest, 0, len);
    *rest = slice_skip(*rest, len);
    return run;
}

static bool take_char(struct slice *rest, char c)
{
    if (!skip_cfws(rest) || rest->len == 0 || rest->ptr[0] != c)
        return false;
    *rest = slice_skip(*rest, 1);
    return true;
}

static bool take_number(struct slice *rest, size_t digits_max, int max, int *ret_value)
{
    struct slice digits = take_run(rest, true);
    uint64_t value;

    if (digits.len > digits_max || !slice_parse_u64(digits, (uint64_t)max, &value))
        return false;
    *ret_value = (int)value;
    return true;
}

static int find_name(const char names[][4], int n, struct slice name)
{
    for (int i = 0; i < n; i++) {
        if (slice_eq_nocase(name, slice_from(names[i], 3)))
            return i;
    }
    return -1;
}

/* Obsolete years: two digits are 1950 to 2049, three count from 1900. */
static bool take_year(struct slice *rest, int *ret_year)
{
    struct slice digits = take_run(rest, true);
    uint64_t year;

    if (digits.len < 2 || digits.len > 4 || !slice_parse_u64(digits, YEAR_MAX, &year))
        return false;
    if (digits.len == 2 && year < 50)
        year += 2000;
    else if (digits.len < 4)
        year += 1900;
    *ret_year = (int)year;
    return true;
}

/* "22 Nov 2026", with the day of the week before it or without. */
static bool take_day(struct slice *rest, int64_t *ret_days)
{
    int day;
    int year;
    int month;

    if (take_run(rest, false).len && !take_char(rest, ','))
        return false;
    if (!take_number(rest, 2, 31, &day))
        return false;
    month = find_name(months, 12, take_run(rest, false));
    if (month < 0 || !take_year(rest, &year) || day < 1 || day > month_days(year, month))
        return false;
    *ret_days = days_since_1970(year, month, day);
    return true;
}

static bool take_time(struct slice *rest, int *ret_seconds)
{
    int hour;
    int minute;
    int second = 0;

    if (!take_number(rest, 2, 23, &hour) || !take_char(rest, ':') ||
        !take_number(rest, 2, 59, &minute))
        return false;
    if (take_char(rest, ':') && !take_number(rest, 2, 60, &second))
        return false;
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

/* Minutes east of UTC. No zone at all, and names that nobody knows, are UTC. */
static bool take_zone(struct slice *rest, int *ret_minutes)
{
    static const char names[][4] = {"EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT"};
    static const int hours[] = {-5, -4, -6, -5, -7, -6, -8, -7};
    bool east = take_char(rest, '+');
    int known;

    if (east || take_char(rest, '-')) {
        struct slice digits = take_run(rest, true);
        uint64_t value;
        if (digits.len != 4 || !slice_parse_u64(digits, 9959, &value) || value % 100 > 59)
            return false;
        *ret_minutes = (int)(value / 100 * 60 + value % 100) * (east ? 1 : -1);
        return true;
    }
    known = find_name(names, 8, take_run(rest, false));
    *ret_minutes = known < 0 ? 0 : hours[known] * 60;
    return true;
}

bool date_parse(struct slice text, int64_t *ret_seconds)
{
    int64_t days;
    int seconds;
    int zone;

    if (!take_day(&text, &days) || !take_time(&text, &seconds) || !take_zone(&text, &zone) ||
        !skip_cfws(&text) || text.len)
        return false;
    *ret_seconds = days * DAY + seconds - (int64_t)zone * 60;
    return true;
}
