/*
 * What the queue holds, for a person to read. Bytes that would move a terminal's cursor or change
 * its colours are shown as \xNN: addresses and replies are strangers' words.
 */
#ifndef NUNCIO_CONTROL_QUEUE_PRINT_H
#define NUNCIO_CONTROL_QUEUE_PRINT_H

#include <inttypes.h>
#include <jansson.h>

/* One message with the recipients and the header that came with it. */
void queue_print_message(const json_t *message);
void queue_print_recipient(const json_t *recipient);
void queue_print_suspension(const json_t *suspension);
/* The last lines: "3 messages, 5 recipients, 12 KB." and the like. */
void queue_print_total(const json_t *last);
void queue_print_suspended_total(const json_t *last);
void queue_print_changed(const json_t *last);

/* For other tables: text without control bytes, and "3d4h", "25m", "12s". */
void queue_print_text(const char *text);
void queue_print_duration(int64_t ms);

#endif
