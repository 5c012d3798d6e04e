/*
 * See authors.h. A field that is no list of addresses is what a forger writes who hopes that a
 * checker gives up where a reader does not; so it is read a second time, without grammar. More
 * domains than TRUST_AUTHORS_MAX are left out: so many authors no mail has, and DMARC, which judges
 * fewer, sees that there are too many.
 */
#include "trust/authors.h"

#include "mail/addrlist.h"
#include "mail/header.h"
#include "trust/dmarc.h"

#include <string.h>

_Static_assert((int)TRUST_AUTHORS_MAX > (int)DMARC_AUTHORS_MAX, "too many must be seen as such");

static void add(struct trust_authors *authors, struct slice domain)
{
    if (domain.len && domain.ptr[domain.len - 1] == '.')
        domain.len--;
    if (domain.len == 0 || authors->count == TRUST_AUTHORS_MAX)
        return;
    for (unsigned i = 0; i < authors->count; i++) {
        if (slice_eq_nocase(authors->list[i], domain))
            return;
    }
    authors->list[authors->count++] = domain;
}

/* More than a name may have: what stands before the first odd byte is another name. */
static bool is_domain_byte(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f && !strchr("\"\\[]()<>,;:@", c);
}

static size_t skip_blanks(struct slice value, size_t at)
{
    while (at < value.len && strchr(" \t\r\n", value.ptr[at]) && value.ptr[at])
        at++;
    return at;
}

static void add_anything(struct trust_authors *authors, struct slice value)
{
    for (size_t at = 0; at < value.len; at++) {
        size_t start, end;
        if (value.ptr[at] != '@')
            continue;
        start = end = skip_blanks(value, at + 1);
        while (end < value.len && is_domain_byte(value.ptr[end]))
            end++;
        add(authors, slice_sub(value, start, end - start));
        at = end - 1;
    }
}

static void add_field(struct trust_authors *authors, struct slice value, struct arena *arena)
{
    struct addrlist list;

    if (addrlist_parse(value, ADDRESS_UTF8, arena, &list).error != ADDRESS_OK) {
        add_anything(authors, arena_dup(arena, value));
        return;
    }
    for (size_t i = 0; i < list.n; i++) {
        struct slice mailbox = list.entries[i].mailbox;
        ptrdiff_t at = slice_find_last(mailbox, '@');
        if (at >= 0)
            add(authors, slice_skip(mailbox, (size_t)at + 1));
    }
}

void trust_authors_read(struct slice header, struct arena *arena, struct trust_authors *ret_authors)
{
    struct header_iter iter = header_iterate(header);
    struct header_field field;

    ret_authors->count = 0;
    while (header_next(&iter, &field)) {
        if (!field.malformed && slice_eq_nocase(field.name, SLICE("From")))
            add_field(ret_authors, field.value, arena);
    }
}
