/* Cutting command lines. See line.h. The work is linear in the input but for the unfinished rest,
 * which is looked through again when more has come and is never longer than `max`. */
#include "smtp/line.h"

static enum smtp_line throw_away(struct smtp_lines *lines, struct slice *input)
{
    lines->skipping = true;
    if (input->len)
        lines->skipped_cr = input->ptr[input->len - 1] == '\r';
    *input = slice_skip(*input, input->len);
    return SMTP_LINE_MORE;
}

static enum smtp_line judge(struct slice line)
{
    if (slice_find(line, '\0') >= 0)
        return SMTP_LINE_NUL;
    if (slice_find(line, '\r') >= 0)
        return SMTP_LINE_BARE_CR;
    return SMTP_LINE_GOOD;
}

enum smtp_line smtp_lines_next(struct smtp_lines *lines, struct slice *input,
                               struct slice *ret_line)
{
    ptrdiff_t lf = slice_find(*input, '\n');
    bool too_long = lines->skipping;
    struct slice line;
    enum smtp_line verdict;
    bool cr;

    if (lf < 0) {
        bool full = lines->skipping || input->len >= lines->max;
        return full ? throw_away(lines, input) : SMTP_LINE_MORE;
    }
    line = slice_sub(*input, 0, (size_t)lf);
    cr = line.len ? line.ptr[line.len - 1] == '\r' : lines->skipping && lines->skipped_cr;
    too_long = too_long || line.len + 1 > lines->max;
    *input = slice_skip(*input, (size_t)lf + 1);
    lines->skipping = false;
    lines->skipped_cr = false;
    if (!cr && !lines->bare_lf_ok)
        return SMTP_LINE_BARE_LF;
    if (too_long)
        return SMTP_LINE_LONG;
    if (cr)
        line.len--;
    verdict = judge(line);
    if (verdict == SMTP_LINE_GOOD)
        *ret_line = line;
    return verdict;
}
