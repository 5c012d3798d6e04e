/*
 * Two levels of hash tables in one arena; see tlsrpt_day.h. Keys are the members' bytes with a NUL
 * between them, which none of them can hold.
 */
#include "relay/tlsrpt_day.h"

#include "base/buf.h"

enum { KEY_MAX = 128 * 1024, LINES_MAX = 1000, HOSTS_MAX = 64 };

struct tlsrpt_day *tlsrpt_day_new(int64_t number)
{
    struct tlsrpt_day *day = xcalloc(1, sizeof(*day));

    day->number = number;
    arena_init(&day->arena);
    return day;
}

void tlsrpt_day_remove(struct tlsrpt_day *day, struct tlsrpt_row *row)
{
    day->n_details -= HASH_COUNT(row->details);
    HASH_CLEAR(hh, row->details);
    HASH_DELETE(hh, day->rows, row);
}

void tlsrpt_day_free(struct tlsrpt_day *day)
{
    struct tlsrpt_row *row, *next;

    if (!day)
        return;
    HASH_ITER(hh, day->rows, row, next)
    {
        tlsrpt_day_remove(day, row);
    }
    arena_done(&day->arena);
    free(day);
}

/* ---- finding and making --------------------------------------------------------------------- */

static void add_part(struct buf *key, struct slice part)
{
    buf_add_slice(key, part);
    buf_add_char(key, '\0');
}

static void add_lines(struct buf *key, struct slice policy)
{
    bool first = true;

    while (policy.ptr) {
        struct slice line = slice_trim(slice_cut(&policy, '\n'));
        if (line.len == 0)
            continue;
        if (!first)
            buf_add_char(key, '\n');
        buf_add_slice(key, line);
        first = false;
    }
}

/* Domains are one whatever their case. */
static void add_lower(struct buf *key, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_add_char(key, ascii_lower(text.ptr[i]));
    buf_add_char(key, '\0');
}

static struct tlsrpt_row *make_row(struct tlsrpt_day *day, enum tlsrpt_policy_type type,
                                   struct slice key)
{
    struct tlsrpt_row *row;
    struct slice rest;

    if (HASH_COUNT(day->rows) >= TLSRPT_POLICIES_MAX ||
        day->arena.used + key.len + sizeof(*row) > TLSRPT_BYTES_MAX)
        return NULL;
    row = arena_alloc(&day->arena, sizeof(*row));
    key = arena_dup(&day->arena, key);
    rest = slice_skip(key, 1);
    row->type = type;
    row->domain = slice_cut(&rest, '\0');
    row->policy = rest;
    HASH_ADD_KEYPTR(hh, day->rows, key.ptr, key.len, row);
    return row;
}

/* NULL: there is no room for it. */
static struct tlsrpt_row *get_row(struct tlsrpt_day *day, enum tlsrpt_policy_type type,
                                  struct slice domain, struct slice policy)
{
    struct tlsrpt_row *row = NULL;
    struct buf key;

    buf_init(&key, KEY_MAX);
    buf_add_char(&key, (char)('0' + type));
    add_lower(&key, domain);
    add_lines(&key, policy);
    if (!key.overflow)
        HASH_FIND(hh, day->rows, key.ptr, key.len, row);
    if (!row && !key.overflow)
        row = make_row(day, type, buf_slice(&key));
    buf_done(&key);
    return row;
}

static struct tlsrpt_detail *make_detail(struct tlsrpt_day *day, struct tlsrpt_row *row,
                                         const struct tlsrpt_failure *failure, struct slice key)
{
    struct arena *arena = &day->arena;
    struct tlsrpt_detail *detail;

    if (day->n_details >= TLSRPT_DETAILS_MAX ||
        HASH_COUNT(row->details) >= TLSRPT_DETAILS_OF_ONE_MAX ||
        arena->used + 2 * key.len + sizeof(*detail) > TLSRPT_BYTES_MAX)
        return NULL;
    detail = arena_alloc(arena, sizeof(*detail));
    detail->failure =
        (struct tlsrpt_failure){.result = arena_dup(arena, failure->result),
                                .sending_ip = arena_dup(arena, failure->sending_ip),
                                .mx = arena_dup(arena, failure->mx),
                                .helo = arena_dup(arena, failure->helo),
                                .receiving_ip = arena_dup(arena, failure->receiving_ip),
                                .reason = arena_dup(arena, failure->reason)};
    key = arena_dup(arena, key);
    HASH_ADD_KEYPTR(hh, row->details, key.ptr, key.len, detail);
    day->n_details++;
    return detail;
}

static void count_failure(struct tlsrpt_day *day, struct tlsrpt_row *row,
                          const struct tlsrpt_failure *failure, uint64_t count)
{
    struct tlsrpt_detail *detail = NULL;
    struct buf key;

    buf_init(&key, KEY_MAX);
    add_part(&key, failure->result);
    add_part(&key, failure->sending_ip);
    add_part(&key, failure->mx);
    add_part(&key, failure->helo);
    add_part(&key, failure->receiving_ip);
    add_part(&key, failure->reason);
    if (!key.overflow)
        HASH_FIND(hh, row->details, key.ptr, key.len, detail);
    if (!detail && !key.overflow)
        detail = make_detail(day, row, failure, buf_slice(&key));
    buf_done(&key);
    if (detail)
        detail->failure.count += count;
}

/* ---- counting ------------------------------------------------------------------------------- */

void tlsrpt_day_note(struct tlsrpt_day *day, const struct tlsrpt_session *session)
{
    struct tlsrpt_row *row = get_row(day, session->type, session->domain, session->policy);
    const struct tlsrpt_failure failure = {.result = slice_from_cstr(session->result),
                                           .sending_ip = session->sending_ip,
                                           .mx = session->mx,
                                           .helo = session->helo,
                                           .receiving_ip = session->receiving_ip,
                                           .reason = session->why};

    day->changed = true;
    if (!row) {
        day->dropped++;
    } else if (!session->result) {
        row->successful++;
    } else {
        row->failed++;
        count_failure(day, row, &failure, 1);
    }
}

void tlsrpt_day_merge(struct tlsrpt_day *day, const struct tlsrpt_day *from)
{
    struct tlsrpt_row *row, *next;

    day->changed |= from->changed;
    day->dropped += from->dropped;
    HASH_ITER(hh, from->rows, row, next)
    {
        struct tlsrpt_row *mine = get_row(day, row->type, row->domain, row->policy);
        struct tlsrpt_detail *detail, *next_detail;
        if (!mine) {
            day->dropped += row->successful + row->failed;
            continue;
        }
        mine->successful += row->successful;
        mine->failed += row->failed;
        HASH_ITER(hh, row->details, detail, next_detail)
        {
            count_failure(day, mine, &detail->failure, detail->failure.count);
        }
    }
}

static int by_domain(const struct tlsrpt_row *a, const struct tlsrpt_row *b)
{
    return slice_cmp(a->domain, b->domain);
}

void tlsrpt_day_sort(struct tlsrpt_day *day)
{
    HASH_SORT(day->rows, by_domain);
}

/* ---- as a report, and on disk --------------------------------------------------------------- */

static void take_lines(const struct tlsrpt_row *row, struct arena *arena,
                       struct tlsrpt_policy *policy)
{
    struct slice rest = row->policy;

    policy->strings = arena_alloc(arena, LINES_MAX * sizeof(*policy->strings));
    policy->mx_hosts = arena_alloc(arena, HOSTS_MAX * sizeof(*policy->mx_hosts));
    while (rest.ptr && rest.len && policy->n_strings < LINES_MAX) {
        struct slice line = slice_cut(&rest, '\n');
        policy->strings[policy->n_strings++] = line;
        if (row->type == TLSRPT_STS && slice_starts_with_nocase(line, SLICE("mx:")) &&
            policy->n_mx_hosts < HOSTS_MAX)
            policy->mx_hosts[policy->n_mx_hosts++] = slice_trim(slice_skip(line, 3));
    }
}

void tlsrpt_row_policy(const struct tlsrpt_row *row, struct arena *arena,
                       struct tlsrpt_policy *ret_policy)
{
    struct tlsrpt_detail *detail, *next;

    *ret_policy = (struct tlsrpt_policy){.type = row->type,
                                         .domain = row->domain,
                                         .successful = row->successful,
                                         .failed = row->failed};
    take_lines(row, arena, ret_policy);
    ret_policy->failures =
        arena_alloc(arena, (HASH_COUNT(row->details) + 1) * sizeof(*ret_policy->failures));
    HASH_ITER(hh, row->details, detail, next)
    {
        ret_policy->failures[ret_policy->n_failures++] = detail->failure;
    }
}

void tlsrpt_day_write(struct buf *out, const struct tlsrpt_day *day)
{
    struct tlsrpt_row *row, *next;
    struct arena arena;

    arena_init(&arena);
    HASH_ITER(hh, day->rows, row, next)
    {
        struct tlsrpt_policy policy;
        tlsrpt_row_policy(row, &arena, &policy);
        tlsrpt_policy_write(out, &policy);
        buf_add_char(out, '\n');
        arena_reset(&arena);
    }
    arena_done(&arena);
}

static void take_policy(struct tlsrpt_day *day, const struct tlsrpt_policy *policy)
{
    struct tlsrpt_row *row;
    struct buf lines;

    buf_init(&lines, KEY_MAX);
    for (uint32_t i = 0; i < policy->n_strings; i++) {
        buf_add_slice(&lines, policy->strings[i]);
        buf_add_char(&lines, '\n');
    }
    row = get_row(day, policy->type, policy->domain, buf_slice(&lines));
    buf_done(&lines);
    if (!row)
        return;
    row->successful += policy->successful;
    row->failed += policy->failed;
    for (uint32_t i = 0; i < policy->n_failures; i++)
        count_failure(day, row, &policy->failures[i], policy->failures[i].count);
}

unsigned tlsrpt_day_read(struct tlsrpt_day *day, struct slice text)
{
    struct arena arena;
    unsigned bad = 0;

    arena_init(&arena);
    while (text.ptr) {
        struct slice line = slice_cut(&text, '\n');
        struct tlsrpt_policy policy;
        if (line.len == 0)
            continue;
        if (tlsrpt_policy_read(line, &arena, &policy))
            take_policy(day, &policy);
        else
            bad++;
        arena_reset(&arena);
    }
    arena_done(&arena);
    return bad;
}
