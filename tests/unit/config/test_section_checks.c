/* checks, author, srs and dmarc_report: every mistake, and what holds for a message. */
#include "../cmocka_all.h"
#include "parsing.h"

#include <string.h>

#define HOST "hostname a.example\n"

static void test_mistakes(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"checks { spf drop }",
         "test.conf:2: spf is ignore, tag, quarantine or reject, not 'drop'"},
        {"checks { dmarc reject }",
         "test.conf:2: dmarc is ignore, tag, quarantine or enforce, not 'reject'"},
        {"checks { arc reject }",
         "test.conf:2: arc cannot reject: most mail has no ARC sets, and a broken one says nothing "
         "against its sender; write 'arc tag', and name whom you believe: trusted_sealer "
         "lists.example.net"},
        {"checks { arc drop }", "test.conf:2: arc is ignore or tag, not 'drop'"},
        {"checks { spf tag; spf reject }",
         "test.conf:2: spf is set already in test.conf:2; keep one of them"},
        {"checks { defer 8d }", "test.conf:2: defer 8d is out of range; it is 0 to 7d"},
        {"checks { trusted_sealer 'x'; trusted_sealer [192.0.2.1] local *.b.example b.example "
         "B.example }",
         "test.conf:2: trusted_sealer: ''x'' is not a domain, the one in d= of the ARC-Seal; like: "
         "trusted_sealer lists.example.net\n"
         "test.conf:2: trusted_sealer: '[192.0.2.1]' is not a domain, the one in d= of the "
         "ARC-Seal; like: trusted_sealer lists.example.net\n"
         "test.conf:2: trusted_sealer: 'local' is not a domain, the one in d= of the ARC-Seal; "
         "like: trusted_sealer lists.example.net\n"
         "test.conf:2: trusted_sealer: '*.b.example' is not a domain, the one in d= of the "
         "ARC-Seal; like: trusted_sealer lists.example.net\n"
         "test.conf:2: trusted_sealer: B.example is there already; remove one of them"},
        {"checks { trusted_sealer }",
         "test.conf:2: trusted_sealer wants at least one domain, like: trusted_sealer "
         "lists.example.net"},
        {"domain b.example { checks { trusted_sealer c.example } }",
         "test.conf:2: trusted_sealer is for the whole server; move it into 'checks { }' at the "
         "top level"},
        {"author c.example { unchecked { 192.0.2.1 } }",
         "test.conf:2: unchecked is for the whole server; move it into 'checks { }' at the top "
         "level"},
        {"author { spf tag }", "test.conf:2: author wants at least one domain, like: author "
                               "partner.example *.partner.example { dmarc tag }"},
        {"author * { spf tag }", "test.conf:2: author: for all mail write it into 'checks { }'"},
        {"author a*.example { spf tag }",
         "test.conf:2: author: 'a*.example' is neither a domain nor '*.' and a domain; like: "
         "author partner.example *.partner.example { dmarc tag }"},
        {"author b.example { }",
         "test.conf:2: author b.example says nothing; add what is done with its mail, like: author "
         "partner.example *.partner.example { dmarc tag }"},
        {"spf reject", "test.conf:2: unknown setting 'spf'; it belongs into 'checks { }'"},
        {"helo reject", "test.conf:2: unknown setting 'helo'; it belongs into 'route { }'"},
        {"domain c.example\ndomain b.example { alias_of c.example; checks { spf tag }; dkim no }",
         "test.conf:3: checks does not go with alias_of; set it in the domain that the alias "
         "means"},
        {"domain b.example { deliver route r; junk_folder Junk }\nroute r { lmtp unix:/x }",
         "test.conf:2: junk_folder works with 'deliver maildir' alone; elsewhere the header tells "
         "the next server, and over LMTP 'junk_detail NAME' can name a folder"},
        {"domain b.example { deliver route r; junk_detail Junk }\nroute r { host c.example }",
         "test.conf:2: domain b.example: junk_detail wants a route with 'lmtp'; remove it; the "
         "next "
         "server sees the header"},
        {"domain b.example { junk_detail Junk }",
         "test.conf:2: domain b.example: junk_detail wants a route with 'lmtp'; for a Maildir "
         "write: junk_folder Junk"},
        {"domain b.example { junk_folder Inbox }",
         "test.conf:2: junk_folder wants the name of a folder beside the inbox, not 'Inbox'; like: "
         "junk_folder Junk"},
        {"domain b.example { junk_folder a//b }",
         "test.conf:2: junk_folder wants the name of a folder beside the inbox, not 'a//b'; like: "
         "junk_folder Junk"},
        {"srs on", "test.conf:2: srs is 'off', or a block, like: srs { max_age 21d }"},
        {"domain b.example { route r }\nroute r { host c.example }\nsrs { domain b.example }",
         "test.conf:4: srs: b.example is not a domain whose mailboxes are ours: bounces to it "
         "would "
         "never come back; name one with 'deliver', or add: domain b.example"},
        {"srs { max_age 1h }", "test.conf:2: max_age 1h is out of range; it is 1d to 365d"},
        {"dmarc_report { send no; from a@b.example }",
         "test.conf:2: from does nothing with 'send no'; remove one of them"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct problem_list problems;
        struct buf text, got;

        buf_init(&text, 4096);
        buf_init(&got, 65536);
        problem_list_init(&problems);
        buf_printf(&text, HOST "%s\n", cases[i].text);
        buf_add_char(&text, '\0');
        assert_null(parse_with(text.ptr, &problems));
        for (struct problem *problem = problems.first; problem; problem = problem->next)
            buf_printf(&got, "%s%.*s", got.len ? "\n" : "",
                       SLICE_ARG(problem_line(&problems, problem)));
        if (!slice_eq(buf_slice(&got), slice_from_cstr(cases[i].want)))
            fail_msg("%s\n--- got:\n%.*s\n--- want:\n%s", cases[i].text, SLICE_ARG(buf_slice(&got)),
                     cases[i].want);
        problem_list_done(&problems);
        buf_done(&got);
        buf_done(&text);
    }
}

/* "spf: action line, ..." of those that do not stand at their defaults' line 0. */
static void holds(const struct config *config, size_t listener, const char *to, const char *from,
                  const char *want)
{
    const struct config_domain *domain =
        to ? config_find_domain(config, slice_from_cstr(to)) : NULL;
    const struct config_author *author =
        from ? config_find_author(config, slice_from_cstr(from)) : NULL;
    struct config_checks checks =
        config_checks_for(config, &config->listeners[listener], domain, author);
    struct buf got;

    buf_init(&got, 4096);
    for (size_t i = 0; i < CHECKED_KINDS; i++)
        buf_printf(&got, "%d/%u ", (int)checks.list[i].action, checks.list[i].source.line);
    buf_printf(&got, "%ju/%u", (uintmax_t)checks.defer_ms / 1000, checks.defer_source.line);
    if (!slice_eq(buf_slice(&got), slice_from_cstr(want)))
        fail_msg("%s, %s: %.*s", to ? to : "", from ? from : "", SLICE_ARG(buf_slice(&got)));
    buf_done(&got);
}

static void test_the_more_special_place_decides(void **state)
{
    struct config *config = parse(HOST "checks { spf quarantine; defer 2h }\n"
                                       "listen mx { service mx; address *:25 }\n"
                                       "listen in { service mx; address *:26; checks {\n"
                                       "  helo reject; dmarc quarantine } }\n"
                                       "listen l { service lmtp; address unix:/x; checks {\n"
                                       "  dmarc tag } }\n"
                                       "domain b.example { checks {\n"
                                       "  spf reject; dmarc tag; defer 0 } }\n"
                                       "domain c.example { alias_of b.example }\n"
                                       "author n\xc3\xa4h.example *.d.example { spf ignore\n"
                                       "  dmarc enforce }\n");

    (void)state;
    /* order: spf softfail dkim dmarc arc iprev helo; 1 ignore 2 tag 3 quarantine 4 reject */
    holds(config, 0, NULL, NULL, "3/2 2/0 2/0 4/0 2/0 2/0 2/0 7200/2");
    holds(config, 1, NULL, NULL, "3/2 2/0 2/0 3/5 2/0 2/0 4/5 7200/2");
    holds(config, 1, "b.example", NULL, "4/9 2/0 2/0 2/9 2/0 2/0 4/5 0/9");
    holds(config, 0, "C.example", "other.example", "4/9 2/0 2/0 2/9 2/0 2/0 2/0 0/9");
    holds(config, 0, "b.example", "x.D.example", "1/11 2/0 2/0 4/12 2/0 2/0 2/0 0/9");
    holds(config, 0, NULL, "xn--nh-via.example", "1/11 2/0 2/0 4/12 2/0 2/0 2/0 7200/2");
    holds(config, 0, NULL, "d.example", "3/2 2/0 2/0 4/0 2/0 2/0 2/0 7200/2");
    /* What an LMTP listener does not switch on stays off, whatever the domain says. */
    holds(config, 2, "b.example", NULL, "1/0 1/0 1/0 2/9 1/0 1/0 1/0 0/9");
    config_unref(config);
}

static void test_values(void **state)
{
    struct config *config =
        parse(HOST "domain b.example { junk_folder Mail/Spam; dkim no }\n"
                   "domain c.example { deliver route r; junk_detail Spam }\n"
                   "route r { lmtp unix:/x }\n"
                   "checks { trusted_sealer l.example M.example\ntrusted_sealer n.example\n"
                   "unchecked { 192.0.2.1; 2001:db8::/48 } }\n"
                   "srs { domain B.example; max_age 7d }\n"
                   "dmarc_report { organisation \"B & Co\"; contact a@b.example }\n");
    struct config *plain = parse(HOST "srs off\n");
    const struct config_domain *b = config_find_domain(config, SLICE("b.example"));
    const struct config_domain *c = config_find_domain(config, SLICE("c.example"));

    (void)state;
    assert_true(slice_eq(b->junk_folder, SLICE("Mail/Spam")) && !b->dkim);
    assert_true(slice_eq(c->junk_detail, SLICE("Spam")) && c->dkim);
    assert_int_equal(config->n_trusted_sealers, 3);
    assert_true(slice_eq(config->trusted_sealers[1], SLICE("m.example")));
    assert_true(slice_eq(config->trusted_sealers[2], SLICE("n.example")));
    assert_int_equal(config->unchecked.count, 2);
    assert_true(config->srs.on && slice_eq(config->srs.domain, SLICE("b.example")));
    assert_int_equal(config->srs.max_age_ms, UINT64_C(7) * 24 * 3600 * 1000);
    assert_true(slice_eq(config->dmarc_report.organisation, SLICE("B & Co")));
    assert_true(config->dmarc_report.send && slice_eq(config->dmarc_report.from, SLICE_NULL));
    assert_false(plain->srs.on);
    assert_int_equal(plain->listeners[0].checks.list[CHECKED_SPF].action, CHECK_UNSET);
    assert_int_equal(plain->listeners[2].checks.list[CHECKED_SPF].action, CHECK_IGNORE);
    config_unref(plain);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_the_more_special_place_decides),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
