/*
 * The questions of a search and their answers: of DNS and of MTA-STS, passed on from the threads on
 * which they come to whoever runs the search.
 */
#ifndef NUNCIO_RELAY_SEARCH_QUESTION_H
#define NUNCIO_RELAY_SEARCH_QUESTION_H

#include "relay/own_hosts.h"
#include "relay/sts.h"
#include "relay/tlsrpt.h"

enum { SEARCH_MX_MS = 20 * 1000, SEARCH_ADDRESSES_MS = 10 * 1000, SEARCH_STS_MS = 20 * 1000 };

struct search;

enum search_question { SEARCH_MX, SEARCH_ADDRESSES, SEARCH_STS };

/* An answer on its way. `search` says to whom; the rest is the search's. */
struct search_answer {
    struct search_answer *next; /* for the poster's list */
    struct search *search;
    enum search_question question;
    unsigned host; /* SEARCH_ADDRESSES: number in the list */
    struct arena arena;
    struct dns_answer dns;
    struct sts_policy *policy; /* SEARCH_STS: a reference, or NULL */
    void (*post)(void *arg, struct search_answer *answer);
    void *arg;
};

/* What all searches share. */
struct search_tools {
    struct dns *dns;
    struct sts *sts;       /* NULL: MTA-STS is not asked for */
    struct tlsrpt *tlsrpt; /* told of hosts that a policy leaves out; or NULL */
    struct own_hosts own;
    /* Takes the answer over; called on any thread, also while search_start() or search_take() is
     * running. */
    void (*post)(void *arg, struct search_answer *answer);
    void *arg;
};

void search_ask_dns(struct search_tools *tools, struct search *search,
                    enum search_question question, unsigned host, struct slice name,
                    enum dns_type type);
void search_ask_sts(struct search_tools *tools, struct search *search, struct slice domain);

void search_answer_free(struct search_answer *answer);

#endif
