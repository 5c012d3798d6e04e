/*
 * Dot-stuffing by lines: memchr finds the line ends, the text between them is copied whole. Text
 * that is already clean (the usual case) costs one search for LF, one for CR and one copy a line.
 */
#include "smtp/dot_stuff.h"

void dot_stuff_init(struct dot_stuff *stuff, bool dots)
{
    *stuff = (struct dot_stuff){.dots = dots, .line_start = true};
}

/* Text without LF. Its bare CRs become line ends; a CR at its very end waits for what follows. */
static void add_part(struct dot_stuff *stuff, struct slice part, struct buf *out)
{
    while (part.len) {
        ptrdiff_t cr = slice_find(part, '\r');
        struct slice text = slice_sub(part, 0, cr < 0 ? part.len : (size_t)cr);

        if (stuff->cr) {
            buf_add(out, "\r\n", 2);
            stuff->cr = false;
            stuff->line_start = true;
        }
        if (text.len) {
            if (stuff->line_start && stuff->dots && text.ptr[0] == '.')
                buf_add_char(out, '.');
            buf_add_slice(out, text);
            stuff->line_start = false;
        }
        stuff->cr = cr >= 0;
        part = slice_skip(part, text.len + stuff->cr);
    }
}

void dot_stuff_add(struct dot_stuff *stuff, struct slice input, struct buf *out)
{
    while (input.len) {
        ptrdiff_t lf = slice_find(input, '\n');

        if (lf < 0) {
            add_part(stuff, input, out);
            return;
        }
        add_part(stuff, slice_sub(input, 0, (size_t)lf), out);
        buf_add(out, "\r\n", 2);
        stuff->cr = false;
        stuff->line_start = true;
        input = slice_skip(input, (size_t)lf + 1);
    }
}

void dot_stuff_end(struct dot_stuff *stuff, struct buf *out)
{
    if (stuff->cr || !stuff->line_start)
        buf_add(out, "\r\n", 2);
    if (stuff->dots)
        buf_add(out, ".\r\n", 3);
    dot_stuff_init(stuff, stuff->dots);
}
