/* DATA (RFC 5321 section 4.1.1.4). */
#include "receive/commands.h"

struct smtp_reply cmd_data(struct session *session, struct slice argument, struct arena *scratch)
{
    if (argument.len)
        return SMTP_REPLY(501, 5, 5, 4, "DATA takes no argument");
    if (session->state != STATE_RCPT)
        return SMTP_REPLY(503, 5, 5, 1, "no valid recipients");
    text_begin(session, true, scratch);
    session->phase = PHASE_DATA;
    return SMTP_REPLY(354, 0, 0, 0, "go on, end with a line that is a dot");
}
