/*
 * The handlers of commands, one file each. A handler looks at the session, changes its state, and
 * returns a reply; it writes nothing. Whether the command is in order now was decided by the table
 * in dispatch.c. A reply with code 0 means: not yet (BDAT's comes behind its octets).
 */
#ifndef NUNCIO_RECEIVE_COMMANDS_H
#define NUNCIO_RECEIVE_COMMANDS_H

#include "receive/session.h"

/* `scratch` is for the text of the reply. */
typedef struct smtp_reply command_handler(struct session *session, struct slice argument,
                                          struct arena *scratch);

command_handler cmd_auth, cmd_bdat, cmd_data, cmd_ehlo, cmd_expn, cmd_helo, cmd_help, cmd_lhlo,
    cmd_mail, cmd_noop, cmd_quit, cmd_rcpt, cmd_rset, cmd_starttls, cmd_vrfy, cmd_xclient;

#endif
