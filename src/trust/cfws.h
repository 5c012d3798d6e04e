/*
 * Comments and folding white space of header fields (RFC 5322 section 3.2.2), passed over. A bare
 * CR or LF counts as white space; comments may be nested to any depth, they are counted. Pure.
 */
#ifndef NUNCIO_TRUST_CFWS_H
#define NUNCIO_TRUST_CFWS_H

#include "base/slice.h"

/* What is left of a field to be read; `bad` stays. */
struct cfws_cursor {
    struct slice rest;
    bool bad;
};

/* [CFWS]; true when there was some. A comment without end is bad. */
bool cfws_skip(struct cfws_cursor *cursor);

bool cfws_at(const struct cfws_cursor *cursor, char byte);
bool cfws_take(struct cfws_cursor *cursor, char byte);
/* Must be there; and the CFWS behind it. */
void cfws_expect(struct cfws_cursor *cursor, char byte);

/* Bytes up to white space, a control byte, or one of `ends`. */
struct slice cfws_run(struct cfws_cursor *cursor, struct slice ends);

bool cfws_is_space(char c);
bool cfws_is_control(char c);

#endif
