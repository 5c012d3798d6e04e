/*
 * The program role: starts the programs of the configuration for local, each as its user.
 *
 * Started as root it stays root, because it must become any user; so it does nothing but this. It
 * takes a program's name, finds argument vector, user and time limit in the configuration, and
 * refuses root and system users (uid below 1000). Not started as root it runs programs only as
 * itself. See spawn.h for what a program gets.
 */
#ifndef NUNCIO_LOCAL_PROGRAM_H
#define NUNCIO_LOCAL_PROGRAM_H

#include "io/role.h"

/* At most so many programs run at a time; local asks for no more. */
enum { PROGRAMS_MAX = 16 };

/* Runs the role until the parent says stop; programs that still run are ended. 0 or -errno. */
int program_main(struct role_context *role);

#endif
