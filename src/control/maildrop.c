/*
 * Writing into the maildrop. See maildrop.h.
 *
 * The file is complete and on disk before it gets a name that the server looks at; then the folder
 * is synced. For that it need not be readable (it is not, for most): an O_PATH descriptor serves
 * everything but the sync, for which syncfs() on the file stands in.
 *
 * Who may read the file: its sender, and the folder's group where the folder hands its group on
 * (mode 3733), which is the server. Where it does not and the server is another user, the file has
 * to be readable by all; its random name, in a folder that nobody may list, keeps it from them.
 */
#include "control/maildrop.h"

#include "base/crc32c.h"
#include "base/log.h"
#include "mail/dropfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sysexits.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, NAME_LEN = 48 };

/* The final name is the hidden one without its dot. */
struct drop_name {
    char hidden[NAME_LEN];
};

static int make_name(struct drop_name *name)
{
    uint64_t random[2];

    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return -errno;
    snprintf(name->hidden, NAME_LEN, ".%016llx%016llx" DROPFILE_SUFFIX,
             (unsigned long long)random[0], (unsigned long long)random[1]);
    return 0;
}

static mode_t choose_mode(int dir, int fd)
{
    struct stat folder, file;

    if (fstat(dir, &folder) < 0 || fstat(fd, &file) < 0)
        return 0600;
    if (folder.st_uid == file.st_uid)
        return 0600;
    return folder.st_gid == file.st_gid ? 0640 : 0644;
}

static int write_all(int fd, struct iovec *iov, int n)
{
    while (n) {
        ssize_t written = writev(fd, iov, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        while (n && (size_t)written >= iov->iov_len) {
            written -= (ssize_t)iov->iov_len;
            iov++;
            n--;
        }
        if (n) {
            iov->iov_base = (char *)iov->iov_base + written;
            iov->iov_len -= (size_t)written;
        }
    }
    return 0;
}

static int write_file(int fd, struct slice envelope, struct slice text)
{
    struct dropfile_head head = {.envelope_length = envelope.len, .text_length = text.len};
    char first[DROPFILE_HEAD_LEN];
    struct iovec iov[3] = {
        {.iov_base = first, .iov_len = sizeof(first)},
        {.iov_base = (void *)(uintptr_t)envelope.ptr, .iov_len = envelope.len},
        {.iov_base = (void *)(uintptr_t)text.ptr, .iov_len = text.len},
    };

    head.crc = crc32c(crc32c(0, envelope.ptr, envelope.len), text.ptr, text.len);
    dropfile_head_format(&head, first);
    return write_all(fd, iov, 3);
}

/* The name in the folder on disk: by the folder where it can be read, else by the whole system. */
static int sync_name(int dir, int file)
{
    int readable = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = readable >= 0 ? fsync(readable) : syncfs(file);

    r = r < 0 ? -errno : 0;
    if (readable >= 0)
        close(readable);
    return r;
}

static int store_in(int dir, struct slice envelope, struct slice text)
{
    struct drop_name name;
    int r = make_name(&name);
    int fd;

    if (r < 0)
        return r;
    fd = openat(dir, name.hidden, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r = write_file(fd, envelope, text);
    if (r == 0 && (fchmod(fd, choose_mode(dir, fd)) < 0 || fsync(fd) < 0 ||
                   renameat(dir, name.hidden, dir, name.hidden + 1) < 0))
        r = -errno;
    if (r < 0)
        (void)unlinkat(dir, name.hidden, 0);
    else
        r = sync_name(dir, fd);
    close(fd);
    return r;
}

int maildrop_store(struct slice state, const struct envelope *envelope, struct slice text,
                   struct buf *why)
{
    char path[PATH_SIZE];
    struct buf encoded;
    int dir, r;

    snprintf(path, sizeof(path), "%.*s/maildrop", SLICE_ARG(state));
    buf_init(&encoded, DROPFILE_ENVELOPE_MAX);
    envelope_encode(&encoded, envelope);
    if (encoded.overflow) {
        buf_done(&encoded);
        buf_add_cstr(why, "too many recipients");
        return EX_UNAVAILABLE;
    }
    dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    r = dir < 0 ? -errno : store_in(dir, buf_slice(&encoded), text);
    buf_done(&encoded);
    if (dir >= 0)
        close(dir);
    if (r == 0)
        return 0;
    buf_printf(why, "%s: %s: the message is not sent", path, log_strerror(r));
    return EX_TEMPFAIL;
}
