/*
 * nuncio reload: the running server reads its configuration again. A broken one changes nothing and
 * is told in full; what only a restart can change is told too.
 */
#include "control/admin_options.h"
#include "control/commands.h"

#include <sysexits.h>

static const char help[] =
    "usage: nuncio reload [-c FILE] [--state DIR] [--json]\n\n"
    "Lets the server read its configuration again, without dropping a session. If there is a\n"
    "mistake in it, the server keeps the old one and all mistakes are listed (exit code 78).\n\n"
    "Example: nuncio reload\n";

static void print_lines(const json_t *answer, const char *key)
{
    const json_t *line;
    size_t i;

    json_array_foreach(json_object_get(answer, key), i, line)
        fprintf(stderr, "%s\n", json_string_value(line));
}

static int report(json_t *answer)
{
    const json_t *why;
    const char *role;
    int code = EX_OK;

    print_lines(answer, "problems");
    if (!json_is_true(json_object_get(answer, "reloaded"))) {
        fputs("nuncio: the old configuration stays in force\n", stderr);
        return EX_CONFIG;
    }
    print_lines(answer, "needs_restart");
    json_object_foreach(json_object_get(answer, "refused"), role, why)
    {
        fprintf(stderr, "nuncio: %s did not take it: %s\n", role, json_string_value(why));
        code = EX_SOFTWARE;
    }
    return code;
}

int cmd_reload(int argc, char **argv)
{
    struct admin_options options;
    json_t *answer = NULL;
    int code;

    if (!admin_options_read(argc, argv, help, &options, &code))
        return code;
    code = admin_options_ask(&options, "reload", &answer);
    if (code != EX_OK)
        return code;
    code = report(answer);
    if (options.json)
        admin_options_print(answer);
    else if (code == EX_OK)
        puts("reloaded");
    json_decref(answer);
    return code;
}
