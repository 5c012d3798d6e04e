/*
 * RFC 8460 sections 3 and 5. A report has the same id however often it is tried, so that who gets
 * it twice can see that. The signature that section 3 asks of mail is the queue's side to give.
 */
#include "relay/tlsrpt_send.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "trust/tlsrpt_mail.h"
#include "trust/gzip.h"
#include "trust/tlsrpt_record.h"

enum { DNS_MS = 20000, JSON_MAX = 32 << 20, MAIL_TEXT_MAX = 128 * 1024, NAME_MAX_LEN = 270 };

/* ---- where it is wanted --------------------------------------------------------------------- */

static enum tlsrpt_sent ask_record(const struct tlsrpt_sender *sender, struct slice domain,
                                   struct arena *arena, struct tlsrpt_record *ret_record)
{
    struct slice texts[DNS_RECORDS_MAX];
    struct dns_answer answer;
    char name[NAME_MAX_LEN];
    unsigned n = 0;

    snprintf(name, sizeof(name), "_smtp._tls.%.*s", SLICE_ARG(domain));
    dns_lookup(sender->dns, slice_from_cstr(name), DNS_TXT, clock_mono_ms() + DNS_MS, arena,
               &answer);
    if (answer.result == DNS_FAILED || answer.result == DNS_TIMEOUT)
        return TLSRPT_LATER;
    for (unsigned i = 0; i < answer.n_records && answer.result == DNS_FOUND; i++)
        n += dns_read_txt(answer.records[i], arena, &texts[n]);
    return tlsrpt_record_find(texts, n, arena, ret_record) ? TLSRPT_SENT : TLSRPT_NOT_WANTED;
}

/* ---- making it ------------------------------------------------------------------------------ */

struct parcel {
    struct slice domain;
    struct slice id;
    int64_t start, end;
    struct buf gzip;
};

static void make_parcel(const struct tlsrpt_sender *sender, int64_t day,
                        struct tlsrpt_row *const *rows, unsigned n, struct arena *arena,
                        struct parcel *ret_parcel)
{
    struct slice hostname = sender->identity.hostname;
    struct tlsrpt_report report = {.organization = hostname,
                                   .contact = sender->identity.contact,
                                   .start = day * TLSRPT_DAY_S,
                                   .end = day * TLSRPT_DAY_S + TLSRPT_DAY_S - 1,
                                   .n_policies = n};
    struct buf json;

    report.id = arena_printf(arena, "%.10s.%.*s@%.*s", tlsrpt_time_format(report.start).text,
                             SLICE_ARG(rows[0]->domain), SLICE_ARG(hostname));
    report.policies = arena_alloc(arena, n * sizeof(*report.policies));
    for (unsigned i = 0; i < n; i++)
        tlsrpt_row_policy(rows[i], arena, &report.policies[i]);
    buf_init(&json, JSON_MAX);
    tlsrpt_report_write(&json, &report);
    *ret_parcel = (struct parcel){
        .domain = rows[0]->domain, .id = report.id, .start = report.start, .end = report.end};
    buf_init(&ret_parcel->gzip, JSON_MAX);
    if (!json.overflow)
        gzip_pack(&ret_parcel->gzip, buf_slice(&json));
    buf_done(&json);
}

/* ---- taking it there ------------------------------------------------------------------------ */

static bool send_mail(const struct tlsrpt_sender *sender, const struct parcel *parcel,
                      struct slice to)
{
    const struct tlsrpt_mail mail = {.from = sender->identity.from,
                                     .to = to,
                                     .domain = parcel->domain,
                                     .submitter = sender->identity.hostname,
                                     .report_id = parcel->id,
                                     .start = parcel->start,
                                     .end = parcel->end,
                                     .date = (int64_t)(clock_wall_ms() / 1000),
                                     .message_id = slice_hash(parcel->id),
                                     .gzip = buf_slice(&parcel->gzip)};
    struct buf text;
    bool taken;

    buf_init(&text, MAIL_TEXT_MAX);
    tlsrpt_mail_write(&text, &mail);
    taken = !text.overflow && sender->mail(sender->arg, to, buf_slice(&text));
    buf_done(&text);
    return taken;
}

static bool deliver(const struct tlsrpt_sender *sender, const struct parcel *parcel,
                    const struct tlsrpt_rua *rua)
{
    bool taken = rua->https ? sender->post(sender->arg, rua->where, buf_slice(&parcel->gzip))
                            : send_mail(sender, parcel, rua->where);

    log_info(NULL, taken ? "tls-report-sent" : "tls-report-failed",
             LOG_SLICE("domain", parcel->domain), LOG_SLICE("to", rua->where),
             LOG_SLICE("report", parcel->id), LOG_INT("bytes", parcel->gzip.len));
    return taken;
}

enum tlsrpt_sent tlsrpt_send(const struct tlsrpt_sender *sender, int64_t day,
                             struct tlsrpt_row *const *rows, unsigned n)
{
    struct tlsrpt_record record;
    struct parcel parcel;
    struct arena arena;
    enum tlsrpt_sent sent;
    unsigned taken = 0;

    arena_init(&arena);
    sent = ask_record(sender, rows[0]->domain, &arena, &record);
    if (sent == TLSRPT_SENT) {
        make_parcel(sender, day, rows, n, &arena, &parcel);
        for (unsigned i = 0; i < record.n_rua; i++)
            taken += deliver(sender, &parcel, &record.rua[i]);
        buf_done(&parcel.gzip);
        sent = taken ? TLSRPT_SENT : TLSRPT_LATER;
    }
    arena_done(&arena);
    return sent;
}
