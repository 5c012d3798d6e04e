/*
 * nuncio status: which roles run, for how long, behind which fences, and what each says of itself.
 *
 * What a role says comes as JSON text inside the parent's answer (the parent reads none); here it
 * is parsed, and shown as it is when that fails. Exit code 0 means that every role is ready.
 */
#include "control/admin_options.h"
#include "control/commands.h"

#include <string.h>
#include <sysexits.h>

/* More names of a certificate than this are counted, not listed. */
enum { HOSTS_SHOWN = 5 };

static const char help[] =
    "usage: nuncio status [-c FILE] [--state DIR] [--json]\n\n"
    "Shows the server's certificates, its roles, their restarts, and what locks "
    "them in. Exit code 0: all\nroles are ready; 75: some are not; 69: no "
    "server answers.\n\n"
    "Example: nuncio status\n";

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void print_duration(long long seconds)
{
    if (seconds >= 2 * 24 * 3600)
        printf("%lldd", seconds / (24 * 3600));
    else if (seconds >= 2 * 3600)
        printf("%lldh", seconds / 3600);
    else if (seconds >= 120)
        printf("%lldm", seconds / 60);
    else
        printf("%llds", seconds);
}

/* What was tried and refused needs no more words than its name. */
static bool is_probe(const json_t *protection)
{
    return strcmp(text_of(protection, "detail"), "refused") == 0;
}

/* A line with all protections in this state, if there are any. */
static void print_protections(const json_t *role, const char *label, const char *state, bool probes)
{
    const json_t *protection;
    bool any = false;
    size_t i;

    json_array_foreach(json_object_get(role, "protections"), i, protection)
    {
        if (strcmp(text_of(protection, "state"), state) != 0 || is_probe(protection) != probes)
            continue;
        if (any)
            fputs(", ", stdout);
        else
            printf("    %-8s", label);
        printf("%s", text_of(protection, "name"));
        if (!probes)
            printf(" (%s)", text_of(protection, "detail"));
        any = true;
    }
    if (any)
        putchar('\n');
}

static void print_facts(const json_t *role)
{
    const char *key, *lead = "    ";
    json_t *value;

    json_object_foreach(json_object_get(role, "facts"), key, value)
    {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        printf("%s%s %s", lead, key, text ? text : "?");
        free(text);
        lead = ", ";
    }
    if (*lead == ',')
        putchar('\n');
}

static void print_role(const json_t *role)
{
    printf("\n  %-8s %s, process %lld, up ", text_of(role, "role"), text_of(role, "state"),
           number_of(role, "pid"));
    print_duration(number_of(role, "uptime"));
    if (number_of(role, "restarts"))
        printf(", restarted %lld times", number_of(role, "restarts"));
    if (json_is_false(json_object_get(role, "answered")))
        printf(", silent just now");
    putchar('\n');
    print_facts(role);
    print_protections(role, "holds", "holds", false);
    print_protections(role, "refused", "holds", true);
    print_protections(role, "open", "open", false);
    print_protections(role, "off", "off", false);
    print_protections(role, "absent", "absent", false);
}

/* Puts the object that a role told in the place of its text. */
static void unwrap(json_t *role)
{
    json_t *facts = json_loads(text_of(role, "told"), 0, NULL);

    if (!json_is_object(facts)) {
        json_decref(facts);
        facts = json_object();
    }
    json_object_del(facts, "role");
    json_object_set_new(role, "facts", facts);
    json_object_del(role, "told");
}

static bool all_ready(const json_t *answer)
{
    const json_t *role;
    size_t i;

    json_array_foreach(json_object_get(answer, "roles"), i, role)
    {
        if (strcmp(text_of(role, "state"), "ready") != 0)
            return false;
    }
    return i > 0;
}

static void print_hosts(const json_t *certificate)
{
    const json_t *hosts = json_object_get(certificate, "hosts"), *host;
    size_t i;

    json_array_foreach(hosts, i, host)
    {
        if (i == HOSTS_SHOWN) {
            printf(" and %zu more", json_array_size(hosts) - i);
            break;
        }
        printf("%s%s", i ? ", " : "", json_string_value(host));
    }
}

static void print_certificates(const json_t *answer)
{
    const json_t *certificate, *warning;
    size_t i;

    json_array_foreach(json_object_get(answer, "certificates"), i, certificate)
    {
        bool ours = json_is_true(json_object_get(certificate, "self_signed"));
        printf("%s%s (%s), until %s (%lld days), for ", i ? "            " : "certificate ",
               text_of(certificate, "name"), text_of(certificate, "key"),
               text_of(certificate, "until"), number_of(certificate, "days_left"));
        print_hosts(certificate);
        putchar('\n');
        if (ours)
            printf("            made by this server: mail clients will warn; configure "
                   "`certificate`\n");
    }
    if (number_of(answer, "certificates_not_shown"))
        printf("            and %lld more\n", number_of(answer, "certificates_not_shown"));
    json_array_foreach(json_object_get(answer, "certificate_warnings"), i, warning)
        printf("warning: %s\n", json_string_value(warning));
}

/* Those that cannot be read. */
static void print_files(const json_t *answer)
{
    const json_t *file;
    size_t i;

    json_array_foreach(json_object_get(answer, "files"), i, file)
    {
        if (*text_of(file, "problem"))
            printf("warning: %s: %s: the accounts that need it cannot be looked up\n",
                   text_of(file, "path"), text_of(file, "problem"));
    }
}

static void print_status(const json_t *answer)
{
    const json_t *role;
    size_t i;

    printf("nuncio %s on %s, process %lld, up ", text_of(answer, "version"),
           text_of(answer, "hostname"), number_of(answer, "pid"));
    print_duration(number_of(answer, "uptime"));
    printf("\nstate %s, configuration %s\n", text_of(answer, "state"),
           text_of(answer, "configuration"));
    print_certificates(answer);
    print_files(answer);
    json_array_foreach(json_object_get(answer, "roles"), i, role) print_role(role);
}

int cmd_status(int argc, char **argv)
{
    struct admin_options options;
    json_t *answer = NULL, *role;
    size_t i;
    int code;

    if (!admin_options_read(argc, argv, help, &options, &code))
        return code;
    code = admin_options_ask(&options, "status", &answer);
    if (code != EX_OK)
        return code;
    json_array_foreach(json_object_get(answer, "roles"), i, role) unwrap(role);
    if (options.json)
        admin_options_print(answer);
    else
        print_status(answer);
    code = all_ready(answer) ? EX_OK : EX_TEMPFAIL;
    json_decref(answer);
    return code;
}
