/*
 * See intake.h. Bytes go straight from the caller's buffer into the spool's; only a header section
 * that is to be repaired is gathered first, bounded by the limit on header sections.
 *
 * Limits: message_size, header_size, header_count, received (loops), text_line. The size that
 * counts is the client's, without our trace field.
 */
#include "receive/intake.h"

#include "io/turns.h"

#include <errno.h>

enum {
    REPAIR_ROOM = 4096, /* what repairing can add to a header section */
    LARGE = 512 * 1024,
};

static void keep_field(void *arg, struct slice piece);

static void init_filter(struct intake *intake)
{
    const struct forged_options options = {.authserv_id = intake->options.config->hostname,
                                           .max = intake->header.max,
                                           .keep = keep_field,
                                           .removed = intake->options.forged,
                                           .removed_arg = intake->options.forged_arg,
                                           .keep_arg = intake};

    forged_init(&intake->filter, &options);
}

void intake_init(struct intake *intake, const struct intake_options *options)
{
    *intake = (struct intake){.options = *options};
    if (intake->options.message_size == 0)
        intake->options.message_size = options->config->limits.message_size;
    smtp_text_init(&intake->text, options->dots, options->convert,
                   options->config->limits.text_line);
    headerscan_init(&intake->scan);
    buf_init(&intake->header, options->config->limits.header_size + REPAIR_ROOM);
    intake->body = spool_body_new(options->spool, options->id);
    spool_body_keep_room(intake->body, options->room);
    if (options->forged)
        init_filter(intake);
}

struct slice intake_header_id(const struct intake *intake, struct arena *arena)
{
    const struct intake_options *options = &intake->options;
    const struct repair repair = {
        .hostname = options->config->hostname, .seconds = options->seconds, .id = options->id};

    if (options->repair && intake->scan.seen[HEADERSCAN_MESSAGE_ID].count == 0)
        return repair_message_id(&repair, arena);
    return slice_from(intake->scan.message_id, intake->scan.message_id_len);
}

void intake_done(struct intake *intake)
{
    spool_body_free(intake->body);
    intake->body = NULL;
    buf_done(&intake->header);
    forged_done(&intake->filter);
}

struct smtp_reply intake_spool_failure(int error)
{
    if (error == -ENOSPC)
        return SMTP_REPLY(452, 4, 3, 1, "out of space, try again later");
    return SMTP_REPLY(451, 4, 3, 0, "cannot store it now, try again later");
}

static void fail(struct intake *intake, struct smtp_reply fault)
{
    if (intake->fault.code == 0)
        intake->fault = fault;
    spool_body_free(intake->body);
    intake->body = NULL;
    buf_done(&intake->header);
}

/* Small bodies gather in memory; what is larger goes to a file, and a disk can make one wait. */
static void store(struct intake *intake, struct slice bytes)
{
    int r;

    if (!intake->body || bytes.len == 0)
        return;
    if (spool_body_size(intake->body) > LARGE)
        turns_give_up();
    r = spool_body_add(intake->body, bytes);
    if (r < 0)
        fail(intake, intake_spool_failure(r));
}

static void check_header(struct intake *intake)
{
    const struct config_limits *limits = &intake->options.config->limits;
    const struct headerscan *scan = &intake->scan;

    if (scan->size > limits->header_size)
        fail(intake, SMTP_REPLY(552, 5, 3, 4, "header section too large"));
    else if (scan->fields > limits->header_count)
        fail(intake, SMTP_REPLY(554, 5, 6, 0, "too many header fields"));
    else if (scan->seen[HEADERSCAN_RECEIVED].count > limits->received)
        fail(intake, SMTP_REPLY(554, 5, 4, 6, "too many hops, this looks like a mail loop"));
}

/* The trace field goes out when the first byte of the text comes or the text ends without one. */
static void store_trace(struct intake *intake)
{
    store(intake, intake->options.trace);
    intake->options.trace = SLICE_NULL;
}

static void store_repaired(struct intake *intake)
{
    const struct intake_options *options = &intake->options;
    struct repair repair = {.hostname = options->config->hostname,
                            .sender = options->sender,
                            .seconds = options->seconds,
                            .id = options->id};
    struct smtp_reply fault = SMTP_REPLY_NONE;
    struct buf repaired;

    if (!intake->body)
        return;
    if (options->judge)
        fault = options->judge(options->judge_arg, buf_slice(&intake->header), &repair);
    if (fault.code) {
        fail(intake, fault);
        return;
    }
    buf_init(&repaired, intake->header.max + REPAIR_ROOM);
    repair_header(&repaired, buf_slice(&intake->header), &repair);
    store(intake, buf_slice(&repaired));
    buf_done(&repaired);
    buf_done(&intake->header);
}

/* What stays of the header section. */
static void keep_field(void *arg, struct slice piece)
{
    struct intake *intake = arg;

    if (!intake->options.repair)
        store(intake, piece);
    else if (intake->body)
        buf_add_slice(&intake->header, piece);
}

static void keep_header(struct intake *intake, struct slice part)
{
    check_header(intake);
    if (intake->options.forged)
        forged_feed(&intake->filter, part);
    else
        keep_field(intake, part);
    if (!intake->scan.done)
        return;
    forged_end(&intake->filter);
    if (intake->options.repair)
        store_repaired(intake);
}

static void keep(struct intake *intake, struct slice run)
{
    intake->size += run.len;
    if (!intake->body)
        return;
    if (intake->size > intake->options.message_size) {
        fail(intake, SMTP_REPLY(552, 5, 3, 4, "message too large"));
        return;
    }
    store_trace(intake);
    if (intake->options.watch)
        intake->options.watch(intake->options.watch_arg, run);
    if (!intake->scan.done) {
        size_t len = headerscan_feed(&intake->scan, run);
        keep_header(intake, slice_sub(run, 0, len));
        run = slice_skip(run, len);
    }
    store(intake, run);
}

static void check_text(struct intake *intake)
{
    unsigned faults = intake->text.faults;

    if (faults & (SMTP_TEXT_BARE_CR | SMTP_TEXT_BARE_LF))
        fail(intake, SMTP_REPLY(554, 5, 6, 0, "bare CR or LF: lines of a message end in CRLF"));
    else if (faults & SMTP_TEXT_NUL)
        fail(intake, SMTP_REPLY(554, 5, 6, 0, "a message may not contain NUL"));
    else if (faults & SMTP_TEXT_LONG_LINE)
        fail(intake, SMTP_REPLY(554, 5, 6, 0, "a line of the message is too long"));
}

bool intake_feed(struct intake *intake, struct slice *input)
{
    struct slice run;

    while (smtp_text_next(&intake->text, input, &run))
        keep(intake, run);
    if (intake->text.faults)
        check_text(intake);
    return intake->text.ended;
}

struct spool_body *intake_finish(struct intake *intake, struct smtp_reply *ret_fault)
{
    struct spool_body *body;

    if (!intake->options.dots)
        keep(intake, smtp_text_finish(&intake->text));
    check_text(intake);
    headerscan_end(&intake->scan);
    check_header(intake);
    store_trace(intake);
    forged_end(&intake->filter);
    if (intake->options.repair && !intake->scan.done)
        store_repaired(intake);
    body = intake->body;
    intake->body = NULL;
    *ret_fault = intake->fault;
    return body;
}
