/*
 * Gathering what receive speaks TLS with: the files of the configuration are read and checked; one
 * that is no good any more is replaced by what was in force before. The keys go into
 * `struct tls_material`, and nothing secret into the facts.
 *
 * Reads files as the caller may, and makes our own certificate when none is configured. To be run
 * aside (aside.h) by the parent; `nuncio check-config` runs it too, for the problems.
 */
#ifndef NUNCIO_DAEMON_MATERIAL_H
#define NUNCIO_DAEMON_MATERIAL_H

#include "daemon/certificate_fact.h"
#include "io/tls_material.h"

enum { MATERIAL_FILE_MAX = 1024 * 1024 };

struct material_request {
    const struct config *config;
    const char *own_path;           /* where our own certificate is kept; NULL: none is made */
    const struct tls_material *old; /* what is in force; NULL: nothing yet */
    uint64_t now_ms;                /* wall time */
};

struct material {
    struct tls_material tls;
    struct certificate_facts facts;
};

/* Strings are the configuration's, the old material's or from the arena. */
void material_gather(const struct material_request *request, struct arena *arena,
                     struct material *ret_material);

#endif
