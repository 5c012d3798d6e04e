/*
 * What the queue holds, for a person to read. Bytes that would move a terminal's cursor or change
 * its colours are shown as \xNN: addresses and replies are strangers' words.
 */
#ifndef NUNCIO_CONTROL_QUEUE_PRINT_H
#define NUNCIO_CONTROL_QUEUE_PRINT_H

#include <jansson.h>

/* One message with the recipients that came with it. */
void queue_print_message(const json_t *message);
void queue_print_recipient(const json_t *recipient);
void queue_print_stats(const json_t *stats);
/* "3 messages." or that there are none. */
void queue_print_total(const json_t *last);

#endif
