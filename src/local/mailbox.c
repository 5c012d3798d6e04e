/*
 * Opening Maildirs. See mailbox.h.
 *
 * A directory that had to be made is on disk (its parent synced) before anything is delivered into
 * it. Directories get mode 0700: mailboxes are their owner's and the IMAP server's that runs under
 * the same user.
 *
 * The descriptors are opened anew for each batch. That costs microseconds, and it is what makes
 * syncfs() on them trustworthy: an error of writing back is told once to each open file, and these
 * are no one else's.
 */
#include "local/mailbox.h"

#include "local/folder.h"
#include "local/name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRECTORY = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

int mailbox_open_directory(int dir, const char *name)
{
    int fd = openat(dir, name, DIRECTORY | O_NOFOLLOW);

    return fd < 0 ? -errno : fd;
}

/* A descriptor or -errno. *made is set when the directory was not there. */
static int open_or_make(int dir, const char *name, bool *made)
{
    int fd = mailbox_open_directory(dir, name);

    if (fd != -ENOENT)
        return fd;
    if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
        return -errno;
    if (fsync(dir) < 0)
        return -errno;
    *made = true;
    return mailbox_open_directory(dir, name);
}

/* The store's folder: state/mail or state/postmaster. */
static int open_store(const char *path)
{
    int fd = open(path, DIRECTORY);

    if (fd < 0 && errno == ENOENT && mkdir(path, 0700) == 0)
        fd = open(path, DIRECTORY);
    return fd < 0 ? -errno : fd;
}

/* Replaces *dir by the directory below it, and keeps the path for messages. */
static int step_into(int *dir, const char *name, bool *made, struct buf *where)
{
    int fd;

    buf_printf(where, "/%s", name);
    fd = open_or_make(*dir, name, made);
    if (fd < 0)
        return fd;
    close(*dir);
    *dir = fd;
    return 0;
}

static int open_root(struct slice state, struct slice account, struct buf *where)
{
    struct account_path path;
    bool made = false;
    int r = name_account(account, &path);
    int dir;

    buf_add_slice(where, state);
    buf_add_cstr(where, path.user[0] && r == 0 ? "/mail" : "/postmaster");
    if (r < 0)
        return r;
    buf_add_char(where, '\0');
    dir = open_store(where->ptr);
    where->len--;
    if (dir < 0 || !path.user[0])
        return dir;
    r = step_into(&dir, path.domain, &made, where);
    if (r == 0)
        r = step_into(&dir, path.user, &made, where);
    if (r < 0) {
        close(dir);
        return r;
    }
    return dir;
}

/* The mark by which a Maildir++ reader knows a folder from a mailbox. */
static int mark_folder(int box)
{
    int fd = openat(box, "maildirfolder", O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int open_box(struct mailbox *mailbox, struct slice folder, struct buf *where)
{
    char name[NAME_SIZE];
    bool made = false;
    int r;

    if (folder_directory(folder, name, sizeof(name)) < 0 || !name[0]) {
        mailbox->box = fcntl(mailbox->root, F_DUPFD_CLOEXEC, 0);
        return mailbox->box < 0 ? -errno : 0;
    }
    buf_printf(where, "/%s", name);
    r = open_or_make(mailbox->root, name, &made);
    if (r < 0)
        return r;
    mailbox->box = r;
    return made ? mark_folder(mailbox->box) : 0;
}

static int open_parts(struct mailbox *mailbox, struct buf *where)
{
    size_t len = where->len;
    bool made = false;

    buf_add_cstr(where, "/tmp");
    mailbox->tmp = open_or_make(mailbox->box, "tmp", &made);
    if (mailbox->tmp < 0)
        return mailbox->tmp;
    where->len = len;
    buf_add_cstr(where, "/new");
    mailbox->new = open_or_make(mailbox->box, "new", &made);
    if (mailbox->new < 0)
        return mailbox->new;
    if (made && mkdirat(mailbox->box, "cur", 0700) < 0 && errno != EEXIST)
        return -errno;
    where->len = len;
    return 0;
}

int mailbox_open(struct slice state, struct slice account, struct slice folder,
                 struct mailbox *ret_mailbox, struct buf *where)
{
    struct mailbox mailbox = {.root = -1, .box = -1, .tmp = -1, .new = -1};
    int r;

    buf_reset(where);
    r = mailbox.root = open_root(state, account, where);
    if (r >= 0)
        r = open_box(&mailbox, folder, where);
    if (r >= 0)
        r = open_parts(&mailbox, where);
    if (r < 0) {
        mailbox_close(&mailbox);
        return r;
    }
    *ret_mailbox = mailbox;
    return 0;
}

void mailbox_close(struct mailbox *mailbox)
{
    int *fds[] = {&mailbox->root, &mailbox->box, &mailbox->tmp, &mailbox->new};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

int mailbox_each_file(int box, const char *directory, mailbox_on_file *on_file, void *arg)
{
    int fd = mailbox_open_directory(box, directory);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return fd == -ENOENT ? 0 : fd < 0 ? fd : -ENOMEM;
    }
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            on_file(arg, fd, entry->d_name);
    }
    closedir(dir);
    return 0;
}

int mailbox_publish(const struct mailbox *mailbox, const char *tmp_name, const char *new_name)
{
    if (renameat2(mailbox->tmp, tmp_name, mailbox->new, new_name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    /* NFS and others do not know RENAME_NOREPLACE; a link never replaces. */
    if (linkat(mailbox->tmp, tmp_name, mailbox->new, new_name, 0) < 0)
        return -errno;
    (void)unlinkat(mailbox->tmp, tmp_name, 0);
    return 0;
}
