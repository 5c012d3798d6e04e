/*
 * Generated header fields: words with blanks between them, folded where a line would pass 78
 * octets (RFC 5322 section 2.1.1), and text as encoded words where it is not ASCII (RFC 2047).
 *
 * What is written may hold names and words of strangers (HELO, replies, addresses): control bytes
 * are taken out here, so that nobody can add a line of his own. Encoded words use the Q encoding
 * with the few characters that are safe even within a phrase (section 5), so that one function
 * serves every place.
 */
#include "mail/headerwrite.h"
#include "base/utf8.h"

#include <string.h>

enum {
    LINE_WANTED = 78,
    WORD_MAX = 900,         /* below the 998 of RFC 5322, with room for a name before it */
    ENCODED_LINE_MAX = 76,  /* RFC 2047 section 2; a word is at most 75, behind a blank */
    ENCODED_FIRST_MIN = 30, /* less room than this behind the name is not worth beginning in */
};

struct headerwrite headerwrite_begin(struct buf *out, const char *name)
{
    buf_printf(out, "%s:", name);
    return (struct headerwrite){.out = out, .column = strlen(name) + 1, .empty = true};
}

static void add_piece(struct headerwrite *field, struct slice piece)
{
    bool fold = !field->empty && field->column + 1 + piece.len > LINE_WANTED;

    if (fold) {
        buf_add_cstr(field->out, "\r\n");
        field->column = 0;
    }
    buf_add_char(field->out, ' ');
    for (size_t i = 0; i < piece.len; i++) {
        bool control = (unsigned char)piece.ptr[i] < ' ' || piece.ptr[i] == 127;
        buf_add_char(field->out, control ? '?' : piece.ptr[i]);
    }
    field->column += 1 + piece.len;
    field->empty = false;
}

void headerwrite_word(struct headerwrite *field, struct slice word)
{
    while (word.len > WORD_MAX) {
        add_piece(field, slice_sub(word, 0, WORD_MAX));
        word = slice_skip(word, WORD_MAX);
    }
    if (word.len)
        add_piece(field, word);
}

void headerwrite_words(struct headerwrite *field, struct slice text)
{
    size_t start = 0;

    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && !strchr(" \t\r\n", text.ptr[i]))
            continue;
        /* strchr() finds the NUL of its string too; a NUL of the text belongs to a word. */
        if (i < text.len && text.ptr[i] == '\0')
            continue;
        headerwrite_word(field, slice_sub(text, start, i - start));
        start = i + 1;
    }
}

void headerwrite_end(struct headerwrite *field)
{
    buf_add_cstr(field->out, "\r\n");
}

void headerwrite_field(struct buf *out, const char *name, struct slice text)
{
    struct headerwrite field = headerwrite_begin(out, name);

    headerwrite_words(&field, text);
    headerwrite_end(&field);
}

static size_t q_len(struct slice octets)
{
    size_t len = 0;

    for (size_t i = 0; i < octets.len; i++) {
        char c = octets.ptr[i];
        len += ascii_is_alnum(c) || c == ' ' || (c && strchr("!*+-/", c)) ? 1 : 3;
    }
    return len;
}

static void put_q(struct buf *out, struct slice octets)
{
    for (size_t i = 0; i < octets.len; i++) {
        struct slice octet = slice_sub(octets, i, 1);
        if (octet.ptr[0] == ' ')
            buf_add_char(out, '_');
        else if (q_len(octet) == 1)
            buf_add_slice(out, octet);
        else
            buf_printf(out, "=%02X", (unsigned)(unsigned char)octet.ptr[0]);
    }
}

/* As many characters from the beginning of `text` as fit into `room` octets when encoded. */
static struct slice take_fitting(struct slice text, bool utf8, size_t room)
{
    size_t len = 0;

    while (len < text.len) {
        struct slice rest = slice_skip(text, len);
        struct slice next = slice_sub(rest, 0, utf8 ? utf8_char_len(rest) : 1);
        size_t needed = q_len(next);
        if (needed > room)
            break;
        room -= needed;
        len += next.len;
    }
    return slice_sub(text, 0, len);
}

void headerwrite_encoded_words(struct buf *out, struct slice text, size_t column)
{
    bool utf8 = utf8_is_valid(text);
    struct slice prefix = utf8 ? SLICE("=?utf-8?q?") : SLICE("=?unknown-8bit?q?");

    while (text.len) {
        struct slice piece;
        if (column + ENCODED_FIRST_MIN > ENCODED_LINE_MAX) {
            buf_add_cstr(out, "\r\n");
            column = 0;
        }
        piece = take_fitting(text, utf8, ENCODED_LINE_MAX - column - 1 - prefix.len - 2);
        buf_add_char(out, ' ');
        buf_add_slice(out, prefix);
        put_q(out, piece);
        buf_add_cstr(out, "?=");
        text = slice_skip(text, piece.len);
        column = ENCODED_LINE_MAX;
    }
}

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c > 126 || (c < ' ' && c != '\t'))
            return false;
        /* Plain text that would be read as an encoded word. */
        if (c == '=' && i + 1 < text.len && text.ptr[i + 1] == '?')
            return false;
    }
    return true;
}

void headerwrite_text(struct buf *out, const char *name, struct slice text)
{
    struct headerwrite field = headerwrite_begin(out, name);

    if (is_plain(text))
        headerwrite_words(&field, text);
    else
        headerwrite_encoded_words(out, text, field.column);
    headerwrite_end(&field);
}
