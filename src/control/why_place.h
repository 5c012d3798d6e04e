/*
 * Where the history is, and how a command comes to it: read by itself, as the user that owns it
 * (called by root) or as a member of the group that may, with the server running or not. The queue
 * is asked over the control socket, where a server runs.
 */
#ifndef NUNCIO_CONTROL_WHY_PLACE_H
#define NUNCIO_CONTROL_WHY_PLACE_H

#include "control/client.h"
#include "history/archive.h"

#include <limits.h>

struct why_place {
    char path[PATH_MAX];
    struct archive *archive;
    struct client *client; /* NULL: no server answers us */
};

/* `write`: to change it, and made where it is missing. EX_OK, or an exit code that was explained.
 */
int why_place_open(const char *config, const char *state, bool write, struct why_place *ret_place);
void why_place_close(struct why_place *place);

/* Tells why the archive failed; an exit code. */
int why_place_failed(const struct why_place *place, int error);

#endif
