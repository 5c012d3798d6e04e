/*
 * A mail store in a temporary directory, and messages for it.
 */
#ifndef NUNCIO_TESTS_LOCAL_SUPPORT_H
#define NUNCIO_TESTS_LOCAL_SUPPORT_H

#include "local/batch.h"

struct store {
    char state[64];
};

/* Makes STATE with STATE/mail; the test fails when it cannot. */
void store_init(struct store *store);
void store_done(struct store *store); /* removes all of it */
/* "STATE/<relative>"; good until the fourth next call. */
const char *store_path(const struct store *store, const char *relative);
/* Regular files directly in the directory, those that begin with a dot left out; 0 without it. */
unsigned store_count(const struct store *store, const char *relative);
/* The whole name of the only file there. */
void store_only_file(const struct store *store, const char *relative, char *to, size_t size);
/* A file's bytes, NUL-terminated, to be freed. */
char *store_read(const struct store *store, const char *relative, size_t *ret_len);

/* A descriptor with this text at offset 7 of the file. */
int text_file(struct slice text);
enum { TEXT_FILE_OFFSET = 7 };

/* A message for one mailbox, ready to be delivered. */
struct letter {
    struct msg_unit unit;
    struct unit_recipient recipient;
    struct verdict verdict;
    struct job job;
};
void letter_init(struct letter *letter, uint64_t message_id, struct slice account,
                 struct slice text);
void letter_done(struct letter *letter);
/* Delivers them in one batch of its own. */
void letters_deliver(const struct store *store, uint64_t epoch, struct letter *letters, size_t n);

#endif
