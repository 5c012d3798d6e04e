/*
 * The table of roles: what runs, who talks to whom, and in which order they stop.
 */
#ifndef NUNCIO_DAEMON_ROLES_H
#define NUNCIO_DAEMON_ROLES_H

#include "io/role.h"

#include <stddef.h>

struct role_entry {
    enum role role;
    /* Roles of one stage stop together, after all of the stage before are gone: first what takes
     * mail in, then what takes it away, then those that they report to, and history,
     * which writes down what they told, last of all. */
    unsigned stop_stage;
    int (*run)(struct role_context *role);
    /* Runs only while the configuration in force asks for it; NULL: always. */
    bool (*is_wanted)(const struct config *config);
};

enum { STOP_STAGES = 5 };

struct role_link {
    enum role a, b;
};

struct role_table {
    const struct role_entry *entries;
    size_t n_entries;
    const struct role_link *links;
    size_t n_links;
};

extern const struct role_table role_table;

#endif
