/*
 * A unit of queue on its way through this role: the message's description, the descriptor of its
 * text, and what became of each recipient.
 */
#ifndef NUNCIO_LOCAL_DELIVERY_H
#define NUNCIO_LOCAL_DELIVERY_H

#include "io/channel.h"
#include "local/verdict.h"

struct delivery {
    struct delivery *next;
    struct arena arena; /* holds the unit and what it points to */
    struct msg_unit unit;
    int fd;                /* of the text, ours */
    uint64_t epoch;        /* when it came; an answer is for the queue of that epoch only */
    uint64_t since_ms;     /* monotonic */
    bool maybe_repeat;     /* accepted before the epoch */
    bool reject_when_full; /* setting of the domain */
    struct verdict *verdicts;
    uint32_t n_open; /* programs: recipients without a verdict */
};

/* First in, first out. */
struct delivery_list {
    struct delivery *first;
    struct delivery **end;
    size_t count;
};

/* Takes the descriptor over and copies the rest. NULL for a message that makes no sense, whose
 * descriptors stay. */
struct delivery *delivery_new(struct channel_message *message);
void delivery_free(struct delivery *delivery);

void delivery_list_init(struct delivery_list *list);
void delivery_list_add(struct delivery_list *list, struct delivery *delivery);
struct delivery *delivery_list_take(struct delivery_list *list); /* NULL: empty */
/* Moves all of `from` to the end of `to`. */
void delivery_list_move(struct delivery_list *to, struct delivery_list *from);
void delivery_list_free_all(struct delivery_list *list);

#endif
