/*
 * One domain's report of one day: asks DNS where it is wanted, makes it and takes it there. Blocks;
 * for the thread of tlsrpt.c.
 */
#ifndef NUNCIO_RELAY_TLSRPT_SEND_H
#define NUNCIO_RELAY_TLSRPT_SEND_H

#include "relay/tlsrpt_day.h"

struct tlsrpt_sender {
    struct dns *dns;
    struct tlsrpt_identity identity;
    /* Both return whether it was taken. */
    bool (*mail)(void *arg, struct slice to, struct slice text);
    bool (*post)(void *arg, struct slice url, struct slice gzip);
    void *arg;
};

enum tlsrpt_sent {
    TLSRPT_SENT,       /* one of those who were named has it */
    TLSRPT_NOT_WANTED, /* the domain asks for no reports */
    TLSRPT_LATER,      /* DNS or all who were named failed */
};
/* `rows`: n rows of one domain, following each other in the day's order. */
enum tlsrpt_sent tlsrpt_send(const struct tlsrpt_sender *sender, int64_t day,
                             struct tlsrpt_row *const *rows, unsigned n);

#endif
