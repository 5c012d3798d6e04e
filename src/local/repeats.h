/*
 * Was this message delivered before a crash?
 *
 * A delivery whose outcome did not reach the disk is made again. While its file is still in new/,
 * the name alone tells (see mailbox_publish()). When a mail reader has moved it to cur/ meanwhile,
 * only a look into the directories does. Only a message accepted before the present epoch (local
 * and queue have been up together since then) can be such a repeat, so new mail never pays for it;
 * and a file of an earlier epoch was there when the present one began, so one look per mailbox and
 * epoch is enough, taken when the first old message comes.
 *
 * What a reader has deleted or moved elsewhere is not recognised: the recipient sees it twice.
 */
#ifndef NUNCIO_LOCAL_REPEATS_H
#define NUNCIO_LOCAL_REPEATS_H

#include "base/slice.h"

struct repeats;

struct repeats *repeats_new(void);
void repeats_free(struct repeats *repeats);

/*
 * Does the mailbox hold this message for this recipient since before the epoch? `mailbox` names it
 * (account and folder), `box` is its directory. 1 yes, 0 no, -errno. The first look at a mailbox
 * also removes files from tmp/ that nobody has touched for 36 hours, as the Maildir rules ask.
 */
int repeats_find(struct repeats *repeats, uint64_t epoch, uint64_t mailbox, int box,
                 uint64_t message_id, uint32_t recipient);

#endif
