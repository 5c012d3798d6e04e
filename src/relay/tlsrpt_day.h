/*
 * What was counted on one UTC day: sessions by policy, failures by kind. Not thread-safe. Memory is
 * bounded by TLSRPT_POLICIES_MAX, TLSRPT_DETAILS_MAX and TLSRPT_BYTES_MAX; what is beyond is
 * counted as dropped.
 */
#ifndef NUNCIO_RELAY_TLSRPT_DAY_H
#define NUNCIO_RELAY_TLSRPT_DAY_H

#include "relay/tlsrpt.h"

#include <uthash.h>

enum {
    TLSRPT_BYTES_MAX = 64 << 20,
    TLSRPT_DETAILS_OF_ONE_MAX = 500, /* a report must fit into a mail */
    TLSRPT_DAY_S = 86400,
};

struct tlsrpt_detail {
    UT_hash_handle hh;
    struct tlsrpt_failure failure;
};

struct tlsrpt_row {
    UT_hash_handle hh;
    enum tlsrpt_policy_type type;
    struct slice domain;
    struct slice policy; /* its lines, each trimmed, without empty ones, LF between them */
    uint64_t successful, failed;
    struct tlsrpt_detail *details;
    int64_t next_s; /* when its report may be tried (again), wall time; 0: not decided */
};

struct tlsrpt_day {
    struct tlsrpt_day *next; /* the owner's */
    int64_t number;          /* days since 1970 */
    struct arena arena;
    struct tlsrpt_row *rows;
    unsigned n_details;
    uint64_t dropped; /* sessions */
    bool changed;     /* the owner's: not on disk like this */
};

struct tlsrpt_day *tlsrpt_day_new(int64_t number);
void tlsrpt_day_free(struct tlsrpt_day *day);

void tlsrpt_day_note(struct tlsrpt_day *day, const struct tlsrpt_session *session);
/* Adds what `from` has counted. */
void tlsrpt_day_merge(struct tlsrpt_day *day, const struct tlsrpt_day *from);
void tlsrpt_day_remove(struct tlsrpt_day *day, struct tlsrpt_row *row);
/* Rows of one domain one after the other. */
void tlsrpt_day_sort(struct tlsrpt_day *day);

/* The row as a report has it; from the arena. */
void tlsrpt_row_policy(const struct tlsrpt_row *row, struct arena *arena,
                       struct tlsrpt_policy *ret_policy);

/* As kept on disk: a JSON object (tlsrpt_policy_write()) for each row, a line each. Lines that
 * cannot be read are left out; their number. */
void tlsrpt_day_write(struct buf *out, const struct tlsrpt_day *day);
unsigned tlsrpt_day_read(struct tlsrpt_day *day, struct slice text);

#endif
