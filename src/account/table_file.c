/*
 * Newer texts of files, and the log lines about bad ones. See table_file.h.
 *
 * A file that has become unreadable or wrong does not take its accounts away: the table of before
 * stays in force until there is a good one.
 */
#include "account/table_file.h"

#include "base/log.h"

enum { LOGGED_MAX = 10 };

bool table_file_next(struct table_file *file, const struct files *files, struct slice *ret_text)
{
    struct files_file found;

    if (file->path.len == 0 || !files_find(files, file->path, &found) ||
        found.version == file->version)
        return false;
    file->version = found.version;
    if (found.readable)
        *ret_text = found.text;
    else
        log_error(NULL, "table-unreadable", LOG_SLICE("file", file->path),
                  LOG_SLICE("error", found.text));
    return found.readable;
}

static void log_problems(enum log_level level, const char *event, struct problem_list *problems)
{
    const struct problem *problem = problems->first;

    for (unsigned i = 0; problem && i < LOGGED_MAX; i++, problem = problem->next)
        log_at(level, NULL, event, LOG_SLICE("problem", problem_line(problems, problem)));
    if (problems->count > LOGGED_MAX)
        log_at(level, NULL, event, LOG_INT("more", problems->count - LOGGED_MAX));
}

void table_file_complain(struct problem_list *problems)
{
    log_problems(LOG_ERROR, "table-not-taken", problems);
}

void table_file_warn(struct problem_list *warnings)
{
    log_problems(LOG_WARN, "table", warnings);
}

void table_file_refresh_aliases(struct table_file *file, const struct files *files,
                                struct alias_table **table)
{
    struct problem_list problems;
    struct alias_table *newer;
    struct slice text;

    if (!table_file_next(file, files, &text))
        return;
    problem_list_init(&problems);
    newer = alias_table_parse(file->path, text, &problems);
    if (newer) {
        log_info(NULL, "table", LOG_SLICE("file", file->path),
                 LOG_INT("aliases", alias_table_count(newer)));
        alias_table_free(*table);
        *table = newer;
    } else {
        table_file_complain(&problems);
    }
    problem_list_done(&problems);
}
