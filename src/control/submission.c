/*
 * Messages from local users. See submission.h.
 *
 * The header is what stands before the first empty line, or before the first line that is no header
 * field: `echo hello | sendmail joe` has none, and gets one. Of it, Bcc, Resent-Bcc and Return-Path
 * are taken out; Date, From and Message-ID are added where they are missing. Other fields keep
 * their bytes. Line ends become CRLF, a lone CR as well, because the spool knows no other; a NUL is
 * refused, as it is over SMTP.
 */
#include "control/submission.h"

#include "base/clock.h"
#include "control/maildrop.h"
#include "mail/addrlist.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/headerwrite.h"

#include <sys/random.h>
#include <sysexits.h>
#include <time.h>

enum { SENDER_FLAGS = ADDRESS_UTF8 | ADDRESS_UNQUALIFIED };

void submission_init(struct submission *submission, const struct submission_site *site)
{
    *submission = (struct submission){.site = site, .full_name = site->full_name};
    arena_init(&submission->arena);
    submission->recipients =
        arena_alloc(&submission->arena, (site->recipients + 1u) * sizeof(struct recipient));
    submission->envelope.recipients = submission->recipients;
    submission->envelope.listener = SLICE("sendmail");
    submission->envelope.login = site->user;
    submission->envelope.reverse_path = arena_printf(
        &submission->arena, "%.*s@%.*s", SLICE_ARG(site->user), SLICE_ARG(site->domain));
}

void submission_done(struct submission *submission)
{
    arena_done(&submission->arena);
}

/* ---- addresses ------------------------------------------------------------------------------ */

/* A copy with a domain. */
static struct slice qualify(struct submission *submission, struct slice mailbox)
{
    struct slice domain = submission->site->domain;

    if (address_domain(mailbox).len)
        return arena_dup(&submission->arena, mailbox);
    return arena_printf(&submission->arena, "%.*s@%.*s", SLICE_ARG(mailbox), SLICE_ARG(domain));
}

static bool is_recipient(const struct submission *submission, struct slice mailbox)
{
    for (uint32_t i = 0; i < submission->envelope.n_recipients; i++) {
        if (address_eq(submission->recipients[i].address, mailbox))
            return true;
    }
    return false;
}

static int add_recipient(struct submission *submission, struct slice mailbox, struct buf *why)
{
    struct slice address = qualify(submission, mailbox);

    if (is_recipient(submission, address))
        return 0;
    if (submission->envelope.n_recipients >= submission->site->recipients) {
        buf_printf(why, "more than %u recipients", submission->site->recipients);
        return EX_UNAVAILABLE;
    }
    submission->recipients[submission->envelope.n_recipients++] = (struct recipient){
        .address = address, .class = CLASS_AUTHORISED, .notify = submission->notify};
    if (!address_is_ascii(address))
        submission->envelope.smtputf8 = true;
    return 0;
}

int submission_add_recipients(struct submission *submission, struct slice list, struct buf *why)
{
    struct addrlist parsed;
    struct address_result result = addrlist_parse(list, SENDER_FLAGS, &submission->arena, &parsed);

    if (result.error != ADDRESS_OK) {
        buf_printf(why, "%.*s: %s", SLICE_ARG(list), address_error_text(result.error));
        return EX_DATAERR;
    }
    for (size_t i = 0; i < parsed.n; i++) {
        int code = add_recipient(submission, parsed.entries[i].mailbox, why);
        if (code != 0)
            return code;
    }
    return 0;
}

int submission_set_sender(struct submission *submission, struct slice sender, struct buf *why)
{
    struct address_result result;
    struct address address;

    sender = slice_trim(sender);
    if (sender.len >= 2 && sender.ptr[0] == '<' && sender.ptr[sender.len - 1] == '>')
        sender = slice_sub(sender, 1, sender.len - 2);
    if (sender.len == 0) {
        submission->envelope.reverse_path = SLICE_NULL;
        return 0;
    }
    result = address_parse_mailbox(sender, SENDER_FLAGS, &address);
    if (result.error != ADDRESS_OK) {
        buf_printf(why, "%.*s: %s", SLICE_ARG(sender), address_error_text(result.error));
        return EX_DATAERR;
    }
    submission->envelope.reverse_path = qualify(submission, address.mailbox);
    if (address.utf8)
        submission->envelope.smtputf8 = true;
    return 0;
}

/* ---- the text ------------------------------------------------------------------------------- */

/* LF, CRLF and CR all become CRLF; a last line without its end gets one. */
static void add_lines(struct buf *out, struct slice text)
{
    while (text.len) {
        size_t len = 0, end;
        while (len < text.len && text.ptr[len] != '\n' && text.ptr[len] != '\r')
            len++;
        end = len + 1 < text.len && text.ptr[len] == '\r' && text.ptr[len + 1] == '\n' ? 2 : 1;
        buf_add(out, text.ptr, len);
        buf_add_cstr(out, "\r\n");
        text = slice_skip(text, len + end);
    }
}

/* An mbox file's first line is no part of the message. */
static struct slice without_from_line(struct slice text)
{
    struct slice rest = text;

    if (text.len >= 5 && memcmp(text.ptr, "From ", 5) == 0)
        (void)slice_cut(&rest, '\n');
    return rest.ptr ? rest : SLICE_NULL;
}

/* Where the fields end: at the empty line, the first line that is none, or the end. */
static size_t fields_size(struct slice message)
{
    struct header_iter iter = header_iterate(message);
    struct header_field field;

    while (header_next(&iter, &field)) {
        if (field.malformed)
            return field.offset;
    }
    return iter.at;
}

static bool is_recipient_field(const struct header_field *field, bool resent)
{
    static const struct slice names[] = {SLICE_INIT("To"), SLICE_INIT("Cc"), SLICE_INIT("Bcc")};
    struct slice name = field->name;
    struct slice prefix = SLICE("Resent-");

    if (resent && !slice_starts_with_nocase(name, prefix))
        return false;
    if (resent)
        name = slice_skip(name, prefix.len);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (slice_eq_nocase(name, names[i]))
            return true;
    }
    return false;
}

static bool has_field(struct slice header, const char *name)
{
    struct header_field field;

    return header_find(header, slice_from_cstr(name), &field);
}

/* A message that is sent again goes to whom it is sent again (RFC 5322 section 3.6.6). */
static int take_header_recipients(struct submission *submission, struct slice header,
                                  struct buf *why)
{
    bool resent = has_field(header, "Resent-To") || has_field(header, "Resent-Cc") ||
                  has_field(header, "Resent-Bcc");
    struct header_iter iter = header_iterate(header);
    struct header_field field;

    while (header_next(&iter, &field)) {
        int code;
        if (!is_recipient_field(&field, resent))
            continue;
        code = submission_add_recipients(submission, header_unfold(&submission->arena, field.value),
                                         why);
        if (code != 0)
            return code;
    }
    return 0;
}

static bool is_private_field(struct slice name)
{
    return slice_eq_nocase(name, SLICE("Bcc")) || slice_eq_nocase(name, SLICE("Resent-Bcc")) ||
           slice_eq_nocase(name, SLICE("Return-Path"));
}

static void add_date(struct buf *out)
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm local = {0};

    localtime_r(&now, &local);
    headerwrite_field(out, "Date",
                      slice_from_cstr(date_format(now, (int)(local.tm_gmtoff / 60)).text));
}

static void add_message_id(struct submission *submission, struct buf *out)
{
    uint64_t random[2] = {0};

    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        random[0] = clock_mono_us();
    headerwrite_field(out, "Message-ID",
                      arena_printf(&submission->arena, "<%llu.%016llx%016llx@%.*s>",
                                   (unsigned long long)clock_wall_ms() / 1000,
                                   (unsigned long long)random[0], (unsigned long long)random[1],
                                   SLICE_ARG(submission->site->hostname)));
}

/* A display name as a quoted string, or as encoded words when it is not ASCII. */
static void add_name(struct buf *out, struct slice name)
{
    if (!address_is_ascii(name)) {
        headerwrite_encoded_words(out, name, sizeof("From:") - 1);
        return;
    }
    buf_add_cstr(out, " \"");
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c == '"' || c == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, c < 0x20 || c == 0x7f ? ' ' : c);
    }
    buf_add_char(out, '"');
}

static void add_from(struct submission *submission, struct buf *out)
{
    const struct submission_site *site = submission->site;
    struct slice mailbox = submission->envelope.reverse_path;

    if (mailbox.len == 0)
        mailbox = arena_printf(&submission->arena, "%.*s@%.*s", SLICE_ARG(site->user),
                               SLICE_ARG(site->domain));
    buf_add_cstr(out, "From:");
    if (submission->full_name.len)
        add_name(out, submission->full_name);
    buf_add_cstr(out, submission->full_name.len ? " <" : " ");
    buf_add_slice(out, mailbox);
    buf_add_cstr(out, submission->full_name.len ? ">\r\n" : "\r\n");
}

static void write_header(struct submission *submission, struct slice header, struct buf *out)
{
    struct header_iter iter = header_iterate(header);
    struct header_field field;

    while (header_next(&iter, &field)) {
        if (!is_private_field(field.name))
            buf_add_slice(out, field.raw);
    }
    if (!has_field(header, "Date"))
        add_date(out);
    if (!has_field(header, "From"))
        add_from(submission, out);
    if (!has_field(header, "Message-ID"))
        add_message_id(submission, out);
}

static int check_text(struct submission *submission, struct slice text, struct buf *why)
{
    if (text.len && memchr(text.ptr, '\0', text.len)) {
        buf_add_cstr(why, "there is a NUL in the message");
        return EX_DATAERR;
    }
    if (text.len > submission->site->message_size) {
        buf_printf(why, "the message is larger than %llu bytes",
                   (unsigned long long)submission->site->message_size);
        return EX_UNAVAILABLE;
    }
    return 0;
}

static int compose(struct submission *submission, struct slice message, bool from_header,
                   struct buf *out, struct buf *why)
{
    size_t size = fields_size(message);
    struct slice header = slice_sub(message, 0, size), body = slice_skip(message, size);
    int code = 0;

    if (size > submission->site->header_size) {
        buf_printf(why, "the header is larger than %u bytes", submission->site->header_size);
        return EX_DATAERR;
    }
    if (from_header)
        code = take_header_recipients(submission, header, why);
    if (code != 0)
        return code;
    if (submission->envelope.n_recipients == 0) {
        buf_add_cstr(why, "there is no recipient");
        return EX_USAGE;
    }
    write_header(submission, header, out);
    if (body.len == 0 || body.ptr[0] != '\r')
        buf_add_cstr(out, "\r\n");
    buf_add_slice(out, body);
    if (!out->overflow)
        return 0;
    buf_add_cstr(why, "the message is too large");
    return EX_UNAVAILABLE;
}

int submission_finish(struct submission *submission, struct slice text, bool from_header,
                      struct buf *why)
{
    size_t max = submission->site->message_size + submission->site->header_size;
    struct buf message, mended;
    int code = check_text(submission, text, why);

    if (code != 0)
        return code;
    buf_init(&message, 2 * max);
    buf_init(&mended, 2 * max + 4096);
    add_lines(&message, without_from_line(text));
    code = compose(submission, buf_slice(&message), from_header, &mended, why);
    if (code == 0) {
        submission->envelope.received_ms = clock_wall_ms();
        submission->envelope.size = mended.len;
        if (!address_is_ascii(buf_slice(&mended)))
            submission->envelope.body = BODY_8BITMIME;
        code =
            maildrop_store(submission->site->state, &submission->envelope, buf_slice(&mended), why);
    }
    buf_done(&message);
    buf_done(&mended);
    return code;
}
