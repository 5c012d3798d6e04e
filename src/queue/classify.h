/*
 * What a server means by a refusal: its code, its enhanced status code and its words against a
 * table (data/answers, where the format is explained), which is part of the program. Pure.
 *
 * The work for an answer is bounded: CLASSIFY_TEXT_MAX bytes of it are looked at, each part of a
 * pattern is searched for once behind the one before it, and there are no other wildcards.
 */
#ifndef NUNCIO_QUEUE_CLASSIFY_H
#define NUNCIO_QUEUE_CLASSIFY_H

#include "base/slice.h"

#include <stdint.h>

enum answer_class {
    ANSWER_OTHER,          /* nothing is known of it */
    ANSWER_GREYLISTED,     /* come again in a while */
    ANSWER_RATE_LIMITED,   /* too much at a time for this server */
    ANSWER_BUSY,           /* it has trouble of its own, or does not say which */
    ANSWER_REPUTATION,     /* our address is not liked */
    ANSWER_BLOCKLISTED,    /* our address is on a list */
    ANSWER_AUTHENTICATION, /* SPF, DKIM or DMARC is missing or wrong */
    ANSWER_REVERSE_DNS,    /* our address has no name, or another one */
    ANSWER_HELO,           /* the name by which we greet is not liked */
    ANSWER_SENDER,         /* the sender's address or domain is not liked */
    ANSWER_TLS_REQUIRED,
    ANSWER_MAILBOX_FULL,
    ANSWER_MAILBOX_DISABLED,
    ANSWER_UNKNOWN_USER,
    ANSWER_RECEIVING_LIMIT, /* that mailbox gets too much now */
    ANSWER_TOO_LARGE,
    ANSWER_CONTENT, /* the text is taken for spam or worse */
    ANSWER_POLICY,  /* refused for reasons of its own */
    ANSWER_CLASSES,
};
/* "rate_limited" */
const char *answer_class_name(enum answer_class class);

enum { CLASSIFY_TEXT_MAX = 1024 };

struct classify;

/* From the text of a table; NULL when a line is wrong, whose number is *ret_line then. */
struct classify *classify_new(struct slice table, unsigned *ret_line);
/* From the one that is built in. */
struct classify *classify_built_in(void);
void classify_free(struct classify *classify);

struct answer {
    struct slice reply;  /* with its code: "450 4.2.0 greylisted" */
    struct slice status; /* enhanced status code */
    struct slice host;   /* who said it, or empty */
    struct slice site;   /* to which it belongs, or empty */
};

struct answer_verdict {
    enum answer_class class;
    bool certain;      /* the end for the recipient, even when the code is 4xx */
    uint64_t retry_ms; /* after which the words ask us to come again, 0: they name no time */
};

/* A reply without a code is ANSWER_OTHER: it is our own. */
struct answer_verdict classify_answer(const struct classify *classify, const struct answer *answer);

/* The first time span in a text: "5 minutes", "300s", "00:05:00"; 0: there is none. */
uint64_t classify_delay_ms(struct slice text);

#endif
