/*
 * HTTPS to servers that other people's DNS names: MTA-STS policies are fetched with it, TLS reports
 * posted, access tokens asked for. libcurl on one thread, many requests at a time. Thread-safe.
 *
 * Names are resolved by our own resolver and handed to libcurl, which therefore never asks the
 * system. The certificate must be good for the host's name, so that a name that points into our own
 * network reaches nobody there who could not show it. No redirects, no proxy, no cookies, no
 * credentials, HTTP/1.1.
 */
#ifndef NUNCIO_RELAY_HTTPS_H
#define NUNCIO_RELAY_HTTPS_H

#include "dns/dns.h"

enum { HTTPS_RUNNING_MAX = 50, HTTPS_WAITING_MAX = 10000, HTTPS_WHY_MAX = 256 };

struct https;

/* No thread before the first request. -errno. */
int https_new(struct dns *dns, struct https **ret_https);
/* CAs as PEM text for the requests to come; empty: the system's. */
void https_set_ca(struct https *https, struct slice ca);
/* Requests under way and to come fail at once. */
void https_stop(struct https *https);
/* After dns_stop(), so that no answer is waited for. NULL is fine. */
void https_free(struct https *https);

enum https_failure {
    HTTPS_DONE = 0,
    HTTPS_NO_NAME,     /* the host has no address */
    HTTPS_UNREACHABLE, /* nor DNS, nor TCP, or not in time */
    HTTPS_UNTRUSTED,   /* TLS: the certificate is not good for the host */
    HTTPS_TOO_LARGE,
    HTTPS_BAD, /* not a URL, not HTTP, no room for another request, or we are stopping */
};

struct https_request {
    struct slice url;     /* https://, without user; otherwise HTTPS_BAD */
    bool plain_here;      /* http:// to this machine is fine, too */
    struct slice ca;      /* CAs as PEM text for this request; empty: those of https_set_ca() */
    bool secret;          /* body and answer are wiped */
    struct slice body;    /* ptr NULL: GET, else POST; copied */
    const char *type;     /* content type of the body */
    size_t answer_max;    /* bytes of the answer's body */
    uint32_t patience_ms; /* for all of it */
};

struct https_answer {
    enum https_failure failure;
    long status;       /* HTTPS_DONE: of the answer */
    struct slice type; /* its Content-Type, or empty */
    struct slice body;
    const char *why; /* else: for people */
};

/* `answered` is called once, on the requests' thread or before the call returns, with an answer
 * that is good during the call. It may take its time for a file, not for more. */
typedef void https_answered(void *arg, const struct https_answer *answer);
void https_ask(struct https *https, const struct https_request *request, https_answered *answered,
               void *arg);

#endif
