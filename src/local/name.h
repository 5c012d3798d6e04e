/*
 * Names on disk: of an account's Maildir, and of a message's file.
 *
 * user@domain lies in <domain>/<user>, both in lower case (ASCII), which is where Dovecot looks
 * with `mail_location = maildir:STATE/mail/%d/%n` and its default of lower-case user names. Bytes
 * that a path component cannot or should not hold ('/', '%', control characters, and the names "."
 * and "..") are written as %XX with upper-case hexadecimal digits; such users have no place in
 * Dovecot's default characters of a user name either.
 *
 * A file is called <seconds>.N<message id>_<recipient index>.<host>,S=<size>,W=<size with CRLF>.
 * The seconds are the time of acceptance: nothing in the name depends on the attempt, so that a
 * delivery repeated after a crash meets the file of the first.
 */
#ifndef NUNCIO_LOCAL_NAME_H
#define NUNCIO_LOCAL_NAME_H

#include "mail/envelope.h"

enum { NAME_SIZE = 256 }; /* NAME_MAX of Linux and the NUL */

struct account_path {
    char domain[NAME_SIZE]; /* empty: the postmaster's own Maildir */
    char user[NAME_SIZE];   /* empty likewise */
};

/* 0; -EINVAL for what is neither user@domain nor "postmaster"; -ENAMETOOLONG. */
int name_account(struct slice account, struct account_path *ret_path);

struct file_key {
    uint64_t message_id;
    uint32_t recipient;
    uint64_t received_ms;
    struct slice host; /* shortened if need be; '/' and ':' become '_' */
};

/* The part before ",S=". `to` has NAME_SIZE bytes. */
void name_file_base(const struct file_key *key, char *to);
/* The whole name. */
void name_file(const struct file_key *key, uint64_t size, uint64_t size_crlf, char *to);
/* From a name in new/ or cur/, whatever its flags; false when the file is not from here. */
bool name_file_parse(struct slice name, uint64_t *ret_message_id, uint32_t *ret_recipient);
/* The number behind ",S=" in any server's file name. */
bool name_file_size(struct slice name, uint64_t *ret_size);

#endif
