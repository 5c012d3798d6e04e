/* A user table or an aliases file: a table, or at least one problem; and what is in it is found. */
#include "account/alias_table.h"
#include "account/passwd_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_users(struct slice text)
{
    struct problem_list problems, warnings;
    struct passwd_table *table;

    problem_list_init(&problems);
    problem_list_init(&warnings);
    table = passwd_table_parse(SLICE("users"), text, &problems, &warnings);
    if ((table == NULL) != (problems.count > 0))
        abort();
    if (table)
        passwd_table_find(table, SLICE("joe@example.org"));
    passwd_table_free(table);
    problem_list_done(&problems);
    problem_list_done(&warnings);
}

static void try_aliases(struct slice text)
{
    struct problem_list problems;
    struct store_targets targets = {0};
    struct alias_table *table;

    problem_list_init(&problems);
    table = alias_table_parse(SLICE("aliases"), text, &problems);
    if ((table == NULL) != (problems.count > 0))
        abort();
    if (table && alias_table_find(table, SLICE("joe@example.org"), &problems.arena, &targets) &&
        (targets.count == 0 || targets.count > STORE_TARGETS_MAX))
        abort();
    alias_table_free(table);
    problem_list_done(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_users(slice_from(data, size));
    try_aliases(slice_from(data, size));
    return 0;
}
