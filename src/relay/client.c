/*
 * The client's half of SMTP and LMTP below the level of a message: RFC 5321 sections 3.1, 3.2 and
 * 4.2, RFC 2033 section 4.1, RFC 3207.
 *
 * A reply that breaks the grammar, or 421, makes the connection broken: whoever sends on after
 * either does not know what the server is answering. What came in before the server closed is
 * still read, for its last words tell more than "connection reset".
 */
#include "relay/client.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static uint64_t deadline(const struct client *client, unsigned timeout_ms)
{
    uint64_t at = clock_mono_ms() + timeout_ms;
    return at < client->end ? at : client->end;
}

void client_adopt(struct client *ret_client, int fd, int cancel_fd,
                  const struct socket_address *address, struct slice name)
{
    struct client client = {.end = UINT64_MAX, .address = *address};

    stream_init(&client.stream, fd, cancel_fd);
    reply_parse_init(&client.reply);
    client.name = slice_from(xslicedup(name), name.len);
    client.source.len = sizeof(client.source.socket);
    if (getsockname(fd, &client.source.socket.any, &client.source.len) < 0)
        client.source.len = 0;
    *ret_client = client;
}

void client_keep_key(struct client *client, struct slice key)
{
    client->key = slice_from(xslicedup(key), key.len);
}

int client_reconnect(struct client *client, const struct socket_address *to,
                     const struct socket_address *source, int cancel_fd)
{
    int r;

    stream_done(&client->stream);
    reply_parse_reset(&client->reply);
    client->offer = (struct ehlo_offer){0};
    client->tls = (struct tls_verdict){0};
    r = stream_connect(&client->stream, to, source, cancel_fd, deadline(client, CLIENT_CONNECT_MS));
    client->broken = r < 0;
    return r;
}

void client_done(struct client *client)
{
    stream_done(&client->stream);
    if (client->slots)
        slots_give(client->slots, &client->address);
    reply_parse_done(&client->reply);
    free((char *)(uintptr_t)client->name.ptr);
    free((char *)(uintptr_t)client->key.ptr);
    client->name = client->key = SLICE_NULL;
}

void client_quit(struct client *client)
{
    if (!client->broken) {
        if (client->trace)
            client->trace(client->trace_arg, true, SLICE("QUIT\r\n"));
        stream_write_hint(&client->stream, SLICE("QUIT\r\n"));
    }
    client_done(client);
}

static void trace_sent(const struct client *client, struct slice bytes, size_t n_text)
{
    char size[48];
    int len = snprintf(size, sizeof(size), "(%zu bytes of text)\r\n", n_text);
    struct slice commands = slice_sub(bytes, 0, bytes.len - n_text);

    if (commands.len)
        client->trace(client->trace_arg, true, commands);
    if (n_text)
        client->trace(client->trace_arg, true, slice_from(size, (size_t)len));
}

int client_send(struct client *client, struct slice bytes, size_t n_text, unsigned timeout_ms)
{
    int r;

    if (client->trace)
        trace_sent(client, bytes, n_text);
    r = stream_write(&client->stream, bytes, deadline(client, timeout_ms));
    if (r < 0)
        client->broken = true;
    return r;
}

static int read_reply(struct client *client, uint64_t until)
{
    reply_parse_reset(&client->reply);
    for (;;) {
        struct slice seen = stream_buffered(&client->stream);
        size_t used = 0;
        int r = REPLY_MORE;

        if (seen.len)
            r = reply_parse_add(&client->reply, seen, &used);
        stream_consume(&client->stream, used);
        if (r == REPLY_COMPLETE || r < 0)
            return r;
        r = stream_fill(&client->stream, until);
        if (r < 0)
            return r;
    }
}

static void trace_reply(const struct client *client)
{
    struct slice rest = reply_text(&client->reply);
    struct buf lines;

    buf_init(&lines, 8 * REPLY_TEXT_MAX);
    do {
        struct slice line = slice_cut(&rest, '\n');
        buf_printf(&lines, "%u%c%.*s\r\n", client->reply.code, rest.ptr ? '-' : ' ',
                   SLICE_ARG(line));
    } while (rest.ptr);
    client->trace(client->trace_arg, false, buf_slice(&lines));
    buf_done(&lines);
}

int client_read_reply(struct client *client, unsigned timeout_ms)
{
    int r = read_reply(client, deadline(client, timeout_ms));

    if (r == 0 && client->trace)
        trace_reply(client);
    if (r < 0 || client->reply.code == 421)
        client->broken = true;
    return r;
}

bool client_has_spoken(const struct client *client)
{
    return stream_buffered(&client->stream).len > 0;
}

/* "VERB argument CRLF" and its reply. */
static int ask(struct client *client, const char *verb, struct slice argument)
{
    struct buf command;
    int r;

    buf_init(&command, 1024);
    buf_printf(&command, "%s %.*s\r\n", verb, SLICE_ARG(argument));
    r = client_send(client, buf_slice(&command), 0, CLIENT_COMMAND_MS);
    buf_done(&command);
    return r < 0 ? r : client_read_reply(client, CLIENT_COMMAND_MS);
}

static int say_hello(struct client *client, struct slice helo)
{
    int r = ask(client, client->lmtp ? "LHLO" : "EHLO", helo);

    if (r < 0)
        return r;
    if (client->reply.code / 100 == 2) {
        client->offer = ehlo_parse(reply_text(&client->reply));
        return CLIENT_GREETED;
    }
    /* Only a server that does not know EHLO is asked again: a temporary refusal stands. */
    if (client->lmtp || client->reply.code / 100 != 5)
        return CLIENT_REFUSED;
    r = ask(client, "HELO", helo);
    if (r < 0)
        return r;
    return client->reply.code / 100 == 2 ? CLIENT_GREETED : CLIENT_REFUSED;
}

int client_greet(struct client *client, struct slice helo, const char **ret_stage)
{
    int r = client_read_reply(client, CLIENT_BANNER_MS);

    *ret_stage = "banner";
    if (r < 0)
        return r;
    if (client->reply.code / 100 != 2)
        return CLIENT_REFUSED;
    *ret_stage = client->lmtp ? "reply to LHLO" : "reply to EHLO";
    return say_hello(client, helo);
}

/* ---- TLS ------------------------------------------------------------------------------------ */

static int no_tls(struct client *client, int result, const char *type, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int no_tls(struct client *client, int result, const char *type, const char *format, ...)
{
    va_list args;

    client->tls = (struct tls_verdict){.result = type};
    va_start(args, format);
    (void)vsnprintf(client->tls.why, sizeof(client->tls.why), format, args);
    va_end(args);
    client->broken |= result == CLIENT_BAD_TLS;
    return result;
}

int client_begin_with_tls(struct client *client, struct tls_client *tls,
                          const struct tls_demand *demand)
{
    int r = stream_start_tls(&client->stream, tls, demand, deadline(client, CLIENT_TLS_MS),
                             &client->tls);

    if (r == 0)
        return 0;
    client->broken = true;
    return r == -ECANCELED ? r : CLIENT_BAD_TLS;
}

/* The server is asked for TLS. 0, or as client_start_tls(). */
static int ask_for_tls(struct client *client)
{
    int r;

    if (!client->offer.starttls)
        return no_tls(client, CLIENT_NO_TLS, "starttls-not-supported", "STARTTLS is not offered");
    r = client_send(client, SLICE("STARTTLS\r\n"), 0, CLIENT_COMMAND_MS);
    if (r == 0)
        r = client_read_reply(client, CLIENT_COMMAND_MS);
    if (r == -ECANCELED)
        return r;
    if (r < 0)
        return no_tls(client, CLIENT_BAD_TLS, "starttls-not-supported", "no reply to STARTTLS: %s",
                      r == -EBADMSG ? "what it said is not SMTP" : log_strerror(r));
    if (client->reply.code == 220)
        return 0;
    return no_tls(client, client->broken ? CLIENT_BAD_TLS : CLIENT_NO_TLS, "starttls-not-supported",
                  "STARTTLS was refused: %u %.*s", client->reply.code,
                  SLICE_ARG(reply_text(&client->reply)));
}

int client_start_tls(struct client *client, struct slice helo, struct tls_client *tls,
                     const struct tls_demand *demand)
{
    int r = ask_for_tls(client);

    if (r)
        return r;
    client->offer = (struct ehlo_offer){0};
    r = client_begin_with_tls(client, tls, demand);
    if (r)
        return r;
    r = say_hello(client, helo);
    if (r >= 0 || r == -ECANCELED)
        return r;
    return no_tls(client, CLIENT_BAD_TLS, "validation-failure", "no reply to EHLO under TLS: %s",
                  r == -EBADMSG ? "what it said is not SMTP" : log_strerror(r));
}
