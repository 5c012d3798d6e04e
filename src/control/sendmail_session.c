/*
 * SMTP for a local user on a pipe. See sendmail_session.h.
 *
 * Nobody is at the other end but a program of the caller, which waits for each answer or does not:
 * there is no deadline, no count of errors, and no check that would keep a stranger out.
 */
#include "control/sendmail_session.h"

#include "smtp/command.h"
#include "smtp/line.h"
#include "smtp/param.h"
#include "smtp/text.h"

#include <errno.h>
#include <sysexits.h>
#include <unistd.h>

enum { LINE_MAX_SIZE = 4096, TEXT_LINE_MAX = 1024 * 1024, READ_SIZE = 16 * 1024, WHY_MAX = 1024 };

struct session {
    const struct submission_site *site;
    int input, output;
    struct buf received; /* what has not been looked at yet */
    struct arena arena;  /* of the step */
    struct smtp_lines lines;
    bool has_mail; /* in a mail transaction, whose submission is: */
    struct submission submission;
};

static bool write_reply(struct session *session, const struct smtp_reply *reply)
{
    struct buf out;
    struct slice rest;

    buf_init(&out, 64 * 1024);
    smtp_reply_write(&out, reply);
    for (rest = buf_slice(&out); rest.len;) {
        ssize_t n = write(session->output, rest.ptr, rest.len);
        if (n < 0 && errno != EINTR)
            break;
        rest = slice_skip(rest, n > 0 ? (size_t)n : 0);
    }
    buf_done(&out);
    return rest.len == 0;
}

/* More input behind what is there. False at its end. */
static bool read_more(struct session *session)
{
    char *room = buf_reserve(&session->received, READ_SIZE);
    ssize_t n;

    if (!room)
        return false;
    do
        n = read(session->input, room, READ_SIZE);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return false;
    buf_added(&session->received, (size_t)n);
    return true;
}

static void end_mail(struct session *session)
{
    if (session->has_mail)
        submission_done(&session->submission);
    session->has_mail = false;
}

static struct smtp_reply do_mail(struct session *session, struct slice argument)
{
    struct submission *submission = &session->submission;
    struct smtp_mail mail;
    struct smtp_reply reply = smtp_mail_parse(argument, &session->arena, &mail);

    if (reply.code)
        return reply;
    if (mail.size > session->site->message_size)
        return SMTP_REPLY(552, 5, 3, 4, "Message too big");
    end_mail(session);
    submission_init(submission, session->site);
    session->has_mail = true;
    submission->envelope.reverse_path = arena_dup(&submission->arena, mail.from.mailbox);
    submission->envelope.envid = arena_dup(&submission->arena, mail.envid);
    submission->envelope.ret = mail.ret;
    submission->envelope.body = mail.body;
    submission->envelope.smtputf8 = mail.smtputf8;
    return SMTP_REPLY(250, 2, 1, 0, "Ok");
}

static struct smtp_reply do_rcpt(struct session *session, struct slice argument)
{
    struct submission *submission = &session->submission;
    struct smtp_rcpt rcpt;
    struct smtp_reply reply;
    uint32_t *n = &submission->envelope.n_recipients;

    if (!session->has_mail)
        return SMTP_REPLY(503, 5, 5, 1, "MAIL first");
    reply = smtp_rcpt_parse(argument, submission->envelope.smtputf8, &session->arena, &rcpt);
    if (reply.code)
        return reply;
    if (*n >= session->site->recipients)
        return SMTP_REPLY(452, 4, 5, 3, "Too many recipients");
    submission->recipients[(*n)++] =
        (struct recipient){.address = arena_dup(&submission->arena, rcpt.to.mailbox),
                           .orcpt = arena_dup(&submission->arena, rcpt.orcpt),
                           .class = CLASS_AUTHORISED,
                           .notify = rcpt.notify};
    return SMTP_REPLY(250, 2, 1, 5, "Ok");
}

/* Reads the text to its end. False when the input ended before, so there is no message. */
static bool read_text(struct session *session, struct smtp_text *text, struct buf *out)
{
    while (!text->ended) {
        struct slice input, run;
        if (session->received.len == 0 && !read_more(session))
            return false;
        input = buf_slice(&session->received);
        while (smtp_text_next(text, &input, &run))
            buf_add_slice(out, run);
        buf_drop_front(&session->received, session->received.len - input.len);
    }
    return true;
}

static struct smtp_reply store(struct session *session, const struct smtp_text *text,
                               const struct buf *message)
{
    struct smtp_reply reply = SMTP_REPLY(250, 2, 0, 0, "Ok: left to the server");
    struct buf why;
    int code;

    if (text->faults)
        return SMTP_REPLY(554, 5, 6, 0, "A line that is too long, or a NUL");
    if (message->overflow)
        return SMTP_REPLY(552, 5, 3, 4, "Message too big");
    buf_init(&why, WHY_MAX);
    code = submission_finish(&session->submission, buf_slice(message), false, &why);
    if (code == EX_TEMPFAIL)
        reply = smtp_reply_format(&session->arena, 451, STATUS(4, 3, 0), "%.*s",
                                  SLICE_ARG(buf_slice(&why)));
    else if (code != 0)
        reply = smtp_reply_format(&session->arena, 554, STATUS(5, 6, 0), "%.*s",
                                  SLICE_ARG(buf_slice(&why)));
    buf_done(&why);
    return reply;
}

static struct smtp_reply do_data(struct session *session)
{
    const struct smtp_reply go_ahead = {.code = 354, .text = SLICE("Go ahead")};
    struct smtp_reply reply = SMTP_REPLY_CLOSE(421, 4, 4, 2, "The message has no end");
    struct smtp_text text;
    struct buf message;

    if (!session->has_mail || session->submission.envelope.n_recipients == 0)
        return SMTP_REPLY(503, 5, 5, 1, "MAIL and RCPT first");
    if (!write_reply(session, &go_ahead))
        return reply;
    smtp_text_init(&text, true, true, TEXT_LINE_MAX);
    buf_init(&message, session->site->message_size);
    if (read_text(session, &text, &message))
        reply = store(session, &text, &message);
    buf_done(&message);
    end_mail(session);
    return reply;
}

static struct smtp_reply do_hello(struct session *session, bool extended)
{
    if (!extended)
        return smtp_reply_format(&session->arena, 250, (struct status){0}, "%.*s",
                                 SLICE_ARG(session->site->hostname));
    return smtp_reply_format(&session->arena, 250, (struct status){0},
                             "%.*s\nPIPELINING\nSIZE %llu\n8BITMIME\nSMTPUTF8\nDSN\n"
                             "ENHANCEDSTATUSCODES",
                             SLICE_ARG(session->site->hostname),
                             (unsigned long long)session->site->message_size);
}

static struct smtp_reply do_command(struct session *session, struct slice line)
{
    struct smtp_command command = smtp_command_parse(line);

    switch (command.verb) {
    case SMTP_EHLO:
    case SMTP_HELO:
        end_mail(session);
        return do_hello(session, command.verb == SMTP_EHLO);
    case SMTP_MAIL:
        return do_mail(session, command.argument);
    case SMTP_RCPT:
        return do_rcpt(session, command.argument);
    case SMTP_DATA:
        return do_data(session);
    case SMTP_RSET:
        end_mail(session);
        return SMTP_REPLY(250, 2, 0, 0, "Ok");
    case SMTP_NOOP:
        return SMTP_REPLY(250, 2, 0, 0, "Ok");
    case SMTP_VRFY:
        return SMTP_REPLY(252, 2, 0, 0, "Send some mail, and see");
    case SMTP_QUIT:
        return SMTP_REPLY_CLOSE(221, 2, 0, 0, "Bye");
    default:
        return SMTP_REPLY(502, 5, 5, 1, "Not here");
    }
}

/* Cuts the next line off the input and answers it. False when the session is over. */
static bool step(struct session *session)
{
    struct slice input = buf_slice(&session->received), line;
    enum smtp_line kind = smtp_lines_next(&session->lines, &input, &line);
    struct smtp_reply reply = SMTP_REPLY(500, 5, 5, 2, "Not a command line");
    struct slice copy;

    if (kind == SMTP_LINE_MORE) {
        buf_drop_front(&session->received, session->received.len - input.len);
        return read_more(session);
    }
    arena_reset(&session->arena);
    copy = kind == SMTP_LINE_GOOD ? arena_dup(&session->arena, line) : SLICE_NULL;
    buf_drop_front(&session->received, session->received.len - input.len);
    if (kind == SMTP_LINE_GOOD)
        reply = do_command(session, copy);
    return write_reply(session, &reply) && !reply.close;
}

int sendmail_session_run(const struct submission_site *site, int input, int output)
{
    struct session session = {.site = site,
                              .input = input,
                              .output = output,
                              .lines = {.max = LINE_MAX_SIZE, .bare_lf_ok = true}};
    struct smtp_reply greeting;

    arena_init(&session.arena);
    buf_init(&session.received, 2 * READ_SIZE + LINE_MAX_SIZE);
    greeting = smtp_reply_format(&session.arena, 220, (struct status){0}, "%.*s ESMTP",
                                 SLICE_ARG(site->hostname));
    if (write_reply(&session, &greeting)) {
        while (step(&session))
            ;
    }
    end_mail(&session);
    buf_done(&session.received);
    arena_done(&session.arena);
    return EX_OK;
}
