/*
 * The keys that the role has in memory, in step with the folder: read when it changes, and written
 * to when the DNS shows something new. One thread.
 */
#ifndef NUNCIO_KEYS_KEY_BOOK_H
#define NUNCIO_KEYS_KEY_BOOK_H

#include "keys/key_store.h"

struct key_book {
    struct key_list list;
    bool read;   /* `list` is what was in the folder at `fingerprint` */
    bool failed; /* the folder could not be read, which has been told */
    uint64_t fingerprint;
    struct key_note *notes; /* what is to be written down yet */
};

struct key_numbers {
    unsigned usable, seen, refused;
};

void key_book_init(struct key_book *book);
void key_book_done(struct key_book *book);

/* Writes what is to be written, then reads the folder if it has changed. True: relay should be
 * told. */
bool key_book_look(struct key_book *book, int folder);
/* Writes alone. False: not all could be, somebody holds the lock. */
bool key_book_save(struct key_book *book, int folder);

/* What relay has found. True: it is new, and to be written down. */
bool key_book_note(struct key_book *book, const struct msg_key_seen *seen, uint64_t now_s);

/* Those that can be used, from the arena and the book. Returns their number. */
unsigned key_book_list(const struct key_book *book, struct arena *arena, struct msg_key **ret_list);
/* Of a key in a message, about. */
size_t key_book_size(const struct msg_key *key);
struct key_numbers key_book_numbers(const struct key_book *book);

#endif
