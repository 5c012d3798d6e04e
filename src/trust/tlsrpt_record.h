/*
 * Where TLS reports about a domain are wanted: the TXT record of _smtp._tls.DOMAIN (RFC 8460
 * section 3). Pure.
 */
#ifndef NUNCIO_TRUST_TLSRPT_RECORD_H
#define NUNCIO_TRUST_TLSRPT_RECORD_H

#include "base/arena.h"

/* Further ones are left out: one report in ten copies is enough. */
enum { TLSRPT_RUA_MAX = 10, TLSRPT_URI_MAX = 1024 };

struct tlsrpt_rua {
    bool https;         /* else mail */
    struct slice where; /* https: the whole URI; mail: the address, percent-decoded */
};

struct tlsrpt_record {
    struct tlsrpt_rua rua[TLSRPT_RUA_MAX];
    unsigned n_rua;
};

/*
 * `texts` as DNS has them. Records that do not begin with "v=TLSRPTv1;" are not meant; with more
 * than one that is, or none, nobody wants a report: false (section 3). URIs of other schemes are
 * passed over.
 */
bool tlsrpt_record_find(const struct slice *texts, unsigned n_texts, struct arena *arena,
                        struct tlsrpt_record *ret_record);

#endif
