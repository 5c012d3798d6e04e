/*
 * Connecting to whichever of several addresses answers first ("happy eyeballs", RFC 8305): they are
 * begun one after the other, each with a head start over the next, and the first that is connected
 * wins. So an address family that is broken somewhere on the way costs a quarter of a second.
 */
#ifndef NUNCIO_IO_CONNECT_H
#define NUNCIO_IO_CONNECT_H

#include "io/socket_address.h"

enum { CONNECT_HEAD_START_MS = 250, CONNECT_TRIES_MAX = 16 };

enum connect_state {
    CONNECT_UNTRIED = 0, /* not begun, or given up because another one was faster */
    CONNECT_FAILED,      /* `error` says how */
    CONNECT_WON,
};

struct connect_try {
    struct socket_address to;
    struct socket_address source; /* len 0: the system's choice */
    enum connect_state state;
    int error;   /* negative errno */
    uint32_t ms; /* that it took */
};

struct connect_race {
    struct connect_try *tries; /* in the order of preference; CONNECT_TRIES_MAX at most */
    unsigned count;
    int cancel_fd;     /* readable: give up; -1: none */
    uint64_t deadline; /* for all of them */
    /* Asked before one is begun: false passes it over, untried. And told when one that was begun
     * has not won. Either may be NULL. */
    bool (*may_begin)(void *arg, unsigned index);
    void (*ended)(void *arg, unsigned index);
    void *arg;
};

/*
 * 0 with a connected, non-blocking descriptor and the number of its try. Otherwise -ECANCELED,
 * -ETIMEDOUT (those under way then have failed with it too), -EBUSY when none was begun, or the
 * failure of the last one.
 */
int connect_first(struct connect_race *race, int *ret_fd, unsigned *ret_winner);

#endif
