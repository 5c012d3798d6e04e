#include "fake_server.h"

#include "base/clock.h"

#include <poll.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, HEARD_MAX = 64 * 1024 * 1024 };

static uint64_t patience(void)
{
    return clock_mono_ms() + PATIENCE_MS;
}

static bool mismatch(struct fake_server *server, struct slice wanted, struct slice got)
{
    snprintf(server->mismatch, sizeof(server->mismatch), "wanted \"%.*s\", got \"%.*s\"",
             SLICE_ARG(wanted), SLICE_ARG(got));
    return false;
}

static bool say(struct fake_server *server, struct slice bytes)
{
    size_t step = server->slow ? 1 : bytes.len;

    for (size_t at = 0; at < bytes.len; at += step) {
        /* A client that closes early is told by what it says, or does not say, later. */
        if (stream_write(&server->stream, slice_sub(bytes, at, step), patience()) < 0)
            return true;
        if (server->slow)
            poll(NULL, 0, 1);
    }
    return true;
}

static bool say_line(struct fake_server *server, struct slice line)
{
    struct buf bytes;
    bool good;

    buf_init(&bytes, 64 * 1024);
    buf_add_slice(&bytes, line);
    buf_add(&bytes, "\r\n", 2);
    good = say(server, buf_slice(&bytes));
    buf_done(&bytes);
    return good;
}

static bool flood(struct fake_server *server, uint64_t n)
{
    for (uint64_t i = 0; i < n; i += 50) {
        if (!say(server, SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")))
            return false;
    }
    return true;
}

static bool hear(struct fake_server *server, struct slice wanted, struct slice *ret_line)
{
    struct slice line;

    if (stream_read_line(&server->stream, patience(), &line) < 0)
        return mismatch(server, wanted, SLICE("(closed)"));
    buf_add_slice(&server->heard, line);
    buf_add_char(&server->heard, '\n');
    if (!slice_starts_with_nocase(line, wanted))
        return mismatch(server, wanted, line);
    *ret_line = line;
    return true;
}

static bool hear_text(struct fake_server *server)
{
    struct slice line;

    while (stream_read_line(&server->stream, patience(), &line) == 0) {
        if (slice_eq(line, SLICE(".")))
            return true;
        buf_add_slice(&server->text, slice_skip(line, line.len && line.ptr[0] == '.'));
        buf_add(&server->text, "\r\n", 2);
    }
    return mismatch(server, SLICE("."), SLICE("(closed)"));
}

static bool hear_chunk(struct fake_server *server)
{
    struct slice line, number;
    uint64_t left;

    if (!hear(server, SLICE("BDAT "), &line))
        return false;
    line = slice_skip(line, 5);
    number = slice_cut(&line, ' ');
    if (!slice_parse_u64(number, HEARD_MAX, &left))
        return mismatch(server, SLICE("a number"), number);
    while (left) {
        struct slice seen = stream_buffered(&server->stream);
        seen = slice_sub(seen, 0, (size_t)left);
        buf_add_slice(&server->text, seen);
        stream_consume(&server->stream, seen.len);
        left -= seen.len;
        if (left && stream_fill(&server->stream, patience()) < 0)
            return mismatch(server, SLICE("octets"), SLICE("(closed)"));
    }
    return true;
}

static bool take_connection(struct fake_server *server)
{
    struct pollfd fd = {.fd = server->listener, .events = POLLIN};

    stream_done(&server->stream);
    if (poll(&fd, 1, PATIENCE_MS) != 1)
        return mismatch(server, SLICE("a connection"), SLICE("none"));
    stream_init(&server->stream, accept(server->listener, NULL, NULL), -1);
    server->connections++;
    server->slow = false;
    return true;
}

static bool close_connection(struct fake_server *server, bool reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (reset)
        setsockopt(server->stream.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    stream_done(&server->stream);
    return true;
}

static bool wait_closed(struct fake_server *server)
{
    while (stream_fill(&server->stream, patience()) == 0)
        stream_consume(&server->stream, stream_buffered(&server->stream).len);
    return true;
}

static bool run_line(struct fake_server *server, struct slice line)
{
    struct slice rest = line;
    struct slice word = slice_cut(&rest, ' ');
    uint64_t number = 0;
    struct slice heard;

    (void)slice_parse_u64(rest, HEARD_MAX, &number);
    if (slice_eq(word, SLICE("connect")))
        return take_connection(server);
    if (slice_eq(word, SLICE(">")))
        return say_line(server, rest);
    if (slice_eq(word, SLICE("<")))
        return hear(server, rest, &heard);
    if (slice_eq(word, SLICE("text")))
        return hear_text(server);
    if (slice_eq(word, SLICE("chunk")))
        return hear_chunk(server);
    if (slice_eq(word, SLICE("raw")))
        return say(server, rest);
    if (slice_eq(word, SLICE("flood")))
        return flood(server, number);
    if (slice_eq(word, SLICE("closed")))
        return wait_closed(server);
    if (slice_eq(word, SLICE("close")) || slice_eq(word, SLICE("reset")))
        return close_connection(server, word.ptr[0] == 'r');
    if (slice_eq(word, SLICE("cancel")))
        return write(server->cancel_fd, &(uint64_t){1}, sizeof(uint64_t)) > 0;
    if (slice_eq(word, SLICE("slow")))
        return server->slow = true;
    if (slice_eq(word, SLICE("wait")))
        return poll(NULL, 0, (int)number) == 0;
    return mismatch(server, SLICE("a word of the script"), line);
}

static void *run(void *arg)
{
    struct fake_server *server = arg;
    struct slice script = slice_from_cstr(server->script);
    bool good = true;

    while (script.ptr && good) {
        struct slice line = slice_cut(&script, '\n');
        if (line.len)
            good = run_line(server, line);
    }
    stream_done(&server->stream);
    close(server->listener);
    return NULL;
}

void fake_server_start(struct fake_server *server, const char *script)
{
    struct socket_address address = socket_address_from_ip(AF_INET, (char[]){127, 0, 0, 1}, 0);

    *server = (struct fake_server){.script = script, .stream = {.fd = -1}};
    buf_init(&server->text, HEARD_MAX);
    buf_init(&server->heard, HEARD_MAX);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listener, &address.socket.any, address.len) < 0 ||
        listen(server->listener, 5) < 0 ||
        getsockname(server->listener, &address.socket.any, &address.len) < 0 ||
        pthread_create(&server->thread, NULL, run, server) != 0)
        abort();
    server->port = ntohs(address.socket.v4.sin_port);
}

void fake_server_join(struct fake_server *server)
{
    if (!server->joined)
        pthread_join(server->thread, NULL);
    server->joined = true;
}

void fake_server_done(struct fake_server *server)
{
    buf_done(&server->text);
    buf_done(&server->heard);
}
