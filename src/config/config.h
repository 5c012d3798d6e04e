/*
 * The configuration: one immutable, reference-counted snapshot that all others read.
 *
 * Files are read by whoever may (the parent); parsing is pure: a bundle of texts in, a snapshot or
 * the list of all problems out. A reload makes a new snapshot; what runs keeps the old one until it
 * lets go. Every section and every setting that `why` may name knows its file and line.
 */
#ifndef NUNCIO_CONFIG_CONFIG_H
#define NUNCIO_CONFIG_CONFIG_H

#include "base/buf.h"
#include "base/problem.h"
#include "config/mechanism.h"

#include <netinet/in.h>
#include <stdatomic.h>

struct config_source {
    struct slice file;
    unsigned line;
};

/* An IP network; IPv4 has family AF_INET and the first four bytes. */
struct config_network {
    int family;
    uint8_t address[16];
    uint8_t prefix;
    struct config_source source;
};
struct config_networks {
    struct config_network *list;
    size_t count;
};

enum config_endpoint_kind { ENDPOINT_INET, ENDPOINT_UNIX };

/* Where to listen or to connect: "host:port", "[::1]:25", "*:25" (listen only), "unix:/path". */
struct config_endpoint {
    enum config_endpoint_kind kind;
    struct slice host; /* name or address literal without brackets; "*" for any; or the path */
    uint16_t port;
    struct config_source source;
};
struct config_endpoints {
    struct config_endpoint *list;
    size_t count;
};

/*
 * What is done when a check of the sender fails. `checks { }` may stand at the top level, in a
 * listener, in a domain (the recipient's) and in an `author` (the domain in From); the more special
 * one decides: author, domain, listener, top level. On a listener that is not mx only what its own
 * `checks` switch on is looked at. See config_checks_for().
 */
enum config_check_action {
    CHECK_UNSET,  /* what the less special place says */
    CHECK_IGNORE, /* not even looked at */
    CHECK_TAG,    /* told in Authentication-Results, and otherwise let through */
    CHECK_QUARANTINE,
    CHECK_REJECT, /* DMARC: `enforce`, what the domain asks for */
};
enum config_check_kind {
    CHECKED_SPF,      /* fail */
    CHECKED_SOFTFAIL, /* SPF's softfail */
    CHECKED_DKIM,     /* signed, and no signature passes */
    CHECKED_DMARC,
    CHECKED_ARC, /* tag or ignore */
    CHECKED_IPREV,
    CHECKED_HELO,
    CHECKED_KINDS,
};
struct config_check {
    enum config_check_action action;
    struct config_source source;
};
struct config_checks {
    struct config_check list[CHECKED_KINDS];
    bool has_defer;
    uint64_t defer_ms; /* mail whose fate hangs on an answer that the DNS does not give gets 451 for
                          so long, and is then let through with a tag; 0: at once; 1 h */
    struct config_source defer_source;
};

/* Mail whose author (From) is of this domain: `author example.net { dmarc tag }`. */
struct config_author {
    struct slice pattern; /* "example.com", or "*.example.com": all below it; A-labels */
    struct config_checks checks;
    struct config_source source;
};

/* The Sender Rewriting Scheme for forwarded mail: section `srs`. */
struct config_srs {
    bool on;             /* yes */
    struct slice domain; /* one of ours; empty: that of the address which forwards */
    uint64_t max_age_ms; /* of an address that comes back, 21 d */
    struct config_source source;
};

/* Section `dmarc_report` (RFC 9990). */
struct config_dmarc_report {
    bool send;                 /* reports to those that ask for them; yes */
    struct slice organisation; /* org_name; empty: hostname */
    struct slice contact;      /* email and extra contact; empty: postmaster@hostname */
    struct slice from;         /* sender of reports; empty: postmaster@hostname */
};

enum config_service { SERVICE_MX, SERVICE_SUBMISSION, SERVICE_LMTP };
enum config_bare_newline { BARE_REFUSE, BARE_CONVERT };
enum config_tls { TLS_OFF, TLS_OFFERED, TLS_REQUIRED, TLS_IMPLICIT };
enum config_auth_policy { AUTH_OFF, AUTH_OFFERED, AUTH_REQUIRED };
enum config_client_certificate { CERTIFICATE_IGNORED, CERTIFICATE_ASKED, CERTIFICATE_REQUIRED };

struct config_listener {
    struct slice name;
    enum config_service service;
    struct config_endpoints addresses;
    struct config_networks proxy;   /* may speak the PROXY protocol */
    struct config_networks xclient; /* may say XCLIENT */
    enum config_bare_newline bare_newline;
    unsigned unix_mode;           /* of a unix socket; 0660 */
    enum config_tls tls;          /* mx: offered; submission: required; lmtp: off */
    enum config_auth_policy auth; /* submission: required; else off */
    bool insecure_auth;           /* AUTH without TLS */
    unsigned mechanisms;          /* set of enum mechanism; those of `auth` unless given */
    enum config_client_certificate client_certificate;
    struct slice client_ca;      /* path of the CAs that client certificates must be issued by */
    struct config_checks checks; /* mx: as at the top level; else what is not set is ignored */
    struct config_source source;
};

enum { CERTIFICATES_MAX = 1000, ACCOUNTS_MAX = 30 };

/* A key pair of the server. The parent reads the files; nobody else can. */
struct config_certificate {
    struct slice name;
    struct slice chain, key; /* paths, PEM */
    struct config_source source;
};

enum config_tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* Where the accounts and aliases of some domains are kept, instead of in our own store. */
enum config_accounts_kind { ACCOUNTS_FILE, ACCOUNTS_DOVECOT };
struct config_accounts {
    struct slice name;
    enum config_accounts_kind kind;
    struct slice passwd_file; /* ACCOUNTS_FILE: path; user:password:... as Dovecot's passwd-file */
    struct slice alias_file;  /* path, "name: target, target", or empty */
    struct slice auth_socket, userdb_socket; /* ACCOUNTS_DOVECOT: paths */
    struct config_source source;
};

/* A server that tells what an OAuth 2.0 access token is good for (RFC 7662). */
struct config_oauth {
    struct slice introspection; /* URL; empty: no OAuth */
    struct slice client_id;
    struct slice client_secret_file; /* path; the parent reads it */
    struct slice account_field;      /* member of the answer that names the account, "username" */
    struct slice scope;              /* that a token must have, or empty */
    struct slice ca;                 /* path of the CAs of the URL; empty: the system's */
};

/* Section `auth`. */
struct config_auth {
    unsigned mechanisms;     /* MECHANISM_DEFAULT */
    unsigned failures;       /* of one address or account before a block, 5 */
    uint64_t block_first_ms; /* the first block, doubled each time; 1 min */
    uint64_t block_max_ms;   /* 1 day */
    uint64_t delay_ms;       /* before the reply to a failure, 1 s */
    struct config_oauth oauth;
};

/* Section `account_limits`: what an account may do before it is taken for stolen. 0: no limit. An
 * account's own limits come before these. */
struct config_account_limits {
    uint64_t message_size;        /* 0: that of `limits` */
    unsigned messages_per_minute; /* more are put off with 450; 100 */
    unsigned messages_per_hour;   /* more freeze the account; 500 */
    unsigned recipients_per_hour; /* likewise; 2000 */
    unsigned bounces_per_hour;    /* likewise; 100 */
    unsigned priority;            /* highest MT-PRIORITY (RFC 6710) that counts, 3 */
};

/* How the mailboxes of a local domain, or a relay domain, are reached. */
enum config_deliver { DELIVER_MAILDIR, DELIVER_ROUTE, DELIVER_PROGRAM };
enum config_recipients { RECIPIENTS_ACCOUNTS, RECIPIENTS_ANY };
enum config_when_full { FULL_DEFER, FULL_REJECT };
/* What becomes of a user's mail whose sender is not his own. */
enum config_foreign_sender { FOREIGN_REFUSE, FOREIGN_REWRITE };

struct config_domain {
    struct slice name; /* lower case; A-labels */
    bool local;        /* mailboxes are ours; false: a relay domain (`route NAME` alone) */
    enum config_deliver deliver;
    struct slice target;               /* name of the route or program */
    struct slice alias_of;             /* domain alias: the other domain's name, or empty */
    struct slice catch_all;            /* address, or empty */
    enum config_recipients recipients; /* RECIPIENTS_ANY: no verification */
    enum config_when_full when_full;
    uint64_t quota_bytes;  /* default of its accounts; 0: none */
    struct slice accounts; /* name of the `accounts` section; empty: our own store */
    enum config_foreign_sender foreign_sender; /* of its accounts */
    bool backup; /* a relay domain whose better MX hosts get the mail: by its route, with mx */
    uint64_t expire_after_ms;    /* of relayed mail; 0: as in `queue`; a backup's: 30 d */
    struct config_checks checks; /* of mail to it */
    struct slice junk_folder;    /* where quarantined mail goes, "Junk"; */
    struct slice junk_detail;    /* over LMTP: user+DETAIL; empty: by the header alone */
    bool dkim;                   /* mail from it is signed when there are keys; yes */
    struct config_source source;
};

enum config_protocol { PROTOCOL_SMTP, PROTOCOL_LMTP };

/* How secure a connection to another server must be. */
enum config_tls_policy {
    TLS_POLICY_MAY,       /* TLS where it is offered; DANE and MTA-STS where they are published */
    TLS_POLICY_NONE,      /* never TLS */
    TLS_POLICY_ENCRYPT,   /* TLS, whoever it is; DANE and MTA-STS where they are published */
    TLS_POLICY_VERIFY,    /* a certificate for the host's name from a CA; or DANE */
    TLS_POLICY_DANE_ONLY, /* secure TLSA records that fit, or no delivery (RFC 7672) */
};

/* Where access tokens come from (RFC 6749 section 6), for XOAUTH2 and OAUTHBEARER. */
struct config_token {
    struct slice endpoint; /* URL; empty: no OAuth */
    struct slice client_id;
    struct slice client_secret_file; /* paths; the parent reads them */
    struct slice refresh_token_file;
    struct slice scope; /* or empty */
    struct slice ca;    /* path of the CAs of the URL; empty: the system's */
};

/* Who we are at a smarthost. */
struct config_client_login {
    struct slice user; /* empty: no login */
    struct slice password_file;
    unsigned
        mechanisms; /* set of enum mechanism that may be used, and that there are secrets for */
    struct config_token token;
};

struct config_ips {
    struct slice *list; /* addresses in text */
    size_t count;
};

struct config_route {
    struct slice name; /* the top-level `relay host:port` makes the route "relay" */
    enum config_protocol protocol;
    bool mx;                       /* to the domain's own servers, by DNS */
    struct config_endpoints hosts; /* else these, tried in this order */
    uint16_t port;                 /* of MX hosts, 25 */
    unsigned concurrency;          /* connections to a site at a time, 20 */
    unsigned address_concurrency;  /* and to one address, 20 */
    unsigned recipients;           /* per transaction, 100 */
    unsigned messages;             /* per connection, 1000 */
    unsigned rate;                 /* messages to a site in rate_ms; 0: no limit */
    uint64_t rate_ms;
    uint64_t idle_ms;           /* an unused connection is kept so long, 5 s */
    struct slice helo;          /* empty: hostname */
    struct config_ips sources;  /* addresses to connect from; none: the system's choice */
    bool ipv6;                  /* yes; no: IPv4 alone */
    enum config_tls_policy tls; /* may; with a login: verify */
    bool tls_implicit;          /* TLS from the first byte; yes when all hosts are on port 465 */
    struct slice tls_ca;        /* path of the CAs; empty: the system's */
    bool dane, mta_sts;         /* heeded; yes */
    struct config_client_login login;
    struct slice fallback;      /* name of the route when a site stays unreachable, or empty */
    uint64_t fallback_after_ms; /* for so long, 10 min */
    struct config_source source;
};

/*
 * Where mail to foreign domains goes that does not go over the default route: the first that fits.
 * `destination partner.example { route corp }`; with settings of a route instead of a name it makes
 * a route of its own, called after the (first) pattern, with `mx` unless it has hosts. What it does
 * not say is as in route "world", but for where it goes and as whom.
 */
struct config_destination {
    struct slice
        pattern; /* lower case, A-labels: "example.com", or "*.example.com": all below it */
    struct slice route;
    struct config_source source;
};

/* Section `dns`. */
struct config_dns {
    struct config_endpoints servers; /* resolvers to forward to; none: those of the system */
    bool recurse;                    /* ask the world's own servers instead */
    bool validate;                   /* DNSSEC; yes */
    struct slice *trust_anchors;     /* paths; none: the root's, built in */
    size_t n_trust_anchors;
    struct config_endpoints stubs; /* `stub`: authoritative servers asked instead of the root */
};

/* Section `tls_report` (RFC 8460). */
struct config_tls_report {
    bool send;            /* reports to those that ask for them; yes */
    struct slice contact; /* contact-info; empty: postmaster@hostname */
    struct slice from;    /* sender of reports by mail; empty: postmaster@hostname */
};

/* Section `history`: what `nuncio why` knows. */
struct config_history {
    bool keep;        /* yes */
    uint64_t keep_ms; /* 30 d */
    uint64_t size;    /* bytes of the file at most; the oldest goes first; 4 GiB */
};

struct config_program {
    struct slice name;
    struct slice *argv; /* argv[0] is an absolute path */
    size_t argc;
    struct slice user;
    uint64_t timeout_ms; /* 60 s */
    struct config_source source;
};

struct config_limits {
    uint64_t message_size; /* 50 MiB */
    unsigned recipients;   /* per message, 1000 */
    unsigned command_line; /* bytes with CRLF, 2048 (RFC 5321: 512 and more by extensions) */
    unsigned text_line;    /* bytes with CRLF in DATA, 1 MiB; RFC 5321 asks for 1000 at least */
    unsigned header_size;  /* bytes, 1 MiB */
    unsigned header_count; /* fields, 1000 */
    unsigned received;     /* Received fields before it is a loop, 100 */
    unsigned sessions;     /* 2000 */
    unsigned sessions_per_client; /* per IPv4 address or IPv6 /64, 50 */
    unsigned idle_commands;       /* without a transaction, 100 */
    unsigned errors;              /* 20, then 421 */
    unsigned transactions;        /* per session, 1000 */
    unsigned minimum_rate;        /* bytes per second in DATA after the first 60 s, 64 */
};

struct config_timeouts {
    uint64_t command_ms;  /* 5 min (RFC 5321 section 4.5.3.2.7) */
    uint64_t data_ms;     /* 3 min for each block */
    uint64_t pressure_ms; /* 10 s, when the sessions are nearly used up */
    uint64_t banner_ms;   /* delay before the banner on mx listeners, 0: none */
};

struct config_queue {
    uint64_t warn_after_ms;      /* 4 h */
    uint64_t expire_after_ms;    /* 5 d */
    uint64_t retry_first_ms;     /* 5 min */
    uint64_t retry_max_ms;       /* 4 h */
    uint64_t gather_ms;          /* failures are gathered into one DSN, 10 min */
    unsigned active;             /* units of one sender in one lane that wait at a time, 10000 */
    unsigned concurrency;        /* deliveries at a time over all lanes, 100 */
    unsigned bounces_per_sender; /* an hour, the excess merged, 100 */
};

struct config {
    atomic_uint references;
    struct arena arena;
    struct slice hostname;
    struct slice postmaster; /* address for double bounces; empty: a Maildir under state */
    struct slice state;      /* folder */
    bool open_relay;
    struct config_listener *listeners;
    size_t n_listeners;
    struct config_domain *domains; /* sorted by name */
    size_t n_domains;
    struct config_route *routes; /* sorted by name */
    size_t n_routes;
    struct config_program *programs; /* sorted by name */
    size_t n_programs;
    struct config_certificate *certificates; /* in the order of the file */
    size_t n_certificates;
    enum config_tls_version tls_minimum; /* section `tls`: TLS_VERSION_1_2 */
    struct config_accounts *accounts;    /* sorted by name */
    size_t n_accounts;
    struct config_auth auth;
    struct config_account_limits account_limits;
    /* For foreign domains: a route's name. Without the setting "world", which is built in: `mx`.
     * Empty after `default_route none`: nothing leaves. */
    struct slice default_route;
    struct config_destination *destinations; /* in the order of the file */
    size_t n_destinations;
    struct config_dns dns;
    struct config_tls_report tls_report;
    struct config_history history;
    struct config_endpoints web;      /* where metrics are served; none: they are not */
    struct config_checks checks;      /* for all; every one is set */
    struct config_networks unchecked; /* clients whose mail is not checked: one's own relays */
    struct slice *trusted_sealers;    /* domains whose ARC sets are believed; A-labels */
    size_t n_trusted_sealers;
    struct config_author *authors; /* in the order of the file */
    size_t n_authors;
    struct config_srs srs;
    struct config_dmarc_report dmarc_report;
    struct config_networks trusted;
    struct config_limits limits;
    struct config_timeouts timeouts;
    struct config_queue queue;
    unsigned workers_mx, workers_submission;              /* threads */
    int log_level;                                        /* enum log_level */
    int log_format;                                       /* enum log_format */
    struct slice control_read_group, control_admin_group; /* besides root and our own user */
};

/* A file as read: its name for messages, and its text. */
struct config_file {
    struct slice name;
    struct slice text;
};

/* All files of a configuration: the first is the main one, the rest are its includes. The stored
 * form travels to the roles in a memfd. */
struct config_bundle {
    struct arena arena;
    struct config_file *files;
    size_t count;
    bool incomplete; /* not all could be read: the bundle is good for finding more problems only */
};

enum { CONFIG_FILE_MAX = 1024 * 1024, CONFIG_FILES_MAX = 100 };

/* Both steps for a file, and all problems of both; -EINVAL when there are any. */
int config_load(const char *path, struct config_bundle *ret_bundle, struct config **ret_config,
                struct problem_list *problems);

/* Reads the file and what it includes. Problems (missing file, include loop, too large: 1 MiB a
 * file, 100 files) go to the list; then -EINVAL, and what could be read is in the bundle. To be
 * freed in any case. */
int config_bundle_read(const char *path, struct config_bundle *ret_bundle,
                       struct problem_list *problems);
/* From a text, for the embedded default and for tests. */
void config_bundle_from_text(struct slice name, struct slice text,
                             struct config_bundle *ret_bundle);
void config_bundle_done(struct config_bundle *bundle);
void config_bundle_encode(struct buf *out, const struct config_bundle *bundle);
int config_bundle_decode(struct slice input, struct config_bundle *ret_bundle);

/* Pure. 0 with one reference, or -EINVAL with every problem in the list. */
int config_parse(const struct config_bundle *bundle, struct config **ret_config,
                 struct problem_list *problems);
struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* NULL is fine */

/* What is allowed but looks like an oversight, one problem each. */
void config_warn(const struct config *config, struct problem_list *problems);

/* Differences that a reload cannot put in force, one problem each ("needs a restart"). */
void config_compare(const struct config *old, const struct config *new,
                    struct problem_list *problems);

/* Look-ups; NULL when there is none. Domains in any case, U-labels or A-labels, no final dot. */
const struct config_domain *config_find_domain(const struct config *config, struct slice name);
const struct config_route *config_find_route(const struct config *config, struct slice name);
const struct config_destination *config_find_destination(const struct config *config,
                                                         struct slice domain);
/* The route for a foreign domain: its destination's or the default one; NULL: none. */
const struct config_route *config_route_for(const struct config *config, struct slice domain);
const struct config_program *config_find_program(const struct config *config, struct slice name);
const struct config_accounts *config_find_accounts(const struct config *config, struct slice name);

/* The author section for a domain (A-labels), the first that fits; or NULL. */
const struct config_author *config_find_author(const struct config *config, struct slice domain);
/* What holds for a message on this listener, to this domain (NULL: not one of ours; a domain alias
 * is what it means), from this author (NULL: no section). Every check is set. */
struct config_checks config_checks_for(const struct config *config,
                                       const struct config_listener *listener,
                                       const struct config_domain *domain,
                                       const struct config_author *author);

/* Whether auth speaks to others for these accounts: to a Dovecot, or to the server of OAuth, whose
 * port it is (0: there is none). */
bool config_asks_dovecot(const struct config *config);
uint16_t config_oauth_port(const struct config *config);

/* An address (IPv4-mapped IPv6 counts as IPv4) against networks: the matching one, or NULL. */
const struct config_network *config_find_network(const struct config_networks *networks,
                                                 const struct sockaddr *address);

#endif
