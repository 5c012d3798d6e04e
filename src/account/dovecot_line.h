/*
 * The lines that Dovecot's auth service says: words between tabs, with an escape for what may not
 * stand in one ("\001t" is a tab). Pure.
 */
#ifndef NUNCIO_ACCOUNT_DOVECOT_LINE_H
#define NUNCIO_ACCOUNT_DOVECOT_LINE_H

#include "base/arena.h"

enum { DOVECOT_LINE_MAX = 16 * 1024 };

enum dovecot_word {
    DOVECOT_OTHER, /* not one that we know: to be passed over */
    DOVECOT_VERSION,
    DOVECOT_SPID,
    DOVECOT_MECH,
    DOVECOT_DONE,
    /* Replies, with an id: */
    DOVECOT_OK,
    DOVECOT_FAIL,
    DOVECOT_CONT,
    DOVECOT_USER,
    DOVECOT_NOTFOUND,
};

struct dovecot_line {
    enum dovecot_word word;
    uint32_t id;        /* of replies */
    struct slice words; /* the rest, still between tabs and escaped; NULL pointer: there is none */
};

/* False: a reply without an id that is a number. The line comes without its LF. */
bool dovecot_line_parse(struct slice text, struct dovecot_line *ret_line);
/* The major version is 1: the only one there is. */
bool dovecot_line_is_version_1(const struct dovecot_line *line);
/* The value of the parameter `name` ("reason"), empty for one without; false: it is not there. */
bool dovecot_line_find(const struct dovecot_line *line, struct slice name, struct arena *arena,
                       struct slice *ret_value);
/* The failure is Dovecot's trouble, and says nothing about the user. */
bool dovecot_line_is_temporary(const struct dovecot_line *line);

#endif
