/*
 * The command line of `nuncio account` and `nuncio alias`.
 */
#ifndef NUNCIO_CONTROL_ACCOUNT_OPTIONS_H
#define NUNCIO_CONTROL_ACCOUNT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Options that some actions take; an action names its own as a set of TAKES(). */
enum account_option {
    OPTION_QUOTA,
    OPTION_MESSAGES,
    OPTION_STDIN,
    OPTION_GENERATE,
    OPTION_HASH,
    OPTION_NONE,
    OPTION_FORCE,
    OPTION_NETWORK,
    OPTION_SIZE,
    OPTION_MINUTE,
    OPTION_HOUR,
    OPTION_RECIPIENTS,
    OPTION_BOUNCES,
    OPTION_LIFT,
    OPTION_LIFT_ALL,
    OPTION_DOMAIN,
    ACCOUNT_OPTIONS,
};
#define TAKES(option) (1u << (option))

enum { ACCOUNT_NETWORKS_MAX = 16 };

struct account_options {
    const char *config; /* -c FILE */
    const char *state;  /* --state DIR */
    bool json;
    bool help;
    /* The value, "" for one without; NULL where it is not given. */
    const char *given[ACCOUNT_OPTIONS];
    const char *networks[ACCOUNT_NETWORKS_MAX]; /* each --network */
    size_t n_networks;
    char **arguments; /* what is not an option */
    int n_arguments;
};

/* False after telling what is wrong. */
bool account_options_read(int argc, char **argv, struct account_options *ret_options);
/* Is nothing given but what is in the set? */
bool account_options_fit(const struct account_options *options, unsigned takes);

#endif
