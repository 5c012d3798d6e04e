/*
 * A pass over a message's waiting recipients, as the files of expand.h share it.
 */
#ifndef NUNCIO_QUEUE_PASS_H
#define NUNCIO_QUEUE_PASS_H

#include "queue/extra.h"
#include "queue/notice.h"
#include "queue/record.h"
#include "queue/route.h"

/* Recipients for one lane, and with one reverse-path. */
struct group {
    struct lane *lane;
    struct slice rewritten_at; /* forward_domain() */
    uint32_t n;
    uint32_t unit;
    struct lane_refusal refusal;
};

struct pass {
    struct queue *queue;
    struct message *message;
    const struct envelope *envelope;
    struct record record;
    struct group *groups;
    uint32_t n_groups, groups_size;
    uint32_t *joined; /* recipients that are in a group */
    uint32_t n_joined;
    struct recipient *added; /* in this pass */
    uint32_t n_added;
    struct notice_success *expanded; /* aliases to several, for NOTIFY=SUCCESS */
    uint32_t n_expanded;
    bool retried;
    uint64_t due; /* recipients up to this queue time */
    uint64_t max_age_ms;
};

/* What became of a recipient before anybody was asked to take it. */
void pass_log(const struct pass *pass, uint32_t index, const char *event, struct slice why);
/* Puts the targets in the recipient's place; or it fails (expand.h says when). */
void pass_expand(struct pass *pass, uint32_t index, const struct route_decision *decision);

#endif
