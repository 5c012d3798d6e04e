/*
 * The client of the control socket (state/run/control.sock): one JSON object a line each way. The
 * server's side and its commands are in src/queue/control.h.
 *
 * Failures are told on standard error; the numbers returned are exit codes of sysexits.h.
 */
#ifndef NUNCIO_CONTROL_CLIENT_H
#define NUNCIO_CONTROL_CLIENT_H

#include "base/slice.h"

#include <jansson.h>

struct client;

/* `config` is the path given with -c, or NULL; `state` the folder given with --state, which makes
 * reading a configuration needless, or NULL. EX_OK, EX_CONFIG, EX_UNAVAILABLE (no server),
 * EX_NOPERM. */
int client_open(const char *config, const char *state, struct client **ret_client);
/* The same for a state folder, without a word: left alone where no server answers, or not us. */
void client_try(const char *state, struct client **ret_client);
void client_close(struct client *client); /* NULL is fine */

/* Called with each line of the answer, the last too, unless that is an error. */
typedef void client_on_answer(void *arg, const json_t *answer);
/* Sends the request, whose reference it takes over, and reads the answer to its end. EX_OK;
 * EX_UNAVAILABLE when the connection breaks or a minute passes without a word; EX_DATAERR when the
 * server answered with an error. */
int client_ask(struct client *client, json_t *request, client_on_answer *on_answer, void *arg);

/* The same, but an error of the server is not told; for who can go on without an answer. */
int client_ask_silently(struct client *client, json_t *request, client_on_answer *on_answer,
                        void *arg);

/* The same for long answers: each line is shown to `on_line` first, and is read as JSON only when
 * that does not want it as it is. */
typedef bool client_on_line(void *arg, struct slice line);
int client_ask_lines(struct client *client, json_t *request, client_on_line *on_line,
                     client_on_answer *on_answer, void *arg);

#endif
