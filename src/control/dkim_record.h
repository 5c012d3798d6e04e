/*
 * DKIM's key records as they are to be published, for people and for zone files.
 */
#ifndef NUNCIO_CONTROL_DKIM_RECORD_H
#define NUNCIO_CONTROL_DKIM_RECORD_H

#include "base/buf.h"
#include "keys/key_store.h"

#include <stdio.h>

struct json_t;

/* "rsa" or "ed25519". */
const char *dkim_record_algorithm(const struct key_entry *entry);
/* Name, type and value, and the same for a zone file. */
void dkim_record_print(FILE *to, const struct key_entry *entry);
/* The caller's to release. */
struct json_t *dkim_record_json(const struct key_entry *entry);

#endif
