#include "../cmocka_all.h"
#include "parsing.h"

#include "base/log.h"

#include <string.h>

static void assert_slice(struct slice got, const char *want)
{
    if (!slice_eq(got, slice_from_cstr(want)))
        fail_msg("got '%.*s', want '%s'", SLICE_ARG(got), want);
}

static void test_hostname_and_one_domain_are_enough(void **state)
{
    struct config *config = parse("hostname mx1.Example.ORG\ndomain Example.org\n");

    (void)state;
    assert_slice(config->hostname, "mx1.example.org");
    assert_slice(config->state, "/var/lib/nuncio");
    assert_int_equal(config->n_listeners, 3);
    assert_int_equal(config->listeners[0].service, SERVICE_MX);
    assert_slice(config->listeners[0].addresses.list[0].host, "*");
    assert_int_equal(config->listeners[0].addresses.list[0].port, 25);
    assert_int_equal(config->listeners[0].tls, TLS_OFFERED);
    assert_int_equal(config->listeners[0].auth, AUTH_OFF);
    for (size_t i = 1; i < 3; i++) {
        const struct config_listener *listener = &config->listeners[i];
        assert_int_equal(listener->service, SERVICE_SUBMISSION);
        assert_int_equal(listener->addresses.list[0].port, i == 1 ? 587 : 465);
        assert_int_equal(listener->tls, i == 1 ? TLS_REQUIRED : TLS_IMPLICIT);
        assert_int_equal(listener->auth, AUTH_REQUIRED);
        assert_false(listener->insecure_auth);
        assert_int_equal(listener->mechanisms, MECHANISM_DEFAULT);
    }
    assert_int_equal(config->tls_minimum, TLS_VERSION_1_2);
    assert_int_equal(config->auth.failures, 5);
    assert_int_equal(config->account_limits.messages_per_hour, 500);
    assert_int_equal(config->account_limits.message_size, 0);
    assert_int_equal(config->n_domains, 1);
    assert_slice(config->domains[0].name, "example.org");
    assert_true(config->domains[0].local);
    assert_int_equal(config->domains[0].deliver, DELIVER_MAILDIR);
    assert_int_equal(config->domains[0].recipients, RECIPIENTS_ACCOUNTS);
    assert_int_equal(config->trusted.count, 0);
    assert_false(config->open_relay);
    assert_true(config->limits.message_size == 50 * 1024 * 1024);
    assert_true(config->queue.expire_after_ms == UINT64_C(432000000));
    assert_int_equal(config->log_level, LOG_INFO);
    config_unref(config);
}

static void test_listeners_take_all_their_settings(void **state)
{
    struct config *config = parse("hostname a.example\n"
                                  "listen mx {\n"
                                  "  service mx\n"
                                  "  address *:25 [2001:db8::1]:2525\n"
                                  "  address 192.0.2.1:26\n"
                                  "  proxy_protocol { 192.0.2.7; 2001:db8::/32 }\n"
                                  "  xclient { 10.0.0.0/8 192.0.2.0/24 }\n"
                                  "  bare_newline convert\n"
                                  "}\n"
                                  "listen local { service lmtp; address unix:/run/x; mode 0600 }");
    const struct config_listener *mx = &config->listeners[0];

    (void)state;
    assert_int_equal(config->n_listeners, 2);
    assert_int_equal(mx->addresses.count, 3);
    assert_slice(mx->addresses.list[1].host, "2001:db8::1");
    assert_int_equal(mx->addresses.list[1].port, 2525);
    assert_int_equal(mx->addresses.list[1].source.line, 4);
    assert_int_equal(mx->addresses.list[2].source.line, 5);
    assert_int_equal(mx->proxy.count, 2);
    assert_int_equal(mx->proxy.list[0].prefix, 32);
    assert_int_equal(mx->xclient.count, 2);
    assert_int_equal(mx->bare_newline, BARE_CONVERT);
    assert_int_equal(config->listeners[1].service, SERVICE_LMTP);
    assert_int_equal(config->listeners[1].addresses.list[0].kind, ENDPOINT_UNIX);
    assert_slice(config->listeners[1].addresses.list[0].host, "/run/x");
    assert_int_equal(config->listeners[1].unix_mode, 0600);
    config_unref(config);
}

static void test_domains_say_how_their_mail_is_delivered(void **state)
{
    struct config *config = parse("hostname a.example\n"
                                  "domain m.example { deliver maildir; catch_all info@m.example; "
                                  "when_full reject; quota 1G }\n"
                                  "domain r.example { deliver route back; recipients any }\n"
                                  "domain p.example { deliver program archive }\n"
                                  "domain in.example { route back }\n"
                                  "domain alias.example { alias_of m.example }\n"
                                  "route back { lmtp unix:/run/dovecot/lmtp }\n"
                                  "program archive { command \"/bin/archive\" \"--to\" \"a b\"; "
                                  "user archive; timeout 5m }\n");
    const struct config_domain *m = config_find_domain(config, SLICE("m.example"));
    const struct config_domain *r = config_find_domain(config, SLICE("r.example"));
    const struct config_domain *in = config_find_domain(config, SLICE("in.example"));
    const struct config_program *program = config_find_program(config, SLICE("archive"));

    (void)state;
    assert_slice(m->catch_all, "info@m.example");
    assert_int_equal(m->when_full, FULL_REJECT);
    assert_true(m->quota_bytes == UINT64_C(1) << 30);
    assert_true(r->local);
    assert_int_equal(r->deliver, DELIVER_ROUTE);
    assert_int_equal(r->recipients, RECIPIENTS_ANY);
    assert_slice(r->target, "back");
    assert_false(in->local);
    assert_int_equal(in->recipients, RECIPIENTS_ANY);
    assert_slice(in->target, "back");
    assert_slice(config_find_domain(config, SLICE("alias.example"))->alias_of, "m.example");
    assert_int_equal(program->argc, 3);
    assert_slice(program->argv[2], "a b");
    assert_true(program->timeout_ms == 300000);
    assert_int_equal(config_find_route(config, SLICE("back"))->protocol, PROTOCOL_LMTP);
    config_unref(config);
}

static void test_routes_take_all_their_settings(void **state)
{
    struct config *config = parse("hostname a.example\n"
                                  "default_route out\n"
                                  "route out {\n"
                                  "  host mx1.example:2525 mx2.example\n"
                                  "  host [2001:db8::9]:25\n"
                                  "  concurrency 3; recipients 50; messages 10; idle 2s\n"
                                  "  helo Out.example; source 192.0.2.3 2001:db8::3\n"
                                  "}\n");
    const struct config_route *route = config_find_route(config, SLICE("out"));

    (void)state;
    assert_slice(config->default_route, "out");
    assert_int_equal(route->hosts.count, 3);
    assert_int_equal(route->hosts.list[0].port, 2525);
    assert_int_equal(route->hosts.list[1].port, 25);
    assert_slice(route->hosts.list[2].host, "2001:db8::9");
    assert_int_equal(route->concurrency, 3);
    assert_int_equal(route->recipients, 50);
    assert_int_equal(route->messages, 10);
    assert_true(route->idle_ms == 2000);
    assert_slice(route->helo, "out.example");
    assert_slice(route->sources.list[0], "192.0.2.3");
    assert_slice(route->sources.list[1], "2001:db8::3");
    config_unref(config);
}

static void test_routes_by_mx_take_all_their_settings(void **state)
{
    struct config *config =
        parse("hostname a.example\ndefault_route out\n"
              "route out { mx; port 2525; tls encrypt; tls_implicit yes; tls_ca /ca.pem; dane no\n"
              "  mta_sts no; ipv6 no; address_concurrency 7; rate 100/1m\n"
              "  source 192.0.2.3; source 192.0.2.4 192.0.2.5 }\n"
              "route plain { host b.example }\n");
    const struct config_route *out = config_find_route(config, SLICE("out"));
    const struct config_route *plain = config_find_route(config, SLICE("plain"));

    (void)state;
    assert_true(out->mx && out->tls_implicit);
    assert_false(out->dane || out->mta_sts || out->ipv6);
    assert_int_equal(out->port, 2525);
    assert_int_equal(out->tls, TLS_POLICY_ENCRYPT);
    assert_slice(out->tls_ca, "/ca.pem");
    assert_int_equal(out->address_concurrency, 7);
    assert_int_equal(out->rate, 100);
    assert_true(out->rate_ms == 60000);
    assert_int_equal(out->sources.count, 3);
    assert_slice(out->sources.list[2], "192.0.2.5");
    assert_true(plain->dane && plain->mta_sts && plain->ipv6);
    assert_false(plain->mx || plain->tls_implicit);
    assert_int_equal(plain->tls, TLS_POLICY_MAY);
    assert_int_equal(plain->rate, 0);
    config_unref(config);
}

static void test_logins_take_all_their_settings(void **state)
{
    struct config *config = parse(
        "hostname a.example\nroute out { host b.example:465 b.example:587; fallback world\n"
        "  fallback_after 1h; login { user me; password_file /p; mechanisms PLAIN XOAUTH2 } }\n"
        "route token { host b.example:465; tls may; login { user me; token {\n"
        "  endpoint https://c.example/t; client_id id; client_secret_file /s\n"
        "  refresh_token_file /r; scope \"a b\"; ca /ca } } }\n");
    const struct config_route *out = config_find_route(config, SLICE("out"));
    const struct config_route *other = config_find_route(config, SLICE("token"));
    const struct config_token *token = &other->login.token;

    (void)state;
    assert_slice(out->login.user, "me");
    assert_slice(out->login.password_file, "/p");
    assert_int_equal(out->login.mechanisms, MECHANISM_PLAIN);
    assert_int_equal(out->tls, TLS_POLICY_VERIFY);
    assert_slice(out->fallback, "world");
    assert_true(out->fallback_after_ms == 3600000);
    assert_false(out->tls_implicit);
    assert_true(other->tls_implicit);
    assert_int_equal(other->tls, TLS_POLICY_MAY);
    assert_int_equal(other->login.mechanisms, MECHANISM_XOAUTH2 | MECHANISM_OAUTHBEARER);
    assert_slice(token->endpoint, "https://c.example/t");
    assert_slice(token->client_id, "id");
    assert_slice(token->client_secret_file, "/s");
    assert_slice(token->refresh_token_file, "/r");
    assert_slice(token->scope, "a b");
    assert_slice(token->ca, "/ca");
    config_unref(config);
}

static void test_the_world_is_there_without_being_written(void **state)
{
    struct config *config = parse("hostname a.example\n");
    struct config *changed =
        parse("hostname a.example\nroute world { tls encrypt; concurrency 7 }\n");
    struct config *none = parse("hostname a.example\ndefault_route none\n");
    const struct config_route *world = config_route_for(config, SLICE("x.example"));

    (void)state;
    assert_slice(config->default_route, "world");
    assert_slice(world->name, "world");
    assert_true(world->mx && world->dane && world->mta_sts && world->ipv6);
    assert_int_equal(world->port, 25);
    world = config_route_for(changed, SLICE("x.example"));
    assert_true(world->mx);
    assert_int_equal(world->tls, TLS_POLICY_ENCRYPT);
    assert_int_equal(world->concurrency, 7);
    assert_int_equal(none->default_route.len, 0);
    assert_null(config_route_for(none, SLICE("x.example")));
    assert_non_null(config_find_route(none, SLICE("world")));
    config_unref(config);
    config_unref(changed);
    config_unref(none);
}

static void test_destinations_choose_and_make_routes(void **state)
{
    struct config *config = parse(
        "hostname a.example\n"
        "destination Partner.example *.Partner.example { tls verify; source 192.0.2.9 }\n"
        "destination b\xc3\xbc"
        "cher.example { route corp }\n"
        "destination shop.example { host c.example:465; login { user u; password_file /p } }\n"
        "route corp { host corp.example }\n"
        "route world { concurrency 7; tls encrypt; source 192.0.2.1; helo out.example; port 26 "
        "}\n");
    const struct config_route *partner = config_route_for(config, SLICE("PARTNER.example"));
    const struct config_route *shop = config_route_for(config, SLICE("shop.example"));

    (void)state;
    assert_int_equal(config->n_destinations, 4);
    assert_slice(partner->name, "partner.example");
    assert_ptr_equal(partner, config_route_for(config, SLICE("a.b.partner.example")));
    assert_true(partner->mx);
    assert_int_equal(partner->port, 25);
    assert_int_equal(partner->tls, TLS_POLICY_VERIFY);
    assert_int_equal(partner->concurrency, 7);
    assert_slice(partner->helo, "out.example");
    assert_int_equal(partner->sources.count, 1);
    assert_slice(partner->sources.list[0], "192.0.2.9");
    assert_slice(config_route_for(config, SLICE("b\xc3\xbc"
                                                "cher.example"))
                     ->name,
                 "corp");
    assert_slice(config_route_for(config, SLICE("xn--bcher-kva.example"))->name, "corp");
    assert_slice(config_route_for(config, SLICE("notpartner.example"))->name, "world");
    assert_slice(config_route_for(config, SLICE("[192.0.2.1]"))->name, "world");
    assert_false(shop->mx);
    assert_true(shop->tls_implicit);
    assert_int_equal(shop->tls, TLS_POLICY_VERIFY);
    assert_slice(shop->sources.list[0], "192.0.2.1");
    config_unref(config);
}

static void test_backups_are_relayed_by_mx(void **state)
{
    struct config *config =
        parse("hostname a.example\ndomain b.example { backup }\n"
              "domain c.example { backup; route r; expire_after 1d; recipients accounts }\n"
              "domain d.example { route r; expire_after 2d }\nroute r { mx }\n");
    const struct config_domain *b = config_find_domain(config, SLICE("b.example"));
    const struct config_domain *c = config_find_domain(config, SLICE("c.example"));
    const struct config_domain *d = config_find_domain(config, SLICE("d.example"));

    (void)state;
    assert_true(b->backup && c->backup && !d->backup);
    assert_false(b->local || c->local);
    assert_int_equal(b->deliver, DELIVER_ROUTE);
    assert_slice(b->target, "world");
    assert_slice(c->target, "r");
    assert_int_equal(b->recipients, RECIPIENTS_ANY);
    assert_int_equal(c->recipients, RECIPIENTS_ACCOUNTS);
    assert_true(b->expire_after_ms == UINT64_C(30) * 86400000);
    assert_true(c->expire_after_ms == 86400000);
    assert_true(d->expire_after_ms == 2 * 86400000);
    config_unref(config);
}

static void test_history_reports_and_web(void **state)
{
    struct config *config = parse("hostname a.example\nhistory { keep 7d; size 1G }\n"
                                  "tls_report { contact a@b.example; from c@b.example }\n"
                                  "web { listen 127.0.0.1 [::1]:80 }\n"
                                  "account_limits { priority 0 }\n");
    struct config *off = parse("hostname a.example\nhistory off\ntls_report { send no }\n");

    (void)state;
    assert_true(config->history.keep && config->history.keep_ms == UINT64_C(7) * 86400000);
    assert_true(config->history.size == UINT64_C(1) << 30);
    assert_slice(config->tls_report.contact, "a@b.example");
    assert_slice(config->tls_report.from, "c@b.example");
    assert_int_equal(config->web.count, 2);
    assert_int_equal(config->web.list[0].port, 9925);
    assert_int_equal(config->account_limits.priority, 0);
    assert_false(off->history.keep || off->tls_report.send);
    assert_int_equal(off->web.count, 0);
    config_unref(config);
    config_unref(off);
}

static void test_dns_takes_all_its_settings(void **state)
{
    struct config *config = parse("hostname a.example\n"
                                  "dns { server 192.0.2.1 [2001:db8::1]:5353; server 192.0.2.2\n"
                                  "  trust_anchor /a; trust_anchor /b }\n");
    struct config *stubs = parse("hostname a.example\ndns { stub 127.0.0.1:5353; recurse yes\n"
                                 "  validate no }\n");

    (void)state;
    assert_int_equal(config->dns.servers.count, 3);
    assert_int_equal(config->dns.servers.list[0].port, 53);
    assert_int_equal(config->dns.servers.list[1].port, 5353);
    assert_int_equal(config->dns.n_trust_anchors, 2);
    assert_slice(config->dns.trust_anchors[1], "/b");
    assert_true(config->dns.validate);
    assert_int_equal(stubs->dns.stubs.count, 1);
    assert_true(stubs->dns.recurse);
    assert_false(stubs->dns.validate);
    config_unref(config);
    config_unref(stubs);
}

static void test_relay_is_a_route_and_the_default(void **state)
{
    struct config *config = parse("hostname a.example\nrelay smtp.example.net:587\n");
    const struct config_route *route = config_find_route(config, SLICE("relay"));

    (void)state;
    assert_slice(config->default_route, "relay");
    assert_non_null(route);
    assert_slice(route->hosts.list[0].host, "smtp.example.net");
    assert_int_equal(route->hosts.list[0].port, 587);
    assert_int_equal(route->concurrency, 20);
    config_unref(config);
}

static void test_numbers_go_where_they_belong(void **state)
{
    struct config *config = parse(
        "hostname a.example\nstate /srv/mail/\npostmaster \"\\\"Joe Doe\\\"@b.example\"\n"
        "limits { message_size 1M; recipients 7; command_line 1K; text_line 2000; header_size 2K\n"
        " header_count 8; received 9; sessions 10; sessions_per_client 11; idle_commands 12\n"
        " errors 13; transactions 14; minimum_rate 15 }\n"
        "timeouts { command 1m; data 2m; pressure 3s; banner 250ms }\n"
        "queue { warn_after 1h; expire_after 2d; retry_first 1s; retry_max 1w; gather 0\n"
        " active 100; concurrency 5; bounces_per_sender 6 }\n"
        "workers { mx 3; submission 4 }\nlog { level debug; format json }\n"
        "control { read_group mail; admin_group wheel }\n");
    const struct config_limits *l = &config->limits;

    (void)state;
    assert_slice(config->state, "/srv/mail");
    assert_true(l->message_size == 1 << 20 && l->recipients == 7 && l->command_line == 1024);
    assert_true(l->text_line == 2000 && l->header_size == 2048 && l->header_count == 8);
    assert_true(l->received == 9 && l->sessions == 10 && l->sessions_per_client == 11);
    assert_true(l->idle_commands == 12 && l->errors == 13 && l->transactions == 14);
    assert_true(l->minimum_rate == 15);
    assert_true(config->timeouts.command_ms == 60000 && config->timeouts.data_ms == 120000);
    assert_true(config->timeouts.pressure_ms == 3000 && config->timeouts.banner_ms == 250);
    assert_true(config->queue.warn_after_ms == 3600000 && config->queue.gather_ms == 0);
    assert_true(config->queue.expire_after_ms == 172800000);
    assert_true(config->queue.retry_first_ms == 1000 && config->queue.retry_max_ms == 604800000);
    assert_true(config->queue.active == 100 && config->queue.concurrency == 5);
    assert_int_equal(config->queue.bounces_per_sender, 6);
    assert_int_equal(config->workers_mx, 3);
    assert_int_equal(config->workers_submission, 4);
    assert_int_equal(config->log_level, LOG_DEBUG);
    assert_int_equal(config->log_format, LOG_JSON);
    assert_slice(config->control_read_group, "mail");
    assert_slice(config->control_admin_group, "wheel");
    config_unref(config);
}

static void test_the_configuration_outlives_its_text(void **state)
{
    char text[] = "hostname a.example\ntrusted { 192.0.2.0/24 }\ndomain b.example\n";
    struct config *config = parse(text), *other;

    (void)state;
    memset(text, 'x', sizeof(text));
    other = config_ref(config);
    config_unref(config);
    assert_slice(other->hostname, "a.example");
    assert_slice(other->trusted.list[0].source.file, "test.conf");
    assert_int_equal(other->trusted.list[0].source.line, 2);
    config_unref(other);
    config_unref(NULL);
}

static void test_listeners_differ_by_service(void **state)
{
    struct config *config =
        parse("hostname a.example\nauth { mechanisms plain scram-sha-1 }\n"
              "listen mx { service mx; address *:1; auth offered; mechanisms EXTERNAL }\n"
              "listen sub { address *:2; service submission }\n"
              "listen lmtp { service lmtp; address *:3 }\n"
              "listen near { service submission; address unix:/x; tls off }\n"
              "listen all { service submission; address *:4; tls implicit; auth offered;\n"
              "  insecure_auth yes; client_certificate required; client_ca /ca/ }\n");
    const struct config_listener *l = config->listeners;

    (void)state;
    assert_int_equal(l[0].tls, TLS_OFFERED);
    assert_int_equal(l[0].auth, AUTH_OFFERED);
    assert_int_equal(l[0].mechanisms, MECHANISM_EXTERNAL);
    assert_int_equal(l[1].tls, TLS_REQUIRED);
    assert_int_equal(l[1].auth, AUTH_REQUIRED);
    assert_int_equal(l[1].mechanisms, MECHANISM_PLAIN | MECHANISM_SCRAM_SHA_1);
    assert_false(l[1].insecure_auth);
    assert_int_equal(l[2].tls, TLS_OFF);
    assert_int_equal(l[2].auth, AUTH_OFF);
    assert_int_equal(l[3].auth, AUTH_REQUIRED);
    assert_true(l[3].insecure_auth); /* a unix socket is no wire */
    assert_int_equal(l[4].tls, TLS_IMPLICIT);
    assert_int_equal(l[4].auth, AUTH_OFFERED);
    assert_true(l[4].insecure_auth);
    assert_int_equal(l[4].client_certificate, CERTIFICATE_REQUIRED);
    assert_slice(l[4].client_ca, "/ca");
    config_unref(config);
}

static void test_certificates_accounts_and_auth(void **state)
{
    struct config *config = parse(
        "hostname a.example\n"
        "certificate z { chain /z.pem; key /z.key }\ncertificate a { chain /a.pem; key /a.key }\n"
        "tls { minimum 1.3 }\n"
        "accounts z { passwd_file /passwd }\n"
        "accounts d { dovecot_auth /auth; dovecot_userdb unix:/userdb }\n"
        "domain b.example { accounts d; foreign_sender rewrite }\n"
        "auth { failures 3; block_first 5s; block_max 1h; delay 0; oauth {\n"
        "  introspection http://127.0.0.1:8080/introspect; client_id me; client_secret_file /s\n"
        "  account_field email; scope \"a b\"; ca /ca.pem } }\n"
        "account_limits { message_size 1M; bounces_per_hour 0 }\n");
    const struct config_oauth *oauth = &config->auth.oauth;

    (void)state;
    assert_int_equal(config->n_certificates, 2); /* the first one is the default */
    assert_slice(config->certificates[0].name, "z");
    assert_slice(config->certificates[0].chain, "/z.pem");
    assert_slice(config->certificates[1].key, "/a.key");
    assert_int_equal(config->certificates[1].source.line, 3);
    assert_int_equal(config->tls_minimum, TLS_VERSION_1_3);
    assert_slice(config_find_accounts(config, SLICE("z"))->passwd_file, "/passwd");
    assert_int_equal(config_find_accounts(config, SLICE("d"))->kind, ACCOUNTS_DOVECOT);
    assert_slice(config_find_accounts(config, SLICE("d"))->auth_socket, "/auth");
    assert_slice(config_find_accounts(config, SLICE("d"))->userdb_socket, "/userdb");
    assert_slice(config->domains[0].accounts, "d");
    assert_int_equal(config->domains[0].foreign_sender, FOREIGN_REWRITE);
    assert_true(config_asks_dovecot(config));
    assert_int_equal(config_oauth_port(config), 8080);
    assert_int_equal(config->auth.failures, 3);
    assert_int_equal(config->auth.block_first_ms, 5000);
    assert_int_equal(config->auth.block_max_ms, 3600000);
    assert_int_equal(config->auth.delay_ms, 0);
    assert_slice(oauth->introspection, "http://127.0.0.1:8080/introspect");
    assert_slice(oauth->client_id, "me");
    assert_slice(oauth->client_secret_file, "/s");
    assert_slice(oauth->account_field, "email");
    assert_slice(oauth->scope, "a b");
    assert_slice(oauth->ca, "/ca.pem");
    assert_int_equal(config->account_limits.message_size, 1024 * 1024);
    assert_int_equal(config->account_limits.bounces_per_hour, 0);
    assert_int_equal(config->account_limits.messages_per_hour, 500);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostname_and_one_domain_are_enough),
        cmocka_unit_test(test_listeners_take_all_their_settings),
        cmocka_unit_test(test_listeners_differ_by_service),
        cmocka_unit_test(test_certificates_accounts_and_auth),
        cmocka_unit_test(test_domains_say_how_their_mail_is_delivered),
        cmocka_unit_test(test_routes_take_all_their_settings),
        cmocka_unit_test(test_routes_by_mx_take_all_their_settings),
        cmocka_unit_test(test_logins_take_all_their_settings),
        cmocka_unit_test(test_the_world_is_there_without_being_written),
        cmocka_unit_test(test_destinations_choose_and_make_routes),
        cmocka_unit_test(test_backups_are_relayed_by_mx),
        cmocka_unit_test(test_history_reports_and_web),
        cmocka_unit_test(test_dns_takes_all_its_settings),
        cmocka_unit_test(test_relay_is_a_route_and_the_default),
        cmocka_unit_test(test_numbers_go_where_they_belong),
        cmocka_unit_test(test_the_configuration_outlives_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
