/*
 * The mailboxes of one batch: each opened once, its quota counted once, its directory synced once.
 */
#ifndef NUNCIO_LOCAL_BOXES_H
#define NUNCIO_LOCAL_BOXES_H

#include "io/message.h"
#include "local/mailbox.h"
#include "local/quota.h"

/* Up to SYNC_EACH_MAX files or directories are synced one by one, more by one syncfs(). */
enum { BATCH_MAX = 64, SYNC_EACH_MAX = 3 };

struct box {
    uint64_t key; /* hash of account and folder */
    struct slice account, folder;
    struct mailbox mailbox; /* open unless `error` */
    dev_t device;
    int error;   /* errno of opening it or of syncing what was written; 0: none */
    char *where; /* path, for people */

    /* Of the account's count, which folders of one account share: see boxes_count(). */
    bool counted;
    bool full; /* a message of this batch did not fit */
    struct quota quota;
    uint64_t added_bytes, added_messages;
};

struct boxes {
    struct slice state;
    struct box list[BATCH_MAX];
    size_t count;
    uint64_t locked; /* stripes that are locked now, a bit each */
};

/* The recipient's mailbox, opened at the first call for it. Look at `error`. */
struct box *boxes_find(struct boxes *boxes, const struct unit_recipient *recipient);
void boxes_close(struct boxes *boxes);

/* Syncs each file system that holds one of the boxes; boxes get the error. */
void boxes_sync_systems(struct boxes *boxes);
/* Syncs new/ of each box without an error; boxes get the error. */
void boxes_sync_new(struct boxes *boxes);

/* ---- quota; only for recipients that have one ---- */

bool boxes_has_quota(const struct unit_recipient *recipient);
/*
 * Locks the counts of these accounts against the other threads until boxes_unlock(), because a
 * count of a mailbox that changes meanwhile is worth little. All at once, before any is used.
 */
void boxes_will_count(struct boxes *boxes, const struct unit_recipient *recipient);
void boxes_lock(struct boxes *boxes);
void boxes_unlock(struct boxes *boxes);
/* Reserves room for a message. 1 there is room, 0 full, -errno. */
int boxes_admit(struct boxes *boxes, struct box *box, const struct unit_recipient *recipient,
                uint64_t size);
/* A file was added; told to maildirsize by boxes_write_counts(), for mailboxes without a quota of
 * ours too, if somebody else keeps that file there. */
void boxes_added(struct boxes *boxes, struct box *box, uint64_t size);
void boxes_write_counts(struct boxes *boxes);

#endif
