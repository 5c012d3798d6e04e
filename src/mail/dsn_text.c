/*
 * What a notification says to its reader: what happened, to which addresses, in whose words, and
 * what comes next. Short, because people read the first lines at most; the rest is in the second
 * part for programs.
 *
 * Replies of other servers are quoted line by line as they came. The hint behind one is ours and
 * depends on the status code alone; where the code says nothing certain, there is none.
 */
#include "mail/dsn_text.h"
#include "base/utf8.h"
#include "mail/date.h"
#include "mail/headerwrite.h"

enum { LINE_PIECE_MAX = 900, DIAGNOSTIC_MAX = 4096, SUBJECT_ADDRESS_MAX = 60 };

/* In the order in which they are told: the worst first. */
static const struct {
    enum dsn_action action;
    const char *subject;
    const char *before; /* the addresses */
    const char *after;
} news[] = {
    {DSN_FAILED, "Not delivered", "Your message could not be delivered to:",
     "This is final: it will not be tried again. If the reason can be put right, please\r\n"
     "send the message once more.\r\n"},
    {DSN_DELAYED, "Delayed", "Your message could not be delivered yet to:",
     "You need not do anything: it is tried again by itself. If it fails for good, you\r\n"
     "will be told.\r\n"},
    {DSN_DELIVERED, "Delivered", "Your message has been put into the mailbox of:", ""},
    {DSN_RELAYED, "Relayed", "Your message has been handed to the next mail server for:",
     "That server sends no confirmations, so this is the last one that you get.\r\n"},
    {DSN_EXPANDED, "Delivered to a list",
     "Your message has been passed on to the addresses behind:",
     "No confirmations come from those.\r\n"},
};

static const struct {
    uint16_t subject;
    uint16_t detail;
    const char *text;
} hints[] = {
    {1, 1, "There is no such mailbox there. Please check the address for typing errors."},
    {1, 2, "There is no such mail domain. Please check the part behind the @."},
    {1, 10, "The domain says that it takes no mail at all."},
    {2, 1, "The mailbox is closed."},
    {2, 2, "The mailbox is full."},
    {2, 3, "The message is too large for this mailbox."},
    {3, 4, "The message is too large for that server."},
    {4, 1, "The server did not answer."},
    {4, 2, "The connection to the server broke."},
    {4, 4, "No mail server could be found for the domain."},
    {4, 6, "The message went round in a circle."},
    {4, 7, "It took too long, and was given up."},
    {6, 3, "The next server takes no 8-bit text, and the message cannot be converted."},
    {6, 7, "The next server takes no international addresses."},
    {7, 1, "The server does not accept this message from you."},
};

void dsn_text_clean(struct buf *out, struct slice text)
{
    while (text.len) {
        size_t len = utf8_char_len(text);
        bool bad = len == 0 || (len == 1 && (text.ptr[0] < ' ' || text.ptr[0] == 127));
        if (bad)
            buf_add_char(out, '?');
        else
            buf_add(out, text.ptr, len);
        text = slice_skip(text, len ? len : 1);
    }
}

/* Each line of the text behind an indent; lines that are too long for mail are broken. */
static void put_quoted(struct buf *out, struct slice text)
{
    text = slice_sub(text, 0, DIAGNOSTIC_MAX);
    while (text.ptr) {
        struct slice line = slice_trim(slice_cut(&text, '\n'));
        while (line.len) {
            buf_add_cstr(out, "        ");
            dsn_text_clean(out, slice_sub(line, 0, LINE_PIECE_MAX));
            buf_add_cstr(out, "\r\n");
            line = slice_skip(line, LINE_PIECE_MAX);
        }
    }
}

static void put_hint(struct buf *out, struct status status)
{
    if (status.class == 2)
        return;
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (hints[i].subject == status.subject && hints[i].detail == status.detail)
            buf_printf(out, "    %s\r\n", hints[i].text);
    }
}

static void put_recipient(struct buf *out, const struct dsn_recipient *recipient)
{
    buf_add_cstr(out, "\r\n  <");
    dsn_text_clean(out, recipient->address);
    buf_add_cstr(out, ">\r\n");
    if (recipient->action != DSN_FAILED && recipient->action != DSN_DELAYED)
        return;
    put_hint(out, recipient->status);
    if (recipient->diagnostic.len) {
        if (recipient->smtp && recipient->remote_mta.len) {
            buf_add_cstr(out, "    The server ");
            dsn_text_clean(out, slice_sub(recipient->remote_mta, 0, LINE_PIECE_MAX));
            buf_add_cstr(out, " said:\r\n");
        } else {
            buf_add_cstr(out, recipient->smtp ? "    The server said:\r\n" : "    The reason:\r\n");
        }
        put_quoted(out, recipient->diagnostic);
    }
    if (recipient->action == DSN_DELAYED && recipient->retry_until_ms)
        buf_printf(out, "    It is tried again until %s.\r\n",
                   date_format((int64_t)(recipient->retry_until_ms / 1000), 0).text);
}

static size_t count(const struct dsn *dsn, enum dsn_action action)
{
    size_t n = 0;

    for (size_t i = 0; i < dsn->n_recipients; i++)
        n += dsn->recipients[i].action == action;
    return n;
}

static void put_news(struct buf *out, const struct dsn *dsn, size_t which)
{
    buf_printf(out, "\r\n%s\r\n", news[which].before);
    for (size_t i = 0; i < dsn->n_recipients; i++) {
        if (dsn->recipients[i].action == news[which].action)
            put_recipient(out, &dsn->recipients[i]);
    }
    if (*news[which].after)
        buf_printf(out, "\r\n%s", news[which].after);
}

void dsn_text_body(struct buf *out, const struct dsn *dsn)
{
    buf_add_cstr(out, "This is the mail server ");
    dsn_text_clean(out, dsn->hostname);
    buf_add_cstr(out, ".\r\n");
    for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
        if (count(dsn, news[i].action))
            put_news(out, dsn, i);
    }
    if (dsn->queue_id.len) {
        buf_add_cstr(out, "\r\nIf you ask the postmaster here about it, please name the message ");
        dsn_text_clean(out, dsn->queue_id);
        buf_add_cstr(out, ".\r\n");
    }
}

/* The address, or how many there are. */
static void put_whom(struct buf *out, const struct dsn *dsn, enum dsn_action action)
{
    size_t n = count(dsn, action);

    for (size_t i = 0; n == 1 && i < dsn->n_recipients; i++) {
        struct slice address = dsn->recipients[i].address;
        if (dsn->recipients[i].action != action)
            continue;
        if (!utf8_is_ascii(address) || address.len > SUBJECT_ADDRESS_MAX)
            break;
        buf_printf(out, "%.*s", SLICE_ARG(address));
        return;
    }
    buf_printf(out, "%zu recipient%s", n, n == 1 ? "" : "s");
}

void dsn_text_subject(struct buf *out, const struct dsn *dsn)
{
    for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
        if (count(dsn, news[i].action) == 0)
            continue;
        buf_printf(out, "%s: your message to ", news[i].subject);
        put_whom(out, dsn, news[i].action);
        return;
    }
}
