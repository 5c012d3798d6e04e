/*
 * sendmail(1), as every program of a Unix system expects it.
 *
 * A message goes into the maildrop, whether the server is running or not: one way, which needs no
 * privilege and cannot be refused for a reason that goes away. That its recipients exist is found
 * out by the server, and told by a bounce.
 */
#include "control/commands.h"

#include "config/config.h"
#include "control/locate.h"
#include "control/sendmail_options.h"
#include "control/sendmail_session.h"
#include "control/submission.h"
#include "mail/address.h"
#include "mail/xtext.h"

#include <errno.h>
#include <getopt.h>
#include <sysexits.h>
#include <unistd.h>

enum { WHY_MAX = 4096, READ_SIZE = 64 * 1024 };

static int complain(int code, const struct buf *why)
{
    if (code != 0)
        fprintf(stderr, "sendmail: %.*s\n", SLICE_ARG(buf_slice(why)));
    return code;
}

/* ---- the message ---------------------------------------------------------------------------- */

static int read_all(int fd, struct buf *out, struct buf *why)
{
    for (;;) {
        char *room = buf_reserve(out, READ_SIZE);
        ssize_t n = room ? read(fd, room, READ_SIZE) : -1;
        if (room && n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            buf_add_cstr(why, room ? "cannot read the message" : "the message is too large");
            return room ? EX_NOINPUT : EX_UNAVAILABLE;
        }
        if (n == 0)
            return 0;
        buf_added(out, (size_t)n);
    }
}

/* What stands before a line with a dot alone. */
static struct slice before_dot(struct slice text)
{
    struct slice rest = text;

    while (rest.ptr) {
        const char *start = rest.ptr;
        struct slice line = slice_cut(&rest, '\n');
        if (slice_eq(line, SLICE(".")) || slice_eq(line, SLICE(".\r")))
            return slice_from(text.ptr, (size_t)(start - text.ptr));
    }
    return text;
}

static int take_envelope(struct submission *submission, const struct sendmail_options *options,
                         char **recipients, struct buf *why)
{
    int code = 0;

    if (options->sender)
        code = submission_set_sender(submission, slice_from_cstr(options->sender), why);
    if (options->full_name)
        submission->full_name = slice_from_cstr(options->full_name);
    submission->notify = options->notify;
    submission->envelope.ret = options->ret;
    if (options->envid) {
        struct buf envid;
        buf_init(&envid, 300);
        xtext_encode(&envid, slice_from_cstr(options->envid));
        submission->envelope.envid = arena_dup(&submission->arena, buf_slice(&envid));
        buf_done(&envid);
    }
    for (; code == 0 && *recipients; recipients++)
        code = submission_add_recipients(submission, slice_from_cstr(*recipients), why);
    return code;
}

static int deliver(const struct submission_site *site, const struct sendmail_options *options,
                   char **recipients)
{
    struct submission submission;
    struct buf text, why;
    int code;

    submission_init(&submission, site);
    buf_init(&text, site->message_size + READ_SIZE);
    buf_init(&why, WHY_MAX);
    code = take_envelope(&submission, options, recipients, &why);
    if (code == 0 && !options->from_header && submission.envelope.n_recipients == 0) {
        buf_add_cstr(&why, "there is no recipient; sendmail --help explains");
        code = EX_USAGE;
    }
    if (code == 0)
        code = read_all(STDIN_FILENO, &text, &why);
    if (code == 0)
        code = submission_finish(&submission,
                                 options->dots ? before_dot(buf_slice(&text)) : buf_slice(&text),
                                 options->from_header, &why);
    complain(code, &why);
    buf_done(&text);
    buf_done(&why);
    submission_done(&submission);
    return code;
}

/* ---- -bv ------------------------------------------------------------------------------------ */

/* What the configuration says of the address. Whether a mailbox exists is asked by the server. */
static int verify_one(const struct config *config, struct slice mailbox)
{
    const struct config_domain *domain = config_find_domain(config, address_domain(mailbox));
    const struct config_route *route = config_route_for(config, address_domain(mailbox));

    if (domain) {
        printf("%.*s: %s\n", SLICE_ARG(mailbox),
               domain->local ? "a domain of ours" : "a domain that we relay for");
        return 0;
    }
    if (route) {
        printf("%.*s: goes over route %.*s\n", SLICE_ARG(mailbox), SLICE_ARG(route->name));
        return 0;
    }
    printf("%.*s: there is no route to this domain\n", SLICE_ARG(mailbox));
    return EX_NOHOST;
}

static int verify_all(const char *path, const struct submission *submission, struct buf *why)
{
    struct problem_list problems;
    struct config_bundle bundle;
    struct config *config = NULL;
    int code = 0;

    problem_list_init(&problems);
    if (config_load(path, &bundle, &config, &problems) < 0) {
        buf_printf(why, "%s cannot be read", path);
        code = EX_CONFIG;
    }
    for (uint32_t i = 0; config && i < submission->envelope.n_recipients; i++) {
        int one = verify_one(config, submission->recipients[i].address);
        code = code ? code : one;
    }
    config_unref(config);
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    return code;
}

static int verify(const struct submission_site *site, const char *given, char **recipients)
{
    struct submission submission;
    struct buf why;
    int code = 0;

    submission_init(&submission, site);
    buf_init(&why, WHY_MAX);
    for (; code == 0 && *recipients; recipients++)
        code = submission_add_recipients(&submission, slice_from_cstr(*recipients), &why);
    if (code == 0)
        code = verify_all(config_locate(given), &submission, &why);
    if (why.len)
        complain(code, &why);
    buf_done(&why);
    submission_done(&submission);
    return code;
}

/* ---- the command ---------------------------------------------------------------------------- */

static int run(const struct sendmail_options *options, char **recipients)
{
    struct submission_site site;
    struct arena arena;
    int code;

    arena_init(&arena);
    code = submission_find_site(options->config, &arena, &site);
    if (code == 0 && options->mode == SENDMAIL_VERIFY)
        code = verify(&site, options->config, recipients);
    else if (code == 0 && options->mode == SENDMAIL_SMTP)
        code = sendmail_session_run(&site, STDIN_FILENO, STDOUT_FILENO);
    else if (code == 0)
        code = deliver(&site, options, recipients);
    arena_done(&arena);
    return code;
}

int cmd_sendmail(int argc, char **argv)
{
    static char name[] = "mailq";
    char *mailq[] = {name, NULL};
    struct sendmail_options options;
    int code = sendmail_options_parse(argc, argv, &options);

    if (code != 0)
        return code;
    switch (options.mode) {
    case SENDMAIL_NOTHING:
        return EX_OK;
    case SENDMAIL_LIST:
        optind = 0; /* the next command line is another */
        return cmd_mailq(1, mailq);
    default:
        return run(&options, argv + optind);
    }
}
