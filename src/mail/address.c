/*
 * The grammar of address.h: paths and mailboxes of SMTP, read by a cursor that never goes back (RFC
 * 5321 section 4.1.2 with RFC 6531 section 3.3). What is done with them later is in address_form.c.
 *
 * Each parse_*() function takes what its production describes and leaves the cursor behind it, or
 * at the byte that is wrong. Lengths are checked when a part is complete, so that the offset of a
 * part that is too long is its end.
 *
 * Beyond the grammar: a domain may have underscores (there are such hosts, and refusing their mail
 * helps nobody); a U-label must survive IDNA, so that later there is no address that cannot be
 * looked up.
 */
#include "mail/address.h"
#include "base/utf8.h"

#include <arpa/inet.h>

enum { LABEL_MAX = 63 };

struct cursor {
    struct slice in;
    size_t at;
    unsigned flags;
};

const char *address_error_text(enum address_error error)
{
    static const char *const texts[] = {
        [ADDRESS_OK] = "the address is good",
        [ADDRESS_NO_OPENING] = "\"<\" expected",
        [ADDRESS_NO_CLOSING] = "\">\" expected",
        [ADDRESS_EMPTY] = "the address is empty",
        [ADDRESS_BAD_ROUTE] = "bad source route",
        [ADDRESS_BAD_LOCAL] = "bad local part",
        [ADDRESS_BAD_QUOTED] = "bad quoted local part",
        [ADDRESS_NO_DOMAIN] = "the domain is missing",
        [ADDRESS_BAD_DOMAIN] = "bad domain",
        [ADDRESS_BAD_LITERAL] = "bad address literal",
        [ADDRESS_LONG_LOCAL] = "the local part is longer than 64 octets",
        [ADDRESS_LONG_DOMAIN] = "the domain is too long",
        [ADDRESS_LONG_PATH] = "the path is longer than 256 octets",
        [ADDRESS_UTF8_FORBIDDEN] = "UTF-8 in an address needs SMTPUTF8",
        [ADDRESS_BAD_UTF8] = "not UTF-8",
        [ADDRESS_TOO_MANY] = "too many addresses",
        [ADDRESS_BAD_LIST] = "bad address list",
    };

    return texts[error];
}

/* The next byte, or -1 at the end. */
static int peek(const struct cursor *cursor)
{
    return cursor->at < cursor->in.len ? (unsigned char)cursor->in.ptr[cursor->at] : -1;
}

static bool take(struct cursor *cursor, char c)
{
    if (peek(cursor) != (unsigned char)c)
        return false;
    cursor->at++;
    return true;
}

static struct slice since(const struct cursor *cursor, size_t start)
{
    return slice_sub(cursor->in, start, cursor->at - start);
}

/* atext of RFC 5322 section 3.2.3. */
static bool is_atext(int c)
{
    return c > 0 && c < 128 && (ascii_is_alnum((char)c) || strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* A character above U+007F. */
static enum address_error take_utf8(struct cursor *cursor)
{
    size_t len = utf8_char_len(slice_skip(cursor->in, cursor->at));

    if (!(cursor->flags & ADDRESS_UTF8))
        return ADDRESS_UTF8_FORBIDDEN;
    if (len == 0)
        return ADDRESS_BAD_UTF8;
    cursor->at += len;
    return ADDRESS_OK;
}

static enum address_error parse_atom(struct cursor *cursor)
{
    size_t start = cursor->at;

    for (;;) {
        int c = peek(cursor);
        if (c >= 128) {
            enum address_error error = take_utf8(cursor);
            if (error)
                return error;
        } else if (is_atext(c)) {
            cursor->at++;
        } else {
            return cursor->at > start ? ADDRESS_OK : ADDRESS_BAD_LOCAL;
        }
    }
}

static enum address_error parse_dot_string(struct cursor *cursor)
{
    enum address_error error;

    do {
        error = parse_atom(cursor);
        if (error)
            return error;
    } while (take(cursor, '.'));
    return ADDRESS_OK;
}

static enum address_error parse_quoted(struct cursor *cursor)
{
    cursor->at++;
    while (!take(cursor, '"')) {
        int c = peek(cursor);
        if (c >= 128) {
            enum address_error error = take_utf8(cursor);
            if (error)
                return error;
            continue;
        }
        if (c == '\\') {
            cursor->at++;
            c = peek(cursor);
        }
        if (c < ' ' || c > '~')
            return ADDRESS_BAD_QUOTED;
        cursor->at++;
    }
    return ADDRESS_OK;
}

bool address_is_srs(struct slice local)
{
    struct slice text = slice_skip(local, local.len && local.ptr[0] == '"');

    return text.len > 5 && slice_starts_with_nocase(text, SLICE("SRS")) &&
           (text.ptr[3] == '0' || text.ptr[3] == '1') &&
           (text.ptr[4] == '=' || text.ptr[4] == '+' || text.ptr[4] == '-');
}

static enum address_error parse_local(struct cursor *cursor, struct slice *ret_local)
{
    size_t start = cursor->at;
    enum address_error error =
        peek(cursor) == '"' ? parse_quoted(cursor) : parse_dot_string(cursor);

    if (error)
        return error;
    if (cursor->at - start > ADDRESS_LOCAL_MAX && !address_is_srs(since(cursor, start)))
        return ADDRESS_LONG_LOCAL;
    *ret_local = since(cursor, start);
    return ADDRESS_OK;
}

static bool is_let_dig(int c)
{
    return c == '_' || (c > 0 && c < 128 && ascii_is_alnum((char)c));
}

/* An LDH label, or a U-label, which idna_is_good() looks at later. */
static enum address_error parse_label(struct cursor *cursor)
{
    size_t start = cursor->at;
    bool ascii = true;

    for (;;) {
        int c = peek(cursor);
        if (c >= 128) {
            enum address_error error = take_utf8(cursor);
            if (error)
                return error;
            ascii = false;
        } else if (is_let_dig(c) || (c == '-' && cursor->at > start)) {
            cursor->at++;
        } else {
            break;
        }
    }
    if (cursor->at == start || cursor->in.ptr[cursor->at - 1] == '-')
        return ADDRESS_BAD_DOMAIN;
    if (ascii && cursor->at - start > LABEL_MAX)
        return ADDRESS_LONG_DOMAIN;
    return ADDRESS_OK;
}

static bool idna_is_good(struct slice domain)
{
    struct arena arena;
    struct slice ascii;
    int r;

    arena_init(&arena);
    r = address_domain_to_ascii(&arena, domain, &ascii);
    arena_done(&arena);
    return r == 0;
}

static enum address_error parse_domain_name(struct cursor *cursor)
{
    size_t start = cursor->at;
    enum address_error error;

    do {
        error = parse_label(cursor);
        if (error)
            return error;
    } while (take(cursor, '.'));
    if (cursor->at - start > ADDRESS_DOMAIN_MAX)
        return ADDRESS_LONG_DOMAIN;
    if (!utf8_is_ascii(since(cursor, start)) && !idna_is_good(since(cursor, start)))
        return ADDRESS_BAD_DOMAIN;
    return ADDRESS_OK;
}

/* Four numbers up to 255, leading zeros allowed as in the RFC's Snum. */
static bool is_ipv4(struct slice text)
{
    unsigned numbers = 0;

    while (text.ptr) {
        struct slice number = slice_cut(&text, '.');
        uint64_t value;
        if (number.len > 3 || !slice_parse_u64(number, 255, &value))
            return false;
        numbers++;
    }
    return numbers == 4;
}

static bool is_ipv6(struct slice text)
{
    char cstr[INET6_ADDRSTRLEN];
    struct in6_addr unused;

    if (text.len >= sizeof(cstr))
        return false;
    memcpy(cstr, text.ptr, text.len);
    cstr[text.len] = '\0';
    return inet_pton(AF_INET6, cstr, &unused) == 1;
}

/* Standardized-tag ":" 1*dcontent; the bytes are known to be dcontent. */
static bool is_general(struct slice text)
{
    struct slice tag = slice_cut(&text, ':');

    if (!text.ptr || text.len == 0 || tag.len == 0 || tag.ptr[tag.len - 1] == '-')
        return false;
    for (size_t i = 0; i < tag.len; i++) {
        if (!ascii_is_alnum(tag.ptr[i]) && tag.ptr[i] != '-')
            return false;
    }
    return true;
}

static enum address_error parse_literal(struct cursor *cursor, enum address_kind *ret_kind)
{
    static const struct slice ipv6_tag = SLICE_INIT("IPv6:");
    size_t start = ++cursor->at;
    struct slice text;

    while (peek(cursor) > ' ' && peek(cursor) < 127 && !strchr("[\\]", peek(cursor)))
        cursor->at++;
    text = since(cursor, start);
    if (text.len + 2 > ADDRESS_DOMAIN_MAX)
        return ADDRESS_LONG_DOMAIN;
    if (!take(cursor, ']'))
        return ADDRESS_BAD_LITERAL;
    cursor->at--;
    if (is_ipv4(text))
        *ret_kind = ADDRESS_IPV4;
    else if (slice_starts_with_nocase(text, ipv6_tag)) {
        if (!is_ipv6(slice_skip(text, ipv6_tag.len)))
            return ADDRESS_BAD_LITERAL;
        *ret_kind = ADDRESS_IPV6;
    } else if (is_general(text) && !is_ipv6(text))
        *ret_kind = ADDRESS_GENERAL;
    else
        return ADDRESS_BAD_LITERAL;
    cursor->at++;
    return ADDRESS_OK;
}

static enum address_error parse_domain(struct cursor *cursor, struct address *address)
{
    size_t start = cursor->at;
    enum address_error error;

    if (peek(cursor) == '[') {
        error = parse_literal(cursor, &address->kind);
    } else {
        address->kind = ADDRESS_DOMAIN;
        error = parse_domain_name(cursor);
    }
    address->domain = since(cursor, start);
    return error;
}

/* The local part was all there was, and `end` (or the end of input) follows. */
static bool may_stand_alone(const struct cursor *cursor, int end, struct address *address)
{
    if (peek(cursor) != end)
        return false;
    if ((cursor->flags & ADDRESS_BARE_POSTMASTER) &&
        slice_eq_nocase(address->local, SLICE("postmaster")))
        address->kind = ADDRESS_POSTMASTER;
    else if (cursor->flags & ADDRESS_UNQUALIFIED)
        address->kind = ADDRESS_LOCAL;
    else
        return false;
    return true;
}

/* `end` is the byte that may follow a local part alone: ">" in a path, -1 at the end of input. */
static enum address_error parse_mailbox(struct cursor *cursor, int end, struct address *address)
{
    size_t start = cursor->at;
    enum address_error error = parse_local(cursor, &address->local);

    if (error)
        return error;
    if (take(cursor, '@'))
        error = parse_domain(cursor, address);
    else if (!may_stand_alone(cursor, end, address))
        error = peek(cursor) == end  ? ADDRESS_NO_DOMAIN
                : peek(cursor) == -1 ? ADDRESS_NO_CLOSING
                                     : ADDRESS_BAD_LOCAL;
    if (error)
        return error;
    address->mailbox = since(cursor, start);
    address->utf8 = !utf8_is_ascii(address->mailbox);
    /* The path counts its brackets, whether they are here or not. */
    return address->mailbox.len + 2 > ADDRESS_PATH_MAX ? ADDRESS_LONG_PATH : ADDRESS_OK;
}

/* A-d-l of RFC 5321: "@a,@b:", to be ignored. */
static enum address_error parse_route(struct cursor *cursor)
{
    struct address ignored;

    do {
        if (!take(cursor, '@') || parse_domain(cursor, &ignored))
            return ADDRESS_BAD_ROUTE;
    } while (take(cursor, ','));
    return take(cursor, ':') ? ADDRESS_OK : ADDRESS_BAD_ROUTE;
}

static enum address_error parse_path(struct cursor *cursor, struct address *address)
{
    enum address_error error;

    if (!take(cursor, '<'))
        return ADDRESS_NO_OPENING;
    if (peek(cursor) == '>') {
        if (!(cursor->flags & ADDRESS_ALLOW_NULL))
            return ADDRESS_EMPTY;
        address->kind = ADDRESS_NULL;
        cursor->at++;
        return ADDRESS_OK;
    }
    if (peek(cursor) == '@') {
        address->source_route = true;
        error = parse_route(cursor);
        if (error)
            return error;
    }
    error = parse_mailbox(cursor, '>', address);
    if (error)
        return error;
    return take(cursor, '>') ? ADDRESS_OK : ADDRESS_NO_CLOSING;
}

struct address_result address_parse_path(struct slice input, unsigned flags,
                                         struct address *ret_address)
{
    struct cursor cursor = {.in = input, .flags = flags};
    struct address address = {0};
    enum address_error error = parse_path(&cursor, &address);

    if (error == ADDRESS_OK)
        *ret_address = address;
    return (struct address_result){.error = error, .at = cursor.at};
}

struct address_result address_parse_mailbox(struct slice input, unsigned flags,
                                            struct address *ret_address)
{
    struct cursor cursor = {.in = input, .flags = flags};
    struct address address = {0};
    enum address_error error = input.len ? parse_mailbox(&cursor, -1, &address) : ADDRESS_EMPTY;

    if (error == ADDRESS_OK && cursor.at < input.len)
        error = ADDRESS_BAD_DOMAIN;
    if (error == ADDRESS_OK)
        *ret_address = address;
    return (struct address_result){.error = error, .at = cursor.at};
}
