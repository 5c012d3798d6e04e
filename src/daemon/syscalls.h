/*
 * seccomp: which system calls a role may make at all. What is not listed fails with EPERM (calls
 * for which the C library has an older one to fall back to: ENOSYS) and is written to the kernel's
 * audit log.
 */
#ifndef NUNCIO_DAEMON_SYSCALLS_H
#define NUNCIO_DAEMON_SYSCALLS_H

/* What a role needs besides memory, time, threads and the descriptors it already has. */
enum syscalls_need {
    NEED_READ_FILES = 1,  /* open and list */
    NEED_WRITE_FILES = 2, /* make, rename, remove, sync */
    NEED_ACCEPT = 4,
    NEED_CONNECT = 8,       /* make sockets and connect them */
    NEED_CONNECT_UNIX = 16, /* the same, but unix sockets alone */
};

/* Puts the filter in force for the calling thread and those it starts. Returns the number of calls
 * allowed, or -errno (-EOPNOTSUPP: the kernel has no seccomp filters). */
int syscalls_restrict(unsigned needs);

#endif
