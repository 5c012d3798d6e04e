/*
 * Watches a header section go by in pieces of any size, keeping no text: what receive must know of
 * a message while DATA streams in (how many Received, is there a Date, where is Bcc).
 *
 * Cuts fields as header.h does. Everything counted saturates; memory is this struct alone.
 */
#ifndef NUNCIO_MAIL_HEADERSCAN_H
#define NUNCIO_MAIL_HEADERSCAN_H

#include "base/slice.h"

enum headerscan_name {
    HEADERSCAN_DATE,
    HEADERSCAN_MESSAGE_ID,
    HEADERSCAN_FROM,
    HEADERSCAN_SENDER,
    HEADERSCAN_BCC,
    HEADERSCAN_RESENT_BCC,
    HEADERSCAN_RECEIVED,
    HEADERSCAN_DELIVERED_TO,
    HEADERSCAN_RETURN_PATH,
    HEADERSCAN_DKIM_SIGNATURE,
    HEADERSCAN_NAMES,
};

struct headerscan_seen {
    uint32_t count;
    uint64_t offset; /* of the first one, from the start of the message */
    uint64_t len;    /* with its last line end */
};

enum { HEADERSCAN_NAME_MAX = 64, HEADERSCAN_ID_MAX = 250 };

struct headerscan {
    bool done;         /* the empty line has come; the rest is body */
    bool eight_bit;    /* a byte above 127 in the header section */
    uint64_t size;     /* bytes of the section so far; with the empty line when done */
    uint32_t fields;   /* well-formed ones */
    uint32_t bad;      /* lines that are none */
    uint64_t line_max; /* octets of the longest line without its end */
    struct headerscan_seen seen[HEADERSCAN_NAMES];
    /* What stands in < > in the first Message-ID, cut to what fits. */
    char message_id[HEADERSCAN_ID_MAX];
    size_t message_id_len;

    /* Private. */
    char name[HEADERSCAN_NAME_MAX];
    size_t name_len;
    int state;
    bool last_was_cr;
    bool in_message_id;
    int current; /* the watched field that we are in, or -1 */
    uint64_t field_start;
    uint64_t line_start;
};

void headerscan_init(struct headerscan *scan);
/* Returns how many bytes of `chunk` belong to the header section: all of them until `done`. */
size_t headerscan_feed(struct headerscan *scan, struct slice chunk);
/* The message has ended; closes the last field when no empty line came. */
void headerscan_end(struct headerscan *scan);

#endif
