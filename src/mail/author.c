/*
 * Claims of authorship. See author.h.
 *
 * A field is read twice. Strictly, as a list of addresses; and as a careless reader might: encoded
 * words (RFC 2047) decoded wherever they stand, and then every word with an "@" in the middle and a
 * dot behind it is an address, be it in quotes, in a comment or in a name. What the second reading
 * finds beyond the first is a claim too, and what looks like an address and is none is a disguise.
 *
 *     From: "ceo@bank.example" <joe@example.org>             claims both
 *     From: =?utf-8?q?ceo=40bank.example=00?=@example.org    is a disguise
 *
 * Look-alike letters are not judged: a display name may say anything that is no address.
 */
#include "mail/author.h"

#include "base/utf8.h"
#include "mail/addrlist.h"
#include "mail/encoding.h"
#include "mail/header.h"

const char *author_error_text(enum author_error error)
{
    switch (error) {
    case AUTHOR_OK:
        break;
    case AUTHOR_TWICE:
        return "there are two From or two Sender fields";
    case AUTHOR_UNREADABLE:
        return "From or Sender is not a list of addresses";
    case AUTHOR_NOBODY:
        return "From or Sender names nobody";
    case AUTHOR_TOO_MANY:
        return "From or Sender names too many";
    case AUTHOR_DISGUISED:
        return "From or Sender can be read in two ways";
    }
    return "";
}

static enum author_error add_claim(struct author_claims *claims, struct slice mailbox)
{
    for (uint32_t i = 0; i < claims->count; i++) {
        if (address_eq(claims->list[i], mailbox))
            return AUTHOR_OK;
    }
    if (claims->count == AUTHORS_MAX)
        return AUTHOR_TOO_MANY;
    claims->list[claims->count++] = mailbox;
    return AUTHOR_OK;
}

/* ---- encoded words -------------------------------------------------------------------------- */

struct encoded_word {
    struct slice charset, text;
    char encoding;
    size_t len; /* of all of it */
};

/* "=?charset?B?text?=" at the beginning of `input`. */
static bool take_encoded_word(struct slice input, struct encoded_word *ret_word)
{
    struct slice rest = slice_skip(input, 2), encoding, text;
    struct encoded_word word;

    if (!slice_starts_with_nocase(input, SLICE("=?")))
        return false;
    word.charset = slice_cut(&rest, '?');
    encoding = slice_cut(&rest, '?');
    text = slice_cut(&rest, '?');
    if (encoding.len != 1 || rest.len == 0 || rest.ptr[0] != '=')
        return false;
    word.encoding = ascii_lower(encoding.ptr[0]);
    word.text = text;
    word.len = (size_t)(rest.ptr + 1 - input.ptr);
    *ret_word = word;
    return word.encoding == 'b' || word.encoding == 'q';
}

/* Does ASCII look like ASCII in it? What does not could hide anything: UTF-7 and UTF-16, by all of
 * their names, EBCDIC in its dozens. So these are the beginnings of those that do. */
static bool is_plain_charset(struct slice charset)
{
    static const struct slice plain[] = {
        SLICE_INIT("utf-8"),   SLICE_INIT("utf8"),      SLICE_INIT("us-ascii"),
        SLICE_INIT("ascii"),   SLICE_INIT("ansi_x3.4"), SLICE_INIT("iso-8859"),
        SLICE_INIT("iso8859"), SLICE_INIT("iso_8859"),  SLICE_INIT("latin"),
        SLICE_INIT("windows"), SLICE_INIT("cp125"),     SLICE_INIT("cp437"),
        SLICE_INIT("cp85"),    SLICE_INIT("cp866"),     SLICE_INIT("ibm85"),
        SLICE_INIT("ibm866"),  SLICE_INIT("koi8"),      SLICE_INIT("iso-2022-"),
        SLICE_INIT("gb2312"),  SLICE_INIT("gbk"),       SLICE_INIT("gb18030"),
        SLICE_INIT("big5"),    SLICE_INIT("euc"),       SLICE_INIT("x-euc"),
        SLICE_INIT("shift"),   SLICE_INIT("sjis"),      SLICE_INIT("x-sjis"),
        SLICE_INIT("cp932"),   SLICE_INIT("cp936"),     SLICE_INIT("cp949"),
        SLICE_INIT("cp950"),   SLICE_INIT("ks_c"),      SLICE_INIT("tis-620"),
        SLICE_INIT("mac"),     SLICE_INIT("x-mac"),     SLICE_INIT("viscii"),
        SLICE_INIT("unknown"), SLICE_INIT("x-unknown"),
    };

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (slice_starts_with_nocase(charset, plain[i]))
            return true;
    }
    return false;
}

/* ISO-2022-JP and its kin change by escape sequences between ASCII and letters of two bytes each,
 * which look like ASCII and are none. Those become "?", the sequences go. */
static void leave_ascii_of_2022(struct buf *text, size_t from)
{
    enum { ESC = 27, SHIFT_OUT = 14, SHIFT_IN = 15 };
    bool ascii = true;
    size_t to = from;

    for (size_t i = from; i < text->len; i++) {
        char c = text->ptr[i];
        char next = i + 1 < text->len ? text->ptr[i + 1] : '\0';
        char after = i + 2 < text->len ? text->ptr[i + 2] : '\0';
        if (c == ESC && (next == '(' || next == '$')) {
            bool designates_only = next == '$' && (after == ')' || after == '*');
            if (!designates_only)
                ascii = next == '(' && (after == 'B' || after == 'J');
            i += next == '$' && (after == '(' || after == ')' || after == '*') ? 3 : 2;
        } else if (c == SHIFT_OUT || c == SHIFT_IN) {
            ascii = c == SHIFT_IN;
        } else {
            text->ptr[to++] = ascii ? c : '?';
        }
    }
    text->len = to;
}

static void decode_word(struct buf *out, const struct encoded_word *word)
{
    size_t before = out->len;

    if (word->encoding == 'b')
        base64_decode(out, word->text, NULL);
    else
        qp_decode(out, word->text, NULL);
    for (size_t i = before; word->encoding == 'q' && i < out->len; i++)
        out->ptr[i] = out->ptr[i] == '_' ? ' ' : out->ptr[i];
    if (slice_starts_with_nocase(word->charset, SLICE("iso-2022-")))
        leave_ascii_of_2022(out, before);
}

/* Blanks between two encoded words are not there (RFC 2047 section 6.2). */
static size_t blanks_between_words(struct slice value)
{
    struct encoded_word next;
    size_t blanks = 0;

    while (blanks < value.len && ascii_is_blank(value.ptr[blanks]))
        blanks++;
    return take_encoded_word(slice_skip(value, blanks), &next) ? blanks : 0;
}

/* The value as a careless reader sees it; false when it has an unreadable charset. */
static bool decode_value(struct buf *out, struct slice value)
{
    while (value.len) {
        struct encoded_word word;
        if (!take_encoded_word(value, &word)) {
            if (value.ptr[0] != '\\') /* of a quoted pair, which nobody gets to see */
                buf_add_char(out, value.ptr[0]);
            value = slice_skip(value, 1);
            continue;
        }
        if (!is_plain_charset(word.charset))
            return false;
        decode_word(out, &word);
        value = slice_skip(value, word.len);
        value = slice_skip(value, blanks_between_words(value));
    }
    return true;
}

/* ---- the careless reading ------------------------------------------------------------------- */

/* U+202A to U+202E, U+2066 to U+2069: they turn around what follows. */
static bool turns_around(uint32_t character)
{
    return (character >= 0x202a && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069);
}

static bool has_strange_bytes(struct slice text)
{
    while (text.len) {
        size_t len = utf8_char_len(text);
        unsigned char c = (unsigned char)text.ptr[0];
        if ((c < ' ' && c != '\t') || c == 0x7f || (len > 1 && turns_around(utf8_char_value(text))))
            return true;
        text = slice_skip(text, len ? len : 1);
    }
    return false;
}

static bool parts_words(char c)
{
    return memchr(" \t<>()\",;:[]\\", c, sizeof(" \t<>()\",;:[]\\") - 1) != NULL;
}

/* Cuts the next word off *rest; empty at the end. */
static struct slice next_word(struct slice *rest)
{
    struct slice word;
    size_t end = 0;

    while (rest->len && parts_words(rest->ptr[0]))
        *rest = slice_skip(*rest, 1);
    while (end < rest->len && !parts_words(rest->ptr[end]))
        end++;
    word = slice_sub(*rest, 0, end);
    *rest = slice_skip(*rest, end);
    return word;
}

/* 'joe@example.org' and joe@example.org! are addresses to people. */
static struct slice without_punctuation(struct slice word)
{
    static const char marks[] = {'\'', '`', '.', '!', '?', '*'};

    while (word.len && memchr(marks, word.ptr[0], sizeof(marks)))
        word = slice_skip(word, 1);
    while (word.len && memchr(marks, word.ptr[word.len - 1], sizeof(marks)))
        word.len--;
    return word;
}

/* "x@y.z", with anything for x, y and z. */
static bool looks_like_address(struct slice word)
{
    ptrdiff_t at = slice_find_last(word, '@');
    struct slice domain = slice_skip(word, (size_t)(at + 1));

    return at > 0 && slice_find(domain, '.') > 0;
}

static enum author_error read_carelessly(struct slice text, struct arena *arena,
                                         struct author_claims *claims)
{
    if (has_strange_bytes(text))
        return AUTHOR_DISGUISED;
    while (text.len) {
        struct slice word = without_punctuation(next_word(&text));
        struct address address;
        enum author_error error;
        if (!looks_like_address(word))
            continue;
        if (address_parse_mailbox(word, ADDRESS_UTF8, &address).error)
            return AUTHOR_DISGUISED;
        error = add_claim(claims, arena_dup(arena, word));
        if (error)
            return error;
    }
    return AUTHOR_OK;
}

/* ---- fields --------------------------------------------------------------------------------- */

static enum author_error read_value(struct slice value, struct arena *arena, size_t most,
                                    struct author_claims *claims)
{
    enum author_error error = AUTHOR_DISGUISED;
    struct addrlist list;
    struct buf careless;

    if (addrlist_parse(value, ADDRESS_UTF8, arena, &list).error)
        return AUTHOR_UNREADABLE;
    if (list.n == 0)
        return AUTHOR_NOBODY;
    if (list.n > most)
        return AUTHOR_TOO_MANY;
    for (size_t i = 0; i < list.n; i++)
        (void)add_claim(claims, list.entries[i].mailbox);
    buf_init(&careless, 2 * value.len + 16);
    if (decode_value(&careless, value))
        error = read_carelessly(buf_slice(&careless), arena, claims);
    buf_done(&careless);
    return error;
}

/* A line that is no field to us, but might be one to a reader who overlooks some of its bytes. */
static bool is_nearly_a_field(struct slice line)
{
    char letters[8];
    size_t n = 0;

    for (size_t i = 0; i < line.len && line.ptr[i] != ':' && n < sizeof(letters); i++) {
        char c = ascii_lower(line.ptr[i]);
        if (c >= 'a' && c <= 'z')
            letters[n++] = c;
    }
    return slice_find(line, ':') >= 0 && (slice_eq(slice_from(letters, n), SLICE("from")) ||
                                          slice_eq(slice_from(letters, n), SLICE("sender")));
}

enum author_error author_read(struct slice header, struct arena *arena, struct author *ret_author)
{
    struct header_iter iter = header_iterate(header);
    struct header_field field;
    enum author_error error = AUTHOR_OK;

    *ret_author = (struct author){.from = {.count = 0}};
    while (error == AUTHOR_OK && header_next(&iter, &field)) {
        bool from = slice_eq_nocase(field.name, SLICE("From"));
        struct author_claims *claims = from ? &ret_author->from : &ret_author->sender;
        if (field.malformed && is_nearly_a_field(field.raw))
            return AUTHOR_DISGUISED;
        if (!from && !slice_eq_nocase(field.name, SLICE("Sender")))
            continue;
        if (claims->count)
            return AUTHOR_TWICE;
        error =
            read_value(header_unfold(arena, field.value), arena, from ? AUTHORS_MAX : 1, claims);
    }
    return error;
}
