/* Where quarantined mail goes. */
#include "queue/junk.h"

#include "queue/extra.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char text[] = "hostname mx.example.org\n"
                           "state /nowhere\n"
                           "route dovecot { lmtp 127.0.0.1:24 }\n"
                           "route exchange { host 127.0.0.1:2525 }\n"
                           "domain maildir.example { deliver maildir }\n"
                           "domain spam.example { deliver maildir; junk_folder Spam }\n"
                           "domain lmtp.example { route dovecot; recipients any; "
                           "junk_detail Junk }\n"
                           "domain plain.example { route dovecot; recipients any }\n";

static struct config *make_config(void)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;

    config_bundle_from_text(SLICE("t"), slice_from_cstr(text), &bundle);
    problem_list_init(&problems);
    if (config_parse(&bundle, &config, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(problem_line(&problems, problems.first)));
    problem_list_done(&problems);
    config_bundle_done(&bundle);
    return config;
}

static void test_directions(void **state)
{
    static const struct {
        enum unit_way way;
        const char *route, *address, *to, *folder;
    } cases[] = {
        {WAY_MAILDIR, "", "joe@maildir.example", "joe@maildir.example", "Junk"},
        {WAY_MAILDIR, "", "joe@spam.example", "joe@spam.example", "Spam"},
        {WAY_ROUTE, "dovecot", "joe@lmtp.example", "joe+Junk@lmtp.example", ""},
        {WAY_ROUTE, "dovecot", "joe+work@lmtp.example", "joe+Junk@lmtp.example", ""},
        {WAY_ROUTE, "dovecot", "\"j o\"@lmtp.example", "\"j o\"@lmtp.example", ""},
        {WAY_ROUTE, "dovecot", "joe@plain.example", "joe@plain.example", ""},
        {WAY_ROUTE, "exchange", "joe@lmtp.example", "joe@lmtp.example", ""},
        {WAY_ROUTE, "dovecot", "joe@foreign.example", "joe@foreign.example", ""},
        {WAY_PROGRAM, "", "joe@maildir.example", "joe@maildir.example", ""},
    };
    struct config *config = make_config();
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct unit_recipient recipient = {.address = slice_from_cstr(cases[i].address)};
        recipient.account = cases[i].way == WAY_MAILDIR ? recipient.address : SLICE_NULL;
        junk_direct(config, cases[i].way, slice_from_cstr(cases[i].route), &arena, &recipient);
        assert_true(slice_eq(recipient.address, slice_from_cstr(cases[i].to)));
        assert_true(slice_eq(recipient.folder, slice_from_cstr(cases[i].folder)));
    }
    arena_done(&arena);
    config_unref(config);
}

/* What an alias stands for is junk if the alias is. */
static void test_expanded(void **state)
{
    struct recipient came[] = {{.address = SLICE("list@x.example"), .junk = true},
                               {.address = SLICE("good@x.example")}};
    const struct recipient added[] = {
        {.address = SLICE("a@x.example"), .via = SLICE("list@x.example")},
        {.address = SLICE("b@x.example"), .via = SLICE("a@x.example")},
        {.address = SLICE("c@x.example"), .via = SLICE("good@x.example")},
        {.address = SLICE("list@x.example"), .via = SLICE("list@x.example")}};
    const struct envelope envelope = {.recipients = came, .n_recipients = 2};
    const bool expected[] = {true, false, true, true, false, true};
    struct ledger ledger;
    struct message *message;

    (void)state;
    ledger_init(&ledger);
    message = ledger_add(&ledger, 7, 2, (struct spool_location){0}, 0);
    extra_add_recipients(message, added, 4);
    ledger_add_recipients(message, 4);
    assert_true(junk_is_any(&envelope));
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(junk_is_for(message, &envelope, i), expected[i]);
    came[0].junk = false;
    assert_false(junk_is_any(&envelope));
    ledger_done(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directions),
        cmocka_unit_test(test_expanded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
