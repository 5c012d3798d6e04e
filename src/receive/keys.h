/*
 * The certificates and keys that the parent hands over (MSG_TLS), made into what sessions speak TLS
 * with.
 */
#ifndef NUNCIO_RECEIVE_KEYS_H
#define NUNCIO_RECEIVE_KEYS_H

#include "receive/server.h"

struct keys {
    struct server *server;
    int fd; /* the sealed memfd that is in force, -1: none has come */
    bool only_1_3;
};

void keys_init(struct keys *keys, struct server *server, const struct config *config);
void keys_done(struct keys *keys);
/* Takes the descriptor over. When what is in it is no good, the log says why, and what was there
 * stays in force: 0 or -errno. */
int keys_take(struct keys *keys, int fd);
/* A new configuration may ask for other versions of TLS. */
void keys_set_config(struct keys *keys, const struct config *config);

#endif
