/*
 * A header section as a state machine over bytes, so that it may come in pieces of any size.
 *
 * It must agree with header.c byte for byte about where fields begin and end; the fuzz target
 * compares the two. A field is counted when its colon comes; its length is known when the next
 * line that is not a continuation begins.
 *
 * Keeps the first 64 octets of a name and nothing else; no watched name is longer.
 */
#include "mail/headerscan.h"

#include <string.h>

enum state {
    AT_LINE_START,
    IN_NAME,
    BEHIND_NAME, /* blanks before the colon */
    IN_LINE,
    BEHIND_CR, /* a CR began the line: the empty one, or a bad one */
};

static const struct slice watched[HEADERSCAN_NAMES] = {
    [HEADERSCAN_DATE] = SLICE_INIT("Date"),
    [HEADERSCAN_MESSAGE_ID] = SLICE_INIT("Message-ID"),
    [HEADERSCAN_FROM] = SLICE_INIT("From"),
    [HEADERSCAN_SENDER] = SLICE_INIT("Sender"),
    [HEADERSCAN_BCC] = SLICE_INIT("Bcc"),
    [HEADERSCAN_RESENT_BCC] = SLICE_INIT("Resent-Bcc"),
    [HEADERSCAN_RECEIVED] = SLICE_INIT("Received"),
    [HEADERSCAN_DELIVERED_TO] = SLICE_INIT("Delivered-To"),
    [HEADERSCAN_RETURN_PATH] = SLICE_INIT("Return-Path"),
    [HEADERSCAN_DKIM_SIGNATURE] = SLICE_INIT("DKIM-Signature"),
};

void headerscan_init(struct headerscan *scan)
{
    *scan = (struct headerscan){.state = AT_LINE_START, .current = -1};
}

static void count(uint32_t *counter)
{
    if (*counter < UINT32_MAX)
        (*counter)++;
}

/* The field that was open ends where the present line begins. */
static void close_field(struct headerscan *scan)
{
    if (scan->current >= 0 && scan->seen[scan->current].count == 1)
        scan->seen[scan->current].len = scan->line_start - scan->field_start;
    scan->current = -1;
}

static void open_field(struct headerscan *scan)
{
    struct slice name = slice_from(scan->name, scan->name_len);

    count(&scan->fields);
    if (scan->name_len > HEADERSCAN_NAME_MAX)
        return;
    for (int i = 0; i < HEADERSCAN_NAMES; i++) {
        if (!slice_eq_nocase(name, watched[i]))
            continue;
        count(&scan->seen[i].count);
        if (scan->seen[i].count == 1)
            scan->seen[i].offset = scan->field_start;
        scan->current = i;
        return;
    }
}

/* The line is no field. */
static enum state bad_line(struct headerscan *scan, char c)
{
    count(&scan->bad);
    return c == '\n' ? AT_LINE_START : IN_LINE;
}

static void add_to_name(struct headerscan *scan, char c)
{
    if (scan->name_len < HEADERSCAN_NAME_MAX)
        scan->name[scan->name_len++] = c;
    else
        scan->name_len = HEADERSCAN_NAME_MAX + 1;
}

static enum state in_name(struct headerscan *scan, char c)
{
    if (c == ':' && scan->name_len) {
        open_field(scan);
        return IN_LINE;
    }
    if (ascii_is_blank(c) && scan->name_len)
        return BEHIND_NAME;
    if (c <= ' ' || c >= 127 || c == ':')
        return bad_line(scan, c);
    add_to_name(scan, c);
    return IN_NAME;
}

static enum state behind_name(struct headerscan *scan, char c)
{
    if (ascii_is_blank(c))
        return BEHIND_NAME;
    if (c != ':')
        return bad_line(scan, c);
    open_field(scan);
    return IN_LINE;
}

static enum state at_line_start(struct headerscan *scan, char c)
{
    scan->line_start = scan->size;
    if (ascii_is_blank(c) && scan->size)
        return IN_LINE;
    close_field(scan);
    scan->field_start = scan->size;
    scan->name_len = 0;
    if (c == '\n') {
        scan->done = true;
        return AT_LINE_START;
    }
    return c == '\r' ? BEHIND_CR : in_name(scan, c);
}

static enum state behind_cr(struct headerscan *scan, char c)
{
    if (c != '\n')
        return bad_line(scan, c);
    scan->done = true;
    return AT_LINE_START;
}

static enum state next_state(struct headerscan *scan, char c)
{
    switch ((enum state)scan->state) {
    case AT_LINE_START:
        return at_line_start(scan, c);
    case IN_NAME:
        return in_name(scan, c);
    case BEHIND_NAME:
        return behind_name(scan, c);
    case BEHIND_CR:
        return behind_cr(scan, c);
    case IN_LINE:
        break;
    }
    return c == '\n' ? AT_LINE_START : IN_LINE;
}

static void measure_line(struct headerscan *scan)
{
    uint64_t len = scan->size - scan->line_start - scan->last_was_cr;

    if (len > scan->line_max)
        scan->line_max = len;
}

static void keep_message_id(struct headerscan *scan, char c)
{
    if (c == '<' && scan->message_id_len == 0 && scan->seen[HEADERSCAN_MESSAGE_ID].count == 1)
        scan->in_message_id = true;
    else if (c == '>' || c == '\n')
        scan->in_message_id = false;
    else if (scan->in_message_id && scan->message_id_len < HEADERSCAN_ID_MAX)
        scan->message_id[scan->message_id_len++] = c;
}

size_t headerscan_feed(struct headerscan *scan, struct slice chunk)
{
    size_t at = 0;

    while (at < chunk.len && !scan->done) {
        char c = chunk.ptr[at++];
        scan->state = (int)next_state(scan, c);
        if (scan->current == HEADERSCAN_MESSAGE_ID)
            keep_message_id(scan, c);
        scan->eight_bit |= (unsigned char)c > 127;
        if (c == '\n')
            measure_line(scan);
        scan->last_was_cr = c == '\r';
        scan->size++;
    }
    return at;
}

void headerscan_end(struct headerscan *scan)
{
    if (scan->done)
        return;
    if (scan->state == IN_NAME || scan->state == BEHIND_NAME || scan->state == BEHIND_CR)
        count(&scan->bad);
    if (scan->state != AT_LINE_START) {
        scan->last_was_cr = false;
        measure_line(scan);
    }
    scan->line_start = scan->size;
    close_field(scan);
    scan->state = IN_LINE;
}
