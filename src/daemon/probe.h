/*
 * Trying what must fail. Each line of the report is the outcome of a real call.
 */
#ifndef NUNCIO_DAEMON_PROBE_H
#define NUNCIO_DAEMON_PROBE_H

#include "base/buf.h"

enum probe_result {
    PROBE_REFUSED,
    PROBE_WORKED,
    PROBE_UNKNOWN, /* failed for another reason */
};

/* Can this folder be listed? */
enum probe_result probe_open(const char *path);
/* Can a program be executed? Before seccomp: by a child process that tries it. */
enum probe_result probe_exec_in_child(void);
/* The same by a call that cannot succeed, when no child can be made any more. */
enum probe_result probe_exec_call(void);
/* Can a TCP connection be begun? */
enum probe_result probe_tcp_connect(void);
/* Can a socket be made? */
enum probe_result probe_socket(void);

#endif
