/*
 * Names of the files in the folder of keys; for key_store*.c alone.
 */
#ifndef NUNCIO_KEYS_KEY_PATH_H
#define NUNCIO_KEYS_KEY_PATH_H

#include "base/slice.h"

#define KEY_TAIL_PEM   ".pem"
#define KEY_TAIL_FACTS ".json"

enum { KEY_NAME_MAX = 256 };

/* A descriptor of the domain's folder, or -errno. */
int key_path_open_domain(int folder, struct slice domain);
/* SELECTOR.pem, SELECTOR.json; the selector is a valid one. */
void key_path_file(char out[KEY_NAME_MAX], struct slice selector, const char *tail);

#endif
