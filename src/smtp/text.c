/*
 * The machine behind smtp/text.h.
 *
 * Between two bytes of input it is in one of the states below. A CR is held back until the byte
 * after it is known, and so is a dot at the start of a line. The long way through a message is
 * take_lines(), which finds line ends by memchr() and returns whole stretches of good lines.
 *
 * A line begun by a bare CR or LF (which only `convert` knows) loses a stuffed dot like any other,
 * but its dot alone is text, not an end.
 */
#include "smtp/text.h"

enum state {
    MIDDLE,    /* within a line */
    START,     /* behind CRLF, or at the very start */
    START_DOT, /* "." at START */
    DOT_CR,    /* "." CR at START */
    CR,        /* a CR held back */
    FAKE,      /* behind a bare CR or LF that was converted */
    FAKE_DOT,  /* "." at FAKE */
};

void smtp_text_init(struct smtp_text *text, bool dots, bool convert, uint64_t line_max)
{
    *text = (struct smtp_text){.dots = dots, .convert = convert, .line_max = line_max};
    text->state = START;
}

static void count_line(struct smtp_text *text, size_t octets, bool ended)
{
    text->line_len += octets;
    if (text->line_len > text->line_max)
        text->faults |= SMTP_TEXT_LONG_LINE;
    if (ended)
        text->line_len = 0;
}

static void look_for_bytes(struct smtp_text *text, struct slice run)
{
    uint64_t bits = 0, word;
    size_t i = 0;

    if (run.len && memchr(run.ptr, '\0', run.len))
        text->faults |= SMTP_TEXT_NUL;
    if (text->eight_bit)
        return;
    for (; i + sizeof(word) <= run.len; i += sizeof(word)) {
        memcpy(&word, run.ptr + i, sizeof(word));
        bits |= word;
    }
    for (; i < run.len; i++)
        bits |= (unsigned char)run.ptr[i];
    text->eight_bit = (bits & 0x8080808080808080U) != 0;
}

/* A line end of one byte. Returns what is kept for it. */
static struct slice take_bare(struct smtp_text *text, char byte)
{
    static const char bytes[] = "\r\n";

    if (text->convert) {
        text->state = FAKE;
        count_line(text, 2, true);
        return slice_from(bytes, 2);
    }
    text->faults |= byte == '\r' ? SMTP_TEXT_BARE_CR : SMTP_TEXT_BARE_LF;
    text->state = MIDDLE;
    count_line(text, 1, false);
    return slice_from(byte == '\r' ? bytes : bytes + 1, 1);
}

/*
 * Takes good lines, and the beginning of one, from `at` on. Returns the offset behind them: the
 * end of the input, a held-back CR (the state says so), a dot at a line's start, or a bare byte.
 */
static size_t take_lines(struct smtp_text *text, struct slice input)
{
    size_t at = 0;

    while (at < input.len) {
        struct slice rest = slice_skip(input, at);
        ptrdiff_t lf, cr;
        if (text->state == START && text->dots && rest.ptr[0] == '.')
            return at;
        lf = slice_find(rest, '\n');
        cr = slice_find(lf < 0 ? rest : slice_sub(rest, 0, (size_t)lf), '\r');
        if (lf > 0 && cr == lf - 1) {
            at += (size_t)lf + 1;
            count_line(text, (size_t)lf + 1, true);
            text->state = START;
            continue;
        }
        text->state = MIDDLE;
        if (cr >= 0 || lf >= 0) {
            size_t good = (size_t)(cr >= 0 ? cr : lf);
            count_line(text, good, false);
            return at + good;
        }
        count_line(text, rest.len, false);
        return input.len;
    }
    return at;
}

/* A run of lines, or one bare byte that stopped it at once. */
static void take_run(struct smtp_text *text, struct slice *input, struct slice *ret_run)
{
    size_t len = take_lines(text, *input);

    if (len == 0 && input->ptr[0] == '\r') {
        text->state = CR;
        *input = slice_skip(*input, 1);
        return;
    }
    if (len == 0) {
        *ret_run = take_bare(text, input->ptr[0]);
        *input = slice_skip(*input, 1);
        return;
    }
    *ret_run = slice_sub(*input, 0, len);
    *input = slice_skip(*input, len);
}

/* The byte behind a CR that was held back; it is taken only if it is the LF. */
static struct slice take_after_cr(struct smtp_text *text, struct slice *input)
{
    if (input->ptr[0] != '\n')
        return take_bare(text, '\r');
    *input = slice_skip(*input, 1);
    text->state = START;
    count_line(text, 2, true);
    return SLICE("\r\n");
}

/* The byte behind "." at the start of a line, or behind "." CR. */
static void take_after_dot(struct smtp_text *text, struct slice *input)
{
    bool whole = text->state == DOT_CR;

    if (whole && input->ptr[0] == '\n') {
        *input = slice_skip(*input, 1);
        text->ended = true;
    } else if (whole) {
        text->state = CR; /* the dot is gone, the CR is a bare one */
    } else if (input->ptr[0] == '\r') {
        *input = slice_skip(*input, 1);
        text->state = DOT_CR;
    } else {
        text->state = MIDDLE;
    }
}

static void take_after_fake(struct smtp_text *text, struct slice *input, struct slice *ret_run)
{
    if (text->state == FAKE && text->dots && input->ptr[0] == '.') {
        *input = slice_skip(*input, 1);
        text->state = FAKE_DOT;
        return;
    }
    if (text->state == FAKE_DOT && (input->ptr[0] == '\r' || input->ptr[0] == '\n')) {
        count_line(text, 1, false);
        *ret_run = SLICE(".");
    }
    text->state = MIDDLE;
}

bool smtp_text_next(struct smtp_text *text, struct slice *input, struct slice *ret_run)
{
    struct slice run = SLICE_NULL;

    if (text->ended || input->len == 0)
        return false;
    switch ((enum state)text->state) {
    case START:
        if (text->dots && input->ptr[0] == '.') {
            *input = slice_skip(*input, 1);
            text->state = START_DOT;
            break;
        }
        take_run(text, input, &run);
        break;
    case MIDDLE:
        take_run(text, input, &run);
        break;
    case START_DOT:
    case DOT_CR:
        take_after_dot(text, input);
        break;
    case CR:
        run = take_after_cr(text, input);
        break;
    case FAKE:
    case FAKE_DOT:
        take_after_fake(text, input, &run);
        break;
    }
    look_for_bytes(text, run);
    *ret_run = run;
    return true;
}

struct slice smtp_text_finish(struct smtp_text *text)
{
    if (text->state == CR)
        return take_bare(text, '\r');
    if (text->line_len == 0)
        return SLICE_NULL;
    count_line(text, 2, true);
    return SLICE("\r\n");
}
