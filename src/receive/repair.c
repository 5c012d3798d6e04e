/* See repair.h. */
#include "receive/repair.h"

#include "mail/date.h"
#include "mail/envelope.h"
#include "mail/header.h"

struct missing {
    bool date, message_id, from;
};

static bool is_bcc(struct slice name)
{
    return slice_eq_nocase(name, SLICE("Bcc")) || slice_eq_nocase(name, SLICE("Resent-Bcc"));
}

static bool goes(struct slice name, const struct repair *repair)
{
    return is_bcc(name) || (repair->set_sender.len && slice_eq_nocase(name, SLICE("Sender")));
}

static void note(struct missing *missing, struct slice name)
{
    if (slice_eq_nocase(name, SLICE("Date")))
        missing->date = false;
    else if (slice_eq_nocase(name, SLICE("Message-ID")))
        missing->message_id = false;
    else if (slice_eq_nocase(name, SLICE("From")))
        missing->from = false;
}

static void add_message_id(struct buf *out, const struct repair *repair)
{
    buf_printf(out, "%s.%lld@%.*s", message_id_format(repair->id).text, (long long)repair->seconds,
               SLICE_ARG(repair->hostname));
}

struct slice repair_message_id(const struct repair *repair, struct arena *arena)
{
    struct slice id;
    struct buf out;

    buf_init(&out, 1024);
    add_message_id(&out, repair);
    id = arena_dup(arena, buf_slice(&out));
    buf_done(&out);
    return id;
}

static void add_missing(struct buf *out, const struct missing *missing, const struct repair *repair)
{
    if (missing->date)
        buf_printf(out, "Date: %s\r\n", date_format(repair->seconds, 0).text);
    if (missing->from && repair->sender.len)
        buf_printf(out, "From: <%.*s>\r\n", SLICE_ARG(repair->sender));
    if (repair->set_sender.len)
        buf_printf(out, "Sender: <%.*s>\r\n", SLICE_ARG(repair->set_sender));
    if (missing->message_id) {
        buf_add_cstr(out, "Message-ID: <");
        add_message_id(out, repair);
        buf_add_cstr(out, ">\r\n");
    }
}

void repair_header(struct buf *out, struct slice header, const struct repair *repair)
{
    struct missing missing = {true, true, true};
    struct header_iter iter = header_iterate(header);
    struct header_field field;

    while (header_next(&iter, &field)) {
        note(&missing, field.name);
        if (!goes(field.name, repair))
            buf_add_slice(out, field.raw);
    }
    add_missing(out, &missing, repair);
    buf_add_slice(out, slice_skip(header, iter.at));
}
