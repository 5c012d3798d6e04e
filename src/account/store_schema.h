/*
 * The store's file: opening it safely, its form, and the way from an older form to the newest.
 */
#ifndef NUNCIO_ACCOUNT_STORE_SCHEMA_H
#define NUNCIO_ACCOUNT_STORE_SCHEMA_H

#include "base/problem.h"

struct sqlite3;

/* The form that this program writes; an older one is brought up to it. */
extern const int store_schema_version;

/* See store_open(). On failure *ret_db may be set and must be closed. */
int store_schema_open(struct slice path, unsigned patience_ms, struct sqlite3 **ret_db,
                      struct problem_list *problems);

#endif
