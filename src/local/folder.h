/*
 * Folders of a Maildir++: "Archive/2024" is the directory ".Archive.2024" of the mailbox, with
 * characters outside printable ASCII in the modified UTF-7 of RFC 3501 section 5.1.3.
 *
 * Both '/' and '.' part a folder's name into levels, since the layout knows the dot alone.
 */
#ifndef NUNCIO_LOCAL_FOLDER_H
#define NUNCIO_LOCAL_FOLDER_H

#include "base/slice.h"

/*
 * `to` gets the directory's name with its leading dot, or "" for INBOX (or an empty name).
 * 0; -EINVAL for empty levels, control characters or bad UTF-8; -ENAMETOOLONG.
 */
int folder_directory(struct slice folder, char *to, size_t size);

#endif
