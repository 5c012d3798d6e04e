/*
 * The history on disk: one SQLite file, state/history/history.db.
 *
 * An event belongs to a subject: a message, a session, or nothing of both (0). What can be asked
 * for is a term (an address, a domain, a network address ...), and terms point to subjects. The
 * role writes; `nuncio why` reads, beside it or without it.
 *
 * The file is a convenience: it can be rebuilt from the log. So commits are not synced one by one
 * (write-ahead log, synchronous NORMAL: a power cut loses the last seconds and never damages), a
 * damaged file is set aside and begun anew, and a full disk costs events, nothing else.
 */
#ifndef NUNCIO_HISTORY_ARCHIVE_H
#define NUNCIO_HISTORY_ARCHIVE_H

#include "history/event.h"

#define ARCHIVE_FOLDER  "history"
#define ARCHIVE_FILE    "history/history.db"
#define ARCHIVE_DAMAGED "history/history.db.damaged" /* set aside, the last one */

enum subject_kind { SUBJECT_NONE, SUBJECT_MESSAGE, SUBJECT_SESSION };

enum term_kind {
    TERM_ADDRESS = 1, /* lower case; with and without +tag */
    TERM_DOMAIN,      /* of an address, or the name of a host */
    TERM_IP,          /* as inet_ntop writes it */
    TERM_HEADER_ID,   /* Message-ID without < > */
    TERM_MESSAGE,     /* a message that this one caused: its id */
    TERM_LANE,        /* name of a route, or of a site */
    TERM_ACCOUNT,
};
enum { TERM_MAX = 320 };

struct archive;

/* To write, made where it is missing; damaged: -EUCLEAN. -EBUSY: locked for longer than the
 * patience. */
int archive_open(const char *path, unsigned patience_ms, struct archive **ret_archive);
/* To read. -ENOENT: there is none. */
int archive_open_read(const char *path, struct archive **ret_archive);
void archive_close(struct archive *archive); /* NULL is fine */
/* What SQLite says of the last failure. */
const char *archive_error(const struct archive *archive);

/* ---- writing: archive_add.c, archive_expire.c. Failures: -ENOSPC, -EUCLEAN (damaged), -EIO ... */

int archive_begin(struct archive *archive);
/* Everything since archive_begin(), or nothing. */
int archive_commit(struct archive *archive);
void archive_rollback(struct archive *archive);

/* Between begin and commit. `unless_there`: an event that is there already is not added again. */
int archive_add(struct archive *archive, const struct event *event, bool unless_there);

/* Drops some of the oldest events: those before that time, and others while the file has more than
 * `size` bytes in use. *ret_more: there are others to be dropped. */
int archive_expire(struct archive *archive, uint64_t before_ms, uint64_t size, bool *ret_more);

/* ---- reading: archive_find.c. Callbacks return false to stop. ---- */

struct subject {
    int64_t id;
    enum subject_kind kind;
    uint64_t key;     /* id of the message, number of the session */
    int64_t session;  /* subject of the session that the message came in by, or 0 */
    uint64_t time_ms; /* of its first event */
};
typedef bool archive_on_subject(void *arg, const struct subject *subject);

/* 1: found; 0: not there. */
int archive_find_subject(struct archive *archive, enum subject_kind kind, uint64_t key,
                         struct subject *ret_subject);
int archive_subject_by_id(struct archive *archive, int64_t id, struct subject *ret_subject);

/* The newest first. */
int archive_each_by_term(struct archive *archive, enum term_kind kind, struct slice text,
                         archive_on_subject *on_subject, void *arg);
/* Those with an event in this time, from <= time < until, that with the latest event first; once
 * for each event. So who ends it early has read no more than that, however long the time is. */
int archive_each_by_time(struct archive *archive, uint64_t from_ms, uint64_t until_ms,
                         archive_on_subject *on_subject, void *arg);
/* The messages that came in by a session, the oldest first. */
int archive_each_of_session(struct archive *archive, int64_t session,
                            archive_on_subject *on_subject, void *arg);

/* Events in the order of time; fields are read from the text. `number` grows with each event
 * written, whatever its time. */
typedef bool archive_on_event(void *arg, const struct event *event, int64_t number,
                              int64_t subject);
int archive_each_event(struct archive *archive, int64_t subject, archive_on_event *on_event,
                       void *arg);
/* Those that belong to no message and no session, from <= time < until. */
int archive_each_loose(struct archive *archive, uint64_t from_ms, uint64_t until_ms,
                       archive_on_event *on_event, void *arg);
/* All that were written after this one. */
int archive_each_after(struct archive *archive, int64_t number, archive_on_event *on_event,
                       void *arg);
int archive_last_number(struct archive *archive, int64_t *ret_number);

#endif
