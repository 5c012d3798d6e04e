/*
 * The language of the configuration: every setting with its section, bounds and an example.
 *
 * The tables are the only place where a setting is declared. Defaults stand in
 * config_set_defaults() (parse.c) and, for named sections, in section.c and section_login.c; the
 * manual is docs/configuration.md, and a test holds it to these tables.
 */
#include "config/section.h"

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    (UINT64_C(1) << 10)
#define MIB    (UINT64_C(1) << 20)
#define GIB    (UINT64_C(1) << 30)
#define TIB    (UINT64_C(1) << 40)

static const char *const services[] = {"mx", "submission", "lmtp", NULL};
static const char *const bare_newlines[] = {"refuse", "convert", NULL};
static const char *const recipients[] = {"accounts", "any", NULL};
static const char *const when_full[] = {"defer", "reject", NULL};
static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const tls[] = {"off", "offered", "required", "implicit", NULL};
static const char *const tls_versions[] = {"1.2", "1.3", NULL};
static const char *const tls_policies[] = {"may", "none", "encrypt", "verify", "dane-only", NULL};
static const char *const auth[] = {"off", "offered", "required", NULL};
static const char *const client_certificate[] = {"ignored", "asked", "required", NULL};
static const char *const foreign_sender[] = {"refuse", "rewrite", NULL};
static const char *const formats[] = {"logfmt", "json", NULL};

static const char *const check_words[] = {"ignore", "tag", "quarantine", "reject", NULL};
static const char *const dmarc_words[] = {"ignore", "tag", "quarantine", "enforce", NULL};
static const char *const arc_words[] = {"ignore", "tag", NULL};

#define AT(type, field) .offset = offsetof(struct type, field)
#define BLOCK(table)    .block = BLOCK_NEEDED, .settings = (table), .n_settings = SETTING_COUNT(table)

/* In `author` as they are, and in blocks of that name at the top level, in `listen` and in
 * `domain`; the last two are for the top level alone. */
static const struct setting checks_settings[] = {
    {"spf", "spf tag", section_take_check, AT(config_checks, list[CHECKED_SPF]),
     .words = check_words},
    {"softfail", "softfail tag", section_take_check, AT(config_checks, list[CHECKED_SOFTFAIL]),
     .words = check_words},
    {"dkim", "dkim tag", section_take_check, AT(config_checks, list[CHECKED_DKIM]),
     .words = check_words},
    {"dmarc", "dmarc enforce", section_take_check, AT(config_checks, list[CHECKED_DMARC]),
     .words = dmarc_words},
    {"arc", "arc tag", section_take_check, AT(config_checks, list[CHECKED_ARC]),
     .words = arc_words},
    {"iprev", "iprev tag", section_take_check, AT(config_checks, list[CHECKED_IPREV]),
     .words = check_words},
    {"helo", "helo tag", section_take_check, AT(config_checks, list[CHECKED_HELO]),
     .words = check_words},
    {"defer", "defer 1h", section_take_defer, AT(config_checks, defer_ms), .min = 0,
     .max = 7 * DAY},
    {"trusted_sealer", "trusted_sealer lists.example.net", section_take_trusted_sealer,
     .repeatable = true},
    {"unchecked", "unchecked { 192.0.2.30 }", section_take_unchecked, AT(config, unchecked),
     .block = BLOCK_NEEDED},
};

static const struct setting listen_settings[] = {
    {"service", "service mx", setting_take_choice, AT(config_listener, service), .words = services},
    {"address", "address *:25", setting_take_endpoints, AT(config_listener, addresses),
     .repeatable = true},
    {"proxy_protocol", "proxy_protocol { 192.0.2.10 }", setting_take_networks,
     AT(config_listener, proxy), .block = BLOCK_NEEDED},
    {"xclient", "xclient { 192.0.2.11 }", setting_take_networks, AT(config_listener, xclient),
     .block = BLOCK_NEEDED},
    {"bare_newline", "bare_newline refuse", setting_take_choice, AT(config_listener, bare_newline),
     .words = bare_newlines},
    {"mode", "mode 0660", setting_take_mode, AT(config_listener, unix_mode)},
    {"tls", "tls required", setting_take_choice, AT(config_listener, tls), .words = tls},
    {"auth", "auth required", setting_take_choice, AT(config_listener, auth), .words = auth},
    {"insecure_auth", "insecure_auth no", setting_take_yes, AT(config_listener, insecure_auth)},
    {"mechanisms", "mechanisms SCRAM-SHA-256 PLAIN", section_take_mechanisms,
     AT(config_listener, mechanisms)},
    {"client_certificate", "client_certificate asked", setting_take_choice,
     AT(config_listener, client_certificate), .words = client_certificate},
    {"client_ca", "client_ca /etc/nuncio/tls/clients.pem", setting_take_path,
     AT(config_listener, client_ca)},
    {"checks", "checks { helo reject }", section_take_checks, AT(config_listener, checks),
     BLOCK(checks_settings)},
};

static const struct setting domain_settings[] = {
    {"deliver", "deliver maildir", section_take_deliver},
    {"route", "route branch", section_take_inward_route, AT(config_domain, target)},
    {"alias_of", "alias_of example.org", section_take_alias_of, AT(config_domain, alias_of)},
    {"catch_all", "catch_all info@example.org", setting_take_address, AT(config_domain, catch_all)},
    {"recipients", "recipients accounts", setting_take_choice, AT(config_domain, recipients),
     .words = recipients},
    {"when_full", "when_full defer", setting_take_choice, AT(config_domain, when_full),
     .words = when_full},
    {"quota", "quota 1G", setting_take_size, AT(config_domain, quota_bytes), .min = 0,
     .max = 1024 * TIB},
    {"accounts", "accounts staff", section_take_domain_accounts, AT(config_domain, accounts)},
    {"foreign_sender", "foreign_sender refuse", setting_take_choice,
     AT(config_domain, foreign_sender), .words = foreign_sender},
    {"backup", "backup", section_take_backup, AT(config_domain, backup)},
    {"expire_after", "expire_after 30d", setting_take_duration, AT(config_domain, expire_after_ms),
     .min = SECOND, .max = 100 * DAY},
    {"checks", "checks { spf reject }", section_take_checks, AT(config_domain, checks),
     BLOCK(checks_settings)},
    {"junk_folder", "junk_folder Junk", section_take_junk_folder, AT(config_domain, junk_folder)},
    {"junk_detail", "junk_detail Junk", setting_take_name, AT(config_domain, junk_detail)},
    {"dkim", "dkim yes", setting_take_yes, AT(config_domain, dkim)},
};

static const struct setting token_settings[] = {
    {"endpoint", "endpoint https://login.example.net/token", section_take_url,
     AT(config_token, endpoint)},
    {"client_id", "client_id nuncio", setting_take_word, AT(config_token, client_id)},
    {"client_secret_file", "client_secret_file /etc/nuncio/smarthost.secret", setting_take_path,
     AT(config_token, client_secret_file)},
    {"refresh_token_file", "refresh_token_file /etc/nuncio/smarthost.token", setting_take_path,
     AT(config_token, refresh_token_file)},
    {"scope", "scope https://mail.example.net/send", setting_take_word, AT(config_token, scope)},
    {"ca", "ca /etc/nuncio/tls/login-ca.pem", setting_take_path, AT(config_token, ca)},
};

static const struct setting login_settings[] = {
    {"user", "user relay@example.net", setting_take_word, AT(config_client_login, user)},
    {"password_file", "password_file /etc/nuncio/smarthost.password", setting_take_path,
     AT(config_client_login, password_file)},
    {"mechanisms", "mechanisms SCRAM-SHA-256 PLAIN", section_take_mechanisms,
     AT(config_client_login, mechanisms)},
    {"token", "token { endpoint https://login.example.net/token }", section_take_token,
     AT(config_client_login, token), .block = BLOCK_NEEDED, .settings = token_settings,
     .n_settings = SETTING_COUNT(token_settings)},
};

/* The first is for destinations alone. */
static const struct setting destination_settings[] = {
    {"route", "route corp", section_take_destination_route, AT(config_route, name)},
    {"mx", "mx", setting_take_flag, AT(config_route, mx)},
    {"host", "host mx.branch.example.com:25", setting_take_endpoints, AT(config_route, hosts),
     .min = 25, .repeatable = true},
    {"lmtp", "lmtp unix:/run/dovecot/lmtp", section_take_lmtp, AT(config_route, hosts),
     .repeatable = true},
    {"port", "port 25", setting_take_port, AT(config_route, port)},
    {"tls", "tls verify", setting_take_choice, AT(config_route, tls), .words = tls_policies},
    {"tls_implicit", "tls_implicit yes", setting_take_yes, AT(config_route, tls_implicit)},
    {"tls_ca", "tls_ca /etc/nuncio/tls/partner-ca.pem", setting_take_path,
     AT(config_route, tls_ca)},
    {"dane", "dane yes", setting_take_yes, AT(config_route, dane)},
    {"mta_sts", "mta_sts yes", setting_take_yes, AT(config_route, mta_sts)},
    {"concurrency", "concurrency 20", setting_take_count, AT(config_route, concurrency), .min = 1,
     .max = 1000},
    {"address_concurrency", "address_concurrency 20", setting_take_count,
     AT(config_route, address_concurrency), .min = 1, .max = 1000},
    {"recipients", "recipients 100", setting_take_count, AT(config_route, recipients), .min = 1,
     .max = 1000},
    {"messages", "messages 1000", setting_take_count, AT(config_route, messages), .min = 1,
     .max = 1000000},
    {"rate", "rate 100/1m", section_take_rate},
    {"idle", "idle 5s", setting_take_duration, AT(config_route, idle_ms), .min = 0,
     .max = 5 * MINUTE},
    {"helo", "helo out.example.org", setting_take_hostname, AT(config_route, helo)},
    {"source", "source 192.0.2.20", section_take_source, .repeatable = true},
    {"ipv6", "ipv6 yes", setting_take_yes, AT(config_route, ipv6)},
    {"login", "login { user relay@example.net; password_file /etc/nuncio/smarthost.password }",
     section_take_login, AT(config_route, login), .block = BLOCK_NEEDED, .settings = login_settings,
     .n_settings = SETTING_COUNT(login_settings)},
    {"fallback", "fallback second", section_take_fallback, AT(config_route, fallback)},
    {"fallback_after", "fallback_after 10m", setting_take_duration,
     AT(config_route, fallback_after_ms), .min = 0, .max = 7 * DAY},
};

static const struct setting program_settings[] = {
    {"command", "command \"/usr/bin/archive\" \"--quiet\"", section_take_command},
    {"user", "user archive", section_take_user, AT(config_program, user)},
    {"timeout", "timeout 60s", setting_take_duration, AT(config_program, timeout_ms), .min = SECOND,
     .max = HOUR},
};

static const struct setting certificate_settings[] = {
    {"chain", "chain /etc/nuncio/tls/fullchain.pem", setting_take_path,
     AT(config_certificate, chain)},
    {"key", "key /etc/nuncio/tls/privkey.pem", setting_take_path, AT(config_certificate, key)},
};

static const struct setting tls_settings[] = {
    {"minimum", "minimum 1.2", setting_take_choice, AT(config, tls_minimum), .words = tls_versions},
};

static const struct setting accounts_settings[] = {
    {"passwd_file", "passwd_file /etc/nuncio/passwd", setting_take_path,
     AT(config_accounts, passwd_file)},
    {"alias_file", "alias_file /etc/nuncio/aliases", setting_take_path,
     AT(config_accounts, alias_file)},
    {"dovecot_auth", "dovecot_auth /run/dovecot/auth-client", section_take_socket_path,
     AT(config_accounts, auth_socket)},
    {"dovecot_userdb", "dovecot_userdb /run/dovecot/auth-userdb", section_take_socket_path,
     AT(config_accounts, userdb_socket)},
};

static const struct setting oauth_settings[] = {
    {"introspection", "introspection https://login.example.org/introspect", section_take_url,
     AT(config_oauth, introspection)},
    {"client_id", "client_id nuncio", setting_take_word, AT(config_oauth, client_id)},
    {"client_secret_file", "client_secret_file /etc/nuncio/oauth.secret", setting_take_path,
     AT(config_oauth, client_secret_file)},
    {"account_field", "account_field username", setting_take_name, AT(config_oauth, account_field)},
    {"scope", "scope mail", setting_take_word, AT(config_oauth, scope)},
    {"ca", "ca /etc/nuncio/tls/login-ca.pem", setting_take_path, AT(config_oauth, ca)},
};

static const struct setting auth_settings[] = {
    {"mechanisms", "mechanisms SCRAM-SHA-256 PLAIN LOGIN", section_take_mechanisms,
     AT(config_auth, mechanisms)},
    {"failures", "failures 5", setting_take_count, AT(config_auth, failures), .min = 1,
     .max = 1000},
    {"block_first", "block_first 1m", setting_take_duration, AT(config_auth, block_first_ms),
     .min = SECOND, .max = DAY},
    {"block_max", "block_max 1d", setting_take_duration, AT(config_auth, block_max_ms),
     .min = SECOND, .max = 100 * DAY},
    {"delay", "delay 1s", setting_take_duration, AT(config_auth, delay_ms), .min = 0,
     .max = 30 * SECOND},
    {"oauth", "oauth { introspection https://login.example.org/introspect }", section_take_oauth,
     AT(config_auth, oauth), .block = BLOCK_NEEDED, .settings = oauth_settings,
     .n_settings = SETTING_COUNT(oauth_settings)},
};

static const struct setting account_limits_settings[] = {
    {"message_size", "message_size 50M", setting_take_size, AT(config_account_limits, message_size),
     .min = 0, .max = 16 * GIB},
    {"messages_per_minute", "messages_per_minute 100", setting_take_count,
     AT(config_account_limits, messages_per_minute), .min = 0, .max = 1000000},
    {"messages_per_hour", "messages_per_hour 500", setting_take_count,
     AT(config_account_limits, messages_per_hour), .min = 0, .max = 1000000},
    {"recipients_per_hour", "recipients_per_hour 2000", setting_take_count,
     AT(config_account_limits, recipients_per_hour), .min = 0, .max = 1000000},
    {"bounces_per_hour", "bounces_per_hour 100", setting_take_count,
     AT(config_account_limits, bounces_per_hour), .min = 0, .max = 1000000},
    {"priority", "priority 3", setting_take_count, AT(config_account_limits, priority), .min = 0,
     .max = 9},
};

static const struct setting limits_settings[] = {
    {"message_size", "message_size 50M", setting_take_size, AT(config_limits, message_size),
     .min = KIB, .max = 16 * GIB},
    {"recipients", "recipients 1000", setting_take_count, AT(config_limits, recipients), .min = 1,
     .max = 100000},
    {"command_line", "command_line 2048", setting_take_size32, AT(config_limits, command_line),
     .min = 512, .max = 64 * KIB},
    {"text_line", "text_line 1M", setting_take_size32, AT(config_limits, text_line), .min = 1000,
     .max = 64 * MIB},
    {"header_size", "header_size 1M", setting_take_size32, AT(config_limits, header_size),
     .min = KIB, .max = 64 * MIB},
    {"header_count", "header_count 1000", setting_take_count, AT(config_limits, header_count),
     .min = 1, .max = 100000},
    {"received", "received 100", setting_take_count, AT(config_limits, received), .min = 1,
     .max = 1000},
    {"sessions", "sessions 2000", setting_take_count, AT(config_limits, sessions), .min = 1,
     .max = 1000000},
    {"sessions_per_client", "sessions_per_client 50", setting_take_count,
     AT(config_limits, sessions_per_client), .min = 1, .max = 1000000},
    {"idle_commands", "idle_commands 100", setting_take_count, AT(config_limits, idle_commands),
     .min = 1, .max = 100000},
    {"errors", "errors 20", setting_take_count, AT(config_limits, errors), .min = 1, .max = 10000},
    {"transactions", "transactions 1000", setting_take_count, AT(config_limits, transactions),
     .min = 1, .max = 1000000000},
    {"minimum_rate", "minimum_rate 64", setting_take_count, AT(config_limits, minimum_rate),
     .min = 0, .max = 1000000},
};

static const struct setting timeouts_settings[] = {
    {"command", "command 5m", setting_take_duration, AT(config_timeouts, command_ms), .min = 100,
     .max = HOUR},
    {"data", "data 3m", setting_take_duration, AT(config_timeouts, data_ms), .min = 100,
     .max = HOUR},
    {"pressure", "pressure 10s", setting_take_duration, AT(config_timeouts, pressure_ms),
     .min = 100, .max = HOUR},
    {"banner", "banner 0", setting_take_duration, AT(config_timeouts, banner_ms), .min = 0,
     .max = MINUTE},
};

static const struct setting queue_settings[] = {
    {"warn_after", "warn_after 4h", setting_take_duration, AT(config_queue, warn_after_ms),
     .min = SECOND, .max = 100 * DAY},
    {"expire_after", "expire_after 5d", setting_take_duration, AT(config_queue, expire_after_ms),
     .min = SECOND, .max = 100 * DAY},
    {"retry_first", "retry_first 5m", setting_take_duration, AT(config_queue, retry_first_ms),
     .min = 100, .max = DAY},
    {"retry_max", "retry_max 4h", setting_take_duration, AT(config_queue, retry_max_ms), .min = 100,
     .max = 7 * DAY},
    {"gather", "gather 10m", setting_take_duration, AT(config_queue, gather_ms), .min = 0,
     .max = DAY},
    {"active", "active 10000", setting_take_count, AT(config_queue, active), .min = 1,
     .max = 10000000},
    {"concurrency", "concurrency 100", setting_take_count, AT(config_queue, concurrency), .min = 1,
     .max = 10000},
    {"bounces_per_sender", "bounces_per_sender 100", setting_take_count,
     AT(config_queue, bounces_per_sender), .min = 1, .max = 1000000},
};

static const struct setting dns_settings[] = {
    {"server", "server 127.0.0.1:53", setting_take_endpoints, AT(config_dns, servers), .min = 53,
     .repeatable = true},
    {"recurse", "recurse no", setting_take_yes, AT(config_dns, recurse)},
    {"validate", "validate yes", setting_take_yes, AT(config_dns, validate)},
    {"trust_anchor", "trust_anchor /etc/nuncio/root.key", section_take_trust_anchor,
     .repeatable = true},
    {"stub", "stub 127.0.0.1:5353", setting_take_endpoints, AT(config_dns, stubs), .min = 53,
     .repeatable = true},
};

static const struct setting tls_report_settings[] = {
    {"send", "send yes", setting_take_yes, AT(config_tls_report, send)},
    {"contact", "contact admin@example.org", setting_take_address, AT(config_tls_report, contact)},
    {"from", "from tls-reports@example.org", setting_take_address, AT(config_tls_report, from)},
};

static const struct setting srs_settings[] = {
    {"domain", "domain example.org", setting_take_hostname, AT(config_srs, domain)},
    {"max_age", "max_age 21d", setting_take_duration, AT(config_srs, max_age_ms), .min = DAY,
     .max = 365 * DAY},
};

static const struct setting dmarc_report_settings[] = {
    {"send", "send yes", setting_take_yes, AT(config_dmarc_report, send)},
    {"organisation", "organisation \"Example Ltd\"", setting_take_word,
     AT(config_dmarc_report, organisation)},
    {"contact", "contact admin@example.org", setting_take_address,
     AT(config_dmarc_report, contact)},
    {"from", "from dmarc-reports@example.org", setting_take_address, AT(config_dmarc_report, from)},
};

static const struct setting history_settings[] = {
    {"keep", "keep 30d", setting_take_duration, AT(config_history, keep_ms), .min = HOUR,
     .max = 3650 * DAY},
    {"size", "size 4G", setting_take_size, AT(config_history, size), .min = MIB, .max = TIB},
};

static const struct setting web_settings[] = {
    {"listen", "listen 127.0.0.1:9925", setting_take_endpoints, AT(config, web), .min = 9925,
     .repeatable = true},
};

static const struct setting workers_settings[] = {
    {"mx", "mx 32", setting_take_count, AT(config, workers_mx), .min = 1, .max = 1000},
    {"submission", "submission 16", setting_take_count, AT(config, workers_submission), .min = 1,
     .max = 1000},
};

static const struct setting log_settings[] = {
    {"level", "level info", setting_take_choice, AT(config, log_level), .words = levels},
    {"format", "format logfmt", setting_take_choice, AT(config, log_format), .words = formats},
};

static const struct setting control_settings[] = {
    {"read_group", "read_group nuncio", setting_take_name, AT(config, control_read_group)},
    {"admin_group", "admin_group wheel", setting_take_name, AT(config, control_admin_group)},
};

const struct setting setting_top[] = {
    {"hostname", "hostname mx1.example.org", setting_take_hostname, AT(config, hostname)},
    {"postmaster", "postmaster admin@example.org", setting_take_address, AT(config, postmaster)},
    {"state", "state /var/lib/nuncio", setting_take_path, AT(config, state)},
    {"open_relay", "open_relay no", setting_take_yes, AT(config, open_relay)},
    {"relay", "relay smtp.example.net:25", section_take_relay, .min = 25},
    {"default_route", "default_route world", section_take_default_route, AT(config, default_route)},
    {"trusted", "trusted { 192.0.2.0/24; 2001:db8:1::/48 }", setting_take_networks,
     AT(config, trusted), .block = BLOCK_NEEDED},
    {"listen", "listen mx { service mx; address *:25 }", section_take_listen, .repeatable = true,
     BLOCK(listen_settings)},
    {"domain", "domain example.org { deliver maildir }", section_take_domain, .repeatable = true,
     .block = BLOCK_OPTIONAL, .settings = domain_settings,
     .n_settings = SETTING_COUNT(domain_settings)},
    {"route", "route branch { host mx.branch.example.com:25 }", section_take_route,
     .repeatable = true, .block = BLOCK_NEEDED, .settings = destination_settings + 1,
     .n_settings = SETTING_COUNT(destination_settings) - 1},
    {"destination", "destination partner.example *.partner.example { tls verify }",
     section_take_destination, .repeatable = true, BLOCK(destination_settings)},
    {"program", "program archive { command \"/usr/bin/archive\"; user archive }",
     section_take_program, .repeatable = true, BLOCK(program_settings)},
    {"certificate",
     "certificate mx1 { chain /etc/nuncio/tls/fullchain.pem; key /etc/nuncio/tls/privkey.pem }",
     section_take_certificate, .repeatable = true, BLOCK(certificate_settings)},
    {"tls", "tls { minimum 1.2 }", setting_take_section, .offset = 0, BLOCK(tls_settings)},
    {"accounts", "accounts staff { passwd_file /etc/nuncio/passwd }", section_take_accounts,
     .repeatable = true, BLOCK(accounts_settings)},
    {"auth", "auth { failures 5 }", section_take_auth, AT(config, auth), BLOCK(auth_settings)},
    {"limits", "limits { message_size 50M }", setting_take_section, AT(config, limits),
     BLOCK(limits_settings)},
    {"account_limits", "account_limits { messages_per_hour 500 }", setting_take_section,
     AT(config, account_limits), BLOCK(account_limits_settings)},
    {"timeouts", "timeouts { command 5m }", setting_take_section, AT(config, timeouts),
     BLOCK(timeouts_settings)},
    {"queue", "queue { expire_after 5d }", setting_take_section, AT(config, queue),
     BLOCK(queue_settings)},
    {"dns", "dns { server 127.0.0.1:53 }", section_take_dns, AT(config, dns), BLOCK(dns_settings)},
    {"tls_report", "tls_report { contact admin@example.org }", section_take_tls_report,
     AT(config, tls_report), BLOCK(tls_report_settings)},
    {"checks", "checks { spf reject; trusted_sealer lists.example.net }", setting_take_section,
     AT(config, checks), BLOCK(checks_settings)},
    {"author", "author partner.example *.partner.example { dmarc tag }", section_take_author,
     .repeatable = true, BLOCK(checks_settings)},
    {"srs", "srs { max_age 21d }", section_take_srs, AT(config, srs), .block = BLOCK_OPTIONAL,
     .settings = srs_settings, .n_settings = SETTING_COUNT(srs_settings)},
    {"dmarc_report", "dmarc_report { contact admin@example.org }", section_take_dmarc_report,
     AT(config, dmarc_report), BLOCK(dmarc_report_settings)},
    {"history", "history { keep 30d }", section_take_history, AT(config, history),
     .block = BLOCK_OPTIONAL, .settings = history_settings,
     .n_settings = SETTING_COUNT(history_settings)},
    {"web", "web { listen 127.0.0.1:9925 }", section_take_web, .offset = 0, BLOCK(web_settings)},
    {"workers", "workers { mx 32; submission 16 }", setting_take_section, .offset = 0,
     BLOCK(workers_settings)},
    {"log", "log { level info }", setting_take_section, .offset = 0, BLOCK(log_settings)},
    {"control", "control { admin_group wheel }", setting_take_section, .offset = 0,
     BLOCK(control_settings)},
};
const size_t setting_n_top = SETTING_COUNT(setting_top);
