/*
 * Binding. "*:25" is one IPv6 socket that takes IPv4 too, or an IPv4 socket on a host without IPv6.
 * SO_REUSEADDR lets a restart take its ports back at once; SO_REUSEPORT is not used, since two
 * servers on one port is what must be noticed.
 */
#include "daemon/listeners.h"

#include "daemon/port_owner.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, HOST_MAX = 256 };

static int fail(int fd)
{
    int saved = errno;

    if (fd >= 0)
        close(fd);
    return -saved;
}

static int bind_address(const struct sockaddr *address, socklen_t len, bool both_families)
{
    int on = 1, v6only = !both_families;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return fail(fd);
    if (address->sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) < 0)
        return fail(fd);
    if (bind(fd, address, len) < 0 || listen(fd, BACKLOG) < 0)
        return fail(fd);
    return fd;
}

static int bind_any(uint16_t port)
{
    const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = bind_address((const struct sockaddr *)&six, sizeof(six), true);

    if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
        fd = bind_address((const struct sockaddr *)&four, sizeof(four), true);
    return fd;
}

/* -EINVAL: the host is a name; an address is asked for, since a name can change its meaning. */
static int bind_inet(const struct config_endpoint *endpoint)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[HOST_MAX], port[8];
    int fd;

    if (slice_eq(endpoint->host, SLICE("*")))
        return bind_any(endpoint->port);
    snprintf(host, sizeof(host), "%.*s", SLICE_ARG(endpoint->host));
    snprintf(port, sizeof(port), "%u", endpoint->port);
    if (slice_eq_nocase(endpoint->host, SLICE("localhost")))
        snprintf(host, sizeof(host), "127.0.0.1");
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -EINVAL;
    fd = bind_address(found->ai_addr, found->ai_addrlen, false);
    freeaddrinfo(found);
    return fd;
}

static bool is_answered(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool answered =
        fd >= 0 &&
        (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN);

    if (fd >= 0)
        close(fd);
    return answered;
}

static int clear_way(const struct sockaddr_un *address)
{
    struct stat st;

    if (lstat(address->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    if (is_answered(address))
        return -EADDRINUSE;
    return unlink(address->sun_path) < 0 ? -errno : 0;
}

int listeners_bind_unix(const char *path, unsigned mode)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mode_t mask;
    int fd, r;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    r = clear_way(&address);
    if (r < 0)
        return r;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    mask = umask(0177); /* nobody connects before the mode is right */
    r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (r < 0 || chmod(path, mode) < 0 || listen(fd, BACKLOG) < 0)
        return fail(fd);
    return fd;
}

static int bind_endpoint(const struct config_listener *listener,
                         const struct config_endpoint *endpoint)
{
    char path[HOST_MAX];

    if (endpoint->kind == ENDPOINT_INET)
        return bind_inet(endpoint);
    snprintf(path, sizeof(path), "%.*s", SLICE_ARG(endpoint->host));
    return listeners_bind_unix(path, listener->unix_mode);
}

static void explain(const struct config_listener *listener, const struct config_endpoint *endpoint,
                    int error, struct problem_list *problems)
{
    const struct config_source *source = &endpoint->source;
    char where[HOST_MAX + 16], owner[PORT_OWNER_MAX] = "another program";

    if (endpoint->kind == ENDPOINT_UNIX)
        snprintf(where, sizeof(where), "%.*s", SLICE_ARG(endpoint->host));
    else
        snprintf(where, sizeof(where), "%.*s:%u", SLICE_ARG(endpoint->host), endpoint->port);
    if (error == -EADDRINUSE) {
        if (endpoint->kind == ENDPOINT_INET)
            port_owner_find(endpoint->port, owner, sizeof(owner));
        problem_add(problems, source->file, source->line,
                    "%s (listener '%.*s') is taken by %s: stop that, or change the `address` here",
                    where, SLICE_ARG(listener->name), owner);
    } else if (error == -EACCES && endpoint->kind == ENDPOINT_INET) {
        problem_add(problems, source->file, source->line,
                    "%s (listener '%.*s') needs root, as all ports below 1024: start the server as "
                    "root, or choose a higher port here",
                    where, SLICE_ARG(listener->name));
    } else if (error == -EINVAL) {
        problem_add(problems, source->file, source->line,
                    "%s (listener '%.*s'): an IP address is needed here, or * for all of them",
                    where, SLICE_ARG(listener->name));
    } else {
        problem_add(problems, source->file, source->line, "%s (listener '%.*s'): %s", where,
                    SLICE_ARG(listener->name), strerror(-error));
    }
}

static void open_listener(const struct config_listener *listener, struct listeners *listeners,
                          struct problem_list *problems)
{
    for (size_t i = 0; i < listener->addresses.count; i++) {
        const struct config_endpoint *endpoint = &listener->addresses.list[i];
        int fd = bind_endpoint(listener, endpoint);
        if (fd < 0)
            explain(listener, endpoint, fd, problems);
        listeners->fds[listeners->count++] = fd;
    }
}

int listeners_open(const struct config *config, struct listeners *ret_listeners,
                   struct problem_list *problems)
{
    struct listeners listeners = {0};
    unsigned before = problems->count;
    size_t total = 0;

    for (size_t i = 0; i < config->n_listeners; i++)
        total += config->listeners[i].addresses.count;
    listeners.fds = xcalloc(total + 1, sizeof(int));
    for (size_t i = 0; i < config->n_listeners; i++)
        open_listener(&config->listeners[i], &listeners, problems);
    if (problems->count != before) {
        listeners_close(&listeners);
        return -EADDRINUSE;
    }
    *ret_listeners = listeners;
    return 0;
}

void listeners_close(struct listeners *listeners)
{
    for (unsigned i = 0; i < listeners->count; i++) {
        if (listeners->fds[i] >= 0)
            close(listeners->fds[i]);
    }
    free(listeners->fds);
    *listeners = (struct listeners){0};
}
