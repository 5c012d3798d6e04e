/*
 * Writes steps of messages' lives into the spool, and hears when they are on disk.
 *
 * A step is put together with record_begin(), record_recipient() and so on, and goes with
 * record_commit() as one compound record: stored whole or not at all. A message leaves the ledger
 * when nothing of it is open and its last record is on disk. When a record could not be written,
 * the message's whole state is written again after a while, and its failures are told anew.
 *
 * The recipients' states must be set in the ledger before they are added to the record.
 */
#ifndef NUNCIO_QUEUE_RECORD_H
#define NUNCIO_QUEUE_RECORD_H

#include "queue/state.h"

struct record {
    struct queue *queue;
    struct message *message;
    uint64_t number;                      /* never used twice */
    struct outcome_recipient *recipients; /* from the scratch arena */
    uint32_t n_recipients, size;
    const struct recipient *added;
    uint32_t n_added, first_added;
    struct spool_dsn *dsns;
    unsigned n_dsns;
    struct slice signature;
};

/* Called on the loop's thread; the scratch arena is theirs. */
struct record_events {
    /* A record of the message is on disk or could not be written; only for messages with an extra.
     */
    void (*settled)(struct queue *queue, struct message *message, uint64_t number, bool on_disk);
    /* The message waited for that, and can go on. */
    void (*go_on)(struct queue *queue, struct message *message);
};

struct record_log *record_log_new(struct queue *queue, const struct record_events *events);
void record_log_free(struct record_log *log);

void record_begin(struct queue *queue, struct message *message, struct record *ret_record);
/* The recipient as the ledger has it now; `reply` with it, or the ledger's when that is empty. */
void record_recipient(struct record *record, uint32_t index, struct slice reply);
/* A recipient in state FAILED whose DSN (or silence) goes with this record. */
void record_bounced(struct record *record, uint32_t index, struct slice reply);
/* Recipients that expansion added to the message; they are not copied. None of them is to be tried
 * before the record is on disk: an outcome of a recipient that no record added means nothing. */
void record_added(struct record *record, const struct recipient *added, uint32_t n, uint32_t first);
/* Fields that an attempt has signed the message with, to be kept if anything of it stays open; not
 * copied. Of several the first is kept. */
void record_signature(struct record *record, struct slice fields);
/* A message of our own that this step causes. */
void record_dsn(struct record *record, const struct envelope *envelope, struct slice text);
/* Does nothing when nothing was added. The message must not be touched afterwards. */
void record_commit(struct record *record);

/* On the loop's thread: takes what the committer's thread reported. */
void record_take_done(struct queue *queue);
/* Once a second or so: writes again what could not be written. */
void record_tick(struct queue *queue);
/* Handed over and not on disk yet. */
unsigned record_under_way(const struct queue *queue);

#endif
