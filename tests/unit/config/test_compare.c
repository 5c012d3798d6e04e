#include "../cmocka_all.h"
#include "parsing.h"

#define BASE                                                                                       \
    "hostname a.example\nstate /s\nlisten mx { service mx; address *:25 }\n"                       \
    "listen sub { service submission; address *:587 }\n"

static void test_what_needs_a_restart_is_named(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {BASE, ""},
        {BASE "domain b.example\ntrusted { 192.0.2.0/24 }\nlog { level debug }\n", ""},
        {"hostname b.example\nstate /s\n"
         "listen mx { service mx; address *:25; bare_newline convert }\n"
         "listen sub { service submission; address *:587; xclient { 192.0.2.1 } }\n",
         "listen mx has another bare_newline: needs a restart|"
         "listen sub has other proxies: needs a restart|"},
        {"hostname a.example\nstate /s\n"
         "listen mx { service mx; address *:25; proxy_protocol { 192.0.2.1 } }\n"
         "listen sub { service submission; address *:587 }\n",
         "listen mx has other proxies: needs a restart|"},
        {"hostname a.example\nstate /t\nlisten mx { service mx; address *:25 *:26 }\n"
         "listen new { service lmtp; address unix:/x }\n",
         "listen mx has other addresses: needs a restart|listen new is new: needs a restart|"
         "listen sub was there, and is gone: needs a restart|"
         "state changed from /s to /t: needs a restart|"},
        {"hostname a.example\nstate /s\nlisten mx { service submission; address *:25 }\n"
         "listen sub { service submission; address *:587; mode 0600 }\nworkers { mx 2 }\n",
         "listen mx has another service: needs a restart|listen sub has another mode: needs a "
         "restart|workers changed: needs a restart|"},
        {BASE "certificate a { chain /a; key /b }\ntls { minimum 1.3 }\nauth { failures 3 }\n"
              "accounts a { passwd_file /x }\ndomain b.example { accounts a }\n",
         ""},
        {"hostname a.example\nstate /s\nlisten mx { service mx; address *:25; tls required }\n"
         "listen sub { service submission; address *:587; auth offered }\n",
         "listen mx has other rules of TLS or AUTH: needs a restart|"
         "listen sub has other rules of TLS or AUTH: needs a restart|"},
        {BASE "accounts a { dovecot_auth /a; dovecot_userdb /b }\n"
              "auth { oauth { introspection https://a.example/ } }\n",
         "accounts: auth may not speak to Dovecot yet: needs a restart|"
         "oauth: auth may not connect to port 443 yet: needs a restart|"},
        {BASE "checks { spf reject }\nauthor b.example { dmarc tag }\n", ""},
        {"hostname a.example\nstate /s\n"
         "listen mx { service mx; address *:25; checks { helo reject } }\n"
         "listen sub { service submission; address *:587 }\n",
         "listen mx has other checks: needs a restart|"},
        {BASE "control { admin_group wheel }\n", "control changed: needs a restart|"},
        {BASE "dns { server 192.0.2.1 }\n", "dns changed: needs a restart|"},
        {BASE "dns { trust_anchor /a }\n", "dns changed: needs a restart|"},
        {BASE "dns { validate yes }\nroute r { mx; tls verify }\ndestination b.example { route r "
              "}\n",
         ""},
        {"hostname a.example\nstate /s\nlisten sub { service submission; address *:587 }\n"
         "listen mx { service mx; address *:25 }\n",
         "listen sub stands at another place in the order: needs a restart|"
         "listen mx stands at another place in the order: needs a restart|"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config *old = parse(BASE), *new = parse(cases[i].text);
        struct problem_list problems;
        struct buf got;
        buf_init(&got, 4096);
        problem_list_init(&problems);
        config_compare(old, new, &problems);
        for (const struct problem *p = problems.first; p; p = p->next)
            buf_printf(&got, "%.*s|", SLICE_ARG(p->text));
        if (!slice_eq(buf_slice(&got), slice_from_cstr(cases[i].want)))
            fail_msg("case %zu: %.*s", i, SLICE_ARG(buf_slice(&got)));
        problem_list_done(&problems);
        buf_done(&got);
        config_unref(old);
        config_unref(new);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_needs_a_restart_is_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
