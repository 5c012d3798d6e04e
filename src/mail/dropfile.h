/*
 * A message in the maildrop: what sendmail(1) leaves in STATE/maildrop, and the server takes up.
 *
 *     head      DROPFILE_HEAD_LEN bytes of text: "nuncio-drop 1 ...", lengths and CRC-32C
 *     envelope  its stored form (see envelope.h)
 *     text      the message, lines ended by CRLF
 *
 * The folder has mode 3733 (or 1733): anybody may put a file there, nobody may list it. A file is
 * written under a name that begins with a dot, synced, and then renamed to 32 hexadecimal digits
 * (random: who cannot list cannot guess) and DROPFILE_SUFFIX; the rename makes it complete. It
 * belongs to its sender. Where the folder's set-group-ID bit gives it the folder's group, that
 * group may read it, so that the server can, and no one else.
 *
 * Whoever reads one trusts nothing in it: the owner of the file is the sender, and of the envelope
 * only reverse-path, recipients (address, NOTIFY, ORCPT), ENVID, RET, BODY and SMTPUTF8 are the
 * sender's to say. The CRC is against torn files, not against people.
 */
#ifndef NUNCIO_MAIL_DROPFILE_H
#define NUNCIO_MAIL_DROPFILE_H

#include "base/slice.h"

#define DROPFILE_SUFFIX ".msg"
enum { DROPFILE_HEAD_LEN = 64, DROPFILE_ENVELOPE_MAX = 16 * 1024 * 1024 };

struct dropfile_head {
    uint64_t envelope_length;
    uint64_t text_length;
    uint32_t crc; /* crc32c() over envelope and text */
};

/* Exactly DROPFILE_HEAD_LEN bytes, no NUL. */
void dropfile_head_format(const struct dropfile_head *head, char *to);

/* From the beginning of a file. 0; -EBADMSG for what is no such head, or lengths that do not add
 * up to file_size; -ENOTSUP for a version of which this program knows nothing. */
int dropfile_head_parse(struct slice start, uint64_t file_size, struct dropfile_head *ret_head);

/* Is this the name of a complete file? */
bool dropfile_name_is_good(struct slice name);

#endif
