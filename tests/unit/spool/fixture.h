/*
 * For the tests of the spool: a folder of its own for each test, messages whose text follows from
 * their id, and a record of what the store told.
 */
#ifndef NUNCIO_TEST_SPOOL_FIXTURE_H
#define NUNCIO_TEST_SPOOL_FIXTURE_H

#include "spool/spool.h"

#include <stdatomic.h>

enum { SEEN_MAX = 4096 };

struct seen_message {
    uint64_t id;
    struct spool_location location;
    uint32_t n_recipients;
    uint64_t size;
};

struct seen_outcome {
    uint64_t id;
    uint32_t n_recipients, n_added;
    struct outcome_recipient first; /* without its reply */
    char reply[64];
};

struct fixture {
    char directory[64]; /* state/spool */
    char receive[80];
    struct seen_message messages[SEEN_MAX];
    unsigned n_messages;
    struct seen_outcome outcomes[SEEN_MAX];
    unsigned n_outcomes;
    unsigned n_moved, n_troubles;
    char trouble[512]; /* the last */
    struct spool_store_events events;
};

void fixture_init(struct fixture *fixture);
/* Removes the folder. */
void fixture_done(struct fixture *fixture);
/* Forgets what was told. */
void fixture_forget(struct fixture *fixture);

struct spool_writer *fixture_writer(const struct fixture *fixture);
struct spool_store *fixture_store(struct fixture *fixture);

/* Hands over a message of `size` bytes and waits for its commit; the id, or 0 when it failed. */
uint64_t fixture_submit(struct spool_writer *writer, size_t size);
/* The first `front` bytes come last, into `room`. */
uint64_t fixture_submit_in_front(struct spool_writer *writer, size_t size, size_t front,
                                 uint32_t room);
/* Commits an outcome for recipient 0 and waits. */
int fixture_outcome(struct spool_store *store, uint64_t id, enum outcome_kind kind,
                    const struct spool_dsn *dsn);
/* Likewise one that keeps a signature; the recipient stays open. */
int fixture_sign(struct spool_store *store, uint64_t id, struct slice signature);
/* Tells the store what the writer has published, and polls until nothing comes. */
void fixture_poll(struct spool_store *store, struct spool_writer *writer);
const struct seen_message *fixture_find(const struct fixture *fixture, uint64_t id);
/* Reads the text through the store: is it the one of this id? */
bool fixture_text_is_right(struct spool_store *store, const struct seen_message *message);
void fixture_fill_text(uint64_t id, char *to, size_t size);

#endif
