/*
 * A Maildir, opened for delivery and created where it is missing.
 *
 * Every step below the mail store is an openat() of one component with O_NOFOLLOW, so that a link
 * planted in a mailbox leads nowhere. The store itself (STATE/mail, STATE/postmaster) is the
 * administrator's and may be a link.
 */
#ifndef NUNCIO_LOCAL_MAILBOX_H
#define NUNCIO_LOCAL_MAILBOX_H

#include "base/buf.h"

struct mailbox {
    int root; /* the account's Maildir: maildirsize lies here, and the folders */
    int box;  /* the Maildir of the folder; a descriptor of its own for INBOX too */
    int tmp, new;
};

/*
 * Opens the folder of the account's Maildir below `state`. A folder whose name has no form on disk
 * is the INBOX: mail is not lost for the sake of a label.
 *
 * 0 with descriptors that mailbox_close() closes; otherwise -errno and the path of the step that
 * failed in `where`.
 */
int mailbox_open(struct slice state, struct slice account, struct slice folder,
                 struct mailbox *ret_mailbox, struct buf *where);
void mailbox_close(struct mailbox *mailbox);

/* Opens an existing directory below `dir` without following a link. A descriptor or -errno. */
int mailbox_open_directory(int dir, const char *name);

/* Visits the names in a directory of the Maildir `box` but those that begin with a dot; `dir` is
 * open for the visit. A directory that is missing is empty. 0 or -errno. */
typedef void mailbox_on_file(void *arg, int dir, const char *name);
int mailbox_each_file(int box, const char *directory, mailbox_on_file *on_file, void *arg);

/* Gives tmp/old its name in new/ unless that is taken: -EEXIST. */
int mailbox_publish(const struct mailbox *mailbox, const char *tmp_name, const char *new_name);

#endif
