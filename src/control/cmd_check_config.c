/*
 * nuncio check-config: all mistakes of a configuration, or what it means.
 */
#include "control/commands.h"

#include "config/config.h"
#include "config/value.h"
#include "control/checks_words.h"
#include "control/command_config.h"
#include "control/config_words.h"
#include "control/locate.h"
#include "daemon/certificates.h"
#include "daemon/handed_files.h"
#include "dns/dns.h"

#include <getopt.h>
#include <jansson.h>
#include <sysexits.h>

/* More domains or destinations than this are counted, not listed. */
enum { DOMAINS_SHOWN = 50 };

static const char help[] =
    "usage: nuncio check-config [-c FILE] [DOMAIN...]\n\n"
    "Reads a configuration as the server would. Tells every mistake with its file and line, or\n"
    "that it is right, what it means, and what in it looks like an oversight. With domains it\n"
    "tells where mail to each of them goes, how mail to it and from it is checked, and the lines\n"
    "that say so.\n\n"
    "  -c, --config FILE  the configuration, otherwise $NUNCIO_CONFIG or the system's\n"
    "      --json         one JSON object\n\n"
    "Exit code: 0 when the server would start with it, 78 when not.\n\n"
    "Example: nuncio check-config -c /etc/nuncio/nuncio.conf partner.example\n";

/* What the command line asks for. */
struct wish {
    bool json;
    char **domains;
    size_t n_domains;
};

static const char *service_name(enum config_service service)
{
    static const char *const names[] = {"mx", "submission", "lmtp"};
    return names[service];
}

static struct slice trusted_text(struct arena *arena, const struct config *config)
{
    struct slice text = SLICE_NULL;

    for (size_t i = 0; i < config->trusted.count; i++)
        text = arena_printf(arena, "%.*s%s%s", SLICE_ARG(text), i ? " " : "",
                            value_format_network(&config->trusted.list[i]).text);
    return text.len ? text : SLICE("nobody");
}

static const char *tls_name(enum config_tls tls)
{
    static const char *const names[] = {"off", "offered", "required", "implicit"};
    return names[tls];
}

static const char *auth_name(enum config_auth_policy auth)
{
    static const char *const names[] = {"off", "offered", "required"};
    return names[auth];
}

static void print_listener(struct arena *arena, const struct config_listener *listener)
{
    printf("    %.*s: %s on %.*s, tls %s, auth %s\n", SLICE_ARG(listener->name),
           service_name(listener->service), SLICE_ARG(words_endpoints(arena, &listener->addresses)),
           tls_name(listener->tls), auth_name(listener->auth));
}

static void print_certificates(const struct config *config)
{
    printf("  certificates\n");
    for (size_t i = 0; i < config->n_certificates; i++)
        printf("    %.*s: %.*s\n", SLICE_ARG(config->certificates[i].name),
               SLICE_ARG(config->certificates[i].chain));
    if (config->n_certificates == 0)
        printf("    one that the server makes itself: mail clients will warn\n");
}

static void print_destinations(struct arena *arena, const struct config *config)
{
    for (size_t i = 0; i < config->n_destinations && i < DOMAINS_SHOWN; i++) {
        const struct config_destination *destination = &config->destinations[i];
        printf("    %.*s: foreign, %.*s\n", SLICE_ARG(destination->pattern),
               SLICE_ARG(words_route(arena, config, destination->route)));
    }
    if (config->n_destinations > DOMAINS_SHOWN)
        printf("    and %zu more destinations\n", config->n_destinations - DOMAINS_SHOWN);
}

static void print_where(struct arena *arena, const struct config *config, const struct wish *wish)
{
    for (size_t i = 0; i < wish->n_domains; i++) {
        struct slice name = slice_from_cstr(wish->domains[i]);
        printf("%.*s: %.*s\n%.*s", SLICE_ARG(name), SLICE_ARG(words_where(arena, config, name)),
               SLICE_ARG(words_checks(arena, config, name)));
    }
}

static void print_summary(struct arena *arena, const struct config *config)
{
    printf("\n  hostname  %.*s\n  state     %.*s\n  listens\n", SLICE_ARG(config->hostname),
           SLICE_ARG(config->state));
    for (size_t i = 0; i < config->n_listeners; i++)
        print_listener(arena, &config->listeners[i]);
    print_certificates(config);
    printf("  domains\n");
    for (size_t i = 0; i < config->n_domains && i < DOMAINS_SHOWN; i++)
        printf("    %.*s: %.*s\n", SLICE_ARG(config->domains[i].name),
               SLICE_ARG(words_domain(arena, config, &config->domains[i])));
    if (config->n_domains > DOMAINS_SHOWN)
        printf("    and %zu more\n", config->n_domains - DOMAINS_SHOWN);
    print_destinations(arena, config);
    printf("    all others: %.*s\n", SLICE_ARG(words_foreign(arena, config)));
    printf("  may relay anywhere: %.*s\n", SLICE_ARG(trusted_text(arena, config)));
}

static json_t *json_slice(struct slice text)
{
    return json_stringn_nocheck(text.len ? text.ptr : "", text.len);
}

static json_t *json_problems(const struct problem_list *problems)
{
    json_t *array = json_array();

    for (const struct problem *problem = problems->first; problem; problem = problem->next)
        json_array_append_new(array, json_pack("{s:o, s:i, s:o}", "file", json_slice(problem->file),
                                               "line", (int)problem->line, "text",
                                               json_slice(problem->text)));
    return array;
}

static json_t *json_listeners(struct arena *arena, const struct config *config)
{
    json_t *array = json_array();

    for (size_t i = 0; i < config->n_listeners; i++) {
        const struct config_listener *listener = &config->listeners[i];
        json_t *addresses = json_array();
        for (size_t k = 0; k < listener->addresses.count; k++)
            json_array_append_new(addresses,
                                  json_slice(words_endpoint(arena, &listener->addresses.list[k])));
        json_array_append_new(
            array, json_pack("{s:o, s:s, s:o, s:s, s:s}", "name", json_slice(listener->name),
                             "service", service_name(listener->service), "addresses", addresses,
                             "tls", tls_name(listener->tls), "auth", auth_name(listener->auth)));
    }
    return array;
}

static json_t *json_domains(struct arena *arena, const struct config *config)
{
    json_t *array = json_array();

    for (size_t i = 0; i < config->n_domains; i++)
        json_array_append_new(
            array, json_pack("{s:o, s:o}", "name", json_slice(config->domains[i].name), "handled",
                             json_slice(words_domain(arena, config, &config->domains[i]))));
    return array;
}

static json_t *json_destinations(struct arena *arena, const struct config *config)
{
    json_t *array = json_array();

    for (size_t i = 0; i < config->n_destinations; i++) {
        const struct config_destination *one = &config->destinations[i];
        json_array_append_new(array,
                              json_pack("{s:o, s:o, s:o}", "pattern", json_slice(one->pattern),
                                        "route", json_slice(one->route), "rule",
                                        json_slice(words_source(arena, &one->source))));
    }
    return array;
}

static json_t *json_routes(struct arena *arena, const struct config *config)
{
    json_t *array = json_array();

    for (size_t i = 0; i < config->n_routes; i++) {
        const struct config_route *route = &config->routes[i];
        json_array_append_new(array, json_pack("{s:o, s:b, s:o, s:o}", "name",
                                               json_slice(route->name), "mx", route->mx, "hosts",
                                               json_slice(words_endpoints(arena, &route->hosts)),
                                               "fallback", json_slice(route->fallback)));
    }
    return array;
}

static json_t *json_where(struct arena *arena, const struct config *config, const struct wish *wish)
{
    json_t *array = json_array();

    for (size_t i = 0; i < wish->n_domains; i++) {
        struct slice name = slice_from_cstr(wish->domains[i]);
        json_array_append_new(array,
                              json_pack("{s:o, s:o, s:o}", "domain", json_slice(name), "handled",
                                        json_slice(words_where(arena, config, name)), "checks",
                                        json_checks(arena, config, name)));
    }
    return array;
}

static void print_json(struct arena *arena, const struct config *config, const struct wish *wish,
                       const struct problem_list *problems, const struct problem_list *warnings)
{
    json_t *object = json_pack("{s:b, s:o, s:o}", "ok", config != NULL, "problems",
                               json_problems(problems), "warnings", json_problems(warnings));

    if (config) {
        json_object_set_new(object, "hostname", json_slice(config->hostname));
        json_object_set_new(object, "listeners", json_listeners(arena, config));
        json_object_set_new(object, "domains", json_domains(arena, config));
        json_object_set_new(object, "destinations", json_destinations(arena, config));
        json_object_set_new(object, "routes", json_routes(arena, config));
        if (wish->n_domains)
            json_object_set_new(object, "where", json_where(arena, config, wish));
        json_object_set_new(object, "others", json_slice(words_foreign(arena, config)));
        json_object_set_new(object, "trusted", json_slice(trusted_text(arena, config)));
    }
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

/* Whether keys to trust can be read, which the server does when it starts. */
static bool anchors_check(const struct config *config, struct problem_list *problems)
{
    const struct config_dns *dns = &config->dns;
    bool fine = true;

    for (size_t i = 0; i < dns->n_trust_anchors && dns->validate; i++) {
        struct config_dns one = {.recurse = true,
                                 .validate = true,
                                 .trust_anchors = &dns->trust_anchors[i],
                                 .n_trust_anchors = 1};
        struct dns *tried;
        if (dns_new(&one, &tried) == 0) {
            dns_free(tried);
            continue;
        }
        fine = false;
        problem_add(problems, SLICE_NULL, 0,
                    "trust_anchor %.*s: no keys can be read from it; it is a file of DNSKEY or DS "
                    "records, as in a zone file",
                    SLICE_ARG(dns->trust_anchors[i]));
    }
    return fine;
}

static int check(const char *path, const struct wish *wish)
{
    struct problem_list problems, warnings;
    struct config_bundle bundle;
    struct config *config = NULL;
    struct arena arena;

    arena_init(&arena);
    problem_list_init(&problems);
    problem_list_init(&warnings);
    if (config_load(path, &bundle, &config, &problems) == 0) {
        config_warn(config, &warnings);
        handed_files_check(config, &warnings);
        if (certificates_check(config, &problems, &warnings) < 0 ||
            !anchors_check(config, &problems)) {
            config_unref(config);
            config = NULL;
        }
    }
    if (wish->json) {
        print_json(&arena, config, wish, &problems, &warnings);
    } else if (config && wish->n_domains) {
        print_where(&arena, config, wish);
    } else if (config) {
        printf("%s: ok\n", path);
        print_summary(&arena, config);
        fflush(stdout);
        command_problems_print("warning: ", &warnings);
    } else {
        command_problems_print("", &problems);
    }
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    problem_list_done(&warnings);
    arena_done(&arena);
    if (!config)
        return EX_CONFIG;
    config_unref(config);
    return EX_OK;
}

int cmd_check_config(int argc, char **argv)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct wish wish = {.json = false};
    const char *given = NULL;
    int c;

    while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        switch (c) {
        case 'c':
            given = optarg;
            break;
        case 'j':
            wish.json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EX_OK;
        default:
            return EX_USAGE;
        }
    }
    wish.domains = argv + optind;
    wish.n_domains = (size_t)(argc - optind);
    return check(config_locate(given), &wish);
}
