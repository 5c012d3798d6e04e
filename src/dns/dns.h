/*
 * Questions to the DNS behind calls with a deadline, validated by DNSSEC, cached. Thread-safe: any
 * number of threads may ask at a time, and thousands of questions may be under way without one.
 */
#ifndef NUNCIO_DNS_DNS_H
#define NUNCIO_DNS_DNS_H

#include "base/arena.h"
#include "config/config.h"

enum dns_result {
    DNS_FOUND = 0,
    DNS_NO_NAME = 1, /* NXDOMAIN: the name does not exist */
    DNS_NO_DATA = 2, /* the name exists, and has no such records */
    DNS_FAILED = 3,  /* no resolver gave an answer that can be trusted: try later */
    DNS_TIMEOUT = 4, /* the deadline came first: try later */
};
/* "no such name": for people. */
const char *dns_result_text(enum dns_result result);

struct dns_address {
    int family; /* AF_INET or AF_INET6 */
    unsigned char bytes[16];
};

/* What DNSSEC says of an answer (RFC 4033 section 5). A bogus one is DNS_FAILED. */
enum dns_security {
    DNS_INSECURE, /* not signed, or not validated here */
    DNS_SECURE,
    DNS_BOGUS,
};

enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_SRV = 33,
    DNS_TLSA = 52,
};

/* An answer of any type. `records` is RDATA as it is in the answer, with whole names: the typed
 * readers below take it apart. */
struct dns_answer {
    enum dns_result result;
    enum dns_security security; /* of an absence too */
    struct slice
        canonical; /* the name after CNAMEs, without final dot; the name asked for if none */
    uint32_t ttl_s;
    struct slice *records;
    unsigned n_records; /* DNS_RECORDS_MAX at most, the rest is dropped */
    struct slice why;   /* for people, of a failure: "SERVFAIL", "validation failed: signature
                           expired"; or empty */
};
enum { DNS_RECORDS_MAX = 64 };

/* All of it into the arena, for callbacks that pass an answer on. */
void dns_answer_copy(struct arena *arena, const struct dns_answer *answer,
                     struct dns_answer *ret_answer);

/* RDATA to fields; false when it is malformed. Names are from the arena, lower case, no final dot;
 * the root is empty. */
struct dns_mx {
    uint16_t preference;
    struct slice exchange;
};
bool dns_read_mx(struct slice rdata, struct arena *arena, struct dns_mx *ret_mx);
/* The strings of one TXT record, put together (RFC 7208 section 3.3). */
bool dns_read_txt(struct slice rdata, struct arena *arena, struct slice *ret_text);
struct dns_tlsa {
    uint8_t usage, selector, matching;
    struct slice data; /* into rdata */
};
bool dns_read_tlsa(struct slice rdata, struct dns_tlsa *ret_tlsa);
bool dns_read_name(struct slice rdata, struct arena *arena,
                   struct slice *ret_name); /* PTR, CNAME */
struct dns_srv {
    uint16_t priority, weight, port;
    struct slice target;
};
bool dns_read_srv(struct slice rdata, struct arena *arena, struct dns_srv *ret_srv);

/* More addresses are dropped; more bytes no name has (RFC 1035 section 2.3.4). */
enum { DNS_ADDRESSES_MAX = 16, DNS_NAME_MAX = 253 };

struct dns_addresses {
    struct dns_address list[DNS_ADDRESSES_MAX];
    unsigned count;
    /* Secure only if both families' answers are; a family that failed is left out of it, so that
     * nobody makes DANE go away by making one of them fail. */
    enum dns_security security;
    uint32_t ttl_s;
    char canonical[DNS_NAME_MAX + 1]; /* the name after CNAMEs (RFC 7672 section 2.2.2) */
    char why[128];                    /* of a failure, for people; or empty */
};

struct dns;

/* Since it was made. */
struct dns_numbers {
    uint64_t asked;
    uint64_t known;  /* of these, answered without asking anybody: hosts, cache */
    uint64_t failed; /* of the others, no answer that can be trusted, or not in time */
};
struct dns_numbers dns_numbers(struct dns *dns);

/*
 * /etc/hosts first, for addresses alone; then whom the settings name. NULL stands for a section
 * `dns` without settings: the resolvers of /etc/resolv.conf, and if that names none, recursing from
 * the root. All files are read now; threads start with the first question, so that a role can lock
 * itself in between. The settings need not outlive the call. -errno, after a line in the log that
 * says which setting is wrong.
 */
int dns_new(const struct config_dns *settings, struct dns **ret_dns);
/* No call may be under way; NULL is fine. */
void dns_free(struct dns *dns);
/* All questions, under way and to come, are answered DNS_FAILED at once: the role is stopping. */
void dns_stop(struct dns *dns);

/*
 * The IPv6 and IPv4 addresses of a host name, taking turns, IPv6 first, in the order of the answer.
 * An enum dns_result; *ret_addresses is set in any case. One family's failure does not hide what
 * the other has found. `deadline` is absolute, clock_mono_ms().
 */
int dns_lookup_addresses(struct dns *dns, struct slice name, uint64_t deadline,
                         struct dns_addresses *ret_addresses);

/*
 * Records of one type, behind CNAMEs if need be. The answer is the arena's. Returns answer->result.
 * `name` in A-labels, in any case, with or without final dot; what is no name does not exist.
 */
int dns_lookup(struct dns *dns, struct slice name, enum dns_type type, uint64_t deadline,
               struct arena *arena, struct dns_answer *ret_answer);

/* The same without waiting: `answered` is called once, on a thread of the resolver's (or on this
 * one before the call returns), with an answer that is good during the call. The callee only passes
 * it on. */
typedef void dns_answered(void *arg, const struct dns_answer *answer);
void dns_ask(struct dns *dns, struct slice name, enum dns_type type, uint64_t deadline,
             dns_answered *answered, void *arg);

#endif
