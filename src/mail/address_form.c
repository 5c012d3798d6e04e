/*
 * What is done with a mailbox after it was parsed: parted, quoted, brought into the one form in
 * which equal mailboxes are equal bytes. See address.h.
 *
 * Domains become lower-case A-labels by libidn2 (IDNA 2008, UTS 46 mapping, non-transitional); what
 * comes out of the mapping is checked again, because it makes dots and "@" of characters that only
 * look like them. Local parts fold ASCII letters (our own mailboxes do; two mailboxes of a foreign
 * host that differ in case alone are not known to exist). UTF-8 local parts are not normalised:
 * they compare by bytes but for ASCII letters.
 */
#include "mail/address.h"
#include "base/buf.h"
#include "base/utf8.h"

#include <errno.h>
#include <idn2.h>

/* Where the local part of a good mailbox ends. */
static size_t local_len(struct slice mailbox)
{
    size_t at = 0;

    if (mailbox.len && mailbox.ptr[0] == '"') {
        for (at = 1; at < mailbox.len && mailbox.ptr[at] != '"'; at++)
            at += mailbox.ptr[at] == '\\';
        at++;
    } else {
        while (at < mailbox.len && mailbox.ptr[at] != '@')
            at++;
    }
    return at < mailbox.len ? at : mailbox.len;
}

struct slice address_local(struct slice mailbox)
{
    return slice_sub(mailbox, 0, local_len(mailbox));
}

struct slice address_domain(struct slice mailbox)
{
    return slice_skip(mailbox, local_len(mailbox) + 1);
}

bool address_is_ascii(struct slice text)
{
    return utf8_is_ascii(text);
}

struct slice address_local_unquote(struct arena *arena, struct slice local)
{
    char *to;
    size_t len = 0;

    if (local.len < 2 || local.ptr[0] != '"' || local.ptr[local.len - 1] != '"')
        return local;
    to = arena_alloc(arena, local.len);
    for (size_t i = 1; i + 1 < local.len; i++) {
        if (local.ptr[i] == '\\' && i + 2 < local.len)
            i++;
        to[len++] = local.ptr[i];
    }
    return slice_from(to, len);
}

/* Bytes above 127 pass: their encoding was checked when they came in. */
static bool is_dot_string(struct slice text)
{
    bool after_dot = true;

    for (size_t i = 0; i < text.len; i++) {
        int c = (unsigned char)text.ptr[i];
        if (c == '.' ? after_dot
                     : c < 128 && !strchr("!#$%&'*+-/=?^_`{|}~", c) && !ascii_is_alnum((char)c))
            return false;
        after_dot = c == '.';
    }
    return !after_dot;
}

struct slice address_local_quote(struct arena *arena, struct slice unquoted)
{
    char *to;
    size_t len = 0;

    if (is_dot_string(unquoted))
        return unquoted;
    to = arena_alloc(arena, 2 * unquoted.len + 2);
    to[len++] = '"';
    for (size_t i = 0; i < unquoted.len; i++) {
        if (unquoted.ptr[i] == '"' || unquoted.ptr[i] == '\\')
            to[len++] = '\\';
        to[len++] = unquoted.ptr[i];
    }
    to[len++] = '"';
    return slice_from(to, len);
}

static struct slice lower(struct arena *arena, struct slice text)
{
    char *to = arena_alloc(arena, text.len);

    for (size_t i = 0; i < text.len; i++)
        to[i] = ascii_lower(text.ptr[i]);
    return slice_from(to, text.len);
}

/* With underscores, as the grammar in address.c has it. */
static bool is_ldh_label(struct slice label)
{
    if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '-' && label.ptr[i] != '_')
            return false;
    }
    return true;
}

/* All ASCII, and what DNS can carry. */
static bool is_ascii_domain(struct slice domain)
{
    if (domain.len == 0 || domain.len > ADDRESS_DOMAIN_MAX)
        return false;
    while (domain.ptr) {
        struct slice label = slice_cut(&domain, '.');
        if (!is_ldh_label(label))
            return false;
    }
    return true;
}

static int u_labels_to_ascii(struct arena *arena, struct slice domain, struct slice *ret_ascii)
{
    uint8_t *found = NULL;
    int r;

    if (domain.len > ADDRESS_DOMAIN_MAX || slice_find(domain, '\0') >= 0)
        return -EINVAL;
    r = idn2_lookup_u8((const uint8_t *)arena_cstr(arena, domain), &found,
                       IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (r == IDN2_MALLOC)
        abort();
    if (r != IDN2_OK)
        return -EINVAL;
    *ret_ascii = arena_dup(arena, slice_from_cstr((const char *)found));
    idn2_free(found);
    return 0;
}

int address_domain_to_ascii(struct arena *arena, struct slice domain, struct slice *ret_ascii)
{
    struct slice ascii = domain;
    int r;

    if (domain.len && domain.ptr[0] == '[') {
        *ret_ascii = lower(arena, domain);
        return 0;
    }
    if (!utf8_is_ascii(domain)) {
        r = u_labels_to_ascii(arena, domain, &ascii);
        if (r < 0)
            return r;
    }
    /* After the mapping too: it makes dots and "@" of characters that look like them. */
    if (!is_ascii_domain(ascii))
        return -EINVAL;
    *ret_ascii = lower(arena, ascii);
    return 0;
}

struct slice address_key(struct arena *arena, struct slice mailbox)
{
    struct slice local = address_local_unquote(arena, address_local(mailbox));
    struct slice domain = address_domain(mailbox);
    struct slice ascii;

    local = address_local_quote(arena, lower(arena, local));
    if (address_domain_to_ascii(arena, domain, &ascii) < 0)
        ascii = lower(arena, domain);
    if (ascii.len == 0)
        return local;
    return arena_printf(arena, "%.*s@%.*s", SLICE_ARG(local), SLICE_ARG(ascii));
}

bool address_eq(struct slice a, struct slice b)
{
    struct arena arena;
    bool equal;

    if (slice_eq_nocase(a, b))
        return true;
    arena_init(&arena);
    equal = slice_eq(address_key(&arena, a), address_key(&arena, b));
    arena_done(&arena);
    return equal;
}

bool address_domain_eq(struct slice a, struct slice b)
{
    struct arena arena;
    struct slice ascii_a;
    struct slice ascii_b;
    bool equal;

    if (slice_eq_nocase(a, b))
        return true;
    arena_init(&arena);
    equal = address_domain_to_ascii(&arena, a, &ascii_a) == 0 &&
            address_domain_to_ascii(&arena, b, &ascii_b) == 0 && slice_eq(ascii_a, ascii_b);
    arena_done(&arena);
    return equal;
}

bool address_split_tag(struct slice local, char separator, struct slice *ret_user,
                       struct slice *ret_tag)
{
    ptrdiff_t at = slice_find(local, separator);

    if (at <= 0)
        return false;
    *ret_user = slice_sub(local, 0, (size_t)at);
    *ret_tag = slice_skip(local, (size_t)at + 1);
    return true;
}
