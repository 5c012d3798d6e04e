/*
 * The folder of keys:
 *
 *   state/keys/example.org/202611r.pem    the private key, 0600
 *   state/keys/example.org/202611r.json   what is remembered of it (key_facts.h)
 *   state/keys/lock                       held while anything is written here
 *
 * There is a key where there is a .pem, also one that an administrator put there: what is not
 * remembered of it is as if it were made when the file was. All files are written whole or not at
 * all. The keys role writes what has been seen, `nuncio dkim` all the rest; who writes holds the
 * lock, reads what is there, and changes no more than what is his.
 */
#ifndef NUNCIO_KEYS_KEY_STORE_H
#define NUNCIO_KEYS_KEY_STORE_H

#include "io/message.h"
#include "keys/key_facts.h"
#include "keys/key_pem.h"

#define KEY_STORE_FOLDER "keys"

struct key_entry {
    struct slice domain; /* A-labels, lower case */
    struct slice selector;
    struct key_facts facts;
    EVP_PKEY *key;        /* NULL: there is a problem */
    struct slice record;  /* the public half, as it is to be published */
    struct slice problem; /* why it is not used, and what to do; for people */
};

/* By domain, then from the oldest to the newest. */
struct key_list {
    struct arena arena;
    struct key_entry *entries;
    unsigned count;
    unsigned left_out; /* beyond KEYS_MAX */
};

/* A descriptor of the folder, or -errno. */
int key_store_open(const char *path);
/* A descriptor that holds the lock until it is closed; -EBUSY when somebody else has it for
 * wait_ms, or another -errno. */
int key_store_lock(int folder, unsigned wait_ms);

/* Every key; the list is to be ended in any case. What cannot be used is in it with its problem,
 * what looks like no key is passed over. 0 or -errno of the folder itself. */
int key_store_read(int folder, struct key_list *ret_list);
void key_list_done(struct key_list *list);
/* In any case of letters, as in the DNS; of two files that differ in nothing else the very one. */
struct key_entry *key_list_find(const struct key_list *list, struct slice domain,
                                struct slice selector);

/* Changes whenever any file changes, comes or goes. */
int key_store_fingerprint(int folder, uint64_t *ret_fingerprint);

/* A selector: labels of letters, digits and hyphens (RFC 6376 section 3.1), 63 bytes each, 128 in
 * all. */
bool key_selector_is_valid(struct slice selector);

/* With the lock held; 0 or -errno. -EEXIST: there is such a key. */
int key_store_add(int folder, struct slice domain, struct slice selector, EVP_PKEY *key,
                  const struct key_facts *facts);
/* -ENOENT: there is no such key. */
int key_store_write_facts(int folder, struct slice domain, struct slice selector,
                          const struct key_facts *facts);
int key_store_read_facts(int folder, struct slice domain, struct slice selector,
                         struct arena *arena, struct key_facts *ret_facts);
int key_store_remove(int folder, struct slice domain, struct slice selector);

#endif
