/*
 * Maildir++ quota. See quota.h.
 *
 * Nobody locks the file: lines are appended with O_APPEND, and a new one takes the old one's place
 * by rename(). A count during which a directory changed is good for the decision at hand, but is
 * not kept as the file, since a line may have gone to the old one meanwhile.
 *
 * Courier leaves the Trash folder out of the count; Dovecot, the server that is documented to read
 * these mailboxes, counts it, and so does this file.
 */
#include "local/quota.h"

#include "local/mailbox.h"
#include "local/name.h"
#include "local/quota_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define QUOTA_FILE "maildirsize"
enum { FILE_MAX_SIZE = 5120, FRESH_SECONDS = 15 * 60, FOLDERS_MAX = 10000 };

/* True when the file can be believed. */
static bool read_file(int root, struct quota *quota)
{
    char text[FILE_MAX_SIZE];
    int fd = openat(root, QUOTA_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    ssize_t n;
    unsigned lines = 0;
    bool good;

    if (fd < 0)
        return false;
    n = read(fd, text, sizeof(text));
    good = n >= 0 && n < FILE_MAX_SIZE && fstat(fd, &st) == 0 &&
           quota_file_parse(slice_from(text, (size_t)n), quota, &lines);
    close(fd);
    quota->fresh = good && lines == 1 && time(NULL) - st.st_mtime < FRESH_SECONDS;
    return good;
}

/* What a count has seen of the directories, to tell whether they changed under it. */
struct count {
    struct quota *quota;
    uint64_t stamp;
};

static void count_file(void *arg, int dir, const char *name)
{
    struct count *count = arg;
    struct stat st;
    uint64_t size;

    if (!name_file_size(slice_from_cstr(name), &size)) {
        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            return;
        size = (uint64_t)st.st_size;
    }
    count->quota->bytes += (int64_t)(size & INT64_MAX >> 16);
    count->quota->messages++;
}

static void add_stamp(int box, const char *name, struct count *count)
{
    struct stat st = {0};
    uint64_t value;

    if (fstatat(box, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    value = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
    count->stamp = (count->stamp ^ value ^ (uint64_t)st.st_ino) * 0x100000001b3u;
}

static int stamp_box(int box, struct count *count)
{
    add_stamp(box, "new", count);
    add_stamp(box, "cur", count);
    return 0;
}

static int count_box(int box, struct count *count)
{
    int r = mailbox_each_file(box, "new", count_file, count);

    return r < 0 ? r : mailbox_each_file(box, "cur", count_file, count);
}

/* Visits the INBOX and every folder. */
static int each_box(int root, int (*visit)(int box, struct count *count), struct count *count)
{
    int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    unsigned folders = 0;
    int r = dir ? visit(root, count) : -errno;

    while (dir && r == 0 && folders < FOLDERS_MAX && (entry = readdir(dir))) {
        int box;
        if (entry->d_name[0] != '.' || !entry->d_name[1] ||
            slice_eq(slice_from_cstr(entry->d_name), SLICE("..")))
            continue;
        box = mailbox_open_directory(root, entry->d_name);
        if (box < 0)
            continue;
        folders++;
        r = visit(box, count);
        close(box);
    }
    if (dir)
        closedir(dir);
    return r;
}

static bool write_all(int fd, const char *text, size_t len)
{
    return write(fd, text, len) == (ssize_t)len;
}

/* A mailbox without this file is only slower, so failures are not told. */
static void write_file(int root, const struct quota *quota)
{
    char name[64], limits[64], text[160];
    int len, fd;

    snprintf(name, sizeof(name), QUOTA_FILE ".%d", (int)gettid());
    (void)unlinkat(root, name, 0);
    fd = openat(root, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    quota_file_format_limits(quota, limits, sizeof(limits));
    len = snprintf(text, sizeof(text), "%s\n%" PRId64 " %" PRId64 "\n", limits, quota->bytes,
                   quota->messages);
    if (!write_all(fd, text, (size_t)len) || renameat(root, name, root, QUOTA_FILE) < 0)
        (void)unlinkat(root, name, 0);
    close(fd);
}

static int count_anew(int root, struct quota *quota)
{
    struct count before = {.quota = quota}, after = {.quota = quota};
    int r;

    quota->bytes = quota->messages = 0;
    quota->fresh = true;
    r = each_box(root, stamp_box, &before);
    if (r == 0)
        r = each_box(root, count_box, &before);
    if (r < 0)
        return r;
    write_file(root, quota);
    if (each_box(root, stamp_box, &after) < 0 || after.stamp != before.stamp)
        (void)unlinkat(root, QUOTA_FILE, 0);
    return 0;
}

int quota_read(int root, struct quota *quota)
{
    return read_file(root, quota) ? 0 : count_anew(root, quota);
}

static bool fits(const struct quota *quota, uint64_t size)
{
    uint64_t bytes = (uint64_t)quota->bytes + quota->reserved_bytes;
    uint64_t messages = (uint64_t)quota->messages + quota->reserved_messages;

    if (quota->limit_bytes && (bytes >= quota->limit_bytes || size > quota->limit_bytes - bytes))
        return false;
    return !quota->limit_messages || messages < quota->limit_messages;
}

int quota_admit(int root, struct quota *quota, uint64_t size)
{
    if (!fits(quota, size)) {
        int r = quota->fresh ? 0 : count_anew(root, quota);
        if (r < 0)
            return r;
        if (!fits(quota, size))
            return 0;
    }
    quota->reserved_bytes += size;
    quota->reserved_messages++;
    return 1;
}

int quota_add(int root, uint64_t bytes, uint64_t messages)
{
    char line[64];
    int fd = openat(root, QUOTA_FILE, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int len, r = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    len = snprintf(line, sizeof(line), "%" PRIu64 " %" PRIu64 "\n", bytes, messages);
    if (!write_all(fd, line, (size_t)len))
        r = errno ? -errno : -EIO;
    close(fd);
    return r;
}
