/* The failures of a message that no DSN tells yet: for the DSN, and for the record. */
#ifndef NUNCIO_QUEUE_FAILURES_H
#define NUNCIO_QUEUE_FAILURES_H

#include "mail/dsn.h"
#include "queue/extra.h"
#include "queue/record.h"

/* Those that the sender wants to hear of, into `list`, which has room for all (or NULL: only
 * counted). Strings are the envelope's and the extra's. */
size_t failures_list(const struct message *message, const struct envelope *envelope,
                     struct dsn_recipient *list);
/* All of them, wanted or not, go into the record and are told with it. `number` is 0, or that of
 * another record by which they have been promised (failures_promise). */
void failures_tell(struct record *record, uint64_t number);
/* The DSN in the record of that number, which is another message's, tells them too. Number 0 for
 * `to` takes the promise back. */
void failures_promise(struct message *message, uint64_t from, uint64_t to);

/* The name of a server for Remote-MTA: "mx.example.org" of "mx.example.org[192.0.2.1]:25", and
 * "[192.0.2.1]" where there is no name. */
struct slice failures_server_name(struct slice remote);
/* Does it look like an SMTP reply, "450 4.7.1 later"? */
bool failures_is_reply(struct slice words);

#endif
