/* See trace.h. What the client said of itself is written with every byte that has a meaning in a
 * header field (blanks, parentheses, quotes, controls) made a "?". */
#include "receive/trace.h"

#include "mail/date.h"

static void add_word(struct buf *out, struct slice word)
{
    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.ptr[i];
        bool plain = c > ' ' && c != 0x7f && !strchr("()<>\\\",;", c);
        buf_add_char(out, plain ? word.ptr[i] : '?');
    }
}

static void add_client(struct buf *out, const struct trace *trace)
{
    buf_add_cstr(out, "from ");
    add_word(out, trace->helo);
    if (trace->client_address.len) {
        buf_add_cstr(out, " (");
        if (trace->client_name.len) {
            add_word(out, trace->client_name);
            buf_add_char(out, ' ');
        }
        buf_add_cstr(out, slice_find(trace->client_address, ':') < 0 ? "[" : "[IPv6:");
        buf_add_slice(out, trace->client_address);
        buf_add_cstr(out, "])");
    }
    buf_add_cstr(out, "\r\n\t");
}

void trace_write(struct buf *out, const struct trace *trace)
{
    buf_add_cstr(out, "Received: ");
    if (trace->helo.len)
        add_client(out, trace);
    buf_add_cstr(out, "by ");
    buf_add_slice(out, trace->hostname);
    buf_add_cstr(out, " (Nuncio");
    if (trace->comment.len)
        buf_printf(out, ", %.*s", SLICE_ARG(trace->comment));
    buf_add_char(out, ')');
    if (trace->protocol)
        buf_printf(out, " with %s", trace->protocol);
    buf_printf(out, " id %s", message_id_format(trace->id).text);
    if (trace->recipient.len)
        buf_printf(out, "\r\n\tfor <%.*s>", SLICE_ARG(trace->recipient));
    buf_printf(out, ";\r\n\t%s\r\n", date_format(trace->seconds, 0).text);
}

const char *trace_protocol(bool lmtp, bool extended, bool smtputf8)
{
    if (lmtp)
        return smtputf8 ? "UTF8LMTP" : "LMTP";
    if (!extended)
        return "SMTP";
    return smtputf8 ? "UTF8SMTP" : "ESMTP";
}
