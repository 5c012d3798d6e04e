/* See queue_options.h. */
#include "control/queue_options.h"

#include "config/value.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_FIRST = 256 };

enum option_kind { TAKES_TEXT, TAKES_DURATION, TAKES_NUMBER, IS_FLAG };

/* Options that become members of the request. */
static const struct {
    const char *name, *member;
    enum option_kind kind;
} members[] = {
    {"sender", "sender", TAKES_TEXT},      {"recipient", "recipient", TAKES_TEXT},
    {"domain", "domain", TAKES_TEXT},      {"lane", "lane", TAKES_TEXT},
    {"source", "source", TAKES_TEXT},      {"reply", "reply", TAKES_TEXT},
    {"is", "state", TAKES_TEXT},           {"older", "older_ms", TAKES_DURATION},
    {"newer", "newer_ms", TAKES_DURATION}, {"for", "for_ms", TAKES_DURATION},
    {"reason", "reason", TAKES_TEXT},      {"to", "to", TAKES_TEXT},
    {"limit", "limit", TAKES_NUMBER},      {"all", "all", IS_FLAG},
    {"dry-run", "dry", IS_FLAG},
};
enum { MEMBERS = sizeof(members) / sizeof(members[0]) };

static bool bad_value(const char *name, const char *value, const char *instead)
{
    fprintf(stderr, "nuncio: --%s %s: say %s\n", name, value, instead);
    return false;
}

static bool take_member(struct queue_options *options, size_t i, const char *value)
{
    json_t *json = NULL;
    uint64_t number;

    switch (members[i].kind) {
    case TAKES_TEXT:
        json = json_string(value);
        if (!json)
            return bad_value(members[i].name, value, "it in UTF-8");
        break;
    case TAKES_DURATION:
        if (!value_parse_duration(slice_from_cstr(value), &number))
            return bad_value(members[i].name, value, "a time such as 90s, 30m, 2h or 5d");
        json = json_integer((json_int_t)number);
        break;
    case TAKES_NUMBER:
        if (!slice_parse_u64(slice_from_cstr(value), 1000000000, &number) || !number)
            return bad_value(members[i].name, value, "a number from 1 on");
        json = json_integer((json_int_t)number);
        break;
    case IS_FLAG:
        json = json_true();
        break;
    }
    return json_object_set_new(options->request, members[i].member, json) == 0;
}

static bool take_option(struct queue_options *options, int c)
{
    switch (c) {
    case 'c':
        options->config = optarg;
        return true;
    case 'd':
        options->state = optarg;
        return true;
    case 'j':
        options->json = true;
        return true;
    case 't':
        options->text = true;
        return true;
    case 'h':
        options->help = true;
        return true;
    case 'n':
        return json_object_set_new(options->request, "dry", json_true()) == 0;
    default:
        return c >= OPTION_FIRST && take_member(options, (size_t)c - OPTION_FIRST, optarg);
    }
}

bool queue_options_read(int argc, char **argv, struct queue_options *ret_options)
{
    static const struct option fixed[] = {{"config", required_argument, NULL, 'c'},
                                          {"state", required_argument, NULL, 'd'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"text", no_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'}};
    enum { FIXED = sizeof(fixed) / sizeof(fixed[0]) };
    struct option known[FIXED + MEMBERS + 1] = {{0}};
    int c;

    memcpy(known, fixed, sizeof(fixed));
    for (size_t i = 0; i < MEMBERS; i++)
        known[FIXED + i] =
            (struct option){.name = members[i].name,
                            .has_arg = members[i].kind == IS_FLAG ? no_argument : required_argument,
                            .val = OPTION_FIRST + (int)i};
    *ret_options = (struct queue_options){.request = json_object()};
    while ((c = getopt_long(argc, argv, "c:hn", known, NULL)) != -1) {
        if (!take_option(ret_options, c))
            return false;
    }
    return true;
}

bool queue_options_target(json_t *request)
{
    static const char *const kinds[] = {"lane", "domain", "sender", "source"};
    const char *kind = NULL;
    unsigned n = 0;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!json_object_get(request, kinds[i]))
            continue;
        kind = kinds[i];
        n++;
    }
    if (n != 1) {
        fputs("nuncio: say one of --lane, --domain, --sender and --source\n", stderr);
        return false;
    }
    json_object_set_new(request, "kind", json_string(kind));
    json_object_set(request, "what", json_object_get(request, kind));
    return true;
}
