/*
 * Runs a conversation script against a session: three ways of cutting what the client says into
 * segments (a byte, a line, all that comes between two replies), each with the same replies; and
 * cut off after every line that the client says, which must leave nothing behind.
 */
#include "fake_auth.h"
#include "fake_dns.h"
#include "fake_spool.h"
#include "host.h"
#include "script.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>

enum way { ONCE, LINE, BYTE, WAYS };
static const char *const way_names[WAYS] = {"once", "line", "byte"};

struct talk {
    const char *path;
    struct script script;
    enum way way;
    struct host host;
    struct buf said;  /* by the client, not sent yet */
    struct buf heard; /* from the server, not matched yet */
    bool failed;
};

static void fail(struct talk *talk, const struct script_line *line, struct slice have)
{
    fprintf(stderr, "%s:%u: [%s] wanted '%s', have '%.*s'\n", talk->path, line->number,
            way_names[talk->way], line->text, SLICE_ARG(have));
    talk->failed = true;
}

static bool matches(const char *pattern, struct slice text, bool whole)
{
    regex_t regex;
    struct buf buf;
    bool match;

    buf_init(&buf, SIZE_MAX);
    buf_printf(&buf, whole ? "^(%s)$" : "%s", pattern);
    buf_add_char(&buf, '\0');
    if (regcomp(&regex, buf.ptr, REG_EXTENDED | REG_NOSUB) != 0) {
        fprintf(stderr, "bad pattern: %s\n", pattern);
        exit(2);
    }
    buf_reset(&buf);
    buf_add_slice(&buf, text);
    buf_add_char(&buf, '\0');
    match = regexec(&regex, buf.ptr, 0, NULL, 0) == 0;
    regfree(&regex);
    buf_done(&buf);
    return match;
}

static void flush(struct talk *talk)
{
    struct slice rest = buf_slice(&talk->said);

    for (; talk->way == BYTE && rest.len; rest = slice_skip(rest, 1))
        host_say(&talk->host, slice_sub(rest, 0, 1));
    if (rest.len)
        host_say(&talk->host, rest);
    buf_reset(&talk->said);
    host_pump(&talk->host);
    host_read(&talk->host, &talk->heard);
}

/* The next line that the server has said; false when there is none. */
static bool next_line(struct talk *talk, struct buf *line)
{
    struct slice rest = buf_slice(&talk->heard);
    ptrdiff_t end = slice_find(rest, '\n');

    buf_reset(line);
    if (end < 1 || rest.ptr[end - 1] != '\r')
        return false;
    buf_add_slice(line, slice_sub(rest, 0, (size_t)end - 1));
    buf_drop_front(&talk->heard, (size_t)end + 1);
    return true;
}

static void check_reply(struct talk *talk, const struct script_line *want)
{
    bool last = want->kind == SCRIPT_REPLY;
    struct buf line;
    bool there;

    buf_init(&line, SIZE_MAX);
    do
        there = next_line(talk, &line);
    while (there && last && line.len > 3 && line.ptr[3] == '-');
    if (!there || !matches(want->text, buf_slice(&line), true))
        fail(talk, want, there ? buf_slice(&line) : buf_slice(&talk->heard));
    buf_done(&line);
}

static int errno_named(const char *name)
{
    return strcmp(name, "full") == 0 ? -ENOSPC : strcmp(name, "broken") == 0 ? -EIO : 0;
}

static uint64_t number(const struct script_line *line)
{
    uint64_t value = 0;

    (void)slice_parse_u64(slice_from_cstr(line->text), UINT64_MAX, &value);
    return value;
}

static void check_message(struct talk *talk, const struct script_line *line)
{
    if (matches(line->text, fake_spool_last(), false) != (line->kind == SCRIPT_HAS))
        fail(talk, line, fake_spool_last());
}

static void do_line(struct talk *talk, const struct script_line *line)
{
    if (line->kind == SCRIPT_SAY) {
        buf_add(&talk->said, line->text, line->len);
        if (talk->way != ONCE)
            flush(talk);
        return;
    }
    flush(talk);
    switch (line->kind) {
    case SCRIPT_CONTINUED:
    case SCRIPT_REPLY:
        check_reply(talk, line);
        break;
    case SCRIPT_NOTHING:
        if (talk->heard.len || !talk->host.session)
            fail(talk, line, buf_slice(&talk->heard));
        break;
    case SCRIPT_CLOSED:
        /* It may linger a moment so that its last words arrive. */
        host_sleep(&talk->host, 3000);
        if (talk->heard.len || talk->host.session)
            fail(talk, line, buf_slice(&talk->heard));
        break;
    case SCRIPT_SLEEP:
        host_sleep(&talk->host, number(line));
        host_read(&talk->host, &talk->heard);
        break;
    case SCRIPT_SPOOL:
        fake_spool_set_ready(errno_named(line->text));
        break;
    case SCRIPT_COMMIT:
        talk->host.hold_commits = strcmp(line->text, "hold") == 0;
        fake_spool_set_commit(errno_named(line->text));
        flush(talk);
        break;
    case SCRIPT_AUTH:
        fake_auth_hold(strcmp(line->text, "hold") == 0);
        fake_auth_away(strcmp(line->text, "away") == 0);
        flush(talk);
        break;
    case SCRIPT_DNS:
        fake_dns_hold(strcmp(line->text, "silent") == 0);
        flush(talk);
        break;
    case SCRIPT_UNREAD:
        atomic_store(&talk->host.server.unread, number(line) << 20);
        break;
    case SCRIPT_STOP:
        host_stop(&talk->host);
        host_read(&talk->host, &talk->heard);
        break;
    case SCRIPT_MESSAGES:
        if (fake_spool_count() != number(line))
            fail(talk, line, fake_spool_last());
        break;
    case SCRIPT_HAS:
    case SCRIPT_HAS_NOT:
        check_message(talk, line);
        break;
    default:
        break; /* taken before the start */
    }
}

static void make_config(const struct script *script, struct buf *out)
{
    const struct script_line *service = script_find(script, SCRIPT_SERVICE);

    buf_add_cstr(out, "hostname mx.example.org\nstate /nowhere\n"
                      "domain example.org { deliver maildir }\n");
    for (unsigned i = 0; i < script->count; i++) {
        if (script->lines[i].kind == SCRIPT_CONFIG)
            buf_printf(out, "%s\n", script->lines[i].text);
    }
    buf_printf(out, "listen test {\nservice %s\naddress 127.0.0.1:2525\n",
               service ? service->text : "mx");
    for (unsigned i = 0; i < script->count; i++) {
        if (script->lines[i].kind == SCRIPT_LISTEN)
            buf_printf(out, "%s\n", script->lines[i].text);
    }
    buf_add_cstr(out, "}\n");
}

static void begin(struct talk *talk)
{
    const struct script_line *client = script_find(&talk->script, SCRIPT_CLIENT);
    const struct script_line *early = script_find(&talk->script, SCRIPT_EARLY);
    const struct script_line *dns = script_find(&talk->script, SCRIPT_DNS);
    struct buf config;

    buf_init(&config, SIZE_MAX);
    buf_init(&talk->said, SIZE_MAX);
    buf_init(&talk->heard, SIZE_MAX);
    make_config(&talk->script, &config);
    fake_dns_use(dns != NULL);
    fake_dns_hold(dns && strcmp(dns->text, "silent") == 0);
    if (!host_open_early(&talk->host, buf_slice(&config), client ? client->text : "203.0.113.9",
                         early ? slice_from(early->text, early->len) : SLICE_NULL))
        exit(2);
    buf_done(&config);
}

static void end(struct talk *talk, unsigned cut)
{
    if (!host_close(&talk->host)) {
        fprintf(stderr, "%s: [%s, cut off after line %u] the session leaves something behind\n",
                talk->path, way_names[talk->way], cut);
        talk->failed = true;
    }
    buf_done(&talk->said);
    buf_done(&talk->heard);
}

static void run_whole(struct talk *talk)
{
    begin(talk);
    for (unsigned i = 0; i < talk->script.count && !talk->failed; i++)
        do_line(talk, &talk->script.lines[i]);
    if (!talk->failed)
        flush(talk);
    end(talk, 0);
}

/* What the client says up to that line, and then its end. */
static void run_cut(struct talk *talk, unsigned lines)
{
    begin(talk);
    for (unsigned i = 0; i < lines; i++) {
        const struct script_line *line = &talk->script.lines[i];
        if (line->kind == SCRIPT_SAY)
            host_say(&talk->host, slice_from(line->text, line->len));
    }
    end(talk, talk->script.lines[lines - 1].number);
}

static bool run_script(const char *path)
{
    struct talk talk = {.path = path};
    const struct script_line *only;

    script_load(path, &talk.script);
    only = script_find(&talk.script, SCRIPT_ONLY);
    for (talk.way = 0; talk.way < WAYS && !talk.failed; talk.way++) {
        if (!only || strcmp(only->text, way_names[talk.way]) == 0)
            run_whole(&talk);
    }
    talk.way = LINE;
    for (unsigned i = 0; i < talk.script.count && !talk.failed; i++) {
        if (talk.script.lines[i].kind == SCRIPT_SAY)
            run_cut(&talk, i + 1);
    }
    script_free(&talk.script);
    fake_spool_reset();
    return !talk.failed;
}

int main(int argc, char **argv)
{
    bool good = argc > 1;

    log_setup("talk", LOG_ERROR, LOG_LOGFMT, open("/dev/null", O_WRONLY | O_CLOEXEC));
    for (int i = 1; i < argc; i++)
        good &= run_script(argv[i]);
    return good ? 0 : 1;
}
