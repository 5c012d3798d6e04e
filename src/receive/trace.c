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

/* Words of a certificate: an issuer we trust has put them there, but not for a header field. */
static void add_peer(struct buf *out, struct slice name)
{
    buf_add_cstr(out, ", client certificate of ");
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        bool plain = c >= ' ' && c < 0x7f && !strchr("()\\", c);
        buf_add_char(out, plain ? name.ptr[i] : '?');
    }
}

static void add_tls(struct buf *out, const struct trace *trace)
{
    buf_printf(out, "\r\n\ttls %s (%s", trace->tls_cipher, trace->tls_version);
    if (trace->tls_peer.len)
        add_peer(out, trace->tls_peer);
    buf_add_char(out, ')');
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
    if (trace->tls_version)
        add_tls(out, trace);
    if (trace->priority)
        buf_printf(out, "\r\n\tPRIORITY %d", trace->priority);
    buf_printf(out, ";\r\n\t%s\r\n", date_format(trace->seconds, 0).text);
}

const char *trace_protocol(unsigned traits)
{
    static const char *const names[4][4] = {
        {"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"},
        {"LMTP", "LMTPS", "LMTPA", "LMTPSA"},
        {"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"},
        {"UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"},
    };
    unsigned row = (traits & TRACE_LMTP ? 1u : 0) + (traits & TRACE_UTF8 ? 2u : 0);
    unsigned column = (traits & TRACE_TLS ? 1u : 0) + (traits & TRACE_AUTH ? 2u : 0);

    return traits & (TRACE_LMTP | TRACE_EXTENDED) ? names[row][column] : "SMTP";
}
