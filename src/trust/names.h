/*
 * What the evaluators of this folder ask the DNS, and how. They are pure: a function in, answers
 * out; the server gives them one that looks into what has come from the network so far, the command
 * line one that waits, tests and `--zone` one that reads a file (trust/zone.h).
 *
 * An evaluator runs straight down. When an answer is not there yet (-EAGAIN) it may go on and ask
 * for others that it will need too, so that they are under way at the same time; then it returns
 * -EAGAIN itself and is called again from its beginning when answers have come. So whoever answers
 * must remember: the same question in one evaluation has the same answer.
 */
#ifndef NUNCIO_TRUST_NAMES_H
#define NUNCIO_TRUST_NAMES_H

#include "base/arena.h"

enum trust_result {
    TRUST_FOUND,
    TRUST_NO_NAME, /* NXDOMAIN */
    TRUST_NO_DATA, /* the name is there, and has no such records */
    TRUST_FAILED,  /* SERVFAIL, no answer in time, bogus: try later */
};

/* The numbers of the DNS. */
enum trust_type {
    TRUST_A = 1,
    TRUST_PTR = 12,
    TRUST_MX = 15,
    TRUST_TXT = 16,
    TRUST_AAAA = 28,
};

struct trust_record {
    struct slice bytes;  /* TXT: its strings put together; A: 4, AAAA: 16 bytes; MX, PTR: a name
                            without final dot, in lower case; empty is the root */
    uint16_t preference; /* MX */
};

/* Behind CNAMEs. Malformed records are left out. */
struct trust_answer {
    enum trust_result result;
    const struct trust_record *records; /* in the order of the answer */
    unsigned n_records;                 /* TRUST_RECORDS_MAX at most */
    bool secure;                        /* validated by DNSSEC */
    struct slice why;                   /* of a failure, for people; or empty */
};
enum { TRUST_RECORDS_MAX = 64, TRUST_NAME_MAX = 253 };

struct trust_names {
    /* 0 with an answer that lives as long as the evaluation, or -EAGAIN. `name` in A-labels or as
     * found in records, in any case, with or without final dot; what is no name does not exist. */
    int (*ask)(void *arg, struct slice name, enum trust_type type,
               const struct trust_answer **ret_answer);
    void *arg;
};

static inline int trust_ask(const struct trust_names *names, struct slice name,
                            enum trust_type type, const struct trust_answer **ret_answer)
{
    return names->ask(names->arg, name, type, ret_answer);
}

/* An address of a client. IPv4-mapped IPv6 is IPv4. */
struct trust_ip {
    bool v6;
    uint8_t bytes[16]; /* the first 4 of IPv4 */
};

#endif
