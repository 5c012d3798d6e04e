/*
 * A file for each day, named after it: "2026-11-22". See tlsrpt_days.h.
 */
#include "relay/tlsrpt_days.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/keep_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <utlist.h>

enum { FILE_MAX = 256 << 20, DAY_LEN = 10 };

static void name_file(char *out, size_t size, int64_t day)
{
    snprintf(out, size, "%.10s", tlsrpt_time_format(day * TLSRPT_DAY_S).text);
}

static void save(struct tlsrpt_days *days, struct tlsrpt_day *day)
{
    char name[DAY_LEN + 1];
    struct buf content;
    int r = 0;

    if (!day->changed || days->folder < 0)
        return;
    name_file(name, sizeof(name), day->number);
    buf_init(&content, FILE_MAX);
    tlsrpt_day_write(&content, day);
    if (content.overflow)
        r = -EFBIG;
    else if (!day->rows)
        (void)unlinkat(days->folder, name, 0);
    else
        r = keep_file_write(days->folder, name, buf_slice(&content));
    buf_done(&content);
    day->changed = r < 0;
    if (r < 0)
        log_warn(NULL, "tls-counts-not-kept", LOG_STR("day", name), LOG_ERRNO(r));
    if (day->dropped)
        log_warn(NULL, "tls-counts-dropped", LOG_STR("day", name),
                 LOG_INT("sessions", day->dropped));
    day->dropped = 0;
}

static struct tlsrpt_day *find_day(struct tlsrpt_days *days, int64_t number)
{
    struct tlsrpt_day *day;

    if (days->today && days->today->number == number)
        return days->today;
    LL_SEARCH_SCALAR(days->over, day, number, number);
    if (day)
        return day;
    day = tlsrpt_day_new(number);
    LL_PREPEND(days->over, day);
    return day;
}

/* Midnight has passed (or the clock was set): today becomes one that is over. */
static void turn_day(struct tlsrpt_days *days)
{
    int64_t now = (int64_t)(clock_wall_ms() / 1000 / TLSRPT_DAY_S);
    struct tlsrpt_day *day;

    if (days->today && days->today->number == now)
        return;
    if (days->today)
        LL_PREPEND(days->over, days->today);
    LL_SEARCH_SCALAR(days->over, day, number, now);
    if (day)
        LL_DELETE(days->over, day);
    days->today = day ? day : tlsrpt_day_new(now);
}

void tlsrpt_days_add(struct tlsrpt_days *days, struct tlsrpt_day *fresh)
{
    struct tlsrpt_day *day, *next;

    turn_day(days);
    LL_FOREACH_SAFE(fresh, day, next)
    {
        tlsrpt_day_merge(find_day(days, day->number), day);
        tlsrpt_day_free(day);
    }
}

void tlsrpt_days_save(struct tlsrpt_days *days)
{
    struct tlsrpt_day *day, *next;

    save(days, days->today);
    LL_FOREACH_SAFE(days->over, day, next)
    {
        save(days, day);
        if (day->rows || day->changed)
            continue;
        LL_DELETE(days->over, day);
        tlsrpt_day_free(day);
    }
}

static void load(struct tlsrpt_days *days, const char *name)
{
    struct slice text = slice_from_cstr(name);
    char time[DAY_LEN + sizeof("T00:00:00Z")];
    struct buf content;
    unsigned bad = 1;
    int64_t seconds;
    int r;

    snprintf(time, sizeof(time), "%.10sT00:00:00Z", name);
    if (text.len != DAY_LEN || !tlsrpt_time_parse(slice_from_cstr(time), &seconds)) {
        (void)unlinkat(days->folder, name, 0);
        return;
    }
    buf_init(&content, FILE_MAX);
    r = keep_file_read(days->folder, name, &content);
    if (r == 0)
        bad = tlsrpt_day_read(find_day(days, seconds / TLSRPT_DAY_S), buf_slice(&content));
    buf_done(&content);
    if (bad)
        log_warn(NULL, "tls-counts-damaged", LOG_STR("day", name), LOG_INT("lines", bad));
}

void tlsrpt_days_load(struct tlsrpt_days *days)
{
    int fd = days->folder < 0 ? -1 : openat(days->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    turn_day(days);
    if (!dir)
        return;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            load(days, entry->d_name);
    }
    closedir(dir);
}

static void forget(struct tlsrpt_day *day)
{
    struct tlsrpt_row *row, *next;

    day->changed |= day->rows != NULL;
    HASH_ITER(hh, day->rows, row, next)
    {
        tlsrpt_day_remove(day, row);
    }
}

void tlsrpt_days_forget(struct tlsrpt_days *days)
{
    struct tlsrpt_day *day;

    forget(days->today);
    LL_FOREACH(days->over, day)
    {
        forget(day);
    }
}

void tlsrpt_days_done(struct tlsrpt_days *days)
{
    struct tlsrpt_day *day, *next;

    LL_FOREACH_SAFE(days->over, day, next)
    {
        tlsrpt_day_free(day);
    }
    tlsrpt_day_free(days->today);
}
