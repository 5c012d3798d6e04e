/*
 * A delivery status notification: multipart/report (RFC 6522) of a text for people, one for
 * programs (RFC 3464, RFC 6533), and the original or its header section. See dsn.h.
 *
 * Plain ASCII whenever that can say everything. Where an address has UTF-8, the second part is
 * message/global-delivery-status; where the original was sent with SMTPUTF8 and its header section
 * has UTF-8, the third is message/global or message/global-headers. Those are body parts and need
 * 8BITMIME on their way; only a UTF-8 address in To: needs SMTPUTF8.
 *
 * The boundary is made from the message id, which strangers do not know in advance, and looked for
 * in all that it must not occur in.
 */
#include "mail/dsn.h"
#include "base/utf8.h"
#include "mail/date.h"
#include "mail/dsn_text.h"
#include "mail/header.h"
#include "mail/headerwrite.h"
#include "mail/xtext.h"

#include <inttypes.h>
#include <string.h>

enum { DECODED_MAX = 4096, DIAGNOSTIC_MAX = 4096, BOUNDARY_SIZE = 40 };

/* What is decided before the first byte is written. */
struct plan {
    const struct dsn *dsn;
    char boundary[BOUNDARY_SIZE];
    bool global_status;
    bool full; /* the third part has the whole original */
    struct slice returned;
    struct slice text;
};

bool dsn_wanted(unsigned notify, enum dsn_action action)
{
    if (notify & NOTIFY_NEVER)
        return false;
    switch (action) {
    case DSN_FAILED:
        return notify == 0 || notify & NOTIFY_FAILURE;
    case DSN_DELAYED:
        return notify == 0 || notify & NOTIFY_DELAY;
    case DSN_DELIVERED:
    case DSN_RELAYED:
    case DSN_EXPANDED:
        break;
    }
    return notify & NOTIFY_SUCCESS;
}

static const char *action_name(enum dsn_action action)
{
    static const char *const names[] = {
        [DSN_FAILED] = "failed",   [DSN_DELAYED] = "delayed",   [DSN_DELIVERED] = "delivered",
        [DSN_RELAYED] = "relayed", [DSN_EXPANDED] = "expanded",
    };

    return names[action];
}

static struct status status_of(const struct dsn_recipient *recipient)
{
    if (recipient->status.class)
        return recipient->status;
    if (recipient->action == DSN_FAILED)
        return STATUS(5, 0, 0);
    return recipient->action == DSN_DELAYED ? STATUS(4, 0, 0) : STATUS(2, 0, 0);
}

/* The address that the sender gave as ORCPT, decoded into `out`, and its type. */
static bool original_address(const struct dsn_recipient *recipient, struct slice *ret_type,
                             struct buf *out)
{
    return recipient->orcpt.len && orcpt_decode(recipient->orcpt, ret_type, out);
}

static bool needs_global(const struct dsn_recipient *recipient)
{
    struct buf decoded;
    struct slice type;
    bool global = !utf8_is_ascii(recipient->address);

    buf_init(&decoded, DECODED_MAX);
    if (original_address(recipient, &type, &decoded))
        global |= !utf8_is_ascii(buf_slice(&decoded));
    buf_done(&decoded);
    return global;
}

/* RET is about failures; other news never need the whole message (RFC 3461 section 4.3). */
static bool wants_full(const struct dsn *dsn)
{
    if (dsn->ret == RET_HDRS || dsn->original_size > DSN_FULL_MAX ||
        dsn->original.len < dsn->original_size)
        return false;
    for (size_t i = 0; i < dsn->n_recipients; i++) {
        if (dsn->recipients[i].action == DSN_FAILED)
            return true;
    }
    return false;
}

/* The header section without its empty line; of a huge one the fields that come first. */
static struct slice returned_header(struct slice original)
{
    struct header_iter iter = header_iterate(original);
    struct header_field field;
    size_t len = 0;

    while (header_next(&iter, &field) && iter.at <= DSN_FULL_MAX)
        len = iter.at;
    return slice_sub(original, 0, len);
}

static bool contains(struct slice text, const char *word)
{
    return text.len && memmem(text.ptr, text.len, word, strlen(word));
}

static void choose_boundary(struct plan *plan)
{
    uint64_t number = slice_hash(plan->dsn->message_id) ^ plan->dsn->now_ms;

    do {
        snprintf(plan->boundary, sizeof(plan->boundary), "=_%016" PRIx64, number++);
    } while (contains(plan->returned, plan->boundary) || contains(plan->text, plan->boundary));
}

/* A date of wall time, as a field; none for 0. */
static void put_date(struct buf *out, const char *name, uint64_t ms)
{
    if (ms)
        buf_printf(out, "%s: %s\r\n", name, date_format((int64_t)(ms / 1000), 0).text);
}

static void put_top(struct buf *out, const struct plan *plan)
{
    const struct dsn *dsn = plan->dsn;
    struct headerwrite field;
    struct buf subject;

    buf_init(&subject, 512);
    dsn_text_subject(&subject, dsn);
    field = headerwrite_begin(out, "From");
    headerwrite_words(&field, SLICE("Mail Delivery System"));
    buf_printf(out, " <MAILER-DAEMON@%.*s>", SLICE_ARG(dsn->hostname));
    headerwrite_end(&field);
    field = headerwrite_begin(out, "To");
    headerwrite_word(&field, dsn->to);
    headerwrite_end(&field);
    headerwrite_field(out, "Subject", buf_slice(&subject));
    buf_printf(out, "Date: %s\r\n", date_format((int64_t)(dsn->now_ms / 1000), 0).text);
    headerwrite_field(out, "Message-ID", dsn->message_id);
    buf_printf(out,
               "Auto-Submitted: auto-replied\r\n"
               "MIME-Version: 1.0\r\n"
               "Content-Type: multipart/report; report-type=delivery-status;\r\n"
               " boundary=\"%s\"\r\n",
               plan->boundary);
    buf_done(&subject);
}

/* Delimiter and header section of a part; tells whether it has 8-bit text. */
static bool begin_part(struct buf *out, const struct plan *plan, const char *type,
                       struct slice content)
{
    bool eight_bit = !utf8_is_ascii(content);

    buf_printf(out,
               "\r\n--%s\r\n"
               "Content-Type: %s\r\n"
               "Content-Transfer-Encoding: %s\r\n\r\n",
               plan->boundary, type, eight_bit ? "8bit" : "7bit");
    buf_add_slice(out, content);
    return eight_bit;
}

/* In message/delivery-status nothing but ASCII may stand (RFC 3464 section 2.1). */
static void put_words(struct buf *out, const char *name, const char *type, struct slice text,
                      bool utf8_allowed)
{
    struct headerwrite field = headerwrite_begin(out, name);
    struct slice rest = slice_sub(text, 0, DIAGNOSTIC_MAX);
    struct buf clean;

    buf_init(&clean, (size_t)DIAGNOSTIC_MAX + 1);
    while (rest.ptr) {
        dsn_text_clean(&clean, slice_trim(slice_cut(&rest, '\n')));
        if (rest.ptr)
            buf_add_char(&clean, ' ');
    }
    for (size_t i = 0; !utf8_allowed && i < clean.len; i++) {
        if ((unsigned char)clean.ptr[i] > 127)
            clean.ptr[i] = '?';
    }
    headerwrite_word(&field, slice_from_cstr(type));
    headerwrite_words(&field, buf_slice(&clean));
    headerwrite_end(&field);
    buf_done(&clean);
}

static void put_original_recipient(struct buf *out, const struct plan *plan,
                                   const struct dsn_recipient *recipient)
{
    struct slice type;
    struct buf line;

    if (recipient->orcpt.len == 0)
        return;
    buf_init(&line, (size_t)2 * DECODED_MAX);
    if (original_address(recipient, &type, &line)) {
        struct buf address = line;
        buf_init(&line, (size_t)2 * DECODED_MAX);
        buf_printf(&line, "%.*s;", SLICE_ARG(type));
        buf_add_slice(&line, buf_slice(&address));
        buf_done(&address);
    } else {
        /* Not to be understood: as it was given (RFC 6533 section 3). */
        buf_add_slice(&line, recipient->orcpt);
    }
    put_words(out, "Original-Recipient", "", buf_slice(&line), plan->global_status);
    buf_done(&line);
}

static void put_recipient(struct buf *out, const struct plan *plan,
                          const struct dsn_recipient *recipient)
{
    bool global = plan->global_status;

    buf_add_cstr(out, "\r\n");
    put_original_recipient(out, plan, recipient);
    put_words(out, "Final-Recipient", utf8_is_ascii(recipient->address) ? "rfc822;" : "utf-8;",
              recipient->address, global);
    buf_printf(out, "Action: %s\r\nStatus: %s\r\n", action_name(recipient->action),
               status_format(status_of(recipient)).text);
    if (recipient->remote_mta.len)
        put_words(out, "Remote-MTA", "dns;", recipient->remote_mta, global);
    if (recipient->diagnostic.len)
        put_words(out, "Diagnostic-Code", recipient->smtp ? "smtp;" : "X-Nuncio;",
                  recipient->diagnostic, global);
    put_date(out, "Last-Attempt-Date", recipient->last_attempt_ms);
    if (recipient->action == DSN_DELAYED)
        put_date(out, "Will-Retry-Until", recipient->retry_until_ms);
}

static void put_status(struct buf *out, const struct plan *plan)
{
    const struct dsn *dsn = plan->dsn;

    put_words(out, "Reporting-MTA", "dns;", dsn->hostname, plan->global_status);
    if (dsn->envid.len) {
        struct buf decoded;
        buf_init(&decoded, DECODED_MAX);
        put_words(out, "Original-Envelope-Id", "",
                  xtext_decode(&decoded, dsn->envid) ? buf_slice(&decoded) : dsn->envid,
                  plan->global_status);
        buf_done(&decoded);
    }
    if (dsn->queue_id.len)
        put_words(out, "X-Nuncio-Message", "", dsn->queue_id, plan->global_status);
    put_date(out, "Arrival-Date", dsn->arrival_ms);
    for (size_t i = 0; i < dsn->n_recipients; i++)
        put_recipient(out, plan, &dsn->recipients[i]);
}

static const char *returned_type(const struct plan *plan)
{
    struct slice header = returned_header(plan->dsn->original);
    bool global = plan->dsn->smtputf8 && !utf8_is_ascii(header);

    if (plan->full)
        return global ? "message/global" : "message/rfc822";
    return global ? "message/global-headers" : "text/rfc822-headers";
}

static bool put_parts(struct buf *out, const struct plan *plan)
{
    struct buf status;
    bool eight_bit;

    buf_init(&status, out->max);
    put_status(&status, plan);
    out->overflow |= status.overflow;
    eight_bit = begin_part(out, plan,
                           utf8_is_ascii(plan->text) ? "text/plain; charset=us-ascii"
                                                     : "text/plain; charset=utf-8",
                           plan->text);
    eight_bit |= begin_part(out, plan,
                            plan->global_status ? "message/global-delivery-status"
                                                : "message/delivery-status",
                            buf_slice(&status));
    eight_bit |= begin_part(out, plan, returned_type(plan), plan->returned);
    buf_printf(out, "\r\n--%s--\r\n", plan->boundary);
    buf_done(&status);
    return eight_bit;
}

struct dsn_needs dsn_build(struct buf *out, const struct dsn *dsn)
{
    struct plan plan = {.dsn = dsn, .full = wants_full(dsn)};
    struct dsn_needs needs = {.smtputf8 = !utf8_is_ascii(dsn->to)};
    struct buf text;

    buf_init(&text, out->max);
    dsn_text_body(&text, dsn);
    out->overflow |= text.overflow;
    plan.text = buf_slice(&text);
    plan.returned = plan.full ? dsn->original : returned_header(dsn->original);
    for (size_t i = 0; i < dsn->n_recipients; i++)
        plan.global_status |= needs_global(&dsn->recipients[i]);
    choose_boundary(&plan);
    put_top(out, &plan);
    if (put_parts(out, &plan) || needs.smtputf8)
        needs.body = BODY_8BITMIME;
    buf_done(&text);
    return needs;
}
