/*
 * One request of https.h as libcurl sees it: options, the body that comes, and the verdict. Not
 * thread-safe: it belongs to one thread at a time.
 */
#ifndef NUNCIO_RELAY_HTTPS_TRANSFER_H
#define NUNCIO_RELAY_HTTPS_TRANSFER_H

#include "base/buf.h"
#include "relay/https.h"

enum { HTTPS_ADDRESSES_MAX = 8 };

struct curl_slist;

struct https_transfer {
    char *url, *host, *port;
    struct dns_address addresses[HTTPS_ADDRESSES_MAX];
    unsigned n_addresses;
    bool posts;
    const char *type;
    struct buf body, answer;
    struct buf ca; /* its own, or empty */
    bool secret, plain_here;
    void *curl; /* from begin on */
    struct curl_slist *headers, *resolve;
    char *error;
};

/* False: not a URL that may be asked. To be done in any case. */
bool https_transfer_init(struct https_transfer *transfer, const struct https_request *wanted);
void https_transfer_done(struct https_transfer *transfer);
/* Ready for curl_multi_add_handle(); `private` is CURLINFO_PRIVATE. */
bool https_transfer_begin(struct https_transfer *transfer, struct slice ca, uint64_t left_ms,
                          void *private);
void https_transfer_judge(struct https_transfer *transfer, int curl_code,
                          struct https_answer *ret_answer);

#endif
