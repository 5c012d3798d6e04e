/*
 * What became of each recipient so far, and what comes next, gathered from events.
 */
#ifndef NUNCIO_CONTROL_WHY_OUTLOOK_H
#define NUNCIO_CONTROL_WHY_OUTLOOK_H

#include "control/client.h"
#include "history/event.h"

enum { OUTLOOK_RECIPIENTS_MAX = 200 };

struct outlook_recipient {
    struct slice address;
    const char *state; /* "delivered", "waiting", "failed for good", "held" */
    uint64_t next_ms;  /* wall: the next try, or 0 */
};

struct outlook {
    struct arena arena;
    struct slice from, client, last_refusal;
    struct outlook_recipient list[OUTLOOK_RECIPIENTS_MAX];
    size_t count;
};

void outlook_init(struct outlook *outlook);
void outlook_done(struct outlook *outlook);
void outlook_note(struct outlook *outlook, const struct event *event);

/* A line for each recipient: its state, and the next try, as the queue says (client not NULL) or
 * as it was told last. */
void outlook_print(const struct outlook *outlook, struct client *client, uint64_t message);
/* "from <a@b> to <c@d>: delivered", or what was refused at the door. */
void outlook_add_line(const struct outlook *outlook, struct buf *out);

#endif
