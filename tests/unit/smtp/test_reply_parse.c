#include "smtp/reply_parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

struct parsed {
    int result;
    size_t used;
    unsigned code;
    char words[REPLY_TEXT_MAX + 16];
};

/* The input in pieces of `piece` bytes. */
static struct parsed parse(struct slice input, size_t piece)
{
    struct reply_parse reply;
    struct parsed parsed = {.result = REPLY_MORE};
    struct buf words;

    reply_parse_init(&reply);
    while (parsed.result == REPLY_MORE && parsed.used < input.len) {
        size_t used = 0;
        parsed.result = reply_parse_add(&reply, slice_sub(input, parsed.used, piece), &used);
        parsed.used += used;
    }
    parsed.code = reply.code;
    buf_init(&words, sizeof(parsed.words) - 1);
    reply_add_words(&words, &reply);
    memcpy(parsed.words, words.ptr, words.len);
    buf_done(&words);
    reply_parse_done(&reply);
    return parsed;
}

static void test_replies_are_the_same_in_any_pieces(void **state)
{
    static const struct {
        struct slice input;
        int result;
        const char *words;
        size_t rest; /* bytes left for the next reply */
    } cases[] = {
        {SLICE_INIT("250 ok\r\n"), REPLY_COMPLETE, "250 ok", 0},
        {SLICE_INIT("250 ok\n"), REPLY_COMPLETE, "250 ok", 0},
        {SLICE_INIT("250\r\n"), REPLY_COMPLETE, "250", 0},
        {SLICE_INIT("250\n"), REPLY_COMPLETE, "250", 0},
        {SLICE_INIT("250 \r\n"), REPLY_COMPLETE, "250", 0},
        {SLICE_INIT("250-a\r\n250 b\r\n"), REPLY_COMPLETE, "250 a b", 0},
        {SLICE_INIT("250-a\r\n250-\r\n250\r\n"), REPLY_COMPLETE, "250 a", 0},
        {SLICE_INIT("550-5.1.1 no\r\n550 5.1.1 user\r\n"), REPLY_COMPLETE,
         "550 5.1.1 no 5.1.1 user", 0},
        {SLICE_INIT("250 ok\r\n354 go\r\n"), REPLY_COMPLETE, "250 ok", 8},
        {SLICE_INIT("250 a\rb\x01\0c\td\x7f\r\r\n"), REPLY_COMPLETE, "250 a?b??c d??", 0},
        {SLICE_INIT("250 caf\xc3\xa9\r\n"), REPLY_COMPLETE, "250 caf\xc3\xa9", 0},
        {SLICE_INIT("250-a\r\n"), REPLY_MORE, "250 a", 0},
        {SLICE_INIT("250 a\r"), REPLY_MORE, "250 a", 0},
        {SLICE_INIT("250-a\r\n251 b\r\n"), -EBADMSG, NULL, 0},
        {SLICE_INIT("150 a\r\n"), -EBADMSG, NULL, 0},
        {SLICE_INIT("650 a\r\n"), -EBADMSG, NULL, 0},
        {SLICE_INIT("25x a\r\n"), -EBADMSG, NULL, 0},
        {SLICE_INIT("2500 a\r\n"), -EBADMSG, NULL, 0},
        {SLICE_INIT("250\r\r\n"), -EBADMSG, NULL, 0},
        {SLICE_INIT("250\ra\r\n"), -EBADMSG, NULL, 0},
        {SLICE_INIT("\r\n250 a\r\n"), -EBADMSG, NULL, 0},
        {SLICE_INIT("HTTP/1.1 400 Bad\r\n"), -EBADMSG, NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t piece = 1; piece <= cases[i].input.len; piece++) {
            struct parsed parsed = parse(cases[i].input, piece);
            assert_int_equal(parsed.result, cases[i].result);
            if (!cases[i].words)
                continue;
            assert_string_equal(parsed.words, cases[i].words);
            assert_int_equal(parsed.used + cases[i].rest, cases[i].input.len);
        }
    }
}

static void test_text_is_bounded_and_says_so(void **state)
{
    struct buf input;
    struct parsed parsed;

    (void)state;
    buf_init(&input, REPLY_MAX);
    buf_add_cstr(&input, "250 ");
    while (input.len < 3 * REPLY_TEXT_MAX)
        buf_add_char(&input, 'x');
    buf_add_cstr(&input, "\r\n");
    parsed = parse(buf_slice(&input), input.len);
    assert_int_equal(parsed.result, REPLY_COMPLETE);
    assert_string_equal(parsed.words + 4 + REPLY_TEXT_MAX, " ...");
    buf_done(&input);
}

static void test_a_reply_without_end_is_refused(void **state)
{
    struct reply_parse reply;
    size_t used;
    int r = REPLY_MORE;

    (void)state;
    reply_parse_init(&reply);
    for (unsigned i = 0; i < REPLY_MAX && r == REPLY_MORE; i++)
        r = reply_parse_add(&reply, SLICE("250-a\r\n"), &used);
    assert_int_equal(r, -EBADMSG);
    reply_parse_reset(&reply);
    r = REPLY_MORE;
    reply_parse_add(&reply, SLICE("250 "), &used);
    for (unsigned i = 0; i < REPLY_MAX && r == REPLY_MORE; i++)
        r = reply_parse_add(&reply, SLICE("aaaa"), &used);
    assert_int_equal(r, -EBADMSG);
    reply_parse_reset(&reply);
    assert_int_equal(reply_parse_add(&reply, SLICE("220 hi\r\n"), &used), REPLY_COMPLETE);
    assert_int_equal(reply.code, 220);
    reply_parse_done(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies_are_the_same_in_any_pieces),
        cmocka_unit_test(test_text_is_bounded_and_says_so),
        cmocka_unit_test(test_a_reply_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
