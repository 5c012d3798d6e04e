#include "history/terms.h"

#include "../cmocka_all.h"

static struct buf told;

static void on_term(void *arg, enum term_kind kind, struct slice text)
{
    static const char kinds[] = "?adihml@";

    (void)arg;
    buf_printf(&told, "%c:%.*s ", kinds[kind], SLICE_ARG(text));
}

static void test_fields_and_what_they_can_be_found_by(void **state)
{
    static const struct {
        const char *text;
        const char *terms;
    } cases[] = {
        {"from=Joe+Tag@Example.ORG", "a:joe+tag@example.org d:example.org a:joe@example.org "},
        {"from=<>", ""},
        {"from=\"\"", ""},
        {"to=a@x.org,b@y.org", "a:a@x.org d:x.org a:b@y.org d:y.org "},
        {"to=\"\\\"a,b\\\"@x.org,c@y.org\"", "a:\"a,b\"@x.org d:x.org a:c@y.org d:y.org "},
        {"to=joe@[192.0.2.7]", "a:joe@[192.0.2.7] i:192.0.2.7 "},
        {"client=192.0.2.7", "i:192.0.2.7 "},
        {"client=2001:DB8:0::1", "i:2001:db8::1 "},
        {"client=::ffff:192.0.2.7", "i:192.0.2.7 "},
        {"remote=Mx.B.example[203.0.113.5]:25", "i:203.0.113.5 d:mx.b.example "},
        {"remote=mx.b.example[2001:db8::5]:25", "i:2001:db8::5 d:mx.b.example "},
        {"remote=[2001:db8::5]:25", "i:2001:db8::5 "},
        {"remote=192.0.2.7:25", "i:192.0.2.7 "},
        {"remote=unix:/run/lmtp", ""},
        {"host=mx.b.example", "d:mx.b.example "},
        {"helo=localhost", ""},
        {"author=b.example", "d:b.example "},
        {"kind=address subject=2001:db8:1:2::/64", "i:2001:db8:1:2::/64 "},
        {"kind=domain what=b.example", "d:b.example l:b.example "},
        {"header_id=<One@B.example>", "h:one@b.example "},
        {"message=0000000000001 as=0000000000002", "m:0000000000002 "},
        {"route=world site=mx.b.example+3f2a91", "l:world d:mx.b.example+3f2a91 "
                                                 "l:mx.b.example+3f2a91 "},
        {"size=12 reply=\"a@b.org\"", ""},
    };
    (void)state;
    buf_init(&told, 10000);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena;
        struct event event = {0};

        arena_init(&arena);
        buf_reset(&told);
        assert_int_equal(event_read_fields(slice_from_cstr(cases[i].text), &arena, &event), 0);
        terms_of_event(&event, on_term, NULL);
        if (!slice_eq(buf_slice(&told), slice_from_cstr(cases[i].terms)))
            fail_msg("%s: %.*s", cases[i].text, SLICE_ARG(buf_slice(&told)));
        arena_done(&arena);
    }
    buf_done(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_and_what_they_can_be_found_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
