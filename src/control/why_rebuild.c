/*
 * Filling the history from log files. See why_rebuild.h.
 *
 * A running server goes on writing beside it: transactions are short. Files are opened before root
 * becomes the owner of the history, who may not read them. Only what the tap would have told is
 * taken: events at info or above.
 */
#include "control/why_rebuild.h"

#include "base/log.h"
#include "control/why_place.h"

#include <errno.h>
#include <sysexits.h>

enum { FILES_MAX = 1000, EVENTS_A_TIME = 1000 };

struct rebuild {
    struct why_place place;
    struct arena arena;
    unsigned in_transaction;
    uint64_t n_events, n_other;
};

static int commit(struct rebuild *rebuild)
{
    int r = rebuild->in_transaction ? archive_commit(rebuild->place.archive) : 0;

    rebuild->in_transaction = 0;
    return r;
}

static int take_line(struct rebuild *rebuild, struct slice line)
{
    struct event event;
    int r = 0;

    arena_reset(&rebuild->arena);
    if (event_read(line, &rebuild->arena, &event) < 0) {
        rebuild->n_other++;
        return 0;
    }
    if (event.level < LOG_INFO)
        return 0;
    if (!rebuild->in_transaction)
        r = archive_begin(rebuild->place.archive);
    if (r == 0)
        r = archive_add(rebuild->place.archive, &event, true);
    if (r < 0)
        return r;
    rebuild->n_events++;
    return ++rebuild->in_transaction == EVENTS_A_TIME ? commit(rebuild) : 0;
}

static int take_file(struct rebuild *rebuild, FILE *file)
{
    size_t size = 0;
    char *line = NULL;
    ssize_t n;
    int r = 0;

    while (r == 0 && (n = getline(&line, &size, file)) > 0)
        r = take_line(rebuild, slice_from(line, (size_t)n));
    free(line);
    return r < 0 ? r : commit(rebuild);
}

static int take_files(struct rebuild *rebuild, FILE **files, int n_files)
{
    int r = 0;

    for (int i = 0; i < n_files && r == 0; i++)
        r = take_file(rebuild, files[i]);
    if (r < 0) {
        archive_rollback(rebuild->place.archive);
        return why_place_failed(&rebuild->place, r);
    }
    printf("%llu events are in the history; %llu lines were not the server's\n",
           (unsigned long long)rebuild->n_events, (unsigned long long)rebuild->n_other);
    return rebuild->n_events || !rebuild->n_other ? EX_OK : EX_DATAERR;
}

static int open_files(char **names, int n, FILE **files)
{
    for (int i = 0; i < n; i++) {
        files[i] = strcmp(names[i], "-") == 0 ? stdin : fopen(names[i], "re");
        if (!files[i]) {
            fprintf(stderr, "nuncio: %s: %s\n", names[i], log_strerror(errno));
            return EX_NOINPUT;
        }
    }
    return EX_OK;
}

int why_rebuild(const char *config, const char *state, char **names, int n_files)
{
    static FILE *files[FILES_MAX];
    struct rebuild rebuild = {0};
    int code;

    if (n_files > FILES_MAX) {
        fprintf(stderr, "nuncio: at most %d files at a time\n", FILES_MAX);
        return EX_USAGE;
    }
    code = open_files(names, n_files, files);
    if (code == EX_OK)
        code = why_place_open(config, state, true, &rebuild.place);
    if (code == EX_OK) {
        arena_init(&rebuild.arena);
        code = take_files(&rebuild, files, n_files);
        arena_done(&rebuild.arena);
        why_place_close(&rebuild.place);
    }
    for (int i = 0; i < n_files; i++) {
        if (files[i] && files[i] != stdin)
            fclose(files[i]);
    }
    return code;
}
