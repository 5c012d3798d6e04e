/*
 * What every test of an attempt needs: a route to a fake server, a message, and its recipients.
 */
#ifndef NUNCIO_TESTS_RELAY_FIXTURE_H
#define NUNCIO_TESTS_RELAY_FIXTURE_H

#include "fake_server.h"

#include "relay/attempt.h"

enum { FIXTURE_RECIPIENTS_MAX = 300 };

struct fixture {
    struct fake_server server;
    struct config config;
    struct config_route route;
    struct config_endpoint hosts[2];
    struct attempt_shared shared;
    struct attempt_scratch scratch;
    struct msg_unit unit;
    struct unit_recipient recipients[FIXTURE_RECIPIENTS_MAX];
    struct arena arena;
    struct attempt attempt;
    struct msg_done done;
};

/* One host, "mx.example.net", SMTP, one recipient "joe@example.net", a short text. */
void fixture_init(struct fixture *fixture, const char *script);
/* After init: recipients r0@example.net, r1@example.net ... */
void fixture_recipients(struct fixture *fixture, uint32_t n);
void fixture_text(struct fixture *fixture, struct slice text);
/* One attempt; its outcome is in fixture->done. */
void fixture_run(struct fixture *fixture);
/* Closes what is idle, joins the server, fails if the client did not follow the script. */
void fixture_finish(struct fixture *fixture);
void fixture_done(struct fixture *fixture);

#endif
