/*
 * From a command line to its handler: the table says in which states a command is in order, and
 * whether it must be the last of a pipelined group (RFC 2920 section 3.1).
 *
 * Limits: command lines' length, errors, commands without a transaction. A client of an mx listener
 * that sends on behind a command whose reply it must await is no mail server, and is sent away.
 */
#include "receive/auth.h"
#include "receive/commands.h"
#include "receive/handshake.h"
#include "smtp/sasl.h"

enum { LOGGED_LINE_MAX = 256 };

enum command_flags {
    LAST_OF_GROUP = 1,
    IDLE = 2, /* counts towards idle_commands */
    NOT_LMTP = 4,
    ONLY_LMTP = 8,
    ALONE = 16, /* whatever stands behind it was not meant for us to execute */
    PLAIN = 32, /* in order without TLS even where that is required */
};

struct command {
    command_handler *handler;
    unsigned states; /* enum session_state */
    unsigned flags;
};

static const struct command commands[SMTP_VERBS] = {
    [SMTP_AUTH] = {cmd_auth, STATE_READY, LAST_OF_GROUP | IDLE},
    [SMTP_BDAT] = {cmd_bdat, STATE_ANY, PLAIN}, /* its octets come in any case */
    [SMTP_DATA] = {cmd_data, STATE_MAIL | STATE_RCPT, LAST_OF_GROUP},
    [SMTP_EHLO] = {cmd_ehlo, STATE_ANY, LAST_OF_GROUP | IDLE | NOT_LMTP | PLAIN},
    [SMTP_EXPN] = {cmd_expn, STATE_ANY, IDLE},
    [SMTP_HELO] = {cmd_helo, STATE_ANY, LAST_OF_GROUP | IDLE | NOT_LMTP},
    [SMTP_HELP] = {cmd_help, STATE_ANY, IDLE},
    [SMTP_LHLO] = {cmd_lhlo, STATE_ANY, LAST_OF_GROUP | IDLE | ONLY_LMTP | PLAIN},
    [SMTP_MAIL] = {cmd_mail, STATE_READY, 0},
    [SMTP_NOOP] = {cmd_noop, STATE_ANY, IDLE | PLAIN},
    [SMTP_QUIT] = {cmd_quit, STATE_ANY, PLAIN},
    [SMTP_RCPT] = {cmd_rcpt, STATE_MAIL | STATE_RCPT, 0},
    [SMTP_RSET] = {cmd_rset, STATE_ANY, IDLE},
    [SMTP_STARTTLS] = {cmd_starttls, STATE_START | STATE_READY, ALONE | IDLE | PLAIN},
    [SMTP_VRFY] = {cmd_vrfy, STATE_ANY, IDLE},
    [SMTP_XCLIENT] = {cmd_xclient, STATE_START | STATE_READY, LAST_OF_GROUP | IDLE},
};

static struct smtp_reply out_of_order(const struct session *session)
{
    if (session->state == STATE_START)
        return session_is_lmtp(session) ? SMTP_REPLY(503, 5, 5, 1, "say LHLO first")
                                        : SMTP_REPLY(503, 5, 5, 1, "say EHLO first");
    if (session->state == STATE_READY)
        return SMTP_REPLY(503, 5, 5, 1, "say MAIL first");
    return SMTP_REPLY(503, 5, 5, 1, "not in the middle of a transaction");
}

static struct smtp_reply run(struct session *session, const struct smtp_command *word, bool more,
                             struct arena *scratch)
{
    const struct command *command = &commands[word->verb];
    unsigned wrong_service = session_is_lmtp(session) ? NOT_LMTP : ONLY_LMTP;

    if (!command->handler || command->flags & wrong_service)
        return SMTP_REPLY(500, 5, 5, 2, "command not recognised");
    if (command->flags & ALONE && more)
        return SMTP_REPLY_CLOSE(503, 5, 5, 1, "nothing may stand behind STARTTLS");
    if (command->flags & LAST_OF_GROUP && more && session_is_mx(session))
        return SMTP_REPLY_CLOSE(503, 5, 5, 1, "wait for the reply before you go on");
    if (command->flags & IDLE && ++session->idle_commands > session->config->limits.idle_commands)
        return SMTP_REPLY_CLOSE(421, 4, 7, 0, "too many commands without a message");
    if (!(command->flags & PLAIN) && handshake_is_due(session))
        return SMTP_REPLY(530, 5, 7, 0, "say STARTTLS first");
    if (!(command->states & session->state))
        return out_of_order(session);
    return command->handler(session, word->argument, scratch);
}

static struct smtp_reply refuse_line(enum smtp_line verdict)
{
    switch (verdict) {
    case SMTP_LINE_LONG:
        return SMTP_REPLY(500, 5, 5, 2, "line too long");
    case SMTP_LINE_NUL:
        return SMTP_REPLY(500, 5, 5, 2, "NUL in a command");
    case SMTP_LINE_BARE_CR:
        return SMTP_REPLY(500, 5, 5, 2, "bare CR in a command");
    case SMTP_LINE_BARE_LF:
        return SMTP_REPLY_CLOSE(521, 5, 5, 2, "lines end in CRLF, not in LF");
    case SMTP_LINE_GOOD:
    case SMTP_LINE_MORE:
        break;
    }
    return SMTP_REPLY_NONE;
}

/* What of a line may stand in the log: a client that sends its responses without waiting for the
 * challenges has them taken for commands when AUTH is refused, on whatever listener and also when
 * he has logged in already. */
static struct slice loggable(const struct session *session, struct slice line)
{
    struct smtp_command word = smtp_command_parse(line);

    if (word.verb == SMTP_AUTH)
        return word.word;
    if (word.verb == SMTP_UNKNOWN && (auth_may_come(session) || session->auth_tried))
        return SLICE("(not shown)");
    return slice_sub(line, 0, LOGGED_LINE_MAX);
}

/* What stands in the first < > of a line such as RCPT TO:<joe@example.org>. */
static struct slice path_in(struct slice line)
{
    ptrdiff_t open = slice_find(line, '<'), close = slice_find(line, '>');

    return open >= 0 && close > open ? slice_sub(line, (size_t)open + 1, (size_t)(close - open) - 1)
                                     : SLICE_NULL;
}

static struct slice rule_of(const struct session *session, struct arena *scratch)
{
    const struct config_source *rule = &session->refused_by;

    return rule->file.len ? arena_printf(scratch, "%.*s:%u", SLICE_ARG(rule->file), rule->line)
                          : SLICE_NULL;
}

static void log_refusal(const struct session *session, struct slice line,
                        const struct smtp_reply *reply, struct arena *scratch)
{
    enum smtp_verb verb = smtp_command_parse(line).verb;
    struct slice shown = loggable(session, line);
    struct slice from = verb == SMTP_MAIL      ? path_in(shown)
                        : session->transaction ? session->transaction->envelope.reverse_path
                                               : SLICE_NULL;

    log_info(&session->log, "refused", LOG_STR("client", session->client_text),
             LOG_SLICE("helo", session->helo), LOG_SLICE("line", shown), LOG_SLICE("from", from),
             LOG_SLICE("to", verb == SMTP_RCPT ? path_in(shown) : SLICE_NULL),
             LOG_INT("code", reply->code), LOG_STR("status", status_format(reply->status).text),
             LOG_SLICE("text", reply->text), LOG_SLICE("rule", rule_of(session, scratch)));
}

void dispatch_count_error(struct session *session, struct smtp_reply *reply)
{
    if (reply->code < 500 || reply->close)
        return;
    if (++session->errors > session->config->limits.errors)
        *reply = SMTP_REPLY_CLOSE(421, 4, 7, 0, "too many errors");
}

/* AUTH with its initial response may be longer than other commands. */
static enum smtp_line next_line(struct session *session, struct slice *input,
                                struct slice *ret_line)
{
    size_t most = session->config->limits.command_line;
    size_t before = input->len;
    enum smtp_line verdict;

    most = most < TASK_SCRATCH_SIZE ? most : TASK_SCRATCH_SIZE;
    session->lines.max =
        auth_may_come(session) && most < SMTP_AUTH_LINE_MAX ? SMTP_AUTH_LINE_MAX : most;
    verdict = smtp_lines_next(&session->lines, input, ret_line);
    if (verdict == SMTP_LINE_GOOD && before - input->len > most &&
        smtp_command_parse(*ret_line).verb != SMTP_AUTH)
        return SMTP_LINE_LONG;
    return verdict;
}

bool dispatch_line(struct session *session, struct step *step, struct slice *input)
{
    struct slice line = SLICE_NULL;
    enum smtp_line verdict = next_line(session, input, &line);
    struct smtp_reply reply;

    if (verdict == SMTP_LINE_MORE)
        return false;
    step->commands++;
    if (verdict == SMTP_LINE_GOOD) {
        struct smtp_command word = smtp_command_parse(line);
        session->auth_tried = session->auth_tried || word.verb == SMTP_AUTH;
        session->refused_by = (struct config_source){0};
        reply = run(session, &word, input->len > 0, &step->scratch->arena);
    } else {
        reply = refuse_line(verdict);
    }
    dispatch_count_error(session, &reply);
    if (reply.code >= 400)
        log_refusal(session, line, &reply, &step->scratch->arena);
    session_progress(session);
    session_reply(session, step, &reply);
    return true;
}
