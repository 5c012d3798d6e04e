/*
 * What is to be reported to the owners of DMARC policies (RFC 9990), until it has been: one SQLite
 * file, state/history/dmarc_rows.db. A heap of rows for each UTC day and policy domain; messages
 * with the same facts are one row with a count. The role writes; `nuncio report dmarc --outgoing`
 * reads beside it.
 */
#ifndef NUNCIO_HISTORY_DMARC_ROWS_H
#define NUNCIO_HISTORY_DMARC_ROWS_H

#include "io/channel.h"
#include "io/dmarc_message.h"

#define DMARC_ROWS_FILE "history/dmarc_rows.db"

enum {
    DMARC_ROWS_DOMAINS_MAX = 20000, /* of a day */
    DMARC_ROWS_OF_ONE_MAX = 10000,  /* different rows of a domain and day */
    DMARC_ROWS_SIZE_MIB = 512,      /* of the file */
    DMARC_ROWS_DAY_S = 86400,
};

struct dmarc_rows;

/* To write, made where it is missing. -errno. */
int dmarc_rows_open(const char *path, struct dmarc_rows **ret_rows);
/* To read. -ENOENT: there is none. */
int dmarc_rows_open_read(const char *path, struct dmarc_rows **ret_rows);
void dmarc_rows_close(struct dmarc_rows *rows); /* NULL is fine */

/* Additions between these are on disk together or not at all. */
int dmarc_rows_begin(struct dmarc_rows *rows);
int dmarc_rows_commit(struct dmarc_rows *rows);
void dmarc_rows_rollback(struct dmarc_rows *rows);

/* Between begin and commit. 0; 1: beyond a bound, counted as dropped; -errno. */
int dmarc_rows_add(struct dmarc_rows *rows, const struct msg_dmarc_row *row);

/* A heap: one report. */
struct dmarc_heap {
    int64_t id;
    int64_t day; /* since 1970 */
    struct slice domain;
    struct slice record; /* the last one that was seen */
    uint64_t dropped;    /* messages beyond the bounds */
    int64_t next_s;      /* to be tried then; 0: not planned yet */
    uint64_t messages, n_rows;
};
/* The oldest first; slices are good during the call; false ends it. Of one domain, or of all
 * (empty). -errno. */
typedef bool dmarc_rows_on_heap(void *arg, const struct dmarc_heap *heap);
int dmarc_rows_each_heap(struct dmarc_rows *rows, struct slice domain, dmarc_rows_on_heap *on_heap,
                         void *arg);

/* One heap of a day before `today` that is due: 1 with it (strings from the arena), 0: none. */
int dmarc_rows_due(struct dmarc_rows *rows, int64_t today, int64_t now_s, struct arena *arena,
                   struct dmarc_heap *ret_heap);

/* Its rows, the most frequent first, each as the first message of its kind; the day is that of the
 * heap. */
typedef void dmarc_rows_on_row(void *arg, const struct msg_dmarc_row *row, uint64_t count);
int dmarc_rows_each(struct dmarc_rows *rows, int64_t heap, dmarc_rows_on_row *on_row, void *arg);

/* Heaps of days before `today` that nobody planned: each gets a time, told by `when`. */
typedef int64_t dmarc_rows_when(void *arg, const struct dmarc_heap *heap);
int dmarc_rows_plan(struct dmarc_rows *rows, int64_t today, dmarc_rows_when *when, void *arg);
int dmarc_rows_postpone(struct dmarc_rows *rows, int64_t heap, int64_t next_s);
int dmarc_rows_remove(struct dmarc_rows *rows, int64_t heap);

/* Addresses that need not get the heap's report (again): `sent` or refused. */
int dmarc_rows_settle(struct dmarc_rows *rows, int64_t heap, struct slice address, bool sent,
                      int64_t now_s);
int dmarc_rows_is_settled(struct dmarc_rows *rows, int64_t heap, struct slice address,
                          bool *ret_settled);
/* How many went to that host (empty: to all) since then. */
int dmarc_rows_sent_since(struct dmarc_rows *rows, struct slice host, int64_t since_s,
                          int64_t *ret_sent);

#endif
