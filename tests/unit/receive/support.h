/* For tests of src/receive: a state folder with a spool, a server over it, and a look inside. */
#ifndef NUNCIO_TEST_RECEIVE_SUPPORT_H
#define NUNCIO_TEST_RECEIVE_SUPPORT_H

#include "receive/server.h"

struct support {
    char state[64];
    struct config *config;
    struct server server; /* resolve and wake are for the test to set */
};

int support_setup(void **state);
int support_teardown(void **state);
#define SUPPORT_TEST(name) cmocka_unit_test_setup_teardown(name, support_setup, support_teardown)

/* From the text of a configuration; `more` comes behind hostname, state and a domain. */
struct config *support_config(const char *state, const char *more);

/* Commits what is under way; the server has no spool any more. */
void support_close_spool(struct support *support);

struct support_message {
    unsigned count; /* of all messages in the spool */
    struct arena arena;
    struct envelope envelope; /* of the last one */
    struct slice text;
};
/* Closes the writer and reads the spool as the queue would. */
void support_read_messages(struct support *support, struct support_message *ret_message);
/* There is exactly one. */
void support_read_only_message(struct support *support, struct support_message *ret_message);
void support_message_done(struct support_message *message);

bool support_contains(struct slice text, const char *part);

#endif
