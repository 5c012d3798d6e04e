/* The command line of `nuncio queue`, made into a request of the control socket. */
#ifndef NUNCIO_CONTROL_QUEUE_OPTIONS_H
#define NUNCIO_CONTROL_QUEUE_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>

struct queue_options {
    const char *config, *state;
    bool json, help, text;
    json_t *request; /* members of the filter and the like */
};

/* False: it is no such command line, and what is wrong stands on standard error where that is not
 * getopt's to say. The request is the caller's in any case. */
bool queue_options_read(int argc, char **argv, struct queue_options *ret_options);

/* "lane" and "what" of a suspension, from the one option among --lane, --domain, --sender and
 * --source that was given; false, and told: none or more. */
bool queue_options_target(json_t *request);

#endif
