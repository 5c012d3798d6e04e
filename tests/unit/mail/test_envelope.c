#include "mail/envelope.h"
#include "base/wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static struct recipient recipients[] = {
    {.address = SLICE_INIT("joe@example.org"), .class = CLASS_LOCAL},
    {.address = SLICE_INIT("\"j d\"@example.com"),
     .orcpt = SLICE_INIT("rfc822;all+40example.org"),
     .via = SLICE_INIT("all@example.org"),
     .class = CLASS_AUTHORISED,
     .notify = NOTIFY_FAILURE | NOTIFY_DELAY},
    {.address = SLICE_INIT("x@relay.example"),
     .class = CLASS_RELAY,
     .notify = NOTIFY_NEVER,
     .junk = true},
};

static const struct envelope full = {
    .id = UINT64_MAX,
    .received_ms = 1795341600123,
    .reverse_path = SLICE_INIT("sender@example.net"),
    .recipients = recipients,
    .n_recipients = 3,
    .envid = SLICE_INIT("QQ+2B1"),
    .ret = RET_HDRS,
    .body = BODY_8BITMIME,
    .smtputf8 = true,
    .requiretls = true,
    .ours = true,
    .priority = -9,
    .hold_until_ms = 1795341700000,
    .deliver_by_ms = 1,
    .size = 40 << 20,
    .auth = SLICE_INIT("<>"),
    .client_address = SLICE_INIT("2001:db8::1"),
    .client_name = SLICE_INIT("client.example.net"),
    .helo = SLICE_INIT("[192.0.2.1]"),
    .login = SLICE_INIT("joe"),
    .hold = SLICE_INIT("joe sent 612 recipients in an hour"),
    .listener = SLICE_INIT("mx"),
    .verdicts = SLICE_INIT("\0\1\2"),
};

static void assert_same(const struct envelope *a, const struct envelope *b)
{
    assert_true(a->id == b->id && a->received_ms == b->received_ms);
    assert_true(slice_eq(a->reverse_path, b->reverse_path));
    assert_int_equal(a->n_recipients, b->n_recipients);
    for (uint32_t i = 0; i < a->n_recipients; i++) {
        assert_true(slice_eq(a->recipients[i].address, b->recipients[i].address));
        assert_true(slice_eq(a->recipients[i].orcpt, b->recipients[i].orcpt));
        assert_true(slice_eq(a->recipients[i].via, b->recipients[i].via));
        assert_int_equal(a->recipients[i].class, b->recipients[i].class);
        assert_int_equal(a->recipients[i].notify, b->recipients[i].notify);
        assert_int_equal(a->recipients[i].junk, b->recipients[i].junk);
    }
    assert_true(slice_eq(a->envid, b->envid) && slice_eq(a->auth, b->auth));
    assert_int_equal(a->ret, b->ret);
    assert_int_equal(a->body, b->body);
    assert_int_equal(a->smtputf8, b->smtputf8);
    assert_int_equal(a->requiretls, b->requiretls);
    assert_int_equal(a->ours, b->ours);
    assert_int_equal(a->priority, b->priority);
    assert_true(a->hold_until_ms == b->hold_until_ms && a->deliver_by_ms == b->deliver_by_ms);
    assert_true(a->size == b->size);
    assert_true(slice_eq(a->client_address, b->client_address));
    assert_true(slice_eq(a->client_name, b->client_name) && slice_eq(a->helo, b->helo));
    assert_true(slice_eq(a->login, b->login) && slice_eq(a->listener, b->listener));
    assert_true(slice_eq(a->hold, b->hold));
    assert_true(slice_eq(a->verdicts, b->verdicts));
}

static void test_everything_comes_back(void **state)
{
    static const struct envelope empty = {.id = 7};
    const struct envelope *envelopes[] = {&full, &empty};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct buf buf;
        struct arena arena;
        struct envelope got;

        buf_init(&buf, 4096);
        arena_init(&arena);
        envelope_encode(&buf, envelopes[i]);
        assert_false(buf.overflow);
        assert_int_equal(envelope_decode(buf_slice(&buf), &arena, &got), 0);
        assert_same(envelopes[i], &got);
        arena_done(&arena);
        buf_done(&buf);
    }
}

/* Cut off anywhere but between two fields is damage; in between it is a shorter envelope. */
static void test_truncated_is_damage(void **state)
{
    struct buf buf;
    size_t good = 0;

    (void)state;
    buf_init(&buf, 4096);
    envelope_encode(&buf, &full);
    for (size_t len = 0; len < buf.len; len++) {
        struct arena arena;
        struct envelope got;
        char *copy = xslicedup(slice_from(buf.ptr, len)); /* so that ASan sees one byte too far */
        int r;

        arena_init(&arena);
        r = envelope_decode(slice_from(copy, len), &arena, &got);
        assert_true(r == 0 || r == -EBADMSG);
        good += r == 0;
        arena_done(&arena);
        free(copy);
    }
    /* Each prefix that ends at a field's border: version, 5 numbers, 10 texts, 6 small, 3 + 3. */
    assert_int_equal(good, 27);
    buf_done(&buf);
}

static void test_damage_and_the_future_are_told_apart(void **state)
{
#define FIELD(type, len) type len "\0\0\0"
    static const struct {
        const char *what;
        struct slice input;
        int result;
    } cases[] = {
        {"nothing", SLICE_INIT(""), -EBADMSG},
        {"version 0", SLICE_INIT("\0"), -EBADMSG},
        {"version 2", SLICE_INIT("\2"), -ENOTSUP},
        {"version 255 and garbage", SLICE_INIT("\377garbage"), -ENOTSUP},
        {"only a version", SLICE_INIT("\1"), 0},
        {"type without length", SLICE_INIT("\1\1"), -EBADMSG},
        {"length past the end", SLICE_INIT("\1" FIELD("\7", "\5") "abc"), -EBADMSG},
        {"huge length", SLICE_INIT("\1\7\377\377\377\377abc"), -EBADMSG},
        {"unknown type", SLICE_INIT("\1" FIELD("\177", "\1") "x"), -ENOTSUP},
        {"unknown, may be ignored", SLICE_INIT("\1" FIELD("\377", "\1") "x"), 0},
        {"type 0", SLICE_INIT("\1" FIELD("\0", "\0")), -ENOTSUP},
        {"short number", SLICE_INIT("\1" FIELD("\1", "\7") "1234567"), -EBADMSG},
        {"long number", SLICE_INIT("\1" FIELD("\1", "\11") "123456789"), -EBADMSG},
        {"field twice", SLICE_INIT("\1" FIELD("\7", "\1") "a" FIELD("\7", "\1") "a"), -EBADMSG},
        {"ignorable twice", SLICE_INIT("\1" FIELD("\377", "\0") FIELD("\377", "\0")), -EBADMSG},
        {"ORCPT before any recipient", SLICE_INIT("\1" FIELD("\5", "\1") "a"), -EBADMSG},
        {"recipient", SLICE_INIT("\1" FIELD("\4", "\3") "\1\0a"), 0},
        {"recipient without NOTIFY", SLICE_INIT("\1" FIELD("\4", "\1") "\1"), -EBADMSG},
        {"class 0", SLICE_INIT("\1" FIELD("\4", "\3") "\0\0a"), -EBADMSG},
        {"class 4", SLICE_INIT("\1" FIELD("\4", "\3") "\4\0a"), -EBADMSG},
        {"NOTIFY 16", SLICE_INIT("\1" FIELD("\4", "\3") "\1\20a"), -EBADMSG},
        {"ORCPT twice",
         SLICE_INIT("\1" FIELD("\4", "\3") "\1\0a" FIELD("\5", "\1") "b" FIELD("\5", "\1") "b"),
         -EBADMSG},
        {"RET 2", SLICE_INIT("\1" FIELD("\10", "\1") "\2"), 0},
        {"RET 3", SLICE_INIT("\1" FIELD("\10", "\1") "\3"), -EBADMSG},
        {"BODY 2", SLICE_INIT("\1" FIELD("\11", "\1") "\2"), -EBADMSG},
        {"a flag of 2", SLICE_INIT("\1" FIELD("\12", "\1") "\2"), -EBADMSG},
        {"priority 9", SLICE_INIT("\1" FIELD("\14", "\1") "\11"), 0},
        {"priority 10", SLICE_INIT("\1" FIELD("\14", "\1") "\12"), -EBADMSG},
        {"priority -10", SLICE_INIT("\1" FIELD("\14", "\1") "\366"), -EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena;
        struct envelope got = {.id = 42};
        int r;

        arena_init(&arena);
        r = envelope_decode(cases[i].input, &arena, &got);
        if (r != cases[i].result)
            fail_msg("%s: %d instead of %d", cases[i].what, r, cases[i].result);
        if (r < 0)
            assert_true(got.id == 42); /* outputs are untouched on failure */
        arena_done(&arena);
    }
}

static void test_too_many_recipients(void **state)
{
    struct buf buf;
    struct arena arena;
    struct envelope got;

    (void)state;
    arena_init(&arena);
    buf_init(&buf, 4 << 20);
    wire_put_u8(&buf, 1);
    for (unsigned i = 0; i < ENVELOPE_RECIPIENTS_MAX; i++)
        buf_add(&buf, "\4\3\0\0\0\1\0a", 8);
    assert_int_equal(envelope_decode(buf_slice(&buf), &arena, &got), 0);
    assert_int_equal(got.n_recipients, ENVELOPE_RECIPIENTS_MAX);
    buf_add(&buf, "\4\3\0\0\0\1\0a", 8);
    assert_int_equal(envelope_decode(buf_slice(&buf), &arena, &got), -EBADMSG);
    buf_done(&buf);
    arena_done(&arena);
}

static void test_message_ids(void **state)
{
    static const struct {
        uint64_t id;
        const char *text;
    } good[] = {
        {0, "0000000000000"},  {1, "0000000000001"},          {31, "000000000000Z"},
        {32, "0000000000010"}, {UINT64_MAX, "FZZZZZZZZZZZZ"}, {1, "oOoOoOoOoOoOi"},
        {33, "00000000000lL"}, {UINT64_MAX, "fzzzzzzzzzzzz"},
    };
    static const char *const bad[] = {
        "",
        "000000000000",
        "00000000000000",
        "G000000000000",
        "00000 0000000",
        "000000000000u",
        "-000000000001",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t id;
        assert_true(message_id_parse(slice_from_cstr(good[i].text), &id));
        assert_true(id == good[i].id);
    }
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(message_id_format(good[i].id).text, good[i].text);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t id;
        if (message_id_parse(slice_from_cstr(bad[i]), &id))
            fail_msg("%s is taken for a message id", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_comes_back),
        cmocka_unit_test(test_truncated_is_damage),
        cmocka_unit_test(test_damage_and_the_future_are_told_apart),
        cmocka_unit_test(test_too_many_recipients),
        cmocka_unit_test(test_message_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
