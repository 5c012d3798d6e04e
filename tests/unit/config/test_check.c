/* Whole configurations and every word that is said about their mistakes. */
#include "../cmocka_all.h"
#include "parsing.h"

#define HOST "hostname a.example\n"

struct mistake {
    const char *text, *want; /* all problems, a line each */
};

static void check_mistakes(const struct mistake *cases, size_t n_cases)
{
    for (size_t i = 0; i < n_cases; i++) {
        struct problem_list problems;
        struct buf got;

        problem_list_init(&problems);
        buf_init(&got, 65536);
        assert_null(parse_with(cases[i].text, &problems));
        for (struct problem *problem = problems.first; problem; problem = problem->next)
            buf_printf(&got, "%.*s\n", SLICE_ARG(problem_line(&problems, problem)));
        if (!slice_eq(buf_slice(&got), slice_from_cstr(cases[i].want)))
            fail_msg("%s\n--- got:\n%.*s--- want:\n%s", cases[i].text, SLICE_ARG(buf_slice(&got)),
                     cases[i].want);
        buf_done(&got);
        problem_list_done(&problems);
    }
}

#define CHECK(cases) check_mistakes(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_grammar(void **state)
{
    static const struct mistake cases[] = {
        {"", "test.conf: hostname is missing; add one like: hostname mx1.example.org\n"},
        {HOST "}\n", "test.conf:2: '}' without a '{'; remove it\n"},
        {HOST "limits {\nerrors 3\n",
         "test.conf:2: the block that begins here is not closed; a '}' is missing\n"},
        {HOST "limits\n{ errors 3 }\n",
         "test.conf:3: '{' without a word before it on the same line\n"
         "test.conf:2: limits wants a block that begins on the same line, like: "
         "limits { message_size 50M }\n"},
        {HOST "state \"/x\ndomain b.example\n",
         "test.conf:2: the quote is not closed; end it with '\"' on the same line\n"},
        {HOST "state \"/x\"y\n",
         "test.conf:2: something stands right after the closing quote; put a blank between them\n"
         "test.conf:2: state wants one value, like: state /var/lib/nuncio\n"},
        {HOST "state \"/x\\n\"\n",
         "test.conf:2: '\\' in quotes; only \\\" and \\\\ are known there\n"},
        {HOST "state /x#y\n",
         "test.conf:2: '#' or '\"' inside the word /x#y; put the whole value in "
         "quotes, or a blank before the comment\n"},
        {HOST "state /x\x01y\n", "test.conf:2: control character in a word; remove it\n"},
        {HOST "state \"/x\x7f\"\n", "test.conf:2: control character in quotes; remove it\n"},
        {HOST "\n# \xe4\n", "test.conf:3: this is not UTF-8; save the file in that encoding\n"
                            "test.conf: hostname is missing; add one like: hostname "
                            "mx1.example.org\n"},
        {HOST "limits { a { b { c { d { e { f } } } } } }\n",
         "test.conf:2: too many blocks within each other\n"
         "test.conf:2: unknown setting 'a' in limits\n"},
        {HOST "include other.conf\n", "test.conf:2: other.conf cannot be included here\n"},
        {HOST "include a b\n", "test.conf:2: include wants one file name, at the top level: "
                               "include local.conf\n"},
        {HOST "limits { include a }\n", "test.conf:2: include wants one file name, at the top "
                                        "level: include local.conf\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_unknown_and_duplicate_settings(void **state)
{
    static const struct mistake cases[] = {
        {HOST "hostnmae x\n",
         "test.conf:2: unknown setting 'hostnmae', did you mean 'hostname'?\n"},
        {HOST "Domain b.example\n",
         "test.conf:2: unknown setting 'Domain', did you mean 'domain'?\n"},
        {HOST "limits { mesage_size 1M }\n",
         "test.conf:2: unknown setting 'mesage_size' in limits, did you mean 'message_size'?\n"},
        {HOST "message_size 1M\n",
         "test.conf:2: unknown setting 'message_size'; it belongs into 'limits { }'\n"},
        {HOST "frobnicate 1\n", "test.conf:2: unknown setting 'frobnicate'\n"},
        {HOST "route r { auth required; host b.example:25 }\n",
         "test.conf:2: unknown setting 'auth' in route r; it belongs into 'listen { }'\n"},
        {HOST HOST, "test.conf:2: hostname is set already in test.conf:1; keep one of them\n"},
        {HOST "limits { errors 1 }\nlimits { errors 2 }\n",
         "test.conf:3: limits is set already in test.conf:2; keep one of them\n"},
        {HOST "limits { errors 1\n errors 2 }\n",
         "test.conf:3: errors is set already in test.conf:2; keep one of them\n"},
        {HOST "domain b.example\ndomain B.example { quota 1G }\n",
         "test.conf:3: domain b.example is there already in test.conf:2; keep one of them\n"},
        {HOST "route r { host b.example }\nroute r { host c.example }\n",
         "test.conf:3: route r is there already in test.conf:2; keep one of them\n"},
        {HOST "listen a { service mx; address *:25 }\nlisten a { service mx; address *:26 }\n",
         "test.conf:3: listen a is there already in test.conf:2; give it another name\n"},
        {HOST "relay b.example\nrelay c.example\n",
         "test.conf:3: relay is set already in test.conf:2; keep one of them\n"},
        {HOST "relay b.example\nroute relay { host c.example }\n",
         "test.conf:3: route relay is there already in test.conf:2; keep one of them\n"},
        {HOST "relay b.example\ndefault_route relay\n",
         "test.conf:3: 'relay' sets the default route already; keep one of them\n"},
        {HOST "default_route relay\nrelay b.example\n",
         "test.conf:3: default_route is set already; keep one of them\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_values(void **state)
{
    static const struct mistake cases[] = {
        {"hostname\n", "test.conf:1: hostname wants one value, like: hostname mx1.example.org\n"
                       "test.conf: hostname is missing; add one like: hostname mx1.example.org\n"},
        {"hostname a b\n",
         "test.conf:1: hostname wants one value, like: hostname mx1.example.org\n"
         "test.conf: hostname is missing; add one like: hostname mx1.example.org\n"},
        {"hostname -a.example\n",
         "test.conf:1: hostname: '-a.example' is not a host name; like: hostname "
         "mx1.example.org\n"
         "test.conf: hostname is missing; add one like: hostname mx1.example.org\n"},
        {"hostname [192.0.2.1]\n",
         "test.conf:1: hostname: '[192.0.2.1]' is not a host name; like: hostname "
         "mx1.example.org\n"
         "test.conf: hostname is missing; add one like: hostname mx1.example.org\n"},
        {HOST "hostname { a }\n",
         "test.conf:2: hostname takes no block; write it like: hostname mx1.example.org\n"},
        {HOST "state var\n", "test.conf:2: state wants a path that begins with '/', not 'var'\n"},
        {HOST "postmaster joe\n", "test.conf:2: postmaster: 'joe' is not an address: the domain is "
                                  "missing; like: postmaster admin@example.org\n"},
        {HOST "open_relay on\n", "test.conf:2: open_relay is yes or no, not 'on'\n"},
        {HOST "limits { errors many }\n",
         "test.conf:2: errors wants a number, not 'many'; like: errors 20\n"},
        {HOST "limits { errors 0 }\n", "test.conf:2: errors 0 is out of range; it is 1 to 10000\n"},
        {HOST "limits { message_size 50MB }\n",
         "test.conf:2: message_size wants bytes, or a size with K, M, G or T, not '50MB'; like: "
         "message_size 50M\n"},
        {HOST "limits { message_size 1T }\n",
         "test.conf:2: message_size 1T is out of range; it is 1K to 16G\n"},
        {HOST "queue { retry_first 5 }\n",
         "test.conf:2: retry_first wants a time with ms, s, m, h, d or w, not '5'; like: "
         "retry_first 5m\n"},
        {HOST "timeouts { command 2h }\n",
         "test.conf:2: command 2h is out of range; it is 100ms to 1h\n"},
        {HOST "queue { retry_first 5h }\n",
         "test.conf: retry_first is longer than retry_max; make it shorter\n"},
        {HOST "log { level verbose }\n",
         "test.conf:2: level is debug, info, warn or error, not 'verbose'\n"},
        {HOST "log { level eror }\n",
         "test.conf:2: level is debug, info, warn or error, not 'eror'\n"},
        {HOST "control { read_group \"a b\" }\n",
         "test.conf:2: read_group wants a name of letters, digits, '.', '_' and '-', not 'a "
         "b'\n"},
        {HOST "limits now { errors 1 }\n",
         "test.conf:2: limits has no name; write it like: limits { message_size 50M }\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_networks_and_open_relays(void **state)
{
    static const struct mistake cases[] = {
        {HOST "trusted 10.0.0.0/8\n",
         "test.conf:2: trusted wants a block that begins on the same line, like: "
         "trusted { 192.0.2.0/24; 2001:db8:1::/48 }\n"},
        {HOST "trusted { example.org; 10.1; 1.2.3.4/33 }\n",
         "test.conf:2: 'example.org' is not a network; write one like 192.0.2.0/24 or "
         "2001:db8::/32\n"
         "test.conf:2: '10.1' is not a network; write one like 192.0.2.0/24 or 2001:db8::/32\n"
         "test.conf:2: '1.2.3.4/33' has a wrong prefix length; it is 0 to 32 for IPv4, 0 to 128 "
         "for IPv6\n"},
        {HOST "trusted { 192.0.2.7/24 }\n", "test.conf:2: '192.0.2.7/24' has bits set behind its "
                                            "prefix; the network is 192.0.2.0/24\n"},
        {HOST "trusted {\n10.0.0.0/8\n0.0.0.0/0\n}\n",
         "test.conf:4: 0.0.0.0/0 would make this an open relay: whoever is in it may relay; name "
         "your own networks, or say 'open_relay yes'\n"},
        {HOST "trusted { 2000::/3 }\n",
         "test.conf:2: 2000::/3 would make this an open relay: whoever is in it may relay; name "
         "your own networks, or say 'open_relay yes'\n"},
        /* IPv4 in IPv6 clothes counts as IPv4. */
        {HOST "trusted { ::ffff:0.0.0.0/96 }\n",
         "test.conf:2: 0.0.0.0/0 would make this an open relay: whoever is in it may relay; name "
         "your own networks, or say 'open_relay yes'\n"},
        {HOST "trusted { ::ffff:0:0/95 }\n",
         "test.conf:2: '::ffff:0:0/95' is wider than all IPv4 addresses; write them as an IPv4 "
         "network\n"},
        /* Who may claim any address may claim a trusted one. */
        {HOST "listen mx { service mx; address *:25; xclient { 0.0.0.0/1 }\n"
              "proxy_protocol { ::/0 } }\n",
         "test.conf:3: ::/0 would make this an open relay: whoever is in it may claim any client "
         "address; name your own networks, or say 'open_relay yes'\n"
         "test.conf:2: 0.0.0.0/1 would make this an open relay: whoever is in it may claim any "
         "client address; name your own networks, or say 'open_relay yes'\n"},
    };

    (void)state;
    CHECK(cases);
    config_unref(parse(HOST "open_relay yes\ntrusted { 0.0.0.0/0; ::/0 }\n"));
    config_unref(parse(HOST "trusted { 10.0.0.0/8; 2001:db8::/32; ::ffff:10.0.0.0/104 }\n"));
}

static void test_listeners(void **state)
{
    static const struct mistake cases[] = {
        {HOST "listen mx { }\n",
         "test.conf:2: listen mx does not say what it is; add one of: service mx, service "
         "submission, service lmtp\n"
         "test.conf:2: listen mx has no address; add one like: address *:25\n"},
        {HOST "listen { service mx; address *:25 }\n",
         "test.conf:2: listen wants one value, like: listen mx { service mx; address *:25 }\n"},
        {HOST "listen mx { service smtp; address *:25 }\n",
         "test.conf:2: service is mx, submission or lmtp, not 'smtp'\n"},
        {HOST "listen mx { service mx; address * :0 ::1:25 [::1:25 [x]:25 a_b: unix:x }\n",
         "test.conf:2: address: '*' wants a port from 1 to 65535 at its end, like :25\n"
         "test.conf:2: address: ':0' is no host; write a name, an address or [an IPv6 address], "
         "and ':PORT'\n"
         "test.conf:2: address: '::1:25' is an IPv6 address without brackets; write it like "
         "[2001:db8::1]:25\n"
         "test.conf:2: address: '[::1:25' has no ']', or something else than ':PORT' behind it\n"
         "test.conf:2: address: '[x]:25' is no host; write a name, an address or [an IPv6 "
         "address], and ':PORT'\n"
         "test.conf:2: address: 'a_b:' wants a port from 1 to 65535 at its end, like :25\n"
         "test.conf:2: address: 'unix:x' wants an absolute path of at most 100 bytes, like "
         "unix:/run/dovecot/lmtp\n"},
        {HOST "listen mx { service mx; address localhost:25 }\n",
         "test.conf:2: address: 'localhost' is a name; to listen, write an IP address, or * for "
         "all of them\n"},
        {HOST "listen l { service lmtp; address *:25 }\n",
         "test.conf:2: LMTP does not belong on port 25 (RFC 2033); use another, or unix:/path\n"},
        {HOST "listen a { service mx; address *:25 *:26\naddress *:26 }\n"
              "listen b { service mx; address *:25 }\n",
         "test.conf:3: this address is taken in test.conf:2\n"
         "test.conf:4: this address is taken in test.conf:2\n"},
        {HOST "listen a { service lmtp; address unix:/x; mode 999 }\n",
         "test.conf:2: mode wants octal digits up to 0777, not '999'\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_domains_routes_and_programs(void **state)
{
    static const struct mistake cases[] = {
        {HOST "domain -b.example\n", "test.conf:2: '-b.example' is not a domain name; like: domain "
                                     "example.org { deliver maildir }\n"},
        {HOST "domain b.example {\ndeliver route bakc }\nroute back { host c.example }\n",
         "test.conf:3: there is no route bakc, did you mean 'back'?\n"},
        {HOST "domain b.example { deliver program x }\n",
         "test.conf:2: there is no program x; make a section for it\n"},
        {HOST "domain b.example { deliver }\n",
         "test.conf:2: deliver is one of: maildir, route NAME, program NAME\n"},
        {HOST "domain b.example { deliver mailbox }\n",
         "test.conf:2: deliver is one of: maildir, route NAME, program NAME\n"},
        {HOST "default_route x\n", "test.conf:2: there is no route x; make a section for it\n"},
        {HOST "domain b.example { route r; deliver maildir; catch_all c@b.example; quota 1G }\n"
              "route r { host c.example }\n",
         "test.conf:2: deliver does not go with route: 'deliver' is for a domain whose mailboxes "
         "are ours, 'route' for one that is relayed inward; keep one of them\n"
         "test.conf:2: quota works with 'deliver maildir' alone\n"
         "test.conf:2: catch_all does not go with route: the next server decides\n"},
        {HOST "domain b.example { recipients any }\n",
         "test.conf:2: recipients any does not go with 'deliver maildir': strangers would make "
         "mailboxes; use 'catch_all ADDRESS'\n"},
        {HOST "domain b.example { alias_of elsewhere.test; quota 1G }\n",
         "test.conf:2: quota does not go with alias_of; set it in the domain that the alias "
         "means\n"
         "test.conf:2: there is no domain elsewhere.test; make a section for it\n"},
        {HOST "domain b.example { alias_of b.example }\n",
         "test.conf:2: b.example is an alias of itself; name another domain\n"},
        {HOST "domain b.example\ndomain c.example { alias_of b.example }\n"
              "domain d.example { alias_of c.example }\n",
         "test.conf:4: c.example is itself an alias of b.example; name that one directly\n"},
        {HOST "domain b.example { route r }\nroute r { host x.example }\n"
              "domain c.example { alias_of b.example }\n",
         "test.conf:4: b.example is not a domain of ours but relayed; give c.example the same "
         "'route' instead\n"},
        {HOST "route r { concurrency 5 }\n", "test.conf:2: route r leads nowhere; add 'mx' for the "
                                             "servers that DNS names, or one like: "
                                             "host mx.example.org:25\n"},
        {HOST "route r { host b.example; lmtp unix:/x }\n",
         "test.conf:2: lmtp does not go with host; make a route for each\n"},
        {HOST "route r { host unix:/x }\n",
         "test.conf:2: a unix socket is for lmtp; write: lmtp unix:/x\n"},
        {HOST "route r { host *:25 }\n",
         "test.conf:2: '*' is for listening; name the host to connect to\n"},
        {HOST "route r { lmtp b.example }\n",
         "test.conf:2: lmtp: 'b.example' wants a port from 1 to 65535 at its end, like :25\n"},
        {HOST "route r { host b.example; source 192.0.2.1 192.0.2.2 [::1] }\n",
         "test.conf:2: source: '[::1]' is not an IP address (without brackets or port)\n"},
        {HOST "program p { timeout 5s }\n",
         "test.conf:2: program p has no command; add one like: command \"/usr/bin/archive\" "
         "\"--quiet\"\n"
         "test.conf:2: program p does not say as whom it runs; add one like: user archive\n"},
        {HOST "program p { command archive; user root }\n",
         "test.conf:2: command wants a path that begins with '/', then arguments; no shell reads "
         "it; like: command \"/usr/bin/archive\" \"--quiet\"\n"
         "test.conf:2: a program never runs as root; name another user\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_ways_of_routes(void **state)
{
    static const struct mistake cases[] = {
        {HOST "route r { mx yes }\n", "test.conf:2: mx stands alone; remove what is behind it\n"},
        {HOST "route r { mx; host b.example; lmtp unix:/x }\n",
         "test.conf:2: lmtp does not go with host; make a route for each\n"
         "test.conf:2: host does not go with mx: either these hosts, or those that DNS names for "
         "the domain; make a route for each\n"
         "test.conf:2: lmtp does not go with mx: the servers that DNS names speak SMTP; make a "
         "route for each\n"},
        {HOST "route r { host b.example; port 26 }\n",
         "test.conf:2: port is for routes with 'mx'; write it behind the host: host "
         "mx.example.org:25\n"},
        {HOST "route r { mx; port 0 }\n",
         "test.conf:2: port wants a port from 1 to 65535, not '0'\n"},
        {HOST "route r { mx; tls secure; tls_ca ca.pem }\n",
         "test.conf:2: tls is may, none, encrypt, verify or dane-only, not 'secure'\n"
         "test.conf:2: tls_ca wants a path that begins with '/', not 'ca.pem'\n"},
        {HOST "route r { mx; rate 100 }\nroute s { mx; rate 0/1m }\nroute t { mx; rate 1/2d }\n",
         "test.conf:2: rate wants messages and a time of at most a day, not '100'; like: rate "
         "100/1m\n"
         "test.conf:3: rate wants messages and a time of at most a day, not '0/1m'; like: rate "
         "100/1m\n"
         "test.conf:4: rate wants messages and a time of at most a day, not '1/2d'; like: rate "
         "100/1m\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_fallbacks_and_security_of_routes(void **state)
{
    static const struct mistake cases[] = {
        {HOST "route a { mx; fallback a }\n",
         "test.conf:2: route a falls back to itself; name another route\n"},
        {HOST "route a { mx; fallback b }\nroute b { mx; fallback c }\n"
              "route c { mx; fallback b }\n",
         "test.conf:2: route a falls back to b, and so on to more routes than mail should try; "
         "end the circle\n"
         "test.conf:3: route b falls back to c, and so on to itself; end the circle\n"
         "test.conf:4: route c falls back to b, and so on to itself; end the circle\n"},
        {HOST "route a { mx; fallback b }\n",
         "test.conf:2: there is no route b; make a section for it\n"},
        {HOST "route a { mx; fallback_after 1h }\n",
         "test.conf:2: fallback_after needs the route that mail goes over then; add: fallback "
         "NAME\n"},
        {HOST "route a { mx; tls none; tls_implicit yes }\n",
         "test.conf:2: route a: 'tls none' and TLS from the first byte; keep one of them\n"},
        {HOST "route a { mx; tls dane-only; dane no }\n",
         "test.conf:2: route a: 'tls dane-only' needs DANE; remove 'dane no'\n"},
        {HOST "route none { mx }\n",
         "test.conf:2: 'none' is the word for no route; use another name\n"},
        {HOST "relay b.example\ndefault_route none\n",
         "test.conf:3: 'relay' sets the default route already; keep one of them\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_logins(void **state)
{
    static const struct mistake cases[] = {
        {HOST "route a { host b.example:587; login { } }\n",
         "test.conf:2: login does not say as whom; add one like: user relay@example.net\n"
         "test.conf:2: login has neither a password nor a token; add one like: password_file "
         "/etc/nuncio/smarthost.password\n"},
        {HOST "route a { mx; login { user x; password_file /p } }\n",
         "test.conf:2: route a: a login does not go with mx: whoever DNS names would get the "
         "password; write 'host NAME:PORT'\n"},
        {HOST "destination c.example { login { user x; password_file /p } }\n",
         "test.conf:2: route c.example: a login does not go with mx: whoever DNS names would get "
         "the password; write 'host NAME:PORT'\n"},
        {HOST "route a { host b.example:587; login { user x; password_file /p; mechanisms "
              "XOAUTH2 } }\n",
         "test.conf:2: mechanisms: none of them is for a password; XOAUTH2 and OAUTHBEARER need a "
         "'token { }'\n"},
        {HOST "route a { host b.example:587; login { user x; password_file /p; mechanisms "
              "EXTERNAL PLAIN } }\n",
         "test.conf:2: mechanisms: EXTERNAL needs a certificate, and a login has none; remove "
         "it\n"},
        {HOST "route a { host b.example:587; tls none; login { user x; password_file /p; "
              "mechanisms LOGIN PLAIN } }\n",
         "test.conf:2: route a: what the login may use is said under TLS alone; write 'tls "
         "verify' instead of 'tls none'\n"},
        {HOST "route a { host b.example:587; login { user x; token { endpoint "
              "http://c.example/t } } }\n",
         "test.conf:2: endpoint: tokens would go to c.example in the clear; write https://, "
         "http:// is for this machine alone\n"
         "test.conf:2: token does not say as whom it asks; add one like: client_id nuncio\n"
         "test.conf:2: token has nothing to get tokens for; add one like: refresh_token_file "
         "/etc/nuncio/smarthost.token\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_destinations(void **state)
{
    static const struct mistake cases[] = {
        {HOST "destination { route world }\n",
         "test.conf:2: destination wants at least one domain, like: destination partner.example "
         "*.partner.example { tls verify }\n"},
        {HOST "destination * { tls verify }\n",
         "test.conf:2: destination: for all other domains write 'default_route NAME'\n"},
        {HOST "destination a.*.example [192.0.2.1] *. { tls verify }\n",
         "test.conf:2: destination: 'a.*.example' is neither a domain nor '*.' and a domain; like: "
         "destination partner.example *.partner.example { tls verify }\n"
         "test.conf:2: destination: '[192.0.2.1]' is neither a domain nor '*.' and a domain; like: "
         "destination partner.example *.partner.example { tls verify }\n"
         "test.conf:2: destination: '*.' is neither a domain nor '*.' and a domain; like: "
         "destination partner.example *.partner.example { tls verify }\n"},
        {HOST "destination b.example { route x }\n",
         "test.conf:2: there is no route x; make a section for it\n"},
        {HOST "destination b.example { route world; tls verify }\n",
         "test.conf:2: tls does not go with 'route NAME'; set it in that route\n"},
        {HOST "destination b.example { }\n",
         "test.conf:2: destination b.example says nothing; add 'route NAME', or settings of a "
         "route, like: tls verify\n"},
        {HOST "destination b.example { route world }\ndestination c.example B.example { tls "
              "verify }\n",
         "test.conf:3: destination b.example is there already in test.conf:2; keep one of them\n"},
        {HOST "destination b.example { tls verify }\nroute b.example { mx }\n",
         "test.conf:3: route b.example is there already in test.conf:2; keep one of them\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_backups(void **state)
{
    static const struct mistake cases[] = {
        {HOST "domain b.example { backup; deliver maildir; catch_all c@b.example }\n",
         "test.conf:2: deliver does not go with backup: the mailboxes are on another server; keep "
         "one of them\n"
         "test.conf:2: catch_all does not go with route: the next server decides\n"},
        {HOST "domain b.example { backup; route r }\nroute r { host c.example }\n",
         "test.conf:2: domain b.example: a backup delivers to the servers that DNS prefers; route "
         "r has hosts instead of 'mx'; remove 'backup', or name another route\n"},
        {HOST "domain b.example { expire_after 3d }\n",
         "test.conf:2: expire_after is for domains that are relayed; elsewhere it is set in 'queue "
         "{ }'\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_history_reports_and_web(void **state)
{
    static const struct mistake cases[] = {
        {HOST "history on\n",
         "test.conf:2: history is 'off', or a block, like: history { keep 30d }\n"},
        {HOST "history off { keep 30d }\n",
         "test.conf:2: history has no name; write it like: history { keep 30d }\n"},
        {HOST "tls_report { send no; contact a@b.example }\n",
         "test.conf:2: contact does nothing with 'send no'; remove one of them\n"},
        {HOST "web { listen localhost:80 }\n",
         "test.conf:2: listen: 'localhost' is not an IP address; like: listen 127.0.0.1:9925\n"},
        {HOST "account_limits { priority 10 }\n",
         "test.conf:2: priority 10 is out of range; it is 0 to 9\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_dns(void **state)
{
    static const struct mistake cases[] = {
        {HOST "dns { server ns.example; stub unix:/x }\n",
         "test.conf:2: server: 'ns.example' is not an IP address; like: server 192.0.2.53:53\n"
         "test.conf:2: stub: '/x' is not an IP address; like: stub 192.0.2.53:53\n"
         "test.conf:2: server does not go with stub: a stub stands for the root servers, and "
         "nobody is forwarded to; keep one of them\n"},
        {HOST "dns { server 192.0.2.1; recurse yes }\n",
         "test.conf:2: server does not go with 'recurse yes': either this server is asked, or the "
         "world's own ones; keep one of them\n"},
        {HOST "dns { validate no; trust_anchor /x; trust_anchor y }\n",
         "test.conf:2: trust_anchor wants a path that begins with '/', not 'y'\n"
         "test.conf:2: trust_anchor does nothing with 'validate no'; remove one of them\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_routes_into_our_own_listeners(void **state)
{
    static const struct mistake cases[] = {
        {HOST "relay 127.0.0.1:25\n", "test.conf:2: a loop: this leads to our own listener (a "
                                      "default one, *:25); name the next server\n"},
        {HOST "relay 127.0.0.1:465\n", "test.conf:2: a loop: this leads to our own listener (a "
                                       "default one, *:465); name the next server\n"},
        {HOST "relay a.example\n", "test.conf:2: a loop: this leads to our own listener (a "
                                   "default one, *:25); name the next server\n"},
        {HOST "relay localhost:2525\nlisten mx { service mx; address 127.0.0.1:2525 }\n",
         "test.conf:2: a loop: this leads to our own listener (address in test.conf:3); name the "
         "next server\n"},
        {HOST "route r { host [2001:db8::1]:26 }\n"
              "listen mx { service mx; address [2001:db8::1]:26 }\n",
         "test.conf:2: a loop: this leads to our own listener (address in test.conf:3); name the "
         "next server\n"},
        {HOST "route r { lmtp unix:/run/x }\nlisten l { service lmtp; address unix:/run/x }\n",
         "test.conf:2: a loop: this leads to our own listener (address in test.conf:3); name the "
         "next server\n"},
    };

    (void)state;
    CHECK(cases);
    config_unref(parse(HOST "relay 127.0.0.1:2525\n"));
    config_unref(parse(HOST "relay 192.0.2.1:25\nlisten m { service mx; address 127.0.0.1:25 }\n"));
}

static void test_more_mistakes_than_are_kept_are_counted(void **state)
{
    struct problem_list problems;
    struct buf text;

    (void)state;
    buf_init(&text, 65536);
    for (int i = 0; i < 2 * PROBLEMS_MAX; i++)
        buf_add_cstr(&text, "wrong\n");
    buf_add_char(&text, '\0');
    problem_list_init(&problems);
    assert_null(parse_with(text.ptr, &problems));
    assert_int_equal(problems.count, 2 * PROBLEMS_MAX + 1);
    problem_list_done(&problems);
    buf_done(&text);
}

static void test_tls_and_auth_of_listeners(void **state)
{
    static const struct mistake cases[] = {
        {HOST "listen s { service submission; address *:1; tls off }\n",
         "test.conf:2: listen s: passwords would cross the network in the clear; write 'tls "
         "required', or, if that is meant, 'insecure_auth yes' (the loopback address included)\n"},
        {HOST "listen s { service mx; address 127.0.0.1:1 unix:/x; tls off; auth offered }\n",
         "test.conf:2: listen s: passwords would cross the network in the clear; write 'tls "
         "required', or, if that is meant, 'insecure_auth yes' (the loopback address included)\n"},
        {HOST "listen m { service mx; address *:1; insecure_auth yes }\n",
         "test.conf:2: listen m: insecure_auth yes, but nobody can log in here; write 'auth "
         "offered' or 'auth required', or remove it\n"},
        {HOST "listen s { service submission; address *:1; client_certificate asked }\n",
         "test.conf:2: listen s: client_certificate needs the CAs that issue them; add one like: "
         "client_ca /etc/nuncio/tls/clients.pem\n"},
        {HOST "listen s { service lmtp; address *:1; client_certificate required; client_ca /x }\n",
         "test.conf:2: listen s: client certificates come by TLS, which is off here; write 'tls "
         "required', or remove client_certificate\n"},
        {HOST "listen s { service mx; address *:1; client_ca /x }\n",
         "test.conf:2: listen s: client_ca is there, but no client is asked for a certificate; "
         "add: client_certificate asked\n"},
        {HOST "listen s { service submission; address *:1; mechanisms PLAIN SCRAM-SHA256 NTLM }\n",
         "test.conf:2: mechanisms: there is no 'SCRAM-SHA256' here, did you mean "
         "'SCRAM-SHA-256'?\n"
         "test.conf:2: mechanisms: there is no 'NTLM' here; like: mechanisms SCRAM-SHA-256 PLAIN "
         "LOGIN\n"},
        {HOST "auth { mechanisms }\n", "test.conf:2: mechanisms wants at least one, like: "
                                       "mechanisms SCRAM-SHA-256 PLAIN LOGIN\n"},
        {HOST "listen s { service mx; address *:1; tls yes; auth on; client_certificate no }\n",
         "test.conf:2: tls is off, offered, required or implicit, not 'yes'\n"
         "test.conf:2: auth is off, offered or required, not 'on'\n"
         "test.conf:2: client_certificate is ignored, asked or required, not 'no'\n"},
        {HOST "tls { minimum 1.1 }\n", "test.conf:2: minimum is 1.2 or 1.3, not '1.1'\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_certificates_and_accounts(void **state)
{
    static const struct mistake cases[] = {
        {HOST "certificate a { }\n",
         "test.conf:2: certificate a has no chain; add one like: chain "
         "/etc/nuncio/tls/fullchain.pem\n"
         "test.conf:2: certificate a has no key; add one like: key /etc/nuncio/tls/privkey.pem\n"},
        {HOST "certificate b { chain /a; key /b }\ncertificate a { chain /a; key /b }\n"
              "certificate b { chain /c; key /d }\n",
         "test.conf:4: certificate b is there already in test.conf:2; give it another name\n"},
        {HOST "accounts a { }\n",
         "test.conf:2: accounts a does not say where they are; add one of: passwd_file "
         "/etc/nuncio/passwd, dovecot_auth /run/dovecot/auth-client\n"},
        {HOST "accounts a { alias_file /x }\n",
         "test.conf:2: accounts a does not say where they are; add one of: passwd_file "
         "/etc/nuncio/passwd, dovecot_auth /run/dovecot/auth-client\n"},
        {HOST "accounts a { dovecot_auth /x; passwd_file /y; alias_file /z }\n",
         "test.conf:2: passwd_file does not go with Dovecot's sockets; make an accounts section "
         "for each\n"
         "test.conf:2: accounts a has no socket to ask who exists; add one like: dovecot_userdb "
         "/run/dovecot/auth-userdb\n"},
        {HOST "accounts a { dovecot_userdb run/x }\n",
         "test.conf:2: dovecot_userdb wants the absolute path of a socket, of at most 100 bytes, "
         "like: dovecot_userdb /run/dovecot/auth-userdb\n"
         "test.conf:2: accounts a has no socket to ask about passwords; add one like: "
         "dovecot_auth /run/dovecot/auth-client\n"},
        {HOST "accounts staff { passwd_file /x }\ndomain b.example { accounts stuff }\n",
         "test.conf:3: there is no accounts stuff, did you mean 'staff'?\n"},
        {HOST "domain b.example { route relay; accounts a; foreign_sender rewrite }\n"
              "relay c.example\naccounts a { passwd_file /x }\n",
         "test.conf:2: accounts does not go with route: it has none here\n"
         "test.conf:2: foreign_sender does not go with route: it has no accounts here\n"},
    };

    (void)state;
    CHECK(cases);
}

static void test_too_many_sections(void **state)
{
    struct problem_list problems;
    struct buf text;

    (void)state;
    buf_init(&text, SIZE_MAX);
    problem_list_init(&problems);
    buf_add_cstr(&text, HOST);
    for (unsigned i = 0; i <= ACCOUNTS_MAX; i++)
        buf_printf(&text, "accounts a%u { passwd_file /x }\n", i);
    for (unsigned i = 0; i <= CERTIFICATES_MAX; i++)
        buf_printf(&text, "certificate c%u { chain /x; key /y }\n", i);
    buf_add_char(&text, '\0');
    assert_null(parse_with(text.ptr, &problems));
    assert_int_equal(problems.count, 2);
    assert_int_equal(problems.first->line, 2 + ACCOUNTS_MAX + 1 + CERTIFICATES_MAX);
    assert_int_equal(problems.last->line, 2 + ACCOUNTS_MAX);
    problem_list_done(&problems);
    buf_done(&text);
}

static void test_oauth(void **state)
{
    static const struct mistake cases[] = {
        {HOST "auth { oauth { } }\n",
         "test.conf:2: oauth does not say who is asked about tokens; add one like: introspection "
         "https://login.example.org/introspect\n"},
        {HOST "auth { oauth { introspection http://192.0.2.1:80/x } }\n",
         "test.conf:2: introspection: tokens would go to 192.0.2.1 in the clear; write https://, "
         "http:// is for this machine alone\n"},
        {HOST "auth { oauth { introspection http://localhost.example.org/x } }\n",
         "test.conf:2: introspection: tokens would go to localhost.example.org in the clear; write "
         "https://, http:// is for this machine alone\n"},
        {HOST "auth { oauth { introspection https://me:secret@login.example.org/ } }\n",
         "test.conf:2: introspection: 'https://me:secret@login.example.org/' is not a URL of it; "
         "like: introspection https://login.example.org/introspect\n"},
        {HOST "auth { oauth { introspection https://login.example.org/; client_id me } }\n",
         "test.conf:2: oauth has a client_id without a secret; add client_secret_file "
         "/etc/nuncio/oauth.secret\n"},
        {HOST "auth { oauth { introspection https://a.example/; client_secret_file /x } }\n",
         "test.conf:2: oauth has a secret without its client_id; add client_id nuncio\n"},
        {HOST "auth { block_first 2h; block_max 1h }\n",
         "test.conf:2: block_first is longer than block_max; make it shorter\n"},
        {HOST "account_limits { messages_per_hour many; message_size 20G }\n",
         "test.conf:2: messages_per_hour wants a number, not 'many'; like: messages_per_hour 500\n"
         "test.conf:2: message_size 20G is out of range; it is 0 to 16G\n"},
    };

    (void)state;
    CHECK(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_unknown_and_duplicate_settings),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_networks_and_open_relays),
        cmocka_unit_test(test_listeners),
        cmocka_unit_test(test_domains_routes_and_programs),
        cmocka_unit_test(test_ways_of_routes),
        cmocka_unit_test(test_fallbacks_and_security_of_routes),
        cmocka_unit_test(test_logins),
        cmocka_unit_test(test_destinations),
        cmocka_unit_test(test_backups),
        cmocka_unit_test(test_history_reports_and_web),
        cmocka_unit_test(test_dns),
        cmocka_unit_test(test_routes_into_our_own_listeners),
        cmocka_unit_test(test_tls_and_auth_of_listeners),
        cmocka_unit_test(test_certificates_and_accounts),
        cmocka_unit_test(test_too_many_sections),
        cmocka_unit_test(test_oauth),
        cmocka_unit_test(test_more_mistakes_than_are_kept_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
