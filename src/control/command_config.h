/* The configuration for commands that work by it, and what is wrong with it. */
#ifndef NUNCIO_CONTROL_COMMAND_CONFIG_H
#define NUNCIO_CONTROL_COMMAND_CONFIG_H

#include "config/config.h"

/* Each on a line of standard error, behind `prefix`. */
void command_problems_print(const char *prefix, struct problem_list *problems);

/* That of the file, after printing what was found wrong with it; NULL when it cannot be used, which
 * is EX_CONFIG. The caller unrefs it. */
struct config *command_config_load(const char *path, const char *prefix);
/* The state folder: that after --state, or else that of the configuration which config_locate()
 * finds for what came after -c. NULL likewise. The caller frees it. */
char *command_config_state(const char *given, const char *state, const char *prefix);

#endif
