/*
 * What is known against a place for mail. See spool_check_filesystem() in spool.h.
 *
 * A sync is only as good as what is below it. This looks at the kind of the file system and at the
 * options of its mount, as far as the kernel tells them; it cannot see a disk that lies about its
 * own cache.
 */
#include "spool/spool.h"

#include "base/buf.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xfe534d42
#endif
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

static const struct {
    uint32_t magic;
    const char *text;
} kinds[] = {
    {TMPFS_MAGIC, "is on tmpfs: the mail is gone when the machine stops"},
    {RAMFS_MAGIC, "is on ramfs: the mail is gone when the machine stops"},
    {NFS_SUPER_MAGIC, "is on NFS: locks and syncs depend on the server at the other end"},
    {SMB_SUPER_MAGIC, "is on SMB: locks and syncs depend on the server at the other end"},
    {SMB2_SUPER_MAGIC, "is on SMB: locks and syncs depend on the server at the other end"},
    {FUSE_SUPER_MAGIC, "is on a FUSE file system: whether a sync reaches the disk is its secret"},
};

static const struct {
    const char *option;
    const char *text;
} options[] = {
    {"nobarrier", "is mounted without write barriers: a power cut can lose synced mail"},
    {"barrier=0", "is mounted without write barriers: a power cut can lose synced mail"},
    {"volatile", "is on an overlay mounted volatile, which does not sync at all"},
    {"nosync", "is mounted with nosync: syncs are not done"},
};

/* Is the option among the comma-separated ones? */
static bool has_option(struct slice list, const char *option)
{
    while (list.ptr) {
        if (slice_eq(slice_cut(&list, ','), slice_from_cstr(option)))
            return true;
    }
    return false;
}

/* Does the line of /proc/self/mountinfo speak of this device? Its options, both kinds, as one. */
static bool mount_options(struct slice line, dev_t device, struct buf *ret_options)
{
    char want[32];
    struct slice field = SLICE_NULL, rest = line;

    snprintf(want, sizeof(want), "%u:%u", major(device), minor(device));
    for (int i = 0; i < 3; i++)
        field = slice_cut(&rest, ' ');
    if (!slice_eq(field, slice_from_cstr(want)))
        return false;
    for (int i = 0; i < 3; i++)
        field = slice_cut(&rest, ' ');
    buf_reset(ret_options);
    buf_add_slice(ret_options, field);
    buf_add_char(ret_options, ',');
    while (rest.ptr)
        field = slice_cut(&rest, ' ');
    buf_add_slice(ret_options, slice_trim(field));
    return true;
}

static bool read_options(const char *directory, struct buf *ret_options)
{
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    struct stat st;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    bool found = false;

    if (!mounts)
        return false;
    if (stat(directory, &st) == 0) {
        while (!found && (len = getline(&line, &size, mounts)) > 0)
            found = mount_options(slice_from(line, (size_t)len), st.st_dev, ret_options);
    }
    free(line);
    fclose(mounts);
    return found;
}

struct teller {
    const char *directory;
    void (*tell)(void *arg, struct slice line);
    void *arg;
    int count;
};

static void warn(struct teller *teller, const char *text)
{
    struct buf line;

    buf_init(&line, 8192);
    buf_printf(&line, "%s %s", teller->directory, text);
    teller->tell(teller->arg, buf_slice(&line));
    buf_done(&line);
    teller->count++;
}

int spool_check_filesystem(const char *directory, void (*tell)(void *arg, struct slice line),
                           void *arg)
{
    struct teller teller = {.directory = directory, .tell = tell, .arg = arg};
    struct buf found;
    struct statfs st;

    if (statfs(directory, &st) < 0)
        return -errno;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if ((uint32_t)st.f_type == kinds[i].magic)
            warn(&teller, kinds[i].text);
    }
    buf_init(&found, 64 * 1024);
    if (read_options(directory, &found)) {
        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
            if (has_option(buf_slice(&found), options[i].option))
                warn(&teller, options[i].text);
        }
    }
    buf_done(&found);
    return teller.count;
}
