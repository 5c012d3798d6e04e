/*
 * What the argument of `nuncio why` means, and which messages and sessions it finds.
 */
#ifndef NUNCIO_CONTROL_WHY_FIND_H
#define NUNCIO_CONTROL_WHY_FIND_H

#include "control/why_place.h"

enum { WHY_FOUND_MAX = 1000, WHY_TERMS_MAX = 4 };

struct why_term {
    enum term_kind kind;
    char text[TERM_MAX];
    size_t len;
};

struct why_question {
    const char *text;            /* the argument, or NULL: everything in the time range */
    uint64_t since_ms, until_ms; /* of the first event */
    /* What it may mean, filled by why_find(); for --follow. */
    struct why_term terms[WHY_TERMS_MAX];
    size_t n_terms;
};

struct why_found {
    struct subject list[WHY_FOUND_MAX]; /* the newest first */
    size_t count;
    bool more; /* than there is room for */
};

/* Whether the event names what was asked for; after why_find(). */
bool why_names(const struct why_question *question, const struct event *event);

/* 0, or -errno of the archive; nothing found is an empty list. */
int why_find(struct why_place *place, struct why_question *question, struct why_found *ret_found);

#endif
