/*
 * A message text on its way into the spool: trace field first, then the text with its limits
 * watched, its faults noted and, where that is asked for, its header repaired. Sessions and the
 * maildrop both use it.
 *
 * The first fault decides; from then on bytes are counted and dropped.
 */
#ifndef NUNCIO_RECEIVE_INTAKE_H
#define NUNCIO_RECEIVE_INTAKE_H

#include "config/config.h"
#include "mail/headerscan.h"
#include "receive/forged.h"
#include "receive/repair.h"
#include "smtp/reply.h"
#include "smtp/text.h"
#include "spool/spool.h"

/* May a message have this header section, empty line and all? A reply without a code says yes; what
 * is to be repaired may be changed. */
typedef struct smtp_reply intake_judge(void *arg, struct slice header, struct repair *repair);

struct intake_options {
    struct spool_writer *spool;
    const struct config *config; /* outlives the intake */
    uint64_t id;
    bool dots;             /* DATA */
    bool convert;          /* bare CR and LF become CRLF */
    bool repair;           /* add Date, Message-ID and From, take Bcc out */
    struct slice sender;   /* for From; empty: none is added */
    int64_t seconds;       /* wall time, for Date */
    struct slice trace;    /* goes in front of everything */
    uint64_t message_size; /* that is allowed; 0: that of the configuration */
    intake_judge *judge;   /* with repair: called once, when the header section is whole; or NULL */
    void *judge_arg;
    /* The client's text as it will be verified, in pieces; or NULL. */
    void (*watch)(void *arg, struct slice piece);
    void *watch_arg;
    /* Takes Authentication-Results fields out that claim to be ours, and is told of each; NULL:
     * they stay. */
    void (*forged)(void *arg, struct slice value);
    void *forged_arg;
    uint32_t room; /* bytes that may be put in front at the end, see spool_body_keep_room() */
};

struct intake {
    struct intake_options options;
    struct smtp_text text;
    struct headerscan scan;
    struct spool_body *body; /* NULL once something is wrong */
    struct forged filter;    /* with options.forged */
    struct buf header;       /* with repair: what of the header section has come */
    uint64_t size;           /* of the client's text */
    struct smtp_reply fault; /* code 0: all is well */
};

void intake_init(struct intake *intake, const struct intake_options *options);
/* Gives up what was not taken. */
void intake_done(struct intake *intake);

/* Takes from *input up to the end of the text; what is left are commands. DATA only: true when
 * the end has come. */
bool intake_feed(struct intake *intake, struct slice *input);

/* The text is complete. The body for spool_submit(), or NULL and the reply that says why not. */
struct spool_body *intake_finish(struct intake *intake, struct smtp_reply *ret_fault);

/* The Message-ID, without < >, that the text has or is given. */
struct slice intake_header_id(const struct intake *intake, struct arena *arena);

/* 451, 452: what to say when the spool does not take it. */
struct smtp_reply intake_spool_failure(int error);

#endif
