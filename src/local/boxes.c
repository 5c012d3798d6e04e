/*
 * The mailboxes of a batch. See boxes.h.
 *
 * The locks are striped by account. A batch takes its stripes in ascending order before it counts
 * anything, so that two batches never wait for each other in a circle.
 *
 * Sync errors: the directories are opened before anything is written, and syncfs() is called on one
 * of them, so an error is neither old nor told to somebody else.
 */
#include "local/boxes.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WHERE_MAX = 4096, STRIPES = 64 };

/* Each guards the count of the accounts that hash to it. */
static pthread_mutex_t stripe_locks[STRIPES];
static pthread_once_t stripes_once = PTHREAD_ONCE_INIT;

static void init_stripes(void)
{
    for (unsigned i = 0; i < STRIPES; i++)
        pthread_mutex_init(&stripe_locks[i], NULL);
}

static struct box *open_box(struct boxes *boxes, const struct unit_recipient *recipient,
                            uint64_t key)
{
    struct box *box = &boxes->list[boxes->count++];
    struct buf where;
    struct stat st = {0};
    int r;

    *box = (struct box){.key = key, .account = recipient->account, .folder = recipient->folder};
    buf_init(&where, WHERE_MAX);
    r = mailbox_open(boxes->state, box->account, box->folder, &box->mailbox, &where);
    if (r == 0 && fstat(box->mailbox.tmp, &st) < 0) {
        r = -errno;
        mailbox_close(&box->mailbox);
    }
    box->device = st.st_dev;
    box->error = -r;
    box->where = xslicedup(buf_slice(&where));
    buf_done(&where);
    return box;
}

struct box *boxes_find(struct boxes *boxes, const struct unit_recipient *recipient)
{
    uint64_t key = slice_hash(recipient->account) * 31 + slice_hash(recipient->folder);

    for (size_t i = 0; i < boxes->count; i++) {
        struct box *box = &boxes->list[i];
        if (box->key == key && slice_eq(box->account, recipient->account) &&
            slice_eq(box->folder, recipient->folder))
            return box;
    }
    return open_box(boxes, recipient, key);
}

void boxes_close(struct boxes *boxes)
{
    for (size_t i = 0; i < boxes->count; i++) {
        mailbox_close(&boxes->list[i].mailbox);
        free(boxes->list[i].where);
    }
    boxes->count = 0;
}

/* The boxes of one file system share its fate, so the first that is sound stands for all. */
static bool system_was_synced(const struct boxes *boxes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!boxes->list[i].error && boxes->list[i].device == boxes->list[n].device)
            return true;
    }
    return false;
}

void boxes_sync_systems(struct boxes *boxes)
{
    for (size_t i = 0; i < boxes->count; i++) {
        const struct box *box = &boxes->list[i];
        int error;
        if (box->error || system_was_synced(boxes, i) || syncfs(box->mailbox.tmp) == 0)
            continue;
        error = errno;
        for (size_t j = i; j < boxes->count; j++) {
            if (!boxes->list[j].error && boxes->list[j].device == box->device)
                boxes->list[j].error = error;
        }
    }
}

void boxes_sync_new(struct boxes *boxes)
{
    if (boxes->count > SYNC_EACH_MAX) {
        boxes_sync_systems(boxes);
        return;
    }
    for (size_t i = 0; i < boxes->count; i++) {
        struct box *box = &boxes->list[i];
        if (!box->error && fsync(box->mailbox.new) < 0)
            box->error = errno;
    }
}

bool boxes_has_quota(const struct unit_recipient *recipient)
{
    return recipient->quota_bytes || recipient->quota_messages;
}

void boxes_will_count(struct boxes *boxes, const struct unit_recipient *recipient)
{
    if (boxes_has_quota(recipient))
        boxes->locked |= UINT64_C(1) << slice_hash(recipient->account) % STRIPES;
}

void boxes_lock(struct boxes *boxes)
{
    pthread_once(&stripes_once, init_stripes);
    for (unsigned i = 0; i < STRIPES; i++) {
        if (boxes->locked >> i & 1)
            pthread_mutex_lock(&stripe_locks[i]);
    }
}

void boxes_unlock(struct boxes *boxes)
{
    for (unsigned i = 0; i < STRIPES; i++) {
        if (boxes->locked >> i & 1)
            pthread_mutex_unlock(&stripe_locks[i]);
    }
    boxes->locked = 0;
}

/* The box that holds the account's count: the first of its folders. */
static struct box *count_of(struct boxes *boxes, struct box *box)
{
    for (size_t i = 0; i < boxes->count; i++) {
        if (!boxes->list[i].error && slice_eq(boxes->list[i].account, box->account))
            return &boxes->list[i];
    }
    return box;
}

int boxes_admit(struct boxes *boxes, struct box *box, const struct unit_recipient *recipient,
                uint64_t size)
{
    struct box *count = count_of(boxes, box);
    int r;

    if (!count->counted) {
        count->quota = (struct quota){.limit_bytes = recipient->quota_bytes,
                                      .limit_messages = recipient->quota_messages};
        r = quota_read(count->mailbox.root, &count->quota);
        if (r < 0)
            return r;
        count->counted = true;
    }
    r = quota_admit(count->mailbox.root, &count->quota, size);
    if (r == 0)
        count->full = true;
    return r;
}

void boxes_added(struct boxes *boxes, struct box *box, uint64_t size)
{
    struct box *count = count_of(boxes, box);

    count->added_bytes += size;
    count->added_messages++;
}

void boxes_write_counts(struct boxes *boxes)
{
    for (size_t i = 0; i < boxes->count; i++) {
        const struct box *box = &boxes->list[i];
        /* A sum that is a little off is mended by the next count; mail is not held for it. */
        if (box->added_messages)
            (void)quota_add(box->mailbox.root, box->added_bytes, box->added_messages);
    }
}
