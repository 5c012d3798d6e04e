/* Command lines: cut alike however they are segmented, and every parser bears any argument. */
#include "smtp/command.h"
#include "smtp/line.h"
#include "smtp/param.h"
#include "smtp/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(struct slice line, struct buf *seen)
{
    struct smtp_command command = smtp_command_parse(line);
    struct smtp_endpoint client;
    struct smtp_xclient xclient;
    struct smtp_mail mail;
    struct smtp_rcpt rcpt;
    struct arena arena;
    uint64_t number;
    size_t used;
    bool last;

    arena_init(&arena);
    struct smtp_reply replies[] = {smtp_mail_parse(command.argument, &arena, &mail),
                                   smtp_rcpt_parse(command.argument, true, &arena, &rcpt),
                                   smtp_xclient_parse(command.argument, &arena, &xclient)};
    (void)smtp_bdat_parse(command.argument, &number, &last);
    (void)smtp_hello_name_is_valid(command.argument);
    (void)smtp_proxy_parse(line, &used, &client);
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        size_t before = seen->len;
        smtp_reply_write(seen, &replies[i]);
        for (size_t at = before; at + 2 < seen->len; at++) {
            if (seen->ptr[at] == '\n' || seen->ptr[at] == '\r')
                abort(); /* input has broken a reply in two */
        }
    }
    arena_done(&arena);
}

static void run(struct slice input, size_t step, struct buf *seen)
{
    struct smtp_lines lines = {.max = 512};
    struct buf pending;

    buf_init(&pending, 512 + input.len);
    for (size_t at = 0; at < input.len; at += step) {
        struct slice rest, line = SLICE_NULL;
        enum smtp_line verdict;
        buf_add_slice(&pending, slice_sub(input, at, step));
        rest = buf_slice(&pending);
        while ((verdict = smtp_lines_next(&lines, &rest, &line)) != SMTP_LINE_MORE) {
            buf_printf(seen, "%d ", verdict);
            if (verdict == SMTP_LINE_GOOD)
                parse(line, seen);
        }
        buf_drop_front(&pending, pending.len - rest.len);
    }
    buf_done(&pending);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_from(data, size);
    struct buf whole, bytes;

    buf_init(&whole, SIZE_MAX);
    buf_init(&bytes, SIZE_MAX);
    run(input, size ? size : 1, &whole);
    run(input, 1, &bytes);
    if (!slice_eq(buf_slice(&whole), buf_slice(&bytes)))
        abort();
    buf_done(&whole);
    buf_done(&bytes);
    return 0;
}
