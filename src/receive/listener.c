/*
 * Accepting. See listener.h.
 *
 * When descriptors run out, one that was kept aside is given up for a moment: the next client is
 * accepted, told 421 and let go; then accepting pauses. Too many sessions get the same words. A
 * session's first step is run here, at once, so that the banner costs no hand-over.
 */
#include "receive/listener.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS_PER_STEP = 16, PAUSE_MS = 200 };

static struct smtp_endpoint endpoint_of(const struct sockaddr_storage *address)
{
    struct smtp_endpoint endpoint = {.family = SMTP_FAMILY_NONE};
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

    if (address->ss_family == AF_INET) {
        endpoint.family = SMTP_FAMILY_IPV4;
        memcpy(endpoint.address, &v4->sin_addr, 4);
        endpoint.port = ntohs(v4->sin_port);
    } else if (address->ss_family == AF_INET6) {
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
        endpoint.family = mapped ? SMTP_FAMILY_IPV4 : SMTP_FAMILY_IPV6;
        memcpy(endpoint.address, v6->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
        endpoint.port = ntohs(v6->sin6_port);
    }
    return endpoint;
}

static void turn_away(struct listener *listener, int fd, const char *why)
{
    static const char text[] = "421 4.3.2 too many connections, try again later\r\n";

    atomic_fetch_add(&listener->server->counts.refused_connections, 1);
    log_warn(NULL, "turned-away", LOG_SLICE("listener", listener->settings->name),
             LOG_STR("why", why));
    if (listener->settings->tls != TLS_IMPLICIT)
        (void)!send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

/* The descriptor kept aside makes room for one client, who is told to come back. */
static void use_spare(struct listener *listener)
{
    int fd;

    close(listener->spare);
    fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        turn_away(listener, fd, "no descriptors left");
    listener->spare = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0);
}

static void start_session(struct listener *listener, int fd, const struct sockaddr_storage *address,
                          struct task_scratch *scratch)
{
    struct server *server = listener->server;
    struct smtp_endpoint peer = endpoint_of(address);
    struct session *session = session_new(listener, fd, &peer);
    struct task_step first;

    atomic_fetch_add(&server->counts.connections, 1);
    buf_reset(&scratch->out);
    first = session_run(session, TASK_READY, scratch);
    if (first.next == TASK_END)
        return;
    if (tasks_add(listener->pool, fd, first, session_run, session, &session->task) < 0)
        (void)session_run(session, TASK_STOPPING, scratch);
}

static void take_connection(struct listener *listener, int fd,
                            const struct sockaddr_storage *address, struct task_scratch *scratch)
{
    struct server *server = listener->server;
    unsigned limit = server_session_limit(server);

    if (atomic_fetch_add(&server->sessions, 1) < limit) {
        start_session(listener, fd, address, scratch);
        return;
    }
    atomic_fetch_sub(&server->sessions, 1);
    turn_away(listener, fd, "too many sessions");
}

static bool out_of_descriptors(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static struct task_step accept_some(struct listener *listener, struct task_scratch *scratch)
{
    struct task_step next = {.next = TASK_PARK, .want = TASK_READ};

    for (unsigned i = 0; i < ACCEPTS_PER_STEP; i++) {
        struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
        socklen_t len = sizeof(address);
        int fd =
            accept4(listener->fd, (struct sockaddr *)&address, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            take_connection(listener, fd, &address, scratch);
        } else if (out_of_descriptors(errno)) {
            use_spare(listener);
            next.want = TASK_NOTHING;
            next.deadline_ms = clock_mono_ms() + PAUSE_MS;
            return next;
        } else if (errno == EAGAIN) {
            return next;
        }
    }
    return next;
}

static struct task_step listener_run(void *arg, enum task_why why, struct task_scratch *scratch)
{
    struct listener *listener = arg;

    if (why != TASK_STOPPING)
        return accept_some(listener, scratch);
    close(listener->fd);
    close(listener->spare);
    return (struct task_step){.next = TASK_END};
}

int listener_start(struct listener *listener)
{
    struct task_step first = {.next = TASK_PARK, .want = TASK_READ};
    int on = 1;

    /* What is accepted inherits it; a unix socket knows nothing of it and need not. */
    (void)setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    listener->spare = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0);
    return tasks_add(listener->pool, listener->fd, first, listener_run, listener, &listener->task);
}
