/*
 * Which keys sign mail of which author: what the keys role has told (MSG_KEYS), and what of it the
 * DNS shows. A key is used only while its record has been seen there, so that nothing is signed
 * that nobody can verify.
 *
 * The ring asks the DNS by itself, a few questions at a time: for all keys when they come, about
 * hourly from then on, and each minute for those that are not there yet. Nobody waits for that, and
 * a DNS that gives no answer changes nothing. What it finds is told to keys (MSG_KEY_SEEN).
 */
#ifndef NUNCIO_RELAY_KEY_RING_H
#define NUNCIO_RELAY_KEY_RING_H

#include "config/config.h"
#include "dns/dns.h"
#include "io/role.h"
#include "trust/dkim_key.h"

struct key_ring;

/* Without keys. */
struct key_ring *key_ring_new(struct role_context *role, struct dns *dns);
/* After dns_free(), so that no question is under way. NULL is fine. */
void key_ring_free(struct key_ring *ring);

/* On the loop's thread: a message of keys; 0, or -EBADMSG. */
int key_ring_take(struct key_ring *ring, struct slice payload);
/* Likewise, after a wake: answers of the DNS may have come. */
void key_ring_run(struct key_ring *ring);

/* Likewise: looks for all of them now, since somebody has changed something. */
void key_ring_look(struct key_ring *ring);

/* One of each kind at most: RSA first, which every verifier understands. */
enum { KEY_CHOICES_MAX = 2 };
struct key_choice {
    enum dkim_key_kind kind;
    char domain[DNS_NAME_MAX + 1], selector[DNS_NAME_MAX + 1]; /* d=, s= */
};

/*
 * The keys that sign for this address in From, in any form: those of its sender before those of the
 * domain, the nearest domain upwards, of each kind the newest that can be seen and is not retired.
 * None when its domain is one of ours with `dkim no`. Returns their number. Any thread.
 */
unsigned key_ring_choose(struct key_ring *ring, const struct config *config, struct slice author,
                         struct key_choice ret_choices[KEY_CHOICES_MAX]);

struct key_ring_numbers {
    unsigned keys, seen;
};
struct key_ring_numbers key_ring_numbers(struct key_ring *ring);

#endif
