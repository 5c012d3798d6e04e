/*
 * BDAT (RFC 3030 section 2). The octets of a chunk come whatever we say to the command, so a chunk
 * that is refused is read and thrown away, and the reply comes behind it.
 *
 * A refused chunk ends its transaction: the chunks that the client sent behind it without waiting
 * find none, and are refused as well.
 */
#include "receive/commands.h"
#include "receive/handshake.h"

static struct smtp_reply refuse(struct session *session, uint64_t size, struct smtp_reply reply)
{
    session_reset_transaction(session);
    if (size == 0)
        return reply;
    session->refused_left = size;
    session->refused_reply = reply;
    session->phase = PHASE_BDAT;
    return SMTP_REPLY_NONE;
}

struct smtp_reply cmd_bdat(struct session *session, struct slice argument, struct arena *scratch)
{
    struct transaction *transaction = session->transaction;
    uint64_t limit = session_message_size(session);
    uint64_t size, got;
    bool last;

    if (!smtp_bdat_parse(argument, &size, &last))
        /* How many octets come is unknown: nothing that follows can be told from a command. */
        return SMTP_REPLY_CLOSE(501, 5, 5, 4, "say BDAT size, or BDAT size LAST");
    if (handshake_is_due(session))
        return refuse(session, size, SMTP_REPLY(530, 5, 7, 0, "say STARTTLS first"));
    if (session->state == STATE_START)
        return refuse(session, size, SMTP_REPLY(503, 5, 5, 1, "say EHLO first"));
    if (session->state != STATE_RCPT && session->state != STATE_BDAT)
        return refuse(session, size, SMTP_REPLY(503, 5, 5, 1, "no valid recipients"));
    got = transaction->has_intake ? transaction->intake.size : 0;
    if (size > limit || got > limit - size)
        return refuse(session, size, SMTP_REPLY(552, 5, 3, 4, "message too large"));
    if (!transaction->has_intake)
        text_begin(session, false, scratch);
    transaction->chunk_left = size;
    transaction->chunk_size = size;
    transaction->chunk_last = last;
    session->state = STATE_BDAT;
    session->phase = PHASE_BDAT;
    return SMTP_REPLY_NONE;
}
