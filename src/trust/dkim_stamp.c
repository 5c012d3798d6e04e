/*
 * Reading signature fields. See dkim_stamp.h.
 *
 * Each tag has a function that takes its value; which tags a form of field has, and which it must
 * have, is a table. RFC 6376 knows one kind of failure, PERMFAIL; here a required tag that is
 * missing is DKIM_PERMERROR, anything that is not understood DKIM_NEUTRAL (RFC 8601 section 2.7.1).
 *
 * Domains and selectors may be U-labels (RFC 8616). d= needs two labels at least, as its grammar
 * says; underscores are taken in both since there are such names.
 */
#include "trust/dkim_stamp.h"

#include "mail/address.h"
#include "trust/dkim_body.h"
#include "trust/names.h"

/* "Implementations MAY consider any value longer than 12 digits to be infinite." */
static const int64_t time_max = 1000000000000;

static const char *take_version(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    (void)arena;
    (void)stamp;
    return slice_eq(value, SLICE("1")) ? NULL : "its version (v=) is not 1";
}

static const char *take_algorithm(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    (void)arena;
    stamp->algorithm = value;
    stamp->kind = slice_eq(value, SLICE("ed25519-sha256")) ? DKIM_KEY_ED25519 : DKIM_KEY_RSA;
    stamp->sha1 = slice_eq(value, SLICE("rsa-sha1"));
    if (stamp->sha1 || stamp->kind == DKIM_KEY_ED25519 || slice_eq(value, SLICE("rsa-sha256")))
        return NULL;
    return "its algorithm (a=) is not known";
}

static const char *take_signature(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    stamp->b = dkim_without_blanks(value, arena);
    if (!dkim_base64(stamp->b, arena, &stamp->signature) || stamp->signature.len == 0)
        return "its signature (b=) is not base64";
    return NULL;
}

static const char *take_body_hash(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    if (!dkim_base64(value, arena, &stamp->body_hash) || stamp->body_hash.len == 0)
        return "its body hash (bh=) is not base64";
    return NULL;
}

static bool read_canon(struct slice name, enum dkim_canon *ret_canon)
{
    *ret_canon = slice_eq(name, SLICE("relaxed")) ? DKIM_RELAXED : DKIM_SIMPLE;
    return *ret_canon == DKIM_RELAXED || slice_eq(name, SLICE("simple"));
}

static const char *take_canon(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    struct slice header = slice_cut(&value, '/');

    (void)arena;
    stamp->body_canon = DKIM_SIMPLE;
    if (!read_canon(header, &stamp->header_canon) ||
        (value.ptr && !read_canon(value, &stamp->body_canon)))
        return "its canonicalization (c=) is not known";
    return NULL;
}

static bool read_domain(struct slice value, struct arena *arena, struct slice *ret_domain)
{
    return value.len && value.ptr[0] != '[' && value.len <= 4 * TRUST_NAME_MAX &&
           address_domain_to_ascii(arena, value, ret_domain) == 0;
}

static const char *take_domain(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    if (!read_domain(value, arena, &stamp->domain) || slice_find(stamp->domain, '.') < 0)
        return "its domain (d=) is none";
    return NULL;
}

static const char *take_selector(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    return read_domain(value, arena, &stamp->selector) ? NULL : "its selector (s=) is none";
}

static const char *take_headers(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    struct slice rest = value;

    (void)arena;
    stamp->headers = value;
    while (rest.ptr) {
        struct slice name = dkim_list_cut(&rest);
        if (name.len == 0)
            return "a name in its list of fields (h=) is empty";
        for (size_t i = 0; i < name.len; i++) {
            if (name.ptr[i] <= ' ' || name.ptr[i] == 127)
                return "a name in its list of fields (h=) is none";
        }
    }
    return NULL;
}

static const char *take_identity(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    ptrdiff_t at;

    if (!dkim_unquote(value, arena, &stamp->identity))
        return "its identity (i=) is not quoted-printable";
    at = slice_find_last(stamp->identity, '@');
    if (at < 0 ||
        !read_domain(slice_skip(stamp->identity, (size_t)at + 1), arena, &stamp->identity_domain))
        return "its identity (i=) has no domain";
    return NULL;
}

static const char *take_length(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    (void)arena;
    if (!dkim_number(value, DKIM_WHOLE - 1, &stamp->length))
        return "its body length (l=) is not a number";
    return NULL;
}

static const char *take_query(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    (void)arena;
    (void)stamp;
    return dkim_list_has(value, SLICE("dns/txt")) ? NULL : "its key is not in the DNS (q=)";
}

static bool read_time(struct slice value, int64_t *ret_seconds)
{
    uint64_t seconds = 0;

    if (!dkim_number(value, (uint64_t)time_max, &seconds))
        return false;
    *ret_seconds = (int64_t)seconds;
    return true;
}

static const char *take_timestamp(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    (void)arena;
    return read_time(value, &stamp->timestamp) ? NULL : "its time (t=) is not a number";
}

static const char *take_expiry(struct slice value, struct arena *arena, struct dkim_stamp *stamp)
{
    (void)arena;
    if (!read_time(value, &stamp->expiry))
        return "its expiry (x=) is not a number";
    /* 0 stands for none, and is as long ago as 1. */
    stamp->expiry += stamp->expiry == 0;
    return NULL;
}

#define IN(form) (1u << (form))

enum {
    DKIM_ONLY = IN(DKIM_FORM_SIGNATURE),
    WITH_BODY = IN(DKIM_FORM_SIGNATURE) | IN(DKIM_FORM_ARC_MESSAGE),
    EVERYWHERE = IN(DKIM_FORM_SIGNATURE) | IN(DKIM_FORM_ARC_MESSAGE) | IN(DKIM_FORM_ARC_SEAL),
};

static const struct {
    const char *name;
    unsigned forms;
    const char *missing; /* NULL: it need not be there */
    const char *(*take)(struct slice value, struct arena *arena, struct dkim_stamp *stamp);
} known_tags[] = {
    {"v", DKIM_ONLY, "it has no version (v=)", take_version},
    {"d", EVERYWHERE, "it has no domain (d=)", take_domain},
    {"s", EVERYWHERE, "it has no selector (s=)", take_selector},
    {"b", EVERYWHERE, "it has no signature (b=)", take_signature},
    {"a", EVERYWHERE, "it has no algorithm (a=)", take_algorithm},
    {"bh", WITH_BODY, "it has no body hash (bh=)", take_body_hash},
    {"h", WITH_BODY, "it has no list of fields (h=)", take_headers},
    {"c", WITH_BODY, NULL, take_canon},
    {"i", DKIM_ONLY, NULL, take_identity},
    {"l", WITH_BODY, NULL, take_length},
    {"q", WITH_BODY, NULL, take_query},
    {"t", EVERYWHERE, NULL, take_timestamp},
    {"x", WITH_BODY, NULL, take_expiry},
};

static void refuse(struct dkim_stamp *stamp, enum dkim_result result, const char *problem)
{
    if (stamp->problem)
        return;
    stamp->result = result;
    stamp->problem = problem;
}

/* All of them, so that a stamp with a problem says as much of itself as it can. */
static void take_tags(enum dkim_form form, struct arena *arena, struct dkim_stamp *stamp)
{
    for (size_t i = 0; i < sizeof(known_tags) / sizeof(known_tags[0]); i++) {
        const struct dkim_tag *tag = dkim_tags_find(&stamp->tags, known_tags[i].name);
        const char *wrong = NULL;
        if (!(known_tags[i].forms & IN(form)))
            continue;
        if (tag)
            wrong = known_tags[i].take(tag->value, arena, stamp);
        else if (known_tags[i].missing)
            refuse(stamp, DKIM_PERMERROR, known_tags[i].missing);
        if (wrong)
            refuse(stamp, DKIM_NEUTRAL, wrong);
    }
}

static bool is_same_or_below(struct slice name, struct slice domain)
{
    if (name.len <= domain.len)
        return slice_eq(name, domain);
    return slice_eq(slice_skip(name, name.len - domain.len), domain) &&
           name.ptr[name.len - domain.len - 1] == '.';
}

static bool has_from(struct slice names)
{
    while (names.ptr) {
        if (slice_eq_nocase(dkim_list_cut(&names), SLICE("from")))
            return true;
    }
    return false;
}

/* What the tags must be to each other. */
static void check_whole(enum dkim_form form, struct arena *arena, struct dkim_stamp *stamp)
{
    if (stamp->identity.len == 0) {
        stamp->identity = arena_printf(arena, "@%.*s", SLICE_ARG(stamp->domain));
        stamp->identity_domain = stamp->domain;
    }
    stamp->key_name = arena_printf(arena, "%.*s._domainkey.%.*s", SLICE_ARG(stamp->selector),
                                   SLICE_ARG(stamp->domain));
    if (stamp->key_name.len > TRUST_NAME_MAX)
        refuse(stamp, DKIM_NEUTRAL, "its selector and domain are too long for a name");
    if (!is_same_or_below(stamp->identity_domain, stamp->domain))
        refuse(stamp, DKIM_NEUTRAL, "its identity (i=) is not in its domain (d=)");
    if (stamp->timestamp && stamp->expiry && stamp->expiry <= stamp->timestamp)
        refuse(stamp, DKIM_NEUTRAL, "it expires (x=) before it was made (t=)");
    if (stamp->sha1)
        refuse(stamp, DKIM_POLICY, "its algorithm is rsa-sha1, which is historic (RFC 8301)");
    stamp->usable = !stamp->problem;
    if (form == DKIM_FORM_SIGNATURE && !has_from(stamp->headers))
        refuse(stamp, DKIM_POLICY, "it does not sign the field From");
}

void dkim_stamp_read(enum dkim_form form, struct slice value, struct arena *arena,
                     struct dkim_stamp *ret_stamp)
{
    const char *wrong;

    *ret_stamp = (struct dkim_stamp){.result = DKIM_NONE, .length = DKIM_WHOLE};
    if (form == DKIM_FORM_ARC_SEAL)
        ret_stamp->header_canon = DKIM_RELAXED;
    wrong = dkim_tags_read(value, &ret_stamp->tags);
    if (wrong)
        refuse(ret_stamp, DKIM_NEUTRAL, wrong);
    else
        take_tags(form, arena, ret_stamp);
    if (dkim_tags_find(&ret_stamp->tags, "b"))
        ret_stamp->b_place = dkim_tags_find(&ret_stamp->tags, "b")->place;
    check_whole(form, arena, ret_stamp);
}
