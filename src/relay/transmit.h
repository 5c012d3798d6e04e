/*
 * The text of a message onto the wire: dot-stuffed behind DATA, or in chunks behind BDAT.
 * 0 or a negative errno: of the connection, or -EIO when the text cannot be read.
 */
#ifndef NUNCIO_RELAY_TRANSMIT_H
#define NUNCIO_RELAY_TRANSMIT_H

#include "relay/client.h"
#include "relay/text.h"

/* Up to and including the final dot. `out` is scratch. */
int transmit_data(struct client *client, struct text *text, struct buf *out);

enum transmit_result {
    TRANSMIT_REFUSED =
        1, /* a chunk before the last: client->reply says why; the client is broken */
};
/* BDAT commands with their chunks, and the replies to all but the last. */
int transmit_chunks(struct client *client, struct text *text, struct buf *out, bool pipelining);

/* Appends one BDAT LAST with the whole text. *ret_text is the size of the text alone. */
int transmit_add_whole(struct text *text, struct buf *out, size_t *ret_text);

#endif
