/* The scanner, fed in pieces, and the iterator over the whole see the same header section. */
#include "mail/header.h"
#include "mail/headerscan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_field(const struct headerscan *scan, struct slice message, const char *name,
                        enum headerscan_name which)
{
    const struct headerscan_seen *seen = &scan->seen[which];
    struct header_field field;

    require(seen->count == header_count(message, slice_from_cstr(name)));
    if (header_find(message, slice_from_cstr(name), &field))
        require(seen->offset == field.offset && seen->len == field.raw.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice message = slice_from(data, size);
    struct header_iter iter = header_iterate(message);
    struct header_field field;
    struct headerscan scan;
    size_t step = size ? 1 + data[0] % 7 : 1;
    size_t counted[2] = {0, 0};

    headerscan_init(&scan);
    for (size_t at = 0; at < size && !scan.done; at += step)
        headerscan_feed(&scan, slice_sub(message, at, step));
    headerscan_end(&scan);
    while (header_next(&iter, &field))
        counted[field.malformed]++;
    require(scan.fields == counted[0] && scan.bad == counted[1]);
    require(scan.size == header_section_size(message));
    check_field(&scan, message, "Date", HEADERSCAN_DATE);
    check_field(&scan, message, "Received", HEADERSCAN_RECEIVED);
    check_field(&scan, message, "Bcc", HEADERSCAN_BCC);
    return 0;
}
