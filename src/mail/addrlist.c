/*
 * Address lists of header fields (RFC 5322 sections 3.4 and 4.4).
 *
 * One pass. Words (atoms and quoted strings) and dots are gathered in two forms at once, as the
 * display name and as the local part that they may turn out to be; the special that follows decides
 * which it was: "<" the name, "@" the local part, ":" a group's name. A mailbox is put together
 * without comments and folding and then judged by address_parse_mailbox(), so that both grammars
 * agree on what an address is.
 *
 * Depth: comments are counted, not recursed into; groups do not nest.
 */
#include "mail/addrlist.h"
#include "base/buf.h"

struct parser {
    struct slice in;
    size_t at;
    unsigned flags;
    struct arena *arena;
    struct buf name;  /* the words, one blank between them */
    struct buf local; /* the words without quotes, dots between them */
    struct buf domain;
    bool words;        /* there was a word */
    bool local_broken; /* two words without a dot, or a dot without a word */
    bool after_word;   /* the last thing gathered was a word */
    bool in_group;
    struct addrlist list;
    size_t room;
};

static int peek(const struct parser *p)
{
    return p->at < p->in.len ? (unsigned char)p->in.ptr[p->at] : -1;
}

static bool take(struct parser *p, char c)
{
    if (peek(p) != (unsigned char)c)
        return false;
    p->at++;
    return true;
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_atom_byte(int c)
{
    return c > ' ' && c != 127 && !strchr("()<>[]:;@\\,.\"", c);
}

/* "(a (nested) comment)" */
static enum address_error skip_comment(struct parser *p)
{
    unsigned depth = 0;

    do {
        int c = peek(p);
        if (c == -1)
            return ADDRESS_BAD_LIST;
        if (c == '(' && ++depth > ADDRLIST_COMMENT_DEPTH)
            return ADDRESS_BAD_LIST;
        if (c == ')')
            depth--;
        p->at += c == '\\' && p->at + 1 < p->in.len ? 2 : 1;
    } while (depth);
    return ADDRESS_OK;
}

/* *ret_found (may be NULL): was there any? */
static enum address_error skip_cfws(struct parser *p, bool *ret_found)
{
    size_t start = p->at;

    for (;;) {
        if (is_space(peek(p))) {
            p->at++;
        } else if (peek(p) == '(') {
            enum address_error error = skip_comment(p);
            if (error)
                return error;
        } else {
            break;
        }
    }
    if (ret_found)
        *ret_found = p->at > start;
    return ADDRESS_OK;
}

static void add_both(struct parser *p, char c)
{
    buf_add_char(&p->name, c);
    buf_add_char(&p->local, c);
}

static enum address_error gather_quoted(struct parser *p)
{
    p->at++;
    while (!take(p, '"')) {
        int c = peek(p);
        if (c == '\\') {
            p->at++;
            c = peek(p);
        }
        if (c == -1)
            return ADDRESS_BAD_QUOTED;
        if (c != '\r' && c != '\n')
            add_both(p, (char)c);
        p->at++;
    }
    return ADDRESS_OK;
}

static enum address_error gather_word(struct parser *p, bool blank_before)
{
    if (blank_before && p->name.len)
        buf_add_char(&p->name, ' ');
    p->local_broken |= p->after_word;
    p->words = true;
    p->after_word = true;
    if (peek(p) == '"')
        return gather_quoted(p);
    while (is_atom_byte(peek(p)))
        add_both(p, p->in.ptr[p->at++]);
    return ADDRESS_OK;
}

/* Words and dots up to the next special, with the blanks and comments around them. */
static enum address_error gather_words(struct parser *p)
{
    buf_reset(&p->name);
    buf_reset(&p->local);
    p->words = p->after_word = p->local_broken = false;
    for (;;) {
        bool blank;
        enum address_error error = skip_cfws(p, &blank);
        if (error)
            return error;
        if (peek(p) == '"' || is_atom_byte(peek(p))) {
            error = gather_word(p, blank);
            if (error)
                return error;
        } else if (take(p, '.')) {
            p->local_broken |= !p->after_word;
            p->after_word = false;
            add_both(p, '.');
        } else {
            break;
        }
    }
    p->local_broken |= !p->after_word;
    return ADDRESS_OK;
}

/* A literal up to its "]", without folding; the mailbox grammar judges the rest. */
static enum address_error gather_literal(struct parser *p)
{
    for (;;) {
        int c = peek(p);
        if (c == -1)
            return ADDRESS_BAD_LITERAL;
        if (!is_space(c))
            buf_add_char(&p->domain, (char)c);
        p->at++;
        if (c == ']')
            return skip_cfws(p, NULL);
    }
}

/* Behind the "@": atoms and dots, or a literal. */
static enum address_error gather_domain(struct parser *p)
{
    enum address_error error = skip_cfws(p, NULL);
    bool after_atom = false;

    buf_reset(&p->domain);
    if (error == ADDRESS_OK && peek(p) == '[')
        return gather_literal(p);
    while (error == ADDRESS_OK) {
        if (is_atom_byte(peek(p)) && !after_atom) {
            while (is_atom_byte(peek(p)))
                buf_add_char(&p->domain, p->in.ptr[p->at++]);
            after_atom = true;
        } else if (take(p, '.')) {
            buf_add_char(&p->domain, '.');
            after_atom = false;
        } else {
            break;
        }
        error = skip_cfws(p, NULL);
    }
    return error;
}

static enum address_error add_entry(struct parser *p, size_t start, struct slice name, bool domain)
{
    struct slice local = address_local_quote(p->arena, buf_slice(&p->local));
    struct slice mailbox = local;
    struct address ignored;
    struct address_result result;

    if (p->list.n == p->room)
        return ADDRESS_TOO_MANY;
    if (domain) {
        char *text = arena_alloc(p->arena, local.len + 1 + p->domain.len);
        memcpy(text, local.ptr, local.len);
        text[local.len] = '@';
        if (p->domain.len)
            memcpy(text + local.len + 1, p->domain.ptr, p->domain.len);
        mailbox = slice_from(text, local.len + 1 + p->domain.len);
    }
    result = address_parse_mailbox(mailbox, p->flags, &ignored);
    if (result.error)
        return result.error;
    p->list.entries[p->list.n++] =
        (struct addrlist_entry){.mailbox = domain ? mailbox : arena_dup(p->arena, mailbox),
                                .name = name,
                                .start = start,
                                .end = p->at};
    return ADDRESS_OK;
}

/* "@a,@b:" in front of the mailbox: read over. */
static enum address_error skip_route(struct parser *p)
{
    for (;;) {
        enum address_error error = skip_cfws(p, NULL);
        if (error)
            return error;
        if (take(p, ':'))
            return ADDRESS_OK;
        if (take(p, ','))
            continue;
        if (!take(p, '@'))
            return ADDRESS_BAD_ROUTE;
        error = gather_domain(p);
        if (error)
            return error;
    }
}

/* Behind "<". */
static enum address_error parse_angle(struct parser *p, size_t start)
{
    struct slice name = arena_dup(p->arena, buf_slice(&p->name));
    enum address_error error = skip_cfws(p, NULL);
    bool domain;

    if (error == ADDRESS_OK && peek(p) == '@')
        error = skip_route(p);
    if (error == ADDRESS_OK)
        error = gather_words(p);
    if (error)
        return error;
    if (p->local_broken)
        return ADDRESS_BAD_LOCAL;
    domain = take(p, '@');
    if (domain)
        error = gather_domain(p);
    if (error)
        return error;
    if (!take(p, '>'))
        return ADDRESS_NO_CLOSING;
    error = add_entry(p, start, name, domain);
    return error ? error : skip_cfws(p, NULL);
}

static enum address_error parse_bare(struct parser *p, size_t start)
{
    bool domain = take(p, '@');
    enum address_error error;

    if (p->local_broken)
        return ADDRESS_BAD_LOCAL;
    if (domain) {
        error = gather_domain(p);
        if (error)
            return error;
    }
    return add_entry(p, start, SLICE_NULL, domain);
}

/* What stands between two commas, and a group's beginning and end. */
static enum address_error parse_element(struct parser *p)
{
    size_t start;
    enum address_error error = skip_cfws(p, NULL);

    start = p->at;
    if (error == ADDRESS_OK)
        error = gather_words(p);
    if (error)
        return error;
    if (take(p, '<'))
        return parse_angle(p, start);
    if (p->words && !p->in_group && take(p, ':')) {
        p->in_group = true;
        return parse_element(p); /* once: groups do not nest */
    }
    if (p->words || peek(p) == '@')
        return parse_bare(p, start);
    return ADDRESS_OK;
}

static enum address_error parse_list(struct parser *p)
{
    do {
        enum address_error error = parse_element(p);
        if (error)
            return error;
        if (p->in_group && take(p, ';')) {
            p->in_group = false;
            error = skip_cfws(p, NULL);
            if (error)
                return error;
        }
    } while (take(p, ','));
    return p->at == p->in.len && !p->in_group ? ADDRESS_OK : ADDRESS_BAD_LIST;
}

/* So that the array is made once: there are not more entries than separators, and one. */
static size_t room_needed(struct slice value)
{
    size_t room = 1;

    for (size_t i = 0; i < value.len && room < ADDRLIST_MAX; i++)
        room += value.ptr[i] == ',';
    return room;
}

struct address_result addrlist_parse(struct slice value, unsigned flags, struct arena *arena,
                                     struct addrlist *ret_list)
{
    struct parser p = {.in = value, .flags = flags, .arena = arena, .room = room_needed(value)};
    enum address_error error;

    buf_init(&p.name, value.len + 1);
    buf_init(&p.local, value.len + 1);
    buf_init(&p.domain, value.len + 1);
    p.list.entries = arena_alloc(arena, p.room * sizeof(p.list.entries[0]));
    error = parse_list(&p);
    buf_done(&p.name);
    buf_done(&p.local);
    buf_done(&p.domain);
    if (error == ADDRESS_OK)
        *ret_list = p.list;
    return (struct address_result){.error = error, .at = p.at};
}
