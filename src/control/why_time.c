/* Reading points of time. See why_time.h. */
#include "control/why_time.h"

#include <string.h>
#include <time.h>

enum { TEXT_MAX = 31 };

static bool parse_ago(struct slice text, uint64_t now_ms, uint64_t *ret_ms)
{
    static const struct {
        char unit;
        uint64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}, {'w', 604800000}};
    uint64_t n;

    if (text.len < 2 || !slice_parse_u64(slice_sub(text, 0, text.len - 1), 100000, &n))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].unit == text.ptr[text.len - 1]) {
            *ret_ms = now_ms > n * units[i].ms ? now_ms - n * units[i].ms : 0;
            return true;
        }
    }
    return false;
}

static struct tm today(uint64_t now_ms)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm day;

    localtime_r(&seconds, &day);
    day.tm_hour = day.tm_min = day.tm_sec = 0;
    day.tm_isdst = -1;
    return day;
}

static bool finish(struct tm *moment, bool utc, uint64_t *ret_ms)
{
    time_t seconds;

    moment->tm_isdst = -1;
    seconds = utc ? timegm(moment) : mktime(moment);
    if (seconds < 0)
        return false;
    *ret_ms = (uint64_t)seconds * 1000;
    return true;
}

bool why_time_parse(struct slice text, uint64_t now_ms, uint64_t *ret_ms)
{
    static const char *const forms[] = {
        "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M",
        "%Y-%m-%d",          "%H:%M:%S",          "%H:%M"};
    char copy[TEXT_MAX + 1];
    struct tm day = today(now_ms);
    bool utc;

    if (parse_ago(text, now_ms, ret_ms))
        return true;
    if (slice_eq(text, SLICE("today")))
        return finish(&day, false, ret_ms);
    if (slice_eq(text, SLICE("yesterday"))) {
        day.tm_mday--;
        return finish(&day, false, ret_ms);
    }
    if (!text.len || text.len > TEXT_MAX)
        return false;
    utc = text.ptr[text.len - 1] == 'Z';
    memcpy(copy, text.ptr, text.len);
    copy[utc ? text.len - 1 : text.len] = '\0';
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm moment = day;
        const char *end = strptime(copy, forms[i], &moment);
        if (end && !*end)
            return finish(&moment, utc, ret_ms);
    }
    return false;
}
