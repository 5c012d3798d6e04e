/*
 * See http.h. A request for metrics is suspended until http_give(): libmicrohttpd then calls the
 * handler again, with what is to be sent kept in its request.
 *
 * libmicrohttpd has an epoll descriptor of its own, which our loop watches; MHD_run() does what is
 * due. Its timeouts need a look from time to time even when nothing happens, which is LOOK_MS.
 */
#include "web/http.h"

#include "base/buf.h"
#include "base/clock.h"

#include <microhttpd.h>
#include <utlist.h>

enum { LOOK_MS = 1000 };

struct request {
    struct MHD_Connection *connection;
    struct MHD_Response *response; /* to be queued when the handler is called again */
    struct request *prev, *next;   /* among those waiting, while suspended */
    bool suspended;
};

struct http {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct loop_watch *watch;
    struct loop_timer *timer;
    struct request *waiting;
    void (*wanted)(void *arg);
    void *arg;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned code, const char *type,
                              struct slice text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        text.len, (void *)(uintptr_t)text.ptr, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_plain(struct MHD_Connection *connection, unsigned code,
                                    struct slice text)
{
    return answer(connection, code, "text/plain; charset=utf-8", text);
}

static enum MHD_Result begin_metrics(struct http *http, struct request *request)
{
    bool first = !http->waiting;

    MHD_suspend_connection(request->connection);
    request->suspended = true;
    DL_APPEND(http->waiting, request);
    if (first)
        http->wanted(http->arg);
    return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    struct request *request = *state;

    (void)version;
    (void)upload;
    if (!request) {
        request = xcalloc(1, sizeof(*request));
        request->connection = connection;
        *state = request;
        return MHD_YES;
    }
    if (request->response)
        return MHD_queue_response(connection, MHD_HTTP_OK, request->response);
    *upload_size = 0;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer_plain(connection, MHD_HTTP_METHOD_NOT_ALLOWED, SLICE("only GET\n"));
    if (strcmp(url, "/metrics") == 0)
        return begin_metrics(arg, request);
    if (strcmp(url, "/") == 0)
        return answer_plain(connection, MHD_HTTP_OK,
                            SLICE("Nuncio. Metrics for Prometheus are at /metrics.\n"));
    return answer_plain(connection, MHD_HTTP_NOT_FOUND, SLICE("there is /metrics only\n"));
}

static void forget(struct http *http, struct request *request)
{
    if (request->suspended)
        DL_DELETE(http->waiting, request);
    request->suspended = false;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct request *request = *state;

    (void)connection;
    (void)code;
    if (!request)
        return;
    forget(arg, request);
    if (request->response)
        MHD_destroy_response(request->response);
    free(request);
    *state = NULL;
}

static void on_ready(void *arg, unsigned ready)
{
    struct http *http = arg;

    (void)ready;
    (void)MHD_run(http->daemon);
}

static void on_time(void *arg)
{
    struct http *http = arg;

    (void)MHD_run(http->daemon);
    loop_timer_arm(http->timer, clock_mono_ms() + LOOK_MS);
}

struct http *http_new(struct loop *loop, int listener, void (*wanted)(void *arg), void *arg)
{
    struct http *http = xcalloc(1, sizeof(*http));
    const union MHD_DaemonInfo *info;

    http->loop = loop;
    http->wanted = wanted;
    http->arg = arg;
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http,
        MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, http, MHD_OPTION_END);
    if (!http->daemon) {
        free(http);
        return NULL;
    }
    info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    http->watch = loop_watch(loop, info->epoll_fd, LOOP_READ, on_ready, http);
    http->timer = loop_timer(loop, on_time, http);
    loop_timer_arm(http->timer, clock_mono_ms() + LOOK_MS);
    return http;
}

static struct MHD_Response *make_response(struct slice metrics)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        metrics.len, (void *)(uintptr_t)metrics.ptr, MHD_RESPMEM_MUST_COPY);

    if (response)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                      "text/plain; version=0.0.4; charset=utf-8");
    return response;
}

void http_give(struct http *http, struct slice metrics)
{
    while (http && http->waiting) {
        struct request *request = http->waiting;
        forget(http, request);
        request->response = make_response(metrics);
        MHD_resume_connection(request->connection);
    }
    if (http)
        (void)MHD_run(http->daemon);
}

void http_free(struct http *http)
{
    if (!http)
        return;
    http_give(http, SLICE_NULL);
    loop_unwatch(http->watch);
    loop_timer_free(http->timer);
    MHD_stop_daemon(http->daemon);
    free(http);
}
