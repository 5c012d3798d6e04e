/* Whose mail does From say it is? */
#include "trust/authors.h"

#include "base/buf.h"
#include "trust/dmarc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const struct {
    const char *header;
    const char *domains; /* parted by blanks */
} cases[] = {
    {"From: joe@Example.org\r\n\r\nFrom: x@body.example\r\n", "Example.org"},
    {"from : Joe\r\n <joe@example.org>\r\n", "example.org"},
    {"From: \"ann@bank.example via list\" <list@lists.example>\r\n", "lists.example"},
    {"From: a@one.example, b@two.example, c@ONE.example\r\n", "one.example two.example"},
    {"From: a@one.example\r\nSubject: x\r\nFrom: b@two.example\r\n", "one.example two.example"},
    {"From: a@b@bank.example\r\n", "b bank.example"},
    {"From: Service <info@bank.example> <x@evil.example>\r\n", "bank.example evil.example"},
    {"From: =?utf-8?q?x?= <joe@b\xc3\xbc"
     "cher.example>\r\n",
     "b\xc3\xbc"
     "cher.example"},
    {"From: undisclosed-recipients:;\r\n", ""},
    {"To: joe@example.org\r\n", ""},
    {"From: nobody\r\n", ""},
    /* No grammar has these, but a reader may: the whole name, and behind blanks. */
    {"From: joe@a!b.bank.example <<x@evil.example>>\r\n", "a!b.bank.example evil.example"},
    {"From: x <<joe@\r\n\t bank.example>>\r\n", "bank.example"},
    {"From: a@ @bank.example\r\n", "bank.example"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct trust_authors authors;
        struct arena arena;
        struct buf found;

        arena_init(&arena);
        buf_init(&found, 1000);
        trust_authors_read(slice_from_cstr(cases[i].header), &arena, &authors);
        for (unsigned j = 0; j < authors.count; j++)
            buf_printf(&found, "%s%.*s", j ? " " : "", SLICE_ARG(authors.list[j]));
        if (!slice_eq(buf_slice(&found), slice_from_cstr(cases[i].domains)))
            fail_msg("%s: %.*s", cases[i].header, SLICE_ARG(buf_slice(&found)));
        buf_done(&found);
        arena_done(&arena);
    }
}

static void test_bounded(void **state)
{
    struct trust_authors authors;
    struct arena arena;
    struct buf header;

    (void)state;
    arena_init(&arena);
    buf_init(&header, 100000);
    buf_add_cstr(&header, "From: ");
    for (unsigned i = 0; i < 1000; i++)
        buf_printf(&header, "a@d%u.example, ", i);
    buf_add_cstr(&header, "z@last.example\r\n\r\n");
    trust_authors_read(buf_slice(&header), &arena, &authors);
    assert_int_equal(authors.count, TRUST_AUTHORS_MAX);
    /* A forger hides his victim behind as many as are judged: that must show. */
    assert_true(authors.count > (unsigned)DMARC_AUTHORS_MAX);
    buf_done(&header);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
