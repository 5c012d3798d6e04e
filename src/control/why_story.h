/*
 * The story of a message, or of a session that brought none: paragraphs in the order of time.
 */
#ifndef NUNCIO_CONTROL_WHY_STORY_H
#define NUNCIO_CONTROL_WHY_STORY_H

#include "control/why_find.h"

/* 0, or -errno of the archive. */
int why_story_print(struct why_place *place, const struct subject *subject);
/* One line for each: when, which, who, and what became of it. */
int why_story_print_line(struct why_place *place, const struct subject *subject);
/* Every event as a JSON object a line. */
int why_story_print_json(struct why_place *place, const struct subject *subject);

/* The event as one line of a story that is going on, with its message. */
void why_story_print_event(const struct event *event);
void why_story_print_event_json(const struct event *event);

#endif
