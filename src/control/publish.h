/*
 * What a domain should publish in the DNS for its mail, and what is to be said of what it does
 * publish. Pure: cmd_dns.c asks for the records; what SPF and DMARC lead to beyond them is asked
 * through trust/names.h.
 */
#ifndef NUNCIO_CONTROL_PUBLISH_H
#define NUNCIO_CONTROL_PUBLISH_H

#include "dns/dns.h"
#include "trust/names.h"

enum { PUBLISH_ADDRESSES_MAX = 16, PUBLISH_RECORDS_MAX = 64, PUBLISH_CERTIFICATES_MAX = 8 };

/* A certificate chain of the server, for TLSA. */
struct publish_certificate {
    struct slice *certificates; /* DER, the server's own first */
    struct slice *keys;         /* SubjectPublicKeyInfo, DER, of each */
    unsigned n;
};

/* A key that signs, or has signed, and must be there. */
struct publish_key {
    struct slice domain, selector;
    struct slice record; /* of its public half */
    struct slice note;   /* "in use": for people */
};

struct publish_site {
    struct slice domain;     /* A-labels, lower case */
    struct slice host;       /* this server's name, likewise */
    struct slice *addresses; /* of this server, in text */
    unsigned n_addresses;
    struct slice *sources; /* from which mail leaves, in text; none: from `addresses` */
    unsigned n_sources;
    struct slice smarthost;   /* over which all mail leaves; or empty */
    struct publish_key *keys; /* of all domains */
    unsigned n_keys;
    bool keys_shut;                           /* they are not ours to read */
    struct publish_certificate *certificates; /* those for the host's name */
    unsigned n_certificates;
    uint16_t submission_port, submissions_port; /* 0: not listened at */
    struct slice today;                         /* "20261122": id of a new MTA-STS record */
};

enum publish_about {
    PUBLISH_MX,
    PUBLISH_ADDRESS,
    PUBLISH_PTR,
    PUBLISH_SPF,
    PUBLISH_DKIM,
    PUBLISH_DMARC,
    PUBLISH_STS,
    PUBLISH_STS_HOST,
    PUBLISH_TLS_RPT,
    PUBLISH_TLSA,
    PUBLISH_AUTOCONFIG,
    PUBLISH_SRV,
};
const char *publish_about_name(enum publish_about about); /* "MX" */

struct publish_record {
    enum publish_about about;
    bool needed; /* mail suffers without it; the others are good to have */
    struct slice name;
    enum dns_type type;
    struct slice value; /* as in a zone file; empty: not known, or none */
    const struct publish_certificate *certificate; /* of a TLSA record */
    struct slice key;  /* of a DKIM record: as publish_key has it; empty: there is no key */
    struct slice note; /* likewise */
};

/* All of them in the order of the enum; strings from the arena. Returns how many. */
unsigned publish_plan(const struct publish_site *site, struct arena *arena,
                      struct publish_record records[PUBLISH_RECORDS_MAX]);

enum publish_state {
    PUBLISH_THERE,
    PUBLISH_MISSING, /* and needed */
    PUBLISH_ADVISED, /* not there, and good to have */
    PUBLISH_WRONG,
    PUBLISH_UNKNOWN, /* the DNS could not be asked */
};
const char *publish_state_name(enum publish_state state);

struct publish_finding {
    enum publish_state state;
    struct slice text; /* one line */
};

/* `answer` to the question for record's name and type; `names` must wait. */
struct publish_finding publish_judge(const struct publish_site *site,
                                     const struct publish_record *record,
                                     const struct dns_answer *answer,
                                     const struct trust_names *names, struct arena *arena);
/* Is there a question to be asked for it? */
bool publish_is_asked(const struct publish_record *record);

#endif
