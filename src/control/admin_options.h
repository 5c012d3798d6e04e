/*
 * What nuncio status, reload and stop share: their options and the one question they ask.
 */
#ifndef NUNCIO_CONTROL_ADMIN_OPTIONS_H
#define NUNCIO_CONTROL_ADMIN_OPTIONS_H

#include "control/client.h"

#include <stdbool.h>

struct admin_options {
    const char *config, *state;
    bool json;
};

/* Reads -c, --state, --json and --help. False when the command is over, with its *ret_code. */
bool admin_options_read(int argc, char **argv, const char *help, struct admin_options *ret_options,
                        int *ret_code);

/* Asks the server for `command`; the one object of the answer in *ret_answer, the caller's to
 * release. EX_OK or another exit code. */
int admin_options_ask(const struct admin_options *options, const char *command,
                      json_t **ret_answer);

/* The object on a line of standard output. */
void admin_options_print(const json_t *object);

#endif
