/*
 * See client.h. The socket is reached through a descriptor of its folder, since a socket's address
 * holds 107 bytes of path and a state folder may lie deeper.
 */
#include "control/client.h"

#include "base/log.h"
#include "control/command_config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define SOCKET_NAME "control.sock"

enum { PATIENCE_S = 60, LINE_MAX_BYTES = 16 * 1024 * 1024, READ_BYTES = 64 * 1024 };

struct client {
    int fd;
    struct buf in;
    bool silent;
    size_t at; /* how much of it was taken: whole lines, dropped together */
};

static int fail_to_connect(const char *folder, int error)
{
    if (error == EACCES || error == EPERM) {
        fprintf(stderr,
                "nuncio: %s/" SOCKET_NAME ": %s: ask as root, or be in a group of the "
                "configuration's control section\n",
                folder, log_strerror(error));
        return EX_NOPERM;
    }
    fprintf(stderr, "nuncio: the server does not run (%s/" SOCKET_NAME ": %s)\n", folder,
            log_strerror(error));
    return EX_UNAVAILABLE;
}

/* A descriptor, or -errno. */
static int connect_in(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), fd, r = 0;

    if (directory < 0)
        return -errno;
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET_NAME,
             directory);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        r = -errno;
    close(directory);
    if (r < 0) {
        if (fd >= 0)
            close(fd);
        return r;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

static struct client *client_new(int fd)
{
    struct client *client = xcalloc(1, sizeof(*client));

    client->fd = fd;
    buf_init(&client->in, LINE_MAX_BYTES);
    return client;
}

int client_open(const char *config, const char *state, struct client **ret_client)
{
    char *place = command_config_state(config, state, "");
    char folder[PATH_MAX];
    int fd;

    if (!place)
        return EX_CONFIG;
    snprintf(folder, sizeof(folder), "%s/run", place);
    free(place);
    fd = connect_in(folder);
    if (fd < 0)
        return fail_to_connect(folder, -fd);
    *ret_client = client_new(fd);
    return EX_OK;
}

void client_try(const char *state, struct client **ret_client)
{
    char folder[PATH_MAX];
    int fd;

    snprintf(folder, sizeof(folder), "%s/run", state);
    fd = connect_in(folder);
    if (fd >= 0)
        *ret_client = client_new(fd);
}

void client_close(struct client *client)
{
    if (!client)
        return;
    close(client->fd);
    buf_done(&client->in);
    free(client);
}

static int broken(void)
{
    fputs("nuncio: the server broke the connection off, or says nothing any more\n", stderr);
    return EX_UNAVAILABLE;
}

static bool send_request(struct client *client, json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    struct buf line;
    size_t sent = 0;

    buf_init(&line, LINE_MAX_BYTES);
    buf_add_cstr(&line, text ? text : "");
    buf_add_char(&line, '\n');
    while (sent < line.len) {
        ssize_t n = send(client->fd, line.ptr + sent, line.len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    free(text);
    json_decref(request);
    bool whole = sent == line.len;
    buf_done(&line);
    return whole;
}

/* The next line, good until the next call. False: there is none. */
static bool read_line(struct client *client, struct slice *ret_line)
{
    for (;;) {
        struct slice rest = slice_skip(buf_slice(&client->in), client->at);
        ptrdiff_t end = slice_find(rest, '\n');
        char *to;
        ssize_t n;
        if (end >= 0) {
            client->at += (size_t)end + 1;
            *ret_line = slice_sub(rest, 0, (size_t)end);
            return true;
        }
        buf_drop_front(&client->in, client->at);
        client->at = 0;
        to = buf_reserve(&client->in, READ_BYTES);
        if (!to)
            return false;
        do
            n = recv(client->fd, to, READ_BYTES, 0);
        while (n < 0 && errno == EINTR);
        if (n <= 0)
            return false;
        buf_added(&client->in, (size_t)n);
    }
}

/* EX_OK, and *ret_end when it was the last one. */
static int take_answer(const struct client *client, struct slice line, client_on_answer *on_answer,
                       void *arg, bool *ret_end)
{
    json_t *answer = json_loadb(line.ptr, line.len, 0, NULL);
    const char *error = json_string_value(json_object_get(answer, "error"));
    int code = EX_OK;

    if (!answer)
        return broken();
    *ret_end = json_is_true(json_object_get(answer, "end"));
    if (error) {
        if (!client->silent)
            fprintf(stderr, "nuncio: %s\n", error);
        code = EX_DATAERR;
    } else {
        on_answer(arg, answer);
    }
    json_decref(answer);
    return code;
}

int client_ask_lines(struct client *client, json_t *request, client_on_line *on_line,
                     client_on_answer *on_answer, void *arg)
{
    bool end = false;
    int code = EX_OK;

    if (!send_request(client, request))
        return broken();
    while (!end && code == EX_OK) {
        struct slice line;
        if (!read_line(client, &line))
            return broken();
        if (!on_line || !on_line(arg, line))
            code = take_answer(client, line, on_answer, arg, &end);
    }
    return code;
}

int client_ask(struct client *client, json_t *request, client_on_answer *on_answer, void *arg)
{
    return client_ask_lines(client, request, NULL, on_answer, arg);
}

int client_ask_silently(struct client *client, json_t *request, client_on_answer *on_answer,
                        void *arg)
{
    int code;

    client->silent = true;
    code = client_ask(client, request, on_answer, arg);
    client->silent = false;
    return code;
}
