/* Files for auth, relay and queue. See handed_files.h. */
#include "daemon/handed_files.h"

#include "daemon/json_quote.h"
#include "daemon/regular_file.h"
#include "daemon/sealed.h"
#include "daemon/srs_secret.h"
#include "trust/srs.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <unistd.h>

static size_t find(const struct handed_files *handed, struct slice path)
{
    size_t i = 0;

    while (!slice_eq(slice_from_cstr(handed->files.list[i].path), path))
        i++;
    return i;
}

static void add(struct handed_files *handed, struct slice path, enum role role)
{
    size_t before = handed->files.count;
    struct handed_file *file;

    if (path.len == 0)
        return;
    watched_add(&handed->files, path);
    if (handed->files.count > before) {
        handed->list = xrealloc(handed->list, handed->files.count * sizeof(*handed->list));
        file = &handed->list[before];
        *file = (struct handed_file){.path = slice_from_cstr(handed->files.list[before].path)};
        file->name = file->path;
    }
    handed->list[find(handed, path)].roles |= 1u << role;
}

static void add_for_relay(struct handed_files *handed, const struct config_route *route)
{
    const struct config_client_login *login = &route->login;

    add(handed, route->tls_ca, ROLE_RELAY);
    add(handed, login->password_file, ROLE_RELAY);
    add(handed, login->token.client_secret_file, ROLE_RELAY);
    add(handed, login->token.refresh_token_file, ROLE_RELAY);
    add(handed, login->token.ca, ROLE_RELAY);
}

static void add_srs_secret(struct handed_files *handed, const char *state)
{
    char path[PATH_MAX];

    if (!srs_secret_path(path, state))
        return; /* then it could not be made either */
    add(handed, slice_from_cstr(path), ROLE_AUTH);
    add(handed, slice_from_cstr(path), ROLE_QUEUE);
    handed->list[find(handed, slice_from_cstr(path))].name = SLICE(SRS_SECRET_FILE);
}

void handed_files_set(struct handed_files *handed, const struct config *config, const char *state)
{
    handed_files_done(handed);
    if (state)
        add_srs_secret(handed, state);
    for (size_t i = 0; i < config->n_accounts; i++) {
        add(handed, config->accounts[i].passwd_file, ROLE_AUTH);
        add(handed, config->accounts[i].alias_file, ROLE_AUTH);
    }
    add(handed, config->auth.oauth.client_secret_file, ROLE_AUTH);
    add(handed, config->auth.oauth.ca, ROLE_AUTH);
    for (size_t i = 0; i < config->n_routes; i++)
        add_for_relay(handed, &config->routes[i]);
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

    handed_files_set(&handed, config, NULL);
    for (size_t i = 0; i < handed.files.count; i++) {
        struct handed_file *file = &handed.list[i];
        struct stat st;
        int fd = regular_file_open(file->path, HANDED_FILE_MAX, &st, file->why);
        if (fd >= 0)
            close(fd);
        else
            problem_add(warnings, SLICE_NULL, 0, "%.*s: %s: %s", SLICE_ARG(file->path), file->why,
                        file->roles & 1u << ROLE_AUTH ? "the accounts that need it cannot log in"
                                                      : "mail over the routes that need it waits");
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
