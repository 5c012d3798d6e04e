/*
 * Recognising repeated deliveries. See repeats.h.
 *
 * The looks are kept in a small table, the oldest of which makes room for the next. new/ is read
 * before cur/, so that a file on its way from one to the other is seen at least once.
 */
#include "local/repeats.h"

#include "base/buf.h"
#include "local/mailbox.h"
#include "local/name.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOOKS_MAX = 8, TMP_SECONDS = 36 * 3600, FILES_MAX = 1024 * 1024 };

struct seen {
    uint64_t message_id;
    uint64_t recipient;
};

struct look {
    uint64_t epoch; /* 0: none */
    uint64_t mailbox;
    struct buf files; /* struct seen, sorted */
};

struct repeats {
    struct look looks[LOOKS_MAX];
    unsigned next;
};

struct repeats *repeats_new(void)
{
    struct repeats *repeats = xcalloc(1, sizeof(*repeats));

    for (unsigned i = 0; i < LOOKS_MAX; i++)
        buf_init(&repeats->looks[i].files, FILES_MAX * sizeof(struct seen));
    return repeats;
}

void repeats_free(struct repeats *repeats)
{
    for (unsigned i = 0; i < LOOKS_MAX; i++)
        buf_done(&repeats->looks[i].files);
    free(repeats);
}

static int compare_seen(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;

    if (x->message_id != y->message_id)
        return x->message_id < y->message_id ? -1 : 1;
    return x->recipient < y->recipient ? -1 : x->recipient > y->recipient;
}

static void note_file(void *arg, int dir, const char *name)
{
    struct buf *out = arg;
    struct seen seen = {0};
    uint32_t recipient;

    (void)dir;
    if (!name_file_parse(slice_from_cstr(name), &seen.message_id, &recipient))
        return;
    seen.recipient = recipient;
    buf_add(out, &seen, sizeof(seen));
}

static void sweep_file(void *arg, int dir, const char *name)
{
    struct stat st;

    (void)arg;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
        st.st_mtime < time(NULL) - TMP_SECONDS)
        (void)unlinkat(dir, name, 0);
}

static int look_into(struct look *look, int box)
{
    int r;

    look->epoch = 0;
    buf_reset(&look->files);
    r = mailbox_each_file(box, "new", note_file, &look->files);
    if (r == 0)
        r = mailbox_each_file(box, "cur", note_file, &look->files);
    if (r == 0 && look->files.len)
        qsort(look->files.ptr, look->files.len / sizeof(struct seen), sizeof(struct seen),
              compare_seen);
    (void)mailbox_each_file(box, "tmp", sweep_file, NULL);
    return r;
}

/* The look at this mailbox in this epoch, taken now if need be. NULL with *ret_error. */
static struct look *find_look(struct repeats *repeats, uint64_t epoch, uint64_t mailbox, int box,
                              int *ret_error)
{
    struct look *look;

    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        look = &repeats->looks[i];
        if (look->epoch == epoch && look->mailbox == mailbox)
            return look;
    }
    look = &repeats->looks[repeats->next++ % LOOKS_MAX];
    *ret_error = look_into(look, box);
    if (*ret_error < 0)
        return NULL;
    look->epoch = epoch;
    look->mailbox = mailbox;
    return look;
}

int repeats_find(struct repeats *repeats, uint64_t epoch, uint64_t mailbox, int box,
                 uint64_t message_id, uint32_t recipient)
{
    struct seen key = {.message_id = message_id, .recipient = recipient};
    int error = 0;
    const struct look *look = find_look(repeats, epoch, mailbox, box, &error);

    if (!look)
        return error;
    return look->files.len && bsearch(&key, look->files.ptr, look->files.len / sizeof(key),
                                      sizeof(key), compare_seen) != NULL;
}
