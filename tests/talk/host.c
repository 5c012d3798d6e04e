/* See host.h. */
#include "host.h"

#include "base/clock.h"
#include "fake_auth.h"
#include "fake_dns.h"
#include "fake_spool.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NOON = 1795262400, STEPS_MAX = 1000000 }; /* a day in November 2026 */

static struct host *woken_host; /* pool_wake() knows only the task */

static void wake(struct task *task)
{
    if (!task)
        abort(); /* nobody can be woken by it yet */
    woken_host->woken = true;
}

static struct config *parse(struct slice text)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;

    config_bundle_from_text(SLICE("test.conf"), text, &bundle);
    problem_list_init(&problems);
    if (config_parse(&bundle, &config, &problems) < 0) {
        for (struct problem *problem = problems.first; problem; problem = problem->next)
            fprintf(stderr, "%.*s\n", SLICE_ARG(problem_line(&problems, problem)));
    }
    problem_list_done(&problems);
    config_bundle_done(&bundle);
    return config;
}

static struct smtp_endpoint endpoint(const char *text)
{
    struct smtp_endpoint endpoint = {.family = SMTP_FAMILY_NONE, .port = 4321};

    if (inet_pton(AF_INET, text, endpoint.address) == 1)
        endpoint.family = SMTP_FAMILY_IPV4;
    else if (inet_pton(AF_INET6, text, endpoint.address) == 1)
        endpoint.family = SMTP_FAMILY_IPV6;
    return endpoint;
}

static void run(struct host *host, enum task_why why)
{
    buf_reset(&host->scratch.out);
    host->parked = session_run(host->session, why, &host->scratch);
    arena_reset(&host->scratch.arena);
    if (host->parked.next == TASK_END)
        host->session = NULL;
}

static bool is_ready(const struct host *host)
{
    unsigned want = host->parked.want;
    struct pollfd ready = {.fd = host->session->transport.fd};

    if (want & TASK_READ)
        ready.events |= POLLIN;
    if (want & TASK_WRITE)
        ready.events |= POLLOUT;
    return host->parked.next == TASK_YIELD || (want && poll(&ready, 1, 0) > 0);
}

void host_pump(struct host *host)
{
    for (unsigned i = 0; host->session && i < STEPS_MAX; i++) {
        uint64_t deadline = host->parked.deadline_ms;
        if (host->woken) {
            host->woken = false;
            run(host, TASK_WOKEN);
        } else if (is_ready(host)) {
            run(host, TASK_READY);
        } else if (deadline != TASK_NO_DEADLINE && deadline <= host->now_ms) {
            run(host, TASK_TIMEOUT);
        } else if (fake_auth_answer() || fake_dns_answer()) {
            continue;
        } else if (host->hold_commits || !fake_spool_commit()) {
            return;
        }
    }
}

static bool open_session(struct host *host, struct slice text, const char *client,
                         struct tls_server *tls, struct slice early)
{
    struct smtp_endpoint peer = endpoint(client);
    int pair[2];

    *host = (struct host){.now_ms = 1000000, .client = -1, .config = parse(text)};
    if (!host->config)
        return false;
    fake_spool_reset();
    clock_fake(NOON * 1000LL, host->now_ms);
    woken_host = host;
    server_init(&host->server, host->config);
    if (tls)
        server_set_tls(&host->server, tls_server_ref(tls));
    host->server.wake = wake;
    fake_auth_open(&host->server);
    host->server.dns = fake_dns_open();
    task_scratch_init(&host->scratch);
    host->listener = (struct listener){
        .server = &host->server, .settings = &host->config->listeners[0], .fd = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return false;
    host->client = pair[0];
    atomic_fetch_add(&host->server.sessions, 1);
    if (early.len && send(host->client, early.ptr, early.len, MSG_NOSIGNAL) < 0)
        return false;
    host->session = session_new(&host->listener, pair[1], &peer);
    run(host, TASK_READY);
    if (host->session)
        host->session->task = (struct task *)host; /* which nobody looks into */
    return true;
}

bool host_open(struct host *host, struct slice text, const char *client)
{
    return open_session(host, text, client, NULL, SLICE_NULL);
}

bool host_open_early(struct host *host, struct slice text, const char *client, struct slice early)
{
    return open_session(host, text, client, NULL, early);
}

bool host_open_tls(struct host *host, struct slice text, const char *client, struct tls_server *tls)
{
    return open_session(host, text, client, tls, SLICE_NULL);
}

bool host_close(struct host *host)
{
    unsigned left;

    if (host->client >= 0)
        close(host->client);
    host->hold_commits = false;
    host_pump(host);
    host_sleep(host, 24 * 3600 * 1000); /* whatever it waits for, it does not wait so long */
    left = atomic_load(&host->server.sessions) + fake_spool_bodies();
    if (host->session)
        left++;
    if (!fake_auth_close(&host->server))
        left++;
    dns_free(host->server.dns);
    task_scratch_done(&host->scratch);
    server_done(&host->server);
    config_unref(host->config);
    clock_unfake();
    return left == 0;
}

void host_say(struct host *host, struct slice bytes)
{
    while (bytes.len && host->client >= 0) {
        ssize_t n = send(host->client, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (n > 0)
            bytes = slice_skip(bytes, (size_t)n);
        else if (!host->session)
            return; /* it has hung up */
        host_pump(host);
    }
}

void host_stop(struct host *host)
{
    if (host->session)
        run(host, TASK_STOPPING);
}

void host_sleep(struct host *host, uint64_t ms)
{
    host->now_ms += ms;
    clock_fake(NOON * 1000LL + host->now_ms, host->now_ms);
    host_pump(host);
}

void host_read(struct host *host, struct buf *out)
{
    ssize_t n;

    do {
        char *room = buf_reserve(out, 64 * 1024);
        n = room ? recv(host->client, room, 64 * 1024, MSG_DONTWAIT) : 0;
        if (n > 0)
            buf_added(out, (size_t)n);
        host_pump(host);
    } while (n > 0);
}
