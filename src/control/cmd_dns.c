/*
 * nuncio dns: what a domain should publish for its mail, whether it does, and what to write.
 *
 * The configuration tells the host's name, the certificates and the ports; the addresses are those
 * that the host's name has in the DNS, or those given. Questions go where the server's own go
 * (section dns). They are asked one after the other, within a deadline for each domain, so that a
 * resolver that is away costs half a minute and not one for each record.
 */
#include "control/commands.h"

#include "base/clock.h"
#include "config/config.h"
#include "control/command_config.h"
#include "control/locate.h"
#include "control/publish_certificate.h"
#include "control/publish_keys.h"
#include "control/publish_print.h"
#include "dns/name.h"
#include "policy/names.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

enum { LOOKUP_MS = 5000, DOMAIN_MS = 15000 };

static const char help[] =
    "usage: nuncio dns [-c FILE] [--address IP]... [--json | --zone] [DOMAIN...]\n\n"
    "Tells for each domain (all local ones, if none is named) which records it should publish for\n"
    "its mail, whether they are there, and what to write where they are missing or wrong. SPF is\n"
    "evaluated as others do it, for the addresses that mail leaves from; DKIM's records are\n"
    "compared with the server's keys, which only root and the keys' owner can read.\n\n"
    "  -c, --config FILE  the configuration, otherwise $NUNCIO_CONFIG or the system's\n"
    "      --address IP   an address at which the world reaches this server; otherwise those that\n"
    "                     its name has in the DNS\n"
    "      --json         one JSON object for each domain\n"
    "      --zone         the records as a zone file\n\n"
    "Exit code: 0 when all is there that mail needs, and nothing is wrong; 69 when something is\n"
    "missing or wrong; 75 when the DNS could not be asked. What is only advised changes "
    "nothing.\n\n"
    "Example: nuncio dns example.org\n";

struct options {
    const char *config;
    bool json, zone;
    struct slice addresses[PUBLISH_ADDRESSES_MAX];
    unsigned n_addresses;
};

/* What the command works with. */
struct work {
    const struct options *options;
    const struct config *config;
    struct dns *dns;
    struct arena *arena;
    struct publish_site site;
};

static void find_addresses(struct work *work)
{
    struct publish_site *site = &work->site;
    struct dns_addresses found = {0};
    char text[INET6_ADDRSTRLEN];

    site->addresses = arena_alloc(work->arena, PUBLISH_ADDRESSES_MAX * sizeof(*site->addresses));
    for (unsigned i = 0; i < work->options->n_addresses; i++)
        site->addresses[site->n_addresses++] = work->options->addresses[i];
    if (site->n_addresses)
        return;
    dns_lookup_addresses(work->dns, site->host, clock_mono_ms() + LOOKUP_MS, &found);
    for (unsigned i = 0; i < found.count; i++) {
        inet_ntop(found.list[i].family, found.list[i].bytes, text, sizeof(text));
        site->addresses[site->n_addresses++] = arena_dup(work->arena, slice_from_cstr(text));
    }
}

static void add_certificate(struct work *work, const char *path)
{
    struct publish_site *site = &work->site;
    struct publish_certificate certificate;

    if (!publish_certificate_read(path, work->arena, &certificate))
        fprintf(stderr, "nuncio: %s: no certificate can be read, so its TLSA record is left out\n",
                path);
    else if (publish_certificate_is_for(&certificate, site->host) &&
             site->n_certificates < PUBLISH_CERTIFICATES_MAX)
        site->certificates[site->n_certificates++] = certificate;
}

/* One that the server has made itself is not worth a record: it changes when it likes. */
static void find_certificates(struct work *work)
{
    struct publish_site *site = &work->site;

    site->certificates =
        arena_alloc(work->arena, PUBLISH_CERTIFICATES_MAX * sizeof(*site->certificates));
    for (size_t i = 0; i < work->config->n_certificates; i++)
        add_certificate(work, arena_cstr(work->arena, work->config->certificates[i].chain));
}

/* From which mail leaves, where a route says so. */
static void find_sources(struct work *work)
{
    const struct config_route *world = config_find_route(work->config, work->config->default_route);
    struct publish_site *site = &work->site;

    if (!world)
        return;
    site->sources = arena_alloc(work->arena, PUBLISH_ADDRESSES_MAX * sizeof(*site->sources));
    for (size_t i = 0; i < world->sources.count && site->n_sources < PUBLISH_ADDRESSES_MAX; i++)
        site->sources[site->n_sources++] = world->sources.list[i];
    if (!world->mx && world->hosts.count)
        site->smarthost = world->hosts.list[0].host;
}

static void find_ports(struct work *work)
{
    for (size_t i = 0; i < work->config->n_listeners; i++) {
        const struct config_listener *listener = &work->config->listeners[i];
        if (listener->service != SERVICE_SUBMISSION || !listener->addresses.count)
            continue;
        if (listener->tls == TLS_IMPLICIT)
            work->site.submissions_port = listener->addresses.list[0].port;
        else
            work->site.submission_port = listener->addresses.list[0].port;
    }
}

static struct slice today(struct arena *arena)
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm date;

    gmtime_r(&now, &date);
    return arena_printf(arena, "%04d%02d%02d", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
}

/* A name that only has to lead somewhere may have either kind of address. */
static void look_up(struct work *work, const struct publish_record *record, uint64_t deadline,
                    struct dns_answer *answer)
{
    bool host = record->type == DNS_CNAME;
    uint64_t until = clock_mono_ms() + LOOKUP_MS;

    until = until < deadline ? until : deadline;
    dns_lookup(work->dns, record->name, host ? DNS_A : record->type, until, work->arena, answer);
    if (host && answer->result == DNS_NO_DATA)
        dns_lookup(work->dns, record->name, DNS_AAAA, until, work->arena, answer);
}

static int code_of(const struct publish_report *report)
{
    int code = EX_OK;

    for (unsigned i = 0; i < report->n; i++) {
        enum publish_state state = report->findings[i].state;
        if (state == PUBLISH_UNKNOWN)
            return EX_TEMPFAIL;
        if (state == PUBLISH_MISSING || state == PUBLISH_WRONG)
            code = EX_UNAVAILABLE;
    }
    return code;
}

static int check(struct work *work, const struct publish_record *records, unsigned n)
{
    struct publish_finding findings[PUBLISH_RECORDS_MAX];
    struct publish_report report = {&work->site, records, findings, n};
    struct names *names = names_new(&(struct names_options){.dns = work->dns, .waits = true});
    uint64_t deadline = clock_mono_ms() + DOMAIN_MS;

    for (unsigned i = 0; i < n; i++) {
        struct dns_answer answer = {.result = DNS_NO_DATA};
        if (publish_is_asked(&records[i]))
            look_up(work, &records[i], deadline, &answer);
        if (clock_mono_ms() >= deadline)
            names_give_up(names);
        findings[i] =
            publish_judge(&work->site, &records[i], &answer, names_of(names), work->arena);
    }
    names_end(names);
    if (work->options->json)
        publish_print_json(&report);
    else
        publish_print_lines(&report);
    return code_of(&report);
}

static int tell(struct work *work, struct slice domain)
{
    struct publish_record records[PUBLISH_RECORDS_MAX];
    unsigned n;

    work->site.domain = domain;
    n = publish_plan(&work->site, work->arena, records);
    if (!work->options->zone)
        return check(work, records, n);
    publish_print_zone(&(struct publish_report){&work->site, records, NULL, n});
    return EX_OK;
}

/* A domain of the command line need not be one of ours, yet. */
static int tell_named(struct work *work, const char *name)
{
    const struct config_domain *domain = config_find_domain(work->config, slice_from_cstr(name));
    char clean[DNS_NAME_MAX + 1];

    if (domain)
        return tell(work, domain->name);
    if (!dns_name_clean(slice_from_cstr(name), clean) || !*clean) {
        fprintf(stderr, "nuncio: '%s' is no domain; like: nuncio dns example.org\n", name);
        return EX_USAGE;
    }
    return tell(work, arena_dup(work->arena, slice_from_cstr(clean)));
}

/* The domains of the command line, or all local ones. The worst code. */
static int tell_all(struct work *work, char **names, int n_names)
{
    const struct config *config = work->config;
    int code = EX_OK;

    for (int i = 0; i < n_names; i++) {
        int one = tell_named(work, names[i]);
        code = one > code ? one : code;
    }
    for (size_t i = 0; i < config->n_domains && n_names == 0; i++) {
        int one = config->domains[i].local ? tell(work, config->domains[i].name) : EX_OK;
        code = one > code ? one : code;
    }
    return code;
}

static int run(const struct options *options, const struct config *config, char **names, int n)
{
    struct arena arena;
    struct work work = {.options = options, .config = config, .arena = &arena};
    int code = EX_CONFIG;

    arena_init(&arena);
    work.site.host = config->hostname;
    work.site.today = today(&arena);
    if (dns_new(&config->dns, &work.dns) == 0) {
        find_certificates(&work);
        publish_keys_find(config, &arena, &work.site); /* before there is a second thread */
        find_addresses(&work);
        find_sources(&work);
        find_ports(&work);
        code = tell_all(&work, names, n);
        dns_stop(work.dns);
        dns_free(work.dns);
    }
    arena_done(&arena);
    return code;
}

static bool take_address(struct options *options, const char *text)
{
    unsigned char bytes[16];

    if (options->n_addresses == PUBLISH_ADDRESSES_MAX ||
        (inet_pton(AF_INET, text, bytes) != 1 && inet_pton(AF_INET6, text, bytes) != 1)) {
        fprintf(stderr, "nuncio: --address %s: an IP address is wanted, like 192.0.2.1\n", text);
        return false;
    }
    options->addresses[options->n_addresses++] = slice_from_cstr(text);
    return true;
}

/* False: the command ends here, with *ret_code. */
static bool read_options(int argc, char **argv, struct options *options, int *ret_code)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'}, {"address", required_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},         {"zone", no_argument, NULL, 'z'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int c;

    *ret_code = EX_USAGE;
    while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        if (c == 'c') {
            options->config = optarg;
        } else if (c == 'j') {
            options->json = true;
        } else if (c == 'z') {
            options->zone = true;
        } else if (c == 'h') {
            fputs(help, stdout);
            *ret_code = EX_OK;
            return false;
        } else if (c != 'a' || !take_address(options, optarg)) {
            return false;
        }
    }
    if (options->json && options->zone)
        fputs("nuncio: --json and --zone do not go together\n", stderr);
    return !(options->json && options->zone);
}

int cmd_dns(int argc, char **argv)
{
    struct options options = {0};
    struct config *config;
    int code;

    if (!read_options(argc, argv, &options, &code))
        return code;
    config = command_config_load(config_locate(options.config), "");
    code = config ? run(&options, config, argv + optind, argc - optind) : EX_CONFIG;
    config_unref(config);
    return code;
}
