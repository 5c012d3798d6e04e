#include "mail/mime.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define MULTI(type, boundary) "Content-Type: multipart/" type "; boundary=" boundary "\r\n\r\n"

/* "depth type/subtype{body}" of each part in order, "!" behind an unterminated one. */
static void print_tree(struct buf *out, struct slice message, const struct mime_tree *tree)
{
    for (uint32_t i = 0; i < tree->n; i++) {
        const struct mime_part *part = &tree->parts[i];
        buf_printf(out, "%u %.*s/%.*s", part->depth, SLICE_ARG(part->type),
                   SLICE_ARG(part->subtype));
        if (part->kind == MIME_LEAF)
            buf_printf(out, "{%.*s}",
                       SLICE_ARG(slice_sub(message, part->body, part->end - part->body)));
        buf_add_cstr(out, part->unterminated ? "!\n" : "\n");
    }
}

static void test_structures(void **state)
{
    static const struct {
        struct slice message;
        const char *want;
    } cases[] = {
        {SLICE_INIT(""), "0 text/plain{}\n"},
        {SLICE_INIT("\r\nbody"), "0 text/plain{body}\n"},
        {SLICE_INIT("A: b\r\n\r\nbody\r\n"), "0 text/plain{body\r\n}\n"},
        {SLICE_INIT("A: b\r\n"), "0 text/plain{}\n"},
        {SLICE_INIT("Content-Type: text/html (c); charset=x\n\nbody"), "0 text/html{body}\n"},
        {SLICE_INIT("Content-Type: nonsense\r\n\r\nbody"), "0 text/plain{body}\n"},
        {SLICE_INIT(MULTI("mixed", "b") "pre\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: a/b\r\n\r\n"
                                        "two\r\n\r\n--b-- \t\r\npost"),
         "0 multipart/mixed\n1 text/plain{one}\n1 a/b{two\r\n}\n"},
        {SLICE_INIT(MULTI("mixed", "\"b c\"") "--b c\n\none\n--b c--\n"),
         "0 multipart/mixed\n1 text/plain{one}\n"},
        /* Cut off in the text, in the header, and at the delimiter. */
        {SLICE_INIT(MULTI("mixed", "b") "--b\r\n\r\none"),
         "0 multipart/mixed!\n1 text/plain{one}\n"},
        {SLICE_INIT(MULTI("mixed", "b") "--b\r\nContent-Type: a/b\r\n"),
         "0 multipart/mixed!\n1 a/b{}\n"},
        {SLICE_INIT(MULTI("mixed", "b") "--b"), "0 multipart/mixed!\n1 text/plain{}\n"},
        {SLICE_INIT(MULTI("mixed", "b") "--"), "0 multipart/mixed!\n"},
        /* Parts without a body, without an empty line, without anything. */
        {SLICE_INIT(MULTI("mixed", "b") "--b\r\n--b\r\n\r\n--b\r\nContent-Type: a/b\r\n--b--"),
         "0 multipart/mixed\n1 text/plain{}\n1 text/plain{}\n1 a/b{}\n"},
        /* What only looks like a delimiter. */
        {SLICE_INIT(
             MULTI("mixed", "b") "--bb\r\n--b x\r\n--b\r\n\r\n--bb\r\n --b--\r\n--b-\r\n--b--"),
         "0 multipart/mixed\n1 text/plain{--bb\r\n --b--\r\n--b-}\n"},
        /* After the closing delimiter everything is epilogue. */
        {SLICE_INIT(MULTI("mixed", "b") "--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo"),
         "0 multipart/mixed\n1 text/plain{one}\n"},
        {SLICE_INIT(MULTI("mixed", "a") "--a\r\n" MULTI(
             "alternative", "aa") "--aa\r\n\r\none\r\n"
                                  "--aa--\r\nepilogue\r\n--a\r\n\r\ntwo\r\n--a--"),
         "0 multipart/mixed\n1 multipart/alternative\n2 text/plain{one}\n1 text/plain{two}\n"},
        /* The outer delimiter ends an inner multipart that does not end itself. */
        {SLICE_INIT(MULTI("mixed", "a") "--a\r\n" MULTI("alternative",
                                                        "b") "--b\r\n\r\none\r\n"
                                                             "--a\r\n\r\ntwo\r\n--b\r\n--a--"),
         "0 multipart/mixed\n1 multipart/alternative!\n2 text/plain{one}\n"
         "1 text/plain{two\r\n--b}\n"},
        {SLICE_INIT(MULTI("mixed", "a") "--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n"
                                        "Content-Type: text/html\r\n\r\nhi\r\n--a--"),
         "0 multipart/mixed\n1 message/rfc822\n2 text/html{hi}\n"},
        {SLICE_INIT(MULTI("digest", "a") "--a\r\n\r\nSubject: x\r\n\r\nhi\r\n--a--"),
         "0 multipart/digest\n1 message/rfc822\n2 text/plain{hi}\n"},
        {SLICE_INIT(MULTI("digest", "a") "--a\r\n--a--"),
         "0 multipart/digest\n1 message/rfc822\n2 text/plain{}\n"},
        /* An encoded message is a leaf; so is a multipart without a boundary. */
        {SLICE_INIT(
             "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ=="),
         "0 message/rfc822{QQ==}\n"},
        {SLICE_INIT("Content-Type: multipart/mixed\r\n\r\n--\r\n"), "0 multipart/mixed{--\r\n}\n"},
        {SLICE_INIT("Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n"),
         "0 multipart/mixed{--\r\n}\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena;
        struct mime_tree tree;
        struct buf got;

        arena_init(&arena);
        buf_init(&got, 4096);
        assert_int_equal(mime_parse(cases[i].message, &arena, &tree), 0);
        print_tree(&got, cases[i].message, &tree);
        if (!slice_eq(buf_slice(&got), slice_from_cstr(cases[i].want)))
            fail_msg("%zu:\n%.*s", i, SLICE_ARG(buf_slice(&got)));
        buf_done(&got);
        arena_done(&arena);
    }
}

static void add_nested(struct buf *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        buf_printf(out, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
}

static void test_bounds_hold(void **state)
{
    struct buf message;
    struct arena arena;
    struct mime_tree tree = {.n = 77};

    (void)state;
    arena_init(&arena);
    buf_init(&message, 1 << 20);
    add_nested(&message, MIME_DEPTH_MAX);
    assert_int_equal(mime_parse(buf_slice(&message), &arena, &tree), 0);
    assert_int_equal(tree.n, MIME_DEPTH_MAX + 1);
    buf_reset(&message);
    add_nested(&message, MIME_DEPTH_MAX + 1);
    assert_int_equal(mime_parse(buf_slice(&message), &arena, &tree), MIME_TOO_DEEP);

    buf_reset(&message);
    for (unsigned i = 0; i <= MIME_DEPTH_MAX; i++)
        buf_add_cstr(&message, "Content-Type: message/rfc822\r\n\r\n");
    assert_int_equal(mime_parse(buf_slice(&message), &arena, &tree), MIME_TOO_DEEP);

    buf_reset(&message);
    add_nested(&message, 1);
    for (unsigned i = 2; i < MIME_PARTS_MAX; i++)
        buf_add_cstr(&message, "--b0\r\n");
    assert_int_equal(mime_parse(buf_slice(&message), &arena, &tree), 0);
    assert_int_equal(tree.n, MIME_PARTS_MAX);
    buf_add_cstr(&message, "--b0\r\n");
    assert_int_equal(mime_parse(buf_slice(&message), &arena, &tree), MIME_TOO_MANY);
    buf_done(&message);
    arena_done(&arena);
}

static void test_parameters(void **state)
{
    static const struct {
        const char *value;
        const char *type; /* NULL: no type */
        const char *charset;
    } cases[] = {
        {"text/plain; charset=utf-8", "text/plain", "utf-8"},
        {" Text / HTML ;CharSet = \"a\\\"b;\" ", "Text/HTML", "a\"b;"},
        {"text/plain (c;charset=x) ; (d) x=y; charset (e) = (f) latin1 (g)", "text/plain",
         "latin1"},
        {"text/plain; x=\"; charset=no\"; charset=yes", "text/plain", "yes"},
        {"text/plain; garbage; ;; =; charset=yes", "text/plain", "yes"},
        {"text/plain;\r\n\tcharset=\"a\r\n b\"", "text/plain", "a b"},
        {"text/plain; charset=a=/b:c;", "text/plain", "a=/b:c"},
        {"text/plain; charset=\"open", "text/plain", "open"},
        {"text/plain; charset", "text/plain", NULL},
        {"text/plain", "text/plain", NULL},
        {"text/plain charset=utf-8", "text/plain", NULL},
        {"text", NULL, NULL},
        {"text/", NULL, NULL},
        {"/plain", NULL, NULL},
        {"", NULL, NULL},
        {"(", NULL, NULL},
        {"te\xc3\xa4xt/plain", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena arena;
        struct mime_type type = {0};
        struct slice charset = SLICE_NULL;
        bool good = mime_parse_type(slice_from_cstr(cases[i].value), &type);

        arena_init(&arena);
        if (good != (cases[i].type != NULL))
            fail_msg("%s", cases[i].value);
        if (good) {
            struct slice want = slice_from_cstr(cases[i].type);
            assert_true(slice_eq(type.type, slice_cut(&want, '/')));
            assert_true(slice_eq(type.subtype, want));
            good = mime_param(&arena, type.params, SLICE("charset"), &charset);
            if (good != (cases[i].charset != NULL) ||
                !slice_eq(charset, slice_from_cstr(cases[i].charset)))
                fail_msg("%s: %.*s", cases[i].value, SLICE_ARG(charset));
        }
        arena_done(&arena);
    }
}

static void test_encodings(void **state)
{
    (void)state;
    assert_int_equal(mime_parse_encoding(SLICE(" 7bit")), MIME_7BIT);
    assert_int_equal(mime_parse_encoding(SLICE("8BIT (c)")), MIME_8BIT);
    assert_int_equal(mime_parse_encoding(SLICE("(c) binary")), MIME_BINARY);
    assert_int_equal(mime_parse_encoding(SLICE("Quoted-Printable;")), MIME_QUOTED_PRINTABLE);
    assert_int_equal(mime_parse_encoding(SLICE("base64\r\n ")), MIME_BASE64);
    assert_int_equal(mime_parse_encoding(SLICE("x-uuencode")), MIME_UNKNOWN);
    assert_int_equal(mime_parse_encoding(SLICE("")), MIME_7BIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structures),
        cmocka_unit_test(test_bounds_hold),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
