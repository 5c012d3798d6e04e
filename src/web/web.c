/*
 * See web.h. The role binds its addresses itself, before it locks itself in: what is served to an
 * administrator's own tools needs no port below 1024, and so nothing of root's.
 *
 * Where an address cannot be bound (another program has it) the others serve, and the log says so;
 * mail does not depend on any of this.
 */
#include "web/web.h"

#include "base/log.h"
#include "config/config.h"
#include "io/socket_address.h"
#include "web/families.h"
#include "web/http.h"

#include <errno.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum { BACKLOG = 64, METRICS_MAX = 4 * CHANNEL_PAYLOAD_MAX };

struct web {
    struct role_context *role;
    struct http **servers;
    int *listeners;
    unsigned n_servers;
    uint32_t request;
    bool asking;
    struct buf metrics;
};

/* ---- asking the parent --------------------------------------------------------------------- */

static void on_wanted(void *arg)
{
    struct web *web = arg;
    struct msg_admin ask = {.command = ADMIN_METRICS};
    struct buf out;

    if (web->asking)
        return;
    web->asking = true;
    ask.request = ++web->request;
    buf_init(&out, 64);
    msg_admin_encode(&out, &ask);
    channel_send(web->role->parent, MSG_ADMIN, buf_slice(&out), NULL, 0);
    buf_done(&out);
}

static void on_message(void *arg, enum role from, struct channel_message *message)
{
    struct web *web = arg;
    struct msg_text reply;

    if (from == ROLE_PARENT && message->type == MSG_ADMIN_REPLY &&
        msg_text_decode(message->payload, NULL, &reply) == 0 && reply.request == web->request) {
        web->asking = false;
        buf_reset(&web->metrics);
        families_merge(&web->metrics, reply.text);
        for (unsigned i = 0; i < web->n_servers; i++)
            http_give(web->servers[i], buf_slice(&web->metrics));
    }
    channel_message_close_fds(message);
}

/* ---- start and end ------------------------------------------------------------------------- */

static int bind_listener(const struct config_endpoint *endpoint)
{
    struct slice host = slice_eq(endpoint->host, SLICE("*")) ? SLICE("::") : endpoint->host;
    struct socket_address address;
    int fd, on = 1, off = 0, error;

    if (!socket_address_parse(host, endpoint->port, &address))
        return -EINVAL;
    fd = socket(address.socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (host.ptr != endpoint->host.ptr)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, &address.socket.any, address.len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    error = errno;
    close(fd);
    return -error;
}

static void bind_all(struct web *web)
{
    const struct config_endpoints *endpoints = &web->role->config->web;

    web->listeners = xcalloc(endpoints->count + 1, sizeof(*web->listeners));
    for (size_t i = 0; i < endpoints->count; i++) {
        const struct config_endpoint *endpoint = &endpoints->list[i];
        int fd = bind_listener(endpoint);
        if (fd < 0)
            log_error(NULL, "web-address", LOG_SLICE("host", endpoint->host),
                      LOG_INT("port", endpoint->port), LOG_ERRNO(fd));
        else
            web->listeners[web->n_servers++] = fd;
    }
}

static void serve_all(struct web *web)
{
    web->servers = xcalloc(web->n_servers + 1, sizeof(*web->servers));
    for (unsigned i = 0; i < web->n_servers; i++) {
        web->servers[i] = http_new(web->role->loop, web->listeners[i], on_wanted, web);
        if (!web->servers[i])
            log_error(NULL, "web-failed", LOG_STR("why", "the HTTP server did not start"));
    }
}

static void close_all(struct web *web)
{
    for (unsigned i = 0; i < web->n_servers; i++)
        http_free(web->servers[i]);
    free(web->servers);
    free(web->listeners);
    buf_done(&web->metrics);
}

int web_main(struct role_context *role)
{
    struct web web = {.role = role};
    struct role_handlers handlers = {.message = on_message, .arg = &web};
    int r;

    buf_init(&web.metrics, METRICS_MAX);
    bind_all(&web);
    r = role->lock_in(role);
    if (r == 0) {
        serve_all(&web);
        r = role_run(role, &handlers);
    } else {
        log_error(NULL, "lock-in", LOG_ERRNO(r));
    }
    close_all(&web);
    return r == 0 ? EX_OK : EX_OSERR;
}
