/*
 * A mail server that follows a script, on a loopback port and a thread of its own. A line each:
 *
 *     connect      takes the next connection (the first one too)
 *     > 250 ok     says this
 *     < RCPT       reads a line that begins so
 *     text         reads up to the final dot
 *     chunk        reads a BDAT command and its octets
 *     slow         says everything byte by byte from here on
 *     wait 50      milliseconds
 *     raw STRING   says this without a line end
 *     flood N      says N bytes without a line end
 *     close        closes as one should; reset: with RST
 *     closed       waits until the client has closed
 *     cancel       makes cancel_fd readable
 *
 * At the script's end the connection is closed. What the client does otherwise is kept as
 * `mismatch`, and the connection closed.
 */
#ifndef NUNCIO_TESTS_RELAY_FAKE_SERVER_H
#define NUNCIO_TESTS_RELAY_FAKE_SERVER_H

#include "io/stream.h"

#include <pthread.h>

struct fake_server {
    uint16_t port;
    struct buf text;  /* of all messages, one behind the other */
    struct buf heard; /* all commands, one a line */
    unsigned connections;
    char mismatch[256];
    int cancel_fd; /* to be set before the script comes to it */

    /* Private. */
    int listener;
    pthread_t thread;
    const char *script;
    struct stream stream;
    bool slow;
    bool joined;
};

void fake_server_start(struct fake_server *server, const char *script);
/* Waits for the script's end; once more does nothing. The text and what was heard stay until
 * fake_server_done(). */
void fake_server_join(struct fake_server *server);
void fake_server_done(struct fake_server *server);

#endif
