/* Addresses and messages that other projects collected, against the promises of src/mail. */
#include "corpora.h"
#include "base/utf8.h"
#include "mail/address.h"
#include "mail/encoding.h"
#include "mail/header.h"
#include "mail/headerscan.h"
#include "mail/mime.h"
#include "mail/reencode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* What stands between two tags, from *at on. */
static bool next_element(struct slice text, const char *open, const char *close, size_t *at,
                         struct slice *ret_content)
{
    struct slice rest = slice_skip(text, *at);
    const char *start = rest.len ? memmem(rest.ptr, rest.len, open, strlen(open)) : NULL;
    const char *end;

    if (!start)
        return false;
    start += strlen(open);
    end = memmem(start, (size_t)(text.ptr + text.len - start), close, strlen(close));
    if (!end)
        return false;
    *ret_content = slice_from(start, (size_t)(end - start));
    *at = (size_t)(end - text.ptr);
    return true;
}

/* U+2400 and the following stand for control characters, which XML does not have. */
static void add_character(struct buf *out, uint64_t value)
{
    char octets[4];

    if (value >= 0x2400 && value < 0x2421)
        value -= 0x2400;
    buf_add(out, octets, utf8_put(octets, (uint32_t)value));
}

static void unescape(struct buf *out, struct slice xml)
{
    static const struct {
        struct slice name;
        char c;
    } entities[] = {
        {SLICE_INIT("&amp;"), '&'},  {SLICE_INIT("&lt;"), '<'},    {SLICE_INIT("&gt;"), '>'},
        {SLICE_INIT("&quot;"), '"'}, {SLICE_INIT("&apos;"), '\''},
    };

    while (xml.len) {
        size_t len = 1;
        if (slice_starts_with_nocase(xml, SLICE("&#x"))) {
            len = (size_t)slice_find(xml, ';') + 1;
            add_character(out, strtoul(xml.ptr + 3, NULL, 16));
        } else {
            char c = xml.ptr[0];
            for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
                if (slice_starts_with_nocase(xml, entities[i].name)) {
                    c = entities[i].c;
                    len = entities[i].name.len;
                }
            }
            buf_add_char(out, c);
        }
        xml = slice_skip(xml, len);
    }
}

/* Which of the collection's verdicts mean that SMTP takes the address. */
static bool is_good_for_smtp(struct slice category, struct slice diagnosis)
{
    /* "::" for a single group: RFC 4291 allows it, and so does everybody's inet_pton(). */
    if (slice_eq(diagnosis, SLICE("ISEMAIL_RFC5321_IPV6DEPRECATED")))
        return true;
    return slice_eq(category, SLICE("ISEMAIL_VALID_CATEGORY")) ||
           slice_eq(category, SLICE("ISEMAIL_DNSWARN")) ||
           slice_eq(category, SLICE("ISEMAIL_RFC5321"));
}

static size_t addresses;

static void check_addresses(const char *path, struct slice xml)
{
    struct slice address;
    struct slice category;
    struct slice diagnosis;
    size_t at = 0;

    if (!slice_ends_with_nocase(slice_from_cstr(path), SLICE("address/tests.xml")))
        return;
    while (next_element(xml, "<address>", "</address>", &at, &address) &&
           next_element(xml, "<category>", "</category>", &at, &category) &&
           next_element(xml, "<diagnosis>", "</diagnosis>", &at, &diagnosis)) {
        struct address ignored;
        struct address_result result;
        struct buf text;

        buf_init(&text, 4096);
        unescape(&text, address);
        result = address_parse_mailbox(buf_slice(&text), 0, &ignored);
        if ((result.error == ADDRESS_OK) != is_good_for_smtp(category, diagnosis))
            fail_msg("%.*s (%.*s): %s at %zu", SLICE_ARG(address), SLICE_ARG(diagnosis),
                     address_error_text(result.error), result.at);
        addresses++;
        buf_done(&text);
    }
}

static void test_addresses(void **state)
{
    (void)state;
    if (corpora_visit("address", check_addresses) == 0)
        skip();
    assert_in_range(addresses, 100, 1000);
}

static void check_header(const char *path, struct slice message)
{
    struct header_iter iter = header_iterate(message);
    struct header_field field;
    struct headerscan scan;
    size_t fields = 0;

    headerscan_init(&scan);
    for (size_t at = 0; at < message.len && !scan.done; at += 7)
        headerscan_feed(&scan, slice_sub(message, at, 7));
    headerscan_end(&scan);
    while (header_next(&iter, &field))
        fields += !field.malformed;
    if (scan.fields != fields || scan.size != header_section_size(message))
        fail_msg("%s: %u fields of %zu", path, scan.fields, fields);
}

static void decode_part(struct buf *out, struct slice message, const struct mime_part *part)
{
    struct slice body = slice_sub(message, part->body, part->end - part->body);

    if (part->encoding == MIME_BASE64)
        base64_decode(out, body, NULL);
    else if (part->encoding == MIME_QUOTED_PRINTABLE)
        qp_decode(out, body, NULL);
    else
        buf_add_slice(out, body);
}

static void check_same_parts(const char *path, struct slice before, struct slice after)
{
    struct arena arena;
    struct mime_tree a;
    struct mime_tree b;

    arena_init(&arena);
    assert_int_equal(mime_parse(before, &arena, &a), 0);
    assert_int_equal(mime_parse(after, &arena, &b), 0);
    if (a.n != b.n)
        fail_msg("%s: %u parts became %u", path, a.n, b.n);
    for (uint32_t i = 0; i < a.n; i++) {
        struct buf x;
        struct buf y;
        buf_init(&x, before.len);
        buf_init(&y, after.len);
        decode_part(&x, before, &a.parts[i]);
        decode_part(&y, after, &b.parts[i]);
        assert_int_equal(a.parts[i].parent, b.parts[i].parent);
        if (a.parts[i].kind == MIME_LEAF && !slice_eq(buf_slice(&x), buf_slice(&y)))
            fail_msg("%s: part %u is not the same", path, i);
        buf_done(&x);
        buf_done(&y);
    }
    arena_done(&arena);
}

static size_t outcomes[REENCODE_TOO_LARGE + 1];

static void check_message(const char *path, struct slice content)
{
    struct buf message;
    struct buf out;
    enum reencode_outcome outcome;

    buf_init(&message, 2 * content.len + 1);
    buf_init(&out, 5 * content.len + 10000);
    corpora_add_crlf(&message, content);
    check_header(path, buf_slice(&message));
    outcome = reencode_to_7bit(buf_slice(&message), &out);
    outcomes[outcome]++;
    if (outcome == REENCODE_CHANGED) {
        if (reencode_is_needed(buf_slice(&out)))
            fail_msg("%s: still not 7-bit", path);
        check_same_parts(path, buf_slice(&message), buf_slice(&out));
    }
    assert_int_not_equal(outcome, REENCODE_TOO_LARGE);
    buf_done(&message);
    buf_done(&out);
}

static void test_messages(void **state)
{
    (void)state;
    if (corpora_visit("mime", check_message) + corpora_visit("dsn", check_message) == 0)
        skip();
    /* Not all of the files are messages; but most are, and some of those have 8-bit text. */
    assert_in_range(outcomes[REENCODE_UNCHANGED], 100, 10000);
    assert_in_range(outcomes[REENCODE_CHANGED], 10, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
