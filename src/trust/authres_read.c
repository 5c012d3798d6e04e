/*
 * Authentication-Results (RFC 8601 section 2.2) of others, read. See authres.h.
 *
 * Two questions, and in doubt the careful answer to each. Does a field claim to be ours? Readers
 * further on differ in what they take for the authserv-id; so a field is somebody else's only when
 * it begins by the grammar with an identifier that is another one, however that is written: in
 * quotes, behind comments, folded, with a version, in capitals, as U-labels. What has no readable
 * identifier is ours. And does a trusted sealer vouch for a message? Only what follows the grammar
 * to the end does.
 *
 * One pass, no recursion.
 */
#include "trust/authres.h"

#include "trust/cfws.h"

#include "mail/address.h"

enum { ID_MAX = 1024 };

/* ---- words ---------------------------------------------------------------------------------- */

static void read_quoted(struct cfws_cursor *c, struct buf *out)
{
    while (!c->bad && !cfws_take(c, '"')) {
        (void)cfws_take(c, '\\');
        if (c->rest.len == 0 ||
            (cfws_is_control(c->rest.ptr[0]) && !cfws_is_space(c->rest.ptr[0]))) {
            c->bad = true;
            return;
        }
        buf_add_char(out, c->rest.ptr[0]);
        c->rest = slice_skip(c->rest, 1);
    }
}

/* `value` of MIME: a token, in which bytes above 127 are fine, or a quoted string. */
static void read_value(struct cfws_cursor *c, struct buf *out)
{
    struct slice run;

    if (cfws_take(c, '"')) {
        read_quoted(c, out);
        return;
    }
    run = cfws_run(c, SLICE("()<>@,;:\\\"/[]?="));
    c->bad |= run.len == 0;
    buf_add_slice(out, run);
}

/* An authserv-id with its version, up to ";" or the end. */
static void read_id(struct cfws_cursor *c, struct buf *out)
{
    cfws_skip(c);
    read_value(c, out);
    if (cfws_skip(c)) {
        while (c->rest.len && ascii_is_digit(c->rest.ptr[0]))
            c->rest = slice_skip(c->rest, 1);
        cfws_skip(c);
    }
    c->bad |= out->overflow || (c->rest.len && !cfws_at(c, ';'));
}

/* ---- is it ours? ---------------------------------------------------------------------------- */

static struct slice without_dot(struct slice name)
{
    name = slice_trim(name);
    return name.len && name.ptr[name.len - 1] == '.' ? slice_sub(name, 0, name.len - 1) : name;
}

bool authres_is_of(struct slice value, struct slice authserv_id)
{
    struct cfws_cursor c = {.rest = value};
    struct buf id;
    bool ours;

    buf_init(&id, ID_MAX);
    read_id(&c, &id);
    ours = c.bad || address_domain_eq(without_dot(buf_slice(&id)), without_dot(authserv_id));
    buf_done(&id);
    return ours;
}

struct slice authres_id(struct slice value, struct arena *arena)
{
    struct cfws_cursor c = {.rest = value};
    struct slice name;
    struct buf id;

    buf_init(&id, ID_MAX);
    read_id(&c, &id);
    name = c.bad ? SLICE_NULL : arena_dup(arena, buf_slice(&id));
    buf_done(&id);
    return name;
}

/* ---- does it vouch? ------------------------------------------------------------------------- */

/* One "method=result" with its properties; slices are from the arena. */
struct resinfo {
    struct slice method, result;
    struct slice mailfrom, header_from, header_d;
};

static struct slice read_keyword(struct cfws_cursor *c)
{
    struct slice word;

    cfws_skip(c);
    word = cfws_run(c, SLICE("()<>@,;:\\\"/[]?=."));
    c->bad |= word.len == 0;
    cfws_skip(c);
    return word;
}

/* A pvalue: quoted strings and other bytes in a row, as `"a b"@example.com`. */
static struct slice read_pvalue(struct cfws_cursor *c, struct arena *arena)
{
    struct slice value;
    struct buf out;

    buf_init(&out, ID_MAX);
    while (c->rest.len && !c->bad) {
        if (cfws_take(c, '"'))
            read_quoted(c, &out);
        else if (!cfws_is_space(c->rest.ptr[0]) && slice_find(SLICE("(;"), c->rest.ptr[0]) < 0) {
            struct slice run = cfws_run(c, SLICE("(;\""));
            c->bad |= run.len == 0;
            buf_add_slice(&out, run);
        } else
            break;
    }
    c->bad |= out.len == 0 || out.overflow;
    value = arena_dup(arena, buf_slice(&out));
    buf_done(&out);
    return value;
}

static void take_property(struct resinfo *info, struct slice type, struct slice property,
                          struct slice value)
{
    ptrdiff_t sign = slice_find_last(value, '@');
    struct slice domain = slice_skip(value, (size_t)(sign + 1));

    if (slice_eq_nocase(type, SLICE("smtp")) && slice_eq_nocase(property, SLICE("mailfrom")))
        info->mailfrom = domain;
    else if (!slice_eq_nocase(type, SLICE("header")))
        return;
    else if (slice_eq_nocase(property, SLICE("from")))
        info->header_from = domain;
    else if (slice_eq_nocase(property, SLICE("d")))
        info->header_d = domain;
}

/* Behind its ";". */
static struct resinfo read_resinfo(struct cfws_cursor *c, struct arena *arena)
{
    struct resinfo info = {.method = read_keyword(c)};

    if (cfws_take(c, '/')) {
        struct slice version = read_keyword(c);
        if (!slice_eq(version, SLICE("1")))
            info.method = SLICE_NULL; /* section 2.6: not one that we know */
    }
    /* "none" alone: nothing was checked. */
    if (c->bad || c->rest.len == 0 || cfws_at(c, ';'))
        return info;
    cfws_expect(c, '=');
    info.result = read_keyword(c);
    while (c->rest.len && !c->bad && !cfws_at(c, ';')) {
        struct slice type = read_keyword(c), property = SLICE_NULL, value;
        if (cfws_take(c, '.'))
            property = read_keyword(c);
        cfws_expect(c, '=');
        value = read_pvalue(c, arena);
        take_property(&info, type, property, value);
        cfws_skip(c);
    }
    return info;
}

/* Of one method for this author. */
struct opinion {
    bool dmarc, dmarc_passes, identifier_passes;
};

static bool is_pass_for(const struct resinfo *info, const char *method, struct slice domain,
                        struct slice author)
{
    return slice_eq_nocase(info->method, slice_from_cstr(method)) &&
           slice_eq_nocase(info->result, SLICE("pass")) && domain.len &&
           address_domain_eq(without_dot(domain), without_dot(author));
}

static void weigh(const struct resinfo *info, struct slice author, struct opinion *opinion)
{
    if (slice_eq_nocase(info->method, SLICE("dmarc"))) {
        bool passes = is_pass_for(info, "dmarc", info->header_from, author);
        opinion->dmarc_passes = passes && (!opinion->dmarc || opinion->dmarc_passes);
        opinion->dmarc = true;
    }
    opinion->identifier_passes |= is_pass_for(info, "spf", info->mailfrom, author) ||
                                  is_pass_for(info, "dkim", info->header_d, author);
}

bool authres_vouches(struct slice results, struct slice author, struct arena *arena)
{
    struct opinion opinion = {.dmarc = false};
    struct cfws_cursor c = {.rest = results};
    struct buf id;

    buf_init(&id, ID_MAX);
    read_id(&c, &id);
    buf_done(&id);
    while (!c.bad && cfws_take(&c, ';')) {
        struct resinfo info;
        cfws_skip(&c);
        if (c.rest.len == 0)
            break;
        info = read_resinfo(&c, arena);
        weigh(&info, author, &opinion);
    }
    if (c.bad || c.rest.len)
        return false;
    return opinion.dmarc ? opinion.dmarc_passes : opinion.identifier_passes;
}
