/* See report_intake.h. */
#include "history/report_intake.h"

#include "base/log.h"
#include "io/memory_file.h"
#include "trust/report_part.h"

void report_intake_run(const struct report_intake *intake, const struct channel_message *message)
{
    struct msg_report announced;
    struct arena arena;
    struct buf text;
    const char *wrong;
    int r;

    arena_init(&arena);
    buf_init(&text, REPORT_MAIL_MAX);
    if (message->n_fds == 1 && msg_report_decode(message->payload, &arena, &announced) == 0) {
        r = memory_file_read(message->fds[0], announced.text_offset, announced.text_length, &text);
        wrong = r < 0 ? log_strerror(-r)
                      : intake->take(intake->arg, &announced, buf_slice(&text), &arena);
        if (wrong)
            intake->left(&announced, wrong);
    }
    buf_done(&text);
    arena_done(&arena);
}
