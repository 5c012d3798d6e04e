/*
 * Who may try to log in at a smarthost now. A wrong password that many connections say at a time,
 * or say again with every message, gets an account locked: so one of them tries, the others wait
 * for how it goes, and after a failure nobody tries for a while.
 *
 *     unknown --first--> being tried --done--> proven: everybody, until a failure
 *        ^                    |
 *        |   a while          v failed
 *        +------------------ shut
 *
 * By the name of the route. Thread-safe. A changed password or configuration makes all unknown.
 */
#ifndef NUNCIO_RELAY_LOGIN_GATE_H
#define NUNCIO_RELAY_LOGIN_GATE_H

#include "base/buf.h"

enum { LOGIN_SHUT_FIRST_MS = 60 * 1000, LOGIN_SHUT_MAX_MS = 30 * 60 * 1000, LOGIN_WORDS_MAX = 400 };

struct login_gate;

struct login_gate *login_gate_new(void);
/* Nobody is inside any more; NULL is fine. */
void login_gate_free(struct login_gate *gate);
/* Everything is unknown again. Those inside finish; what they report no longer counts. */
void login_gate_reset(struct login_gate *gate);

struct login_pass {
    unsigned epoch;
    bool first; /* the others wait for how this one goes */
};

/*
 * True: log in, and say login_gate_leave() in any case. Waits while another one is trying. False:
 * it is shut; *ret_left_ms says for how long, and `words` gets what came of the last try.
 */
bool login_gate_enter(struct login_gate *gate, struct slice route, struct login_pass *ret_pass,
                      uint64_t *ret_left_ms, char words[LOGIN_WORDS_MAX]);

enum login_end {
    LOGIN_WORKED,
    LOGIN_FAILED,  /* shut it, twice as long as before; `words` say why */
    LOGIN_UNKNOWN, /* the connection was lost: the next one tries */
};
/* How long it is shut now, in milliseconds; 0: it is not. */
uint64_t login_gate_leave(struct login_gate *gate, struct slice route,
                          const struct login_pass *pass, enum login_end end, const char *words);

#endif
