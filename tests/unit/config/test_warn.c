#include "../cmocka_all.h"
#include "parsing.h"

static void test_what_looks_like_an_oversight_is_told(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"hostname a.example\ndomain b.example\n", ""},
        {"hostname a\ndomain b.example\n", "hostname a has no dot"},
        {"hostname a.example\nrelay b.example\n", "there is no domain"},
        {"hostname a.example\ndomain b.example\nrelay b.example\ntrusted { 127.0.0.1 }\n",
         "127.0.0.1/32 is trusted"},
        {"hostname a.example\ndomain b.example\ntrusted { 192.0.2.1 }\ndefault_route none\n",
         "nowhere to send"},
        {"hostname a.example\ndomain b.example\ntrusted { 192.0.2.1 }\n", ""},
        {"hostname a.example\ndomain b.example\ndefault_route r\n"
         "route r { host c.example; tls none; login { user u; password_file /p } }\n",
         "only SCRAM and CRAM-MD5"},
        {"hostname a.example\ndomain b.example\ndefault_route r\n"
         "route r { host c.example; tls may; login { user u; password_file /p } }\n",
         "a login without 'tls verify'"},
        {"hostname a.example\ndomain b.example\ndefault_route r\n"
         "route r { host c.example; login { user u; password_file /p } }\n",
         ""},
        {"hostname a.example\ndomain b.example\ndns { validate no }\n"
         "destination c.example { tls dane-only }\n",
         "nothing is delivered"},
        {"hostname a.example\ndomain b.example\nroute world { tls_implicit yes }\n",
         "servers expect STARTTLS"},
        {"hostname a.example\ndomain b.example\nroute world { tls none; tls_ca /x }\n",
         "tls_ca does nothing"},
        {"hostname a.example\ndomain b.example\ndestination b.example { tls verify }\n",
         "is a domain of this server"},
        {"hostname a.example\ndomain b.example\ndestination *.c.example { tls verify }\n"
         "destination *.d.c.example { tls encrypt }\n",
         "comes too late: *.c.example in test.conf:3"},
        {"hostname a.example\ndomain b.example\nroute world { fallback r }\n"
         "route r { host c.example }\n",
         ""},
        {"hostname a.example\ndomain b.example\nweb { listen *:9925 }\n", "without a password"},
        {"hostname a.example\ndomain b.example\nweb { listen 127.0.0.1 }\n", ""},
        {"hostname a.example\ndomain b.example\nopen_relay yes\n", "nothing here needs it"},
        {"hostname a.example\ndomain b.example\nopen_relay yes\nrelay b.example\n"
         "trusted { 0.0.0.0/0 }\n",
         "this server relays for strangers"},
        {"hostname a.example\ndomain b.example { deliver route r; recipients any }\n"
         "route r { host c.example }\n",
         "takes every recipient"},
        {"hostname a.example\ndomain b.example\nroute r { host c.example }\n", "is not used"},
        {"hostname a.example\ndomain b.example\nqueue { warn_after 6d }\n",
         "nobody is ever warned"},
        {"hostname a.example\ndomain b.example\nlimits { recipients 99 }\n", "RFC 5321"},
        {"hostname a.example\ndomain b.example\nlimits { sessions 10 }\n", "use up all sessions"},
        {"hostname a.example\ndomain b.example\ntimeouts { command 10s }\n", "far below"},
        {"hostname a.example\ndomain b.example\n"
         "listen mx { service mx; address *:25; auth offered }\n",
         "one more place to guess passwords"},
        {"hostname a.example\ndomain b.example\n"
         "listen s { service submission; address *:587; auth off }\n",
         "nobody but trusted networks"},
        {"hostname a.example\ndomain b.example\n"
         "listen s { service submission; address *:587; tls off; insecure_auth yes }\n",
         "can read the passwords"},
        {"hostname a.example\ndomain b.example\n"
         "listen s { service submission; address *:587; insecure_auth yes }\n",
         "nothing here needs it"},
        {"hostname a.example\ndomain b.example\n"
         "listen s { service submission; address unix:/x; tls off }\n",
         ""},
        {"hostname a.example\ndomain b.example\nauth { mechanisms XOAUTH2 }\n",
         "nobody can log in"},
        {"hostname a.example\ndomain b.example\naccounts a { passwd_file /x }\n",
         "accounts a is not used"},
        {"hostname a.example\ndomain b.example\nchecks { spf reject }\n", ""},
        {"hostname a.example\ndomain b.example\nchecks { spf reject; dmarc ignore }\n",
         "forwarded mail is refused"},
        {"hostname a.example\ndomain b.example\nauthor c.example d.example { softfail reject }\n",
         "RFC 7208 section 8.5"},
        {"hostname a.example\ndomain b.example { checks { dkim reject } }\n",
         "RFC 6376 section 6.3"},
        {"hostname a.example\ndomain b.example\n"
         "checks { arc ignore; trusted_sealer l.example }\n",
         "trusted_sealer does nothing"},
        {"hostname a.example\ndomain b.example\nchecks { unchecked { 10.0.0.0/7 } }\n",
         "10.0.0.0/7 are strangers"},
        {"hostname a.example\ndomain b.example\nchecks { unchecked { 10.0.0.0/8 } }\n", ""},
        {"hostname a.example\ndomain b.example\n"
         "listen s { service submission; address *:587; checks { spf tag; dmarc tag } }\n",
         "everybody has logged in"},
        {"hostname a.example\ndomain b.example\n"
         "listen s { service submission; address *:587; auth offered; checks { spf tag } }\n",
         ""},
        {"hostname a.example\ndomain b.example\n"
         "listen l { service lmtp; address unix:/x; checks { iprev tag } }\n",
         "the server in front of this one"},
        {"hostname a.example\ndomain b.example\n"
         "listen l { service lmtp; address unix:/x; checks { dmarc enforce } }\n",
         ""},
        {"hostname a.example\ndomain b.example\nauthor *.c.example { dmarc tag }\n"
         "author d.c.example { dmarc ignore }\n",
         "author d.c.example comes too late: *.c.example in test.conf:3 decides"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config *config = parse(cases[i].text);
        struct problem_list problems;
        problem_list_init(&problems);
        config_warn(config, &problems);
        assert_int_equal(problems.count, *cases[i].want ? 1 : 0);
        if (*cases[i].want)
            assert_non_null(
                strstr(arena_cstr(&problems.arena, problems.first->text), cases[i].want));
        problem_list_done(&problems);
        config_unref(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_looks_like_an_oversight_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
