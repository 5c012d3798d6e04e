/* Files for auth. See handed_files.h. */
#include "daemon/handed_files.h"

#include "daemon/json_quote.h"
#include "daemon/regular_file.h"
#include "daemon/sealed.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <unistd.h>

static void add(struct watched *files, struct slice path)
{
    if (path.len)
        watched_add(files, path);
}

void handed_files_set(struct handed_files *handed, const struct config *config)
{
    handed_files_done(handed);
    for (size_t i = 0; i < config->n_accounts; i++) {
        add(&handed->files, config->accounts[i].passwd_file);
        add(&handed->files, config->accounts[i].alias_file);
    }
    add(&handed->files, config->auth.oauth.client_secret_file);
    add(&handed->files, config->auth.oauth.ca);
    handed->list = xcalloc(handed->files.count + 1, sizeof(*handed->list));
    for (size_t i = 0; i < handed->files.count; i++)
        handed->list[i].path = slice_from_cstr(handed->files.list[i].path);
}

void handed_files_done(struct handed_files *handed)
{
    watched_done(&handed->files);
    free(handed->list);
    *handed = (struct handed_files){.list = NULL};
}

static int copy_bytes(int from, int to, size_t size)
{
    while (size) {
        ssize_t n = sendfile(to, from, NULL, size);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return 0; /* it has become shorter; that is a change, and will be seen */
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int handed_files_copy(struct handed_files *handed, size_t i)
{
    struct handed_file *file = &handed->list[i];
    struct stat st;
    int from = regular_file_open(file->path, HANDED_FILE_MAX, &st, file->why);
    int to, r;

    if (from < 0)
        return -1;
    to = sealed_new("nuncio-file");
    r = to < 0 ? to : copy_bytes(from, to, (size_t)st.st_size);
    if (r == 0)
        r = sealed_finish(to);
    close(from);
    file->why[0] = '\0';
    if (r == 0)
        return to;
    snprintf(file->why, sizeof(file->why), "%s", strerror(-r));
    if (to >= 0)
        close(to);
    return -1;
}

void handed_files_check(const struct config *config, struct problem_list *warnings)
{
    struct handed_files handed = {.list = NULL};

    handed_files_set(&handed, config);
    for (size_t i = 0; i < handed.files.count; i++) {
        struct handed_file *file = &handed.list[i];
        struct stat st;
        int fd = regular_file_open(file->path, HANDED_FILE_MAX, &st, file->why);
        if (fd >= 0)
            close(fd);
        else
            problem_add(warnings, SLICE_NULL, 0,
                        "%.*s: %s: the accounts that need it cannot log in", SLICE_ARG(file->path),
                        file->why);
    }
    handed_files_done(&handed);
}

void handed_files_add_status(const struct handed_files *handed, struct buf *json)
{
    buf_add_cstr(json, "\"files\":[");
    for (size_t i = 0; i < handed->files.count; i++) {
        buf_printf(json, "%s{\"path\":", i ? "," : "");
        json_quote(json, handed->list[i].path);
        buf_add_cstr(json, ",\"problem\":");
        json_quote(json, slice_from_cstr(handed->list[i].why));
        buf_add_char(json, '}');
    }
    buf_add_cstr(json, "]");
}
