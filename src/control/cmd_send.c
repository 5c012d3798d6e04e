/*
 * `nuncio send`: an SMTP and LMTP client for the command line, over the same code as the relay role
 * (src/relay), so that what is seen here is what the server does.
 *
 * One connection, one transaction, no retry: the transcript is the point. The text goes through a
 * memfd, with its line ends made CRLF, because its size is told before it is sent.
 */
#include "base/clock.h"
#include "base/log.h"
#include "control/command_dns.h"
#include "control/commands.h"
#include "control/send_options.h"
#include "mail/address.h"
#include "mail/date.h"
#include "relay/attempt.h"
#include "relay/dial.h"
#include "relay/plan.h"
#include "relay/transaction.h"
#include "smtp/dot_stuff.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, REENCODED_MAX = 256 * 1024 * 1024, HOST_NAME_MAX_BYTES = 256 };

static void print_trace(void *arg, bool sent, struct slice text)
{
    (void)arg;
    while (text.len) {
        struct slice line = slice_trim(slice_cut(&text, '\n'));
        printf("%s %.*s\n", sent ? "C:" : "S:", SLICE_ARG(line));
    }
    fflush(stdout);
}

static int write_all(int fd, struct buf *bytes)
{
    struct slice rest = buf_slice(bytes);

    while (rest.len) {
        ssize_t n = write(fd, rest.ptr, rest.len);
        if (n < 0 && errno != EINTR)
            return -errno;
        rest = slice_skip(rest, n > 0 ? (size_t)n : 0);
    }
    buf_reset(bytes);
    return 0;
}

/* Everything from `from` to `to`, with clean line ends. */
static int copy_text(int from, int to)
{
    struct dot_stuff stuff;
    struct buf out;
    char *block = xmalloc(BLOCK);
    ssize_t n;
    int r = 0;

    dot_stuff_init(&stuff, false);
    buf_init(&out, 2 * BLOCK + DOT_STUFF_EXTRA);
    while (r == 0 && (n = read(from, block, BLOCK)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            r = -errno;
            break;
        }
        dot_stuff_add(&stuff, slice_from(block, (size_t)n), &out);
        r = write_all(to, &out);
    }
    if (r == 0) {
        dot_stuff_end(&stuff, &out);
        r = write_all(to, &out);
    }
    buf_done(&out);
    free(block);
    return r;
}

static int write_test_message(int fd, const struct send_options *options, struct slice helo)
{
    uint64_t now = clock_wall_ms();
    struct date_text date = date_format((int64_t)(now / 1000), 0);
    struct buf text;
    int r;

    buf_init(&text, BLOCK);
    buf_printf(&text,
               "Date: %s\r\nFrom: <%.*s>\r\nTo: <%.*s>\r\nSubject: A test of nuncio send\r\n"
               "Message-ID: <%llu.%ld.send@%.*s>\r\n\r\nThis message says that it arrived.\r\n",
               date.text, SLICE_ARG(options->from), SLICE_ARG(options->to[0]),
               (unsigned long long)now, (long)getpid(), SLICE_ARG(helo));
    r = write_all(fd, &text);
    buf_done(&text);
    return r;
}

/* The text in a memfd; or an exit code's negative after saying what is wrong. */
static int open_text(const struct send_options *options, struct slice helo, uint64_t *ret_length)
{
    int fd = memfd_create("nuncio-send", MFD_CLOEXEC);
    int from = STDIN_FILENO, r;
    off_t length;

    if (fd < 0)
        return -EX_OSERR;
    if (!options->data) {
        r = write_test_message(fd, options, helo);
    } else {
        if (strcmp(options->data, "-") != 0)
            from = open(options->data, O_RDONLY | O_CLOEXEC);
        r = from < 0 ? -errno : copy_text(from, fd);
        if (from > STDIN_FILENO)
            close(from);
    }
    length = lseek(fd, 0, SEEK_END);
    if (r < 0 || length < 0) {
        fprintf(stderr, "nuncio send: cannot read %s: %s\n", options->data ? options->data : "text",
                log_strerror(r));
        close(fd);
        return -EX_NOINPUT;
    }
    *ret_length = (uint64_t)length;
    return fd;
}

static bool needs_utf8(const struct send_options *options, struct text *text)
{
    bool needs = !address_is_ascii(options->from), header = false;

    for (uint32_t i = 0; i < options->n_to; i++)
        needs = needs || !address_is_ascii(options->to[i]);
    return needs || (text_has_eightbit_header(text, &header) == 0 && header);
}

static int exit_code(enum done_kind kind)
{
    if (kind == DONE_OK)
        return EX_OK;
    return kind == DONE_NEVER ? EX_UNAVAILABLE : EX_TEMPFAIL;
}

/* A line for each recipient; the worst exit code, where "try again" gives way to "never". */
static int print_results(const struct send_options *options, const struct outcome *outcome)
{
    static const char *const words[] = {[DONE_OK] = "accepted",
                                        [DONE_LATER] = "not now",
                                        [DONE_NEVER] = "refused",
                                        [DONE_NETWORK] = "no server"};
    int worst = EX_OK;

    for (uint32_t i = 0; i < outcome->unit->n_recipients; i++) {
        const struct done_recipient *done = &outcome->recipients[i];
        int code = exit_code(done->kind);
        printf("%s: %.*s: %.*s\n", words[done->kind], SLICE_ARG(options->to[i]),
               SLICE_ARG(done->reply));
        if (worst == EX_OK || code == EX_UNAVAILABLE)
            worst = code;
    }
    return worst;
}

static void run_transaction(const struct send_options *options, struct client *client,
                            struct text *text, struct outcome *outcome)
{
    struct plan plan = plan_make(&client->offer, client->name, REENCODED_MAX, text, outcome);
    uint32_t recipients[SEND_RECIPIENTS_MAX];
    struct transaction t = {.client = client,
                            .outcome = outcome,
                            .text = text,
                            .recipients = recipients,
                            .body_8bitmime = plan.body_8bitmime,
                            .smtputf8 = plan.smtputf8,
                            .chunking = options->bdat && client->offer.chunking,
                            .pipelining = client->offer.pipelining && !options->no_pipelining};
    struct buf out;

    for (uint32_t i = 0; i < outcome->unit->n_recipients; i++) {
        if (outcome->states[i] == OUTCOME_OPEN)
            recipients[t.n_recipients++] = i;
    }
    if (t.n_recipients == 0)
        return;
    buf_init(&out, REENCODED_MAX);
    t.out = &out;
    text_rewind(text, SLICE_NULL, plan.reencoded);
    transaction_run(&t);
    outcome_settle(outcome);
    buf_done(&out);
}

static void print_tls(const struct send_options *options, const struct client *client)
{
    const struct tls_verdict *tls = &client->tls;

    if (!options->quiet && tls->version)
        printf("TLS: %s %s, certificate: %s%.*s\n", tls->version, tls->cipher,
               tls->verified ? "good for " : tls->why,
               SLICE_ARG(tls->verified ? options->server.host : SLICE_NULL));
}

static int send_over(const struct send_options *options, const struct dial *to, struct text *text,
                     struct outcome *outcome)
{
    struct client client;
    struct verdict verdict;
    struct slice remote;

    if (dial_destination(to, outcome, &client, &verdict, &remote)) {
        print_tls(options, &client);
        run_transaction(options, &client, text, outcome);
        client_quit(&client);
    } else {
        outcome_decide_all(outcome, &verdict);
    }
    return print_results(options, outcome);
}

/* With a resolver and TLS; an exit code. */
static int send_by(const struct send_options *options, struct dial *to, struct text *text,
                   struct outcome *outcome)
{
    int code = EX_OSERR;

    if (command_dns_open(options->config, &to->dns) < 0)
        return EX_CONFIG;
    if (options->tls == SEND_CLEAR || tls_client_new(SLICE_NULL, false, &to->tls) == 0)
        code = send_over(options, to, text, outcome);
    tls_client_unref(to->tls);
    dns_stop(to->dns);
    dns_free(to->dns);
    return code;
}

static enum config_tls_policy tls_policy(const struct send_options *options)
{
    if (options->tls == SEND_CLEAR)
        return TLS_POLICY_MAY;
    return options->verify ? TLS_POLICY_VERIFY : TLS_POLICY_ENCRYPT;
}

static int send_text(const struct send_options *options, struct slice helo, int fd, uint64_t length,
                     struct arena *arena)
{
    struct config_endpoint host = options->server;
    struct config_route route = {.name = SLICE("send"),
                                 .protocol = options->lmtp ? PROTOCOL_LMTP : PROTOCOL_SMTP,
                                 .hosts = {.list = &host, .count = 1},
                                 .tls = tls_policy(options),
                                 .tls_implicit = options->tls == SEND_IMPLICIT,
                                 .address_concurrency = 1,
                                 .ipv6 = true};
    struct msg_unit unit = {
        .reverse_path = options->from, .text_length = length, .n_recipients = options->n_to};
    struct dial to = {.route = &route,
                      .unit = &unit,
                      .helo = helo,
                      .cancel_fd = -1,
                      .trace = options->quiet ? NULL : print_trace};
    struct text text;
    struct outcome outcome;
    struct destination *destination = destination_of_route(&route);
    struct dead dead;
    struct slots slots;
    char *chunk = xmalloc(TEXT_CHUNK);
    bool eightbit = false;
    int code;

    text_init(&text, fd, 0, length, chunk);
    dead_init(&dead);
    slots_init(&slots);
    to.destination = destination;
    to.dead = &dead;
    to.slots = &slots;
    unit.recipients = arena_alloc(arena, options->n_to * sizeof(*unit.recipients));
    for (uint32_t i = 0; i < options->n_to; i++)
        unit.recipients[i].address = options->to[i];
    unit.body = text_has_eightbit(&text, &eightbit) == 0 && eightbit ? BODY_8BITMIME : BODY_7BIT;
    unit.smtputf8 = needs_utf8(options, &text);
    outcome_init(&outcome, arena, &unit);
    code = send_by(options, &to, &text, &outcome);
    slots_done(&slots);
    dead_done(&dead);
    destination_unref(destination);
    text_done(&text);
    free(chunk);
    return code;
}

int cmd_send(int argc, char **argv)
{
    struct send_options *options = xmalloc(sizeof(*options));
    char host[HOST_NAME_MAX_BYTES] = "localhost";
    struct arena arena;
    struct slice helo;
    uint64_t length;
    bool done;
    int fd, code = send_options_parse(argc, argv, options, &done);

    if (code == EX_OK && !done) {
        (void)gethostname(host, sizeof(host) - 1);
        helo = slice_from_cstr(options->helo ? options->helo : host);
        arena_init(&arena);
        fd = open_text(options, helo, &length);
        code = fd < 0 ? -fd : send_text(options, helo, fd, length, &arena);
        if (fd >= 0)
            close(fd);
        arena_done(&arena);
    }
    free(options);
    return code;
}
