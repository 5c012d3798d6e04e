/* `nuncio queue stats` for a person: the numbers, and a table of the lanes. */
#ifndef NUNCIO_CONTROL_QUEUE_TABLE_H
#define NUNCIO_CONTROL_QUEUE_TABLE_H

#include <jansson.h>

void queue_table_print(const json_t *stats);

#endif
