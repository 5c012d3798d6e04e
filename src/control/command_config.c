/* Reading the configuration for a command. See command_config.h. */
#include "control/command_config.h"

#include "base/buf.h"
#include "control/locate.h"

#include <stdio.h>

void command_problems_print(const char *prefix, struct problem_list *problems)
{
    for (const struct problem *problem = problems->first; problem; problem = problem->next)
        fprintf(stderr, "%s%.*s\n", prefix, SLICE_ARG(problem_line(problems, problem)));
    if (problems->count > PROBLEMS_MAX)
        fprintf(stderr, "%sand %u more\n", prefix, problems->count - PROBLEMS_MAX);
}

struct config *command_config_load(const char *path, const char *prefix)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;

    problem_list_init(&problems);
    if (config_load(path, &bundle, &config, &problems) < 0)
        config = NULL;
    command_problems_print(prefix, &problems);
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    return config;
}

char *command_config_state(const char *given, const char *state, const char *prefix)
{
    struct config *config;
    char *found;

    if (state)
        return xstrdup(state);
    config = command_config_load(config_locate(given), prefix);
    found = config ? xslicedup(config->state) : NULL;
    config_unref(config);
    return found;
}
