/* Mails that local took for reports of others (MSG_TLS_REPORT, MSG_DMARC_REPORT): read and handed
 * to who knows the kind. */
#ifndef NUNCIO_HISTORY_REPORT_INTAKE_H
#define NUNCIO_HISTORY_REPORT_INTAKE_H

#include "io/channel.h"
#include "io/message.h"

struct report_intake {
    /* Stores what is in the mail, and logs that. NULL, or why nothing was stored, for people. */
    const char *(*take)(void *arg, const struct msg_report *announced, struct slice mail,
                        struct arena *arena);
    /* Logs that it was left. */
    void (*left)(const struct msg_report *announced, const char *why);
    void *arg;
};
void report_intake_run(const struct report_intake *intake, const struct channel_message *message);

#endif
