/*
 * See dmarc_sending.h. A heap is on disk until each address of its record is settled: its mail is
 * in our queue, or it may not have it. What went is noted before the heap goes, so that a crash in
 * between sends nothing twice to those whose mail relay had told of; the report has the same id and
 * Message-ID if it happens all the same.
 *
 * What cannot be noted does not happen: a heap whose next time cannot be written is not sent, and
 * one whose mail went without a note of it goes at once, rather than the same mail once more each
 * hour.
 *
 * A report that would pass a bound (mails a day, mails to a host) waits as if the DNS were away: it
 * is spread over the next days, or given up.
 */
#include "history/dmarc_sending.h"

#include "base/clock.h"
#include "base/log.h"
#include "history/dmarc_compose.h"
#include "io/memory_file.h"
#include "mail/address.h"
#include "trust/dmarc.h"
#include "trust/mailto.h"

#include <errno.h>
#include <unistd.h>

enum { GZIP_MAX = 16 << 20, PLAN_S = 60, PAUSE_MS = 60 * 1000 };

struct flight {
    uint64_t request; /* 0: free */
    int64_t heap, day;
    uint64_t deadline_ms;
    char *domain;
    char *to[DMARC_SEND_TO_MAX];
    uint32_t n_to;
};

struct dmarc_sending {
    struct role_context *role;
    struct flight flights[DMARC_SENDING_AT_ONCE];
    uint64_t last_request;
    int64_t plan_s; /* next time */
    uint64_t pause_ms;
};

struct dmarc_sending *dmarc_sending_new(struct role_context *role)
{
    struct dmarc_sending *sending = xcalloc(1, sizeof(*sending));

    sending->role = role;
    return sending;
}

static void land(struct flight *flight)
{
    for (uint32_t i = 0; i < flight->n_to; i++)
        free(flight->to[i]);
    free(flight->domain);
    *flight = (struct flight){0};
}

void dmarc_sending_free(struct dmarc_sending *sending)
{
    if (!sending)
        return;
    for (unsigned i = 0; i < DMARC_SENDING_AT_ONCE; i++)
        land(&sending->flights[i]);
    free(sending);
}

static int64_t now_seconds(void)
{
    return (int64_t)(clock_wall_ms() / 1000);
}

/* ---- when, and to whom ---------------------------------------------------------------------- */

int64_t dmarc_sending_first_try(int64_t day, struct slice domain, struct slice hostname)
{
    uint64_t spread = slice_hash(domain) ^ slice_hash(hostname);

    return (day + 1) * DMARC_ROWS_DAY_S + DMARC_SENDING_FIRST_S +
           (int64_t)(spread % DMARC_SENDING_SPREAD_S);
}

/* "mailto:a@b!10m": the limit, 0: none. RFC 9989 lets us pass over it; who says it means it. */
static uint64_t size_limit(struct slice uri)
{
    ptrdiff_t at = slice_find_last(uri, '!');
    struct slice text = slice_skip(uri, at < 0 ? uri.len : (size_t)at + 1);
    unsigned shift = 0;
    uint64_t number;

    if (text.len == 0)
        return 0;
    switch (ascii_lower(text.ptr[text.len - 1])) {
    case 't':
        shift += 10;
        __attribute__((fallthrough));
    case 'g':
        shift += 10;
        __attribute__((fallthrough));
    case 'm':
        shift += 10;
        __attribute__((fallthrough));
    case 'k':
        shift += 10;
        text.len--;
        break;
    default:
        break;
    }
    return slice_parse_u64(text, UINT32_MAX, &number) ? number << shift : 0;
}

static bool is_known(struct slice address, const struct slice *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (address_eq(list[i], address))
            return true;
    }
    return false;
}

uint32_t dmarc_sending_addresses(struct slice text, uint64_t size, struct arena *arena,
                                 struct slice *ret_addresses)
{
    struct dmarc_record record;
    uint32_t n = 0;

    if (!dmarc_record_read(text, arena, &record))
        return 0;
    for (unsigned i = 0; i < record.n_rua && n < DMARC_SEND_TO_MAX; i++) {
        uint64_t limit = size_limit(record.rua[i]);
        struct slice address;
        if ((limit && size > limit) || !mailto_read(record.rua[i], arena, &address) ||
            is_known(address, ret_addresses, n))
            continue;
        ret_addresses[n++] = address;
    }
    return n;
}

/* ---- one report ----------------------------------------------------------------------------- */

static int postpone(struct dmarc_rows *rows, int64_t heap)
{
    return dmarc_rows_postpone(rows, heap, now_seconds() + DMARC_SENDING_RETRY_S);
}

static void retry(struct dmarc_rows *rows, int64_t heap, int64_t day, struct slice domain)
{
    int64_t now_s = now_seconds();

    if (now_s >= (day + 1) * DMARC_ROWS_DAY_S + DMARC_SENDING_GIVE_UP_S) {
        log_warn(NULL, "dmarc-report-given-up", LOG_SLICE("domain", domain));
        (void)dmarc_rows_remove(rows, heap);
    } else {
        (void)postpone(rows, heap);
    }
}

static bool has_room(struct dmarc_rows *rows, struct slice address)
{
    int64_t since_s = now_seconds() - DMARC_ROWS_DAY_S, all, of_host;

    return dmarc_rows_sent_since(rows, SLICE_NULL, since_s, &all) == 0 &&
           dmarc_rows_sent_since(rows, address_domain(address), since_s, &of_host) == 0 &&
           all < DMARC_SENDING_DAY_MAX && of_host < DMARC_SENDING_HOST_MAX;
}

/* Those that still want it and may have it now; *ret_waiting: others wait for room. */
static uint32_t open_addresses(struct dmarc_rows *rows, const struct dmarc_heap *heap,
                               uint64_t size, struct arena *arena, struct slice *ret_to,
                               bool *ret_waiting)
{
    struct slice all[DMARC_SEND_TO_MAX];
    uint32_t n_all = dmarc_sending_addresses(heap->record, size, arena, all), n = 0;

    *ret_waiting = false;
    for (uint32_t i = 0; i < n_all; i++) {
        bool settled = false;
        if (dmarc_rows_is_settled(rows, heap->id, all[i], &settled) < 0)
            *ret_waiting = true;
        else if (!settled && !has_room(rows, all[i]))
            *ret_waiting = true;
        else if (!settled)
            ret_to[n++] = all[i];
    }
    return n;
}

static int send_report(struct dmarc_sending *sending, const struct msg_dmarc_send *message,
                       struct slice gzip)
{
    struct buf out;
    int fd = memory_file_new("dmarc-report", gzip);
    int r;

    if (fd < 0)
        return fd;
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_dmarc_send_encode(&out, message);
    r = role_send(sending->role, ROLE_RELAY, MSG_DMARC_SEND, buf_slice(&out), &fd, 1);
    buf_done(&out);
    close(fd);
    return r;
}

static void take_off(struct dmarc_sending *sending, struct flight *flight,
                     const struct dmarc_heap *heap, struct msg_dmarc_send *message)
{
    *flight = (struct flight){.request = ++sending->last_request,
                              .heap = heap->id,
                              .day = heap->day,
                              .deadline_ms = clock_mono_ms() + DMARC_SENDING_ANSWER_MS,
                              .domain = xslicedup(heap->domain),
                              .n_to = message->n_to};
    for (uint32_t i = 0; i < message->n_to; i++)
        flight->to[i] = xslicedup(message->to[i]);
    message->request = flight->request;
}

/* What it comes to: 1: under way, 0: nobody (any more) wants or may have it, -EAGAIN: later. */
static int hand_over(struct dmarc_sending *sending, struct dmarc_rows *rows, struct flight *flight,
                     const struct dmarc_heap *heap, const struct dmarc_report *report,
                     struct slice gzip, struct arena *arena)
{
    struct slice to[DMARC_SEND_TO_MAX];
    struct msg_dmarc_send message = {.policy_domain = heap->domain,
                                     .report_id = report->metadata.report_id,
                                     .begin = (uint64_t)report->metadata.begin,
                                     .end = (uint64_t)report->metadata.end,
                                     .to = to};
    bool waiting;
    int r;

    message.n_to = open_addresses(rows, heap, gzip.len, arena, to, &waiting);
    if (message.n_to == 0)
        return waiting ? -EAGAIN : 0;
    take_off(sending, flight, heap, &message);
    r = send_report(sending, &message, gzip);
    if (r < 0)
        land(flight);
    return r < 0 ? r : 1;
}

/* Rows that no program of this version wrote make a report without any, which is none. */
static int make_report(struct dmarc_sending *sending, struct dmarc_rows *rows,
                       struct flight *flight, const struct dmarc_heap *heap, struct arena *arena)
{
    struct dmarc_report report;
    struct buf gzip;
    int r = dmarc_compose(rows, heap, sending->role->config, arena, &report);

    if (r < 0 || report.n_rows == 0)
        return r;
    buf_init(&gzip, GZIP_MAX);
    r = dmarc_compose_pack(&report, &gzip);
    if (r == 0)
        r = hand_over(sending, rows, flight, heap, &report, buf_slice(&gzip), arena);
    buf_done(&gzip);
    return r;
}

/* While a report is under way its heap is not due again: after the time for relay's word. Returned
 * is whether it is worth while to go on with others. */
static bool try_report(struct dmarc_sending *sending, struct dmarc_rows *rows,
                       struct flight *flight, const struct dmarc_heap *heap, struct arena *arena)
{
    int r = postpone(rows, heap->id);

    if (r < 0) {
        log_warn(NULL, "dmarc-rows-not-planned", LOG_ERRNO(r));
        sending->pause_ms = clock_mono_ms() + PAUSE_MS;
        return false;
    }
    r = make_report(sending, rows, flight, heap, arena);
    if (r < 0 && r != -ENOTCONN && r != -EAGAIN)
        log_warn(NULL, "dmarc-report-not-made", LOG_SLICE("domain", heap->domain), LOG_ERRNO(r));
    if (r < 0)
        retry(rows, heap->id, heap->day, heap->domain);
    else if (r == 0)
        (void)dmarc_rows_remove(rows, heap->id);
    return true;
}

/* ---- the round ------------------------------------------------------------------------------ */

static int64_t when(void *arg, const struct dmarc_heap *heap)
{
    const struct dmarc_sending *sending = arg;

    return dmarc_sending_first_try(heap->day, heap->domain, sending->role->config->hostname);
}

static void plan(struct dmarc_sending *sending, struct dmarc_rows *rows, int64_t now_s)
{
    int r;

    if (now_s < sending->plan_s && now_s > sending->plan_s - 2 * PLAN_S)
        return;
    sending->plan_s = now_s + PLAN_S;
    r = dmarc_rows_plan(rows, now_s / DMARC_ROWS_DAY_S, when, sending);
    if (r < 0)
        log_warn(NULL, "dmarc-rows-not-planned", LOG_ERRNO(r));
}

static struct flight *free_flight(struct dmarc_sending *sending, struct dmarc_rows *rows)
{
    for (unsigned i = 0; i < DMARC_SENDING_AT_ONCE; i++) {
        struct flight *flight = &sending->flights[i];
        if (flight->request && clock_mono_ms() >= flight->deadline_ms) {
            retry(rows, flight->heap, flight->day, slice_from_cstr(flight->domain));
            land(flight);
        }
        if (!flight->request)
            return flight;
    }
    return NULL;
}

/* True: there may be more. */
static bool try_next(struct dmarc_sending *sending, struct dmarc_rows *rows, int64_t now_s)
{
    struct flight *flight = free_flight(sending, rows);
    struct dmarc_heap heap;
    struct arena arena;
    bool more = false;

    if (!flight)
        return false;
    arena_init(&arena);
    if (dmarc_rows_due(rows, now_s / DMARC_ROWS_DAY_S, now_s, &arena, &heap) == 1)
        more = try_report(sending, rows, flight, &heap, &arena);
    arena_done(&arena);
    return more;
}

void dmarc_sending_tick(struct dmarc_sending *sending, struct dmarc_rows *rows)
{
    int64_t now_s = now_seconds();

    if (!rows || sending->role->peers[ROLE_RELAY] < 0 || clock_mono_ms() < sending->pause_ms)
        return;
    plan(sending, rows, now_s);
    for (unsigned i = 0; i < DMARC_SENDING_AT_ONCE && try_next(sending, rows, now_s); i++)
        ;
}

/* ---- what became of it ---------------------------------------------------------------------- */

static struct flight *find_flight(struct dmarc_sending *sending, uint64_t request)
{
    for (unsigned i = 0; i < DMARC_SENDING_AT_ONCE && request; i++) {
        if (sending->flights[i].request == request)
            return &sending->flights[i];
    }
    return NULL;
}

static void settle(struct dmarc_rows *rows, const struct flight *flight,
                   const struct msg_dmarc_sent *sent)
{
    struct slice domain = slice_from_cstr(flight->domain);
    bool later = false;
    int r = 0;

    for (uint32_t i = 0; i < flight->n_to; i++) {
        enum dmarc_sent result =
            i < sent->n_results ? (enum dmarc_sent)sent->results[i] : DMARC_SENT_LATER;
        if (result == DMARC_SENT_LATER)
            later = true;
        else if (r == 0)
            r = dmarc_rows_settle(rows, flight->heap, slice_from_cstr(flight->to[i]),
                                  result == DMARC_SENT_TAKEN, now_seconds());
    }
    if (r < 0) {
        log_warn(NULL, "dmarc-report-not-noted", LOG_SLICE("domain", domain), LOG_ERRNO(r));
        (void)dmarc_rows_remove(rows, flight->heap);
    } else if (later)
        retry(rows, flight->heap, flight->day, domain);
    else
        /* What else there is in the record waits for room: the next try finds out. */
        (void)dmarc_rows_postpone(rows, flight->heap, 1);
}

void dmarc_sending_answered(struct dmarc_sending *sending, struct dmarc_rows *rows,
                            struct slice payload)
{
    struct msg_dmarc_sent sent;
    struct flight *flight = NULL;

    if (msg_dmarc_sent_decode(payload, NULL, &sent) == 0)
        flight = find_flight(sending, sent.request);
    if (!flight)
        return;
    if (rows)
        settle(rows, flight, &sent);
    land(flight);
    dmarc_sending_tick(sending, rows);
}

void dmarc_sending_lost(struct dmarc_sending *sending, struct dmarc_rows *rows)
{
    for (unsigned i = 0; i < DMARC_SENDING_AT_ONCE; i++) {
        struct flight *flight = &sending->flights[i];
        if (flight->request && rows)
            retry(rows, flight->heap, flight->day, slice_from_cstr(flight->domain));
        land(flight);
    }
}
