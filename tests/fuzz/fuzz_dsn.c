/* Whatever a stranger says in names, replies, parameters and mail: a notification has its three
 * parts, its status part one recipient, and no line is too long (but for those of the original). */
#include "mail/dsn.h"
#include "mail/header.h"
#include "mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_status(struct slice status)
{
    struct slice recipient = slice_skip(status, header_section_size(status));

    require(header_count(status, SLICE("Reporting-MTA")) == 1);
    require(header_count(recipient, SLICE("Action")) == 1);
    require(header_count(recipient, SLICE("Final-Recipient")) == 1);
    require(header_section_size(recipient) == recipient.len);
    while (status.ptr)
        require(slice_cut(&status, '\n').len <= 999);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_from(data, size);
    struct dsn_recipient recipient = {.action = DSN_FAILED, .smtp = true};
    struct dsn dsn = {.hostname = SLICE("mx.example.org"),
                      .message_id = SLICE("<1@mx.example.org>"),
                      .to = SLICE("a@example.org"),
                      .recipients = &recipient,
                      .n_recipients = 1};
    struct mime_tree tree;
    struct arena arena;
    struct buf out;

    recipient.address = SLICE("b@example.org");
    dsn.envid = slice_cut(&rest, '\f');
    recipient.orcpt = slice_cut(&rest, '\f');
    recipient.remote_mta = slice_cut(&rest, '\f');
    recipient.diagnostic = slice_cut(&rest, '\f');
    dsn.original = rest;
    dsn.original_size = rest.len;
    arena_init(&arena);
    buf_init(&out, 8 * size + 16384);
    dsn_build(&out, &dsn);
    require(!out.overflow);
    if (mime_parse(buf_slice(&out), &arena, &tree) == 0) {
        uint32_t children = 0;
        for (uint32_t i = 1; i < tree.n; i++)
            children += tree.parts[i].depth == 1;
        require(children == 3 && !tree.parts[0].unterminated);
        check_status(
            slice_sub(buf_slice(&out), tree.parts[2].body, tree.parts[2].end - tree.parts[2].body));
    }
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
