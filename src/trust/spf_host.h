/*
 * One check in its course, shared by the files of SPF alone: what is asked for, what has been
 * counted, and what the DNS says of the client.
 */
#ifndef NUNCIO_TRUST_SPF_HOST_H
#define NUNCIO_TRUST_SPF_HOST_H

#include "trust/ip.h"
#include "trust/spf.h"
#include "trust/spf_macro.h"

/* Section 4.6.4. */
enum { SPF_LOOKUPS_MAX = 10, SPF_VOIDS_MAX = 2, SPF_NAMES_MAX = 10 };

struct spf_check {
    const struct spf_question *question;
    const struct trust_names *names;
    struct arena *arena;
    struct slice sender, local, origin; /* %{s}, %{l}, %{o} */
    struct slice helo;
    unsigned lookups, voids;
    struct slice problem;

    char client[64]; /* %{i}, when `client_len` is set */
    size_t client_len;
    char client_text[TRUST_IP_TEXT_MAX]; /* %{c} */
    char seconds[24];                    /* %{t} */
    bool has_validated, is_nameless;
    struct slice validated[SPF_NAMES_MAX]; /* names of the client that have its address */
    unsigned n_validated;
};

/* What an expansion ends with besides -EAGAIN: the name can be no name of the DNS, because the
 * local part is not ASCII (RFC 8616 section 4). */
enum { SPF_EXPANSION_NEVER = 1 };

/* The name that a domain-spec means where `domain` is the current one; an empty spec is the domain
 * itself. 0, SPF_EXPANSION_NEVER, or -EAGAIN. */
int spf_target(struct spf_check *check, struct slice spec, struct slice domain,
               struct spf_expansion *room, struct slice *ret_name);
/* An explanation's text. Empty: there is none. 0 or -EAGAIN. */
int spf_explain(struct spf_check *check, struct slice spec, struct slice domain,
                struct slice *ret_text);

/* A question of which an empty answer counts as void; a name that is none has no records, and was
 * not asked for. 0 or -EAGAIN. */
int spf_ask(struct spf_check *check, struct slice name, enum trust_type type,
            const struct trust_answer **ret_answer);
/* The same, not counted. */
int spf_ask_uncounted(const struct spf_check *check, struct slice name, enum trust_type type,
                      const struct trust_answer **ret_answer);

/* A or AAAA, as the client is. */
enum trust_type spf_address_type(const struct spf_check *check);

/* Fills `validated` (section 5.5). 0 or -EAGAIN. */
int spf_validate_names(struct spf_check *check);
/* `name` is `domain` or below it. */
bool spf_is_below(struct slice name, struct slice domain);

/* "in the record of DOMAIN: 'TERM': PROBLEM", printable; the first one stays. */
void spf_complain(struct spf_check *check, struct slice domain, struct slice term,
                  const char *problem);

/* Why a question failed, as a problem. */
const char *spf_failure(const struct spf_check *check, struct slice name,
                        const struct trust_answer *answer);

/* What check_host() found for one domain; slices are of the arena or of answers. */
struct spf_finding {
    enum spf_result result;
    struct slice record, term;
    struct slice exp, exp_domain; /* the modifier's domain-spec, and where it stands; or empty */
};
/* Section 4.3 and on. `domain` lives until the end of the check. 0 or -EAGAIN. */
int spf_check_host(struct spf_check *check, struct slice domain, struct spf_finding *ret_finding);

#endif
