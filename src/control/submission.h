/*
 * A message from a local user, as sendmail(1) takes it: who sends it, to whom, the text; mended as
 * a submission may be (RFC 6409 section 8) and left in the maildrop (see mail/dropfile.h).
 */
#ifndef NUNCIO_CONTROL_SUBMISSION_H
#define NUNCIO_CONTROL_SUBMISSION_H

#include "mail/envelope.h"

/* Where we are and who calls. All strings outlive the submission. */
struct submission_site {
    struct slice hostname;
    struct slice domain; /* added to addresses without one */
    struct slice state;  /* folder */
    struct slice user;   /* login name of the caller */
    struct slice full_name;
    uint64_t message_size;
    unsigned recipients, header_size;
};

/* Finds it out: from the configuration (`given` as in config_locate()), the password database and
 * the clock's zone. Without a file, or with one that the caller may not read, the defaults hold.
 * 0, or an exit code after saying on stderr what is wrong. Memory is the arena's. */
int submission_find_site(const char *given, struct arena *arena, struct submission_site *ret_site);

struct submission {
    const struct submission_site *site;
    struct arena arena;
    struct envelope envelope; /* reverse_path, envid, ret, body, smtputf8; the rest is filled in */
    struct recipient *recipients; /* room for site->recipients */
    uint8_t notify;               /* for those that are added from now on */
    struct slice full_name;       /* for a From field that has to be made */
};

void submission_init(struct submission *submission, const struct submission_site *site);
void submission_done(struct submission *submission);

/* All these: 0, or an exit code with a sentence for people in `why`. */

/* An address list; addresses without a domain get ours, repeated ones count once. */
int submission_add_recipients(struct submission *submission, struct slice list, struct buf *why);
/* The sender, with or without brackets; empty and "<>" are the null reverse-path. */
int submission_set_sender(struct submission *submission, struct slice sender, struct buf *why);
/* Mends the text (lines end in LF or CRLF) and stores the message, durably. `from_header`: the
 * recipients of To, Cc and Bcc are added (those of the Resent- fields where there are any). */
int submission_finish(struct submission *submission, struct slice text, bool from_header,
                      struct buf *why);

#endif
