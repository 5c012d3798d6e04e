/* Configurations from C strings, for the tests of this folder. */
#ifndef NUNCIO_TESTS_CONFIG_PARSING_H
#define NUNCIO_TESTS_CONFIG_PARSING_H

#include "config/config.h"

/* NULL when it is not valid. */
static inline struct config *parse_with(const char *text, struct problem_list *problems)
{
    struct config_bundle bundle;
    struct config *config = NULL;

    config_bundle_from_text(SLICE("test.conf"), slice_from_cstr(text), &bundle);
    config_parse(&bundle, &config, problems);
    config_bundle_done(&bundle);
    return config;
}

/* A text that must be valid; says what is wrong when it is not. */
static inline struct config *parse(const char *text)
{
    struct problem_list problems;
    struct config *config;

    problem_list_init(&problems);
    config = parse_with(text, &problems);
    for (struct problem *problem = problems.first; problem; problem = problem->next)
        print_error("%.*s\n", SLICE_ARG(problem_line(&problems, problem)));
    problem_list_done(&problems);
    assert_non_null(config);
    return config;
}

#endif
