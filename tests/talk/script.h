/*
 * Conversation scripts. A script is lines; the first word says what each is:
 *
 *     service mx|submission|lmtp   first, once; mx without it
 *     config TEXT                  a statement of the configuration
 *     listen TEXT                  a statement of the listener's block
 *     client ADDRESS               where the client comes from; 203.0.113.9 without it
 *     early TEXT                   is said before the session begins, without CRLF
 *     only once|line|byte          not in the other ways: what is tried depends on segments
 *     C: TEXT                      the client says TEXT and CRLF
 *     C| TEXT                      the same without CRLF
 *     S- REGEX                     a line of a reply that is not its last
 *     S: REGEX                     the last line of a reply; lines before it are skipped
 *     nothing                      the server says nothing now
 *     closed                       the server has said all and closes
 *     sleep MS                     time goes by
 *     spool full|broken|good       what the spool says at MAIL
 *     commit hold|go|full|broken   when and how messages are committed; "go" without it
 *     auth hold|go|away|back       when the auth role answers (see fake_auth.c)
 *     dns silent|empty             there is a resolver: it does not answer, or knows no name (see
 *                                  fake_dns.h); without it nothing is checked
 *     unread MIB                   so much of the log the queue has not read
 *     stop                         the role ends
 *     messages N                   so many are committed
 *     M: REGEX                     the last one committed has it (see fake_spool.c)
 *     M! REGEX                     and has not this
 *     # ...                        a comment
 *
 * C lines and `early` know \r \n \0 \t \\ \xNN and \{N*TEXT} (TEXT, N times). Regular expressions
 * are POSIX extended; S: and S- must match the whole line.
 */
#ifndef NUNCIO_TALK_SCRIPT_H
#define NUNCIO_TALK_SCRIPT_H

#include "base/buf.h"

enum script_kind {
    SCRIPT_SERVICE,
    SCRIPT_CONFIG,
    SCRIPT_LISTEN,
    SCRIPT_CLIENT,
    SCRIPT_ONLY,
    SCRIPT_EARLY,
    SCRIPT_SAY,
    SCRIPT_CONTINUED,
    SCRIPT_REPLY,
    SCRIPT_NOTHING,
    SCRIPT_CLOSED,
    SCRIPT_SLEEP,
    SCRIPT_SPOOL,
    SCRIPT_COMMIT,
    SCRIPT_UNREAD,
    SCRIPT_AUTH,
    SCRIPT_DNS,
    SCRIPT_STOP,
    SCRIPT_MESSAGES,
    SCRIPT_HAS,
    SCRIPT_HAS_NOT,
};

struct script_line {
    enum script_kind kind;
    unsigned number; /* in the file */
    char *text;      /* SAY: unescaped, with its CRLF; `len` bytes */
    size_t len;
};

struct script {
    struct script_line *lines;
    unsigned count;
};

/* Ends the program with a message when it cannot. */
void script_load(const char *path, struct script *ret_script);
void script_free(struct script *script);
/* The first line of that kind, or NULL. */
const struct script_line *script_find(const struct script *script, enum script_kind kind);

#endif
