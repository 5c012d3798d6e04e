/* Lines of the log in JSON; event.h is the way in. */
#ifndef NUNCIO_HISTORY_EVENT_JSON_H
#define NUNCIO_HISTORY_EVENT_JSON_H

#include "history/event.h"

/* 0 or -EBADMSG. `text` becomes what the same event is in logfmt. */
int event_read_json(struct slice line, struct arena *arena, struct event *ret_event);

/* In event.c: "info" and the other names; a line that is not JSON. */
bool event_level_from(struct slice name, enum log_level *ret_level);
int event_read_logfmt(struct slice line, struct arena *arena, struct event *ret_event);

#endif
