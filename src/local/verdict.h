/*
 * What became of one recipient, in the words that queue keeps and a bounce shows: kind, enhanced
 * status code (RFC 3463) and a line for people.
 */
#ifndef NUNCIO_LOCAL_VERDICT_H
#define NUNCIO_LOCAL_VERDICT_H

#include "io/message.h"

enum report_kind { REPORT_NONE, REPORT_TLS, REPORT_DMARC };

struct verdict {
    enum done_kind kind; /* 0: none yet */
    char status[8];
    char reply[400];
    enum report_kind report; /* what the message looks like */
};

void verdict_set(struct verdict *verdict, enum done_kind kind, const char *status,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The mail store could not take it: always to be tried again. `where` is the path. */
void verdict_from_errno(struct verdict *verdict, int error, struct slice where);

/* What a program's end means: 0 is success, EX_TEMPFAIL, a signal, the time limit and codes that
 * sysexits.h does not know (a crash, an uncaught exception) are tried again, the others are
 * final. */
void verdict_from_run(struct verdict *verdict, struct slice program, const struct msg_ran *ran);

/* Appends one MSG_DONE for the unit; the replies are cut so that it fits a message whatever the
 * number of recipients. `verdicts` are in the order of the unit's recipients. */
void verdict_encode_done(struct buf *out, const struct msg_unit *unit,
                         const struct verdict *verdicts, uint32_t duration_ms, struct arena *arena);

#endif
