/*
 * One question on its way through the directories.
 *
 * The code that answers it runs straight down and asks walk_find() for each address that it must
 * know. Where an answer is not there yet, walk_find() says WALK_WAITS, the code returns, and is run
 * again from its beginning when the answer has come (go_on): what was found before is remembered
 * here, so that each address is asked for once. A question needs a handful of look-ups, so running
 * again costs less than a state for every place where it may have to wait.
 */
#ifndef NUNCIO_ACCOUNT_WALK_H
#define NUNCIO_ACCOUNT_WALK_H

#include "account/directory.h"

enum { WALK_WAITS = 0 }; /* beside enum directory_status */

struct finding;

struct walk {
    struct arena arena; /* of all that is found, until the walk is reset */
    struct finding *findings;
    unsigned n_findings;
    struct finding *waits_for; /* NULL: for nothing */
    bool fleeting;             /* something found may change without notice: not to be kept */
    void (*go_on)(struct walk *walk);
};

void walk_init(struct walk *walk, void (*go_on)(struct walk *walk));
/* Both also take back what is being asked. */
void walk_done(struct walk *walk);
void walk_reset(struct walk *walk);

/* What a canonical address is. *ret_entry is set with DIRECTORY_FOUND, from the walk's arena. No
 * directory: DIRECTORY_LATER. */
enum directory_status walk_find(struct walk *walk, struct directory *directory,
                                struct slice address, const struct directory_entry **ret_entry);

#endif
