/*
 * The directory of our own store (store.h). Answers at once.
 */
#ifndef NUNCIO_ACCOUNT_DIRECTORY_STORE_H
#define NUNCIO_ACCOUNT_DIRECTORY_STORE_H

#include "account/directory.h"

struct directory *directory_store_new(void);
/* The store stays the caller's; NULL: there is none, and the answer is "later". */
void directory_store_set(struct directory *directory, struct store *store);
/* NULL while there is none that works. */
struct store *directory_store_get(const struct directory *directory);
/* Between these two, all that is asked for belongs to one moment, and costs less. Not across a turn
 * of the loop. */
void directory_store_read_begin(struct directory *directory);
void directory_store_read_end(struct directory *directory);
/* The store has failed in a way that waiting does not mend, and is not asked again: to be closed,
 * and set anew when it can be opened. */
bool directory_store_is_broken(const struct directory *directory);
/* Somebody else's call of the store ended so: -errno other than -EBUSY breaks it. */
void directory_store_note(struct directory *directory, int result);
/* Changes when the store has, by whatever process; noticed within 100 ms. now_ms is monotonic. */
uint64_t directory_store_generation(struct directory *directory, uint64_t now_ms);

#endif
