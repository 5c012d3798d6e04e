/*
 * A request resolves its host first: two questions are with the resolver, whose threads only count
 * their answers down. The last one puts the request on the list of those that are ready; the one
 * thread here takes them from it, as many as may run at a time, and drives them with curl's multi
 * interface. See https.h.
 *
 * The lock guards the list of the ready, the numbers, the CAs and the stopping; a request is
 * otherwise its stage's alone: the resolver's (whose two answers share it under the lock), the
 * list's, the thread's.
 */
#include "relay/https.h"

#include "base/clock.h"
#include "config/value.h"
#include "relay/https_transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <utlist.h>

enum { BUSY_POLL_MS = 1000, IDLE_POLL_MS = 60000, DNS_MS = 20000 };

struct request {
    struct request *prev, *next;
    struct https *https;
    struct https_transfer transfer;
    bool fine;
    uint64_t deadline;
    https_answered *answered;
    void *arg;
    unsigned unresolved; /* questions without an answer */
    bool dns_failed;
};

struct https {
    struct dns *dns;
    CURLM *multi;
    struct request *running; /* the thread's, as is n_running */
    unsigned n_running;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t resolved;
    struct request *ready;
    unsigned n_requests, n_resolving;
    struct buf ca;
    bool started, stopping;
};

enum { CA_MAX = 16 << 20 };

int https_new(struct dns *dns, struct https **ret_https)
{
    struct https *https;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return -ENOMEM;
    https = xcalloc(1, sizeof(*https));
    https->dns = dns;
    https->multi = curl_multi_init();
    if (!https->multi) {
        free(https);
        return -ENOMEM;
    }
    buf_init(&https->ca, CA_MAX);
    pthread_mutex_init(&https->lock, NULL);
    pthread_cond_init(&https->resolved, NULL);
    *ret_https = https;
    return 0;
}

void https_set_ca(struct https *https, struct slice ca)
{
    pthread_mutex_lock(&https->lock);
    buf_reset(&https->ca);
    buf_add_slice(&https->ca, ca);
    pthread_mutex_unlock(&https->lock);
}

static void request_free(struct request *request)
{
    https_transfer_done(&request->transfer);
    free(request);
}

/* The end of a request. */
static void answer(struct request *request, const struct https_answer *outcome)
{
    struct https *https = request->https;

    request->answered(request->arg, outcome);
    request_free(request);
    pthread_mutex_lock(&https->lock);
    https->n_requests--;
    pthread_mutex_unlock(&https->lock);
}

static void fail(struct request *request, enum https_failure failure, const char *why)
{
    answer(request, &(struct https_answer){.failure = failure, .why = why});
}

/* ---- the thread ----------------------------------------------------------------------------- */

static bool begin(struct request *request, uint64_t left_ms)
{
    struct https *https = request->https;
    bool fine;

    pthread_mutex_lock(&https->lock);
    fine = https_transfer_begin(&request->transfer, buf_slice(&https->ca), left_ms, request);
    pthread_mutex_unlock(&https->lock);
    return fine && curl_multi_add_handle(https->multi, request->transfer.curl) == CURLM_OK;
}

static void start(struct https *https, struct request *request)
{
    uint64_t now = clock_mono_ms();

    if (now >= request->deadline) {
        fail(request, HTTPS_UNREACHABLE, "there was no time left to ask");
        return;
    }
    if (!begin(request, request->deadline - now)) {
        fail(request, HTTPS_BAD, "the request could not be made");
        return;
    }
    DL_APPEND(https->running, request);
    https->n_running++;
}

static void forget_running(struct https *https, struct request *request)
{
    curl_multi_remove_handle(https->multi, request->transfer.curl);
    DL_DELETE(https->running, request);
    https->n_running--;
}

static void end(struct https *https, struct request *request, CURLcode code)
{
    struct https_answer outcome;

    https_transfer_judge(&request->transfer, (int)code, &outcome);
    forget_running(https, request);
    answer(request, &outcome);
}

static bool is_stopping(struct https *https)
{
    bool stopping;

    pthread_mutex_lock(&https->lock);
    stopping = https->stopping;
    pthread_mutex_unlock(&https->lock);
    return stopping;
}

static struct request *take_ready(struct https *https)
{
    struct request *request = NULL;

    if (https->n_running >= HTTPS_RUNNING_MAX)
        return NULL;
    pthread_mutex_lock(&https->lock);
    request = https->ready;
    if (request)
        DL_DELETE(https->ready, request);
    pthread_mutex_unlock(&https->lock);
    return request;
}

static void fail_all(struct https *https)
{
    struct request *request;

    while ((request = https->running)) {
        forget_running(https, request);
        fail(request, HTTPS_BAD, "the server is stopping");
    }
    while ((request = take_ready(https)))
        fail(request, HTTPS_BAD, "the server is stopping");
}

static void *run_thread(void *arg)
{
    struct https *https = arg;

    while (!is_stopping(https)) {
        struct request *request;
        CURLMsg *message;
        int left;
        while ((request = take_ready(https)))
            start(https, request);
        curl_multi_perform(https->multi, &left);
        while ((message = curl_multi_info_read(https->multi, &left))) {
            CURLcode code = message->data.result;
            char *private = NULL;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
            end(https, (struct request *)(void *)private, code);
        }
        curl_multi_poll(https->multi, NULL, 0, https->n_running ? BUSY_POLL_MS : IDLE_POLL_MS,
                        NULL);
    }
    fail_all(https);
    return NULL;
}

/* ---- asking and resolving ------------------------------------------------------------------- */

static void take_addresses(struct https_transfer *transfer, const struct dns_answer *found)
{
    for (unsigned i = 0; i < found->n_records && transfer->n_addresses < HTTPS_ADDRESSES_MAX; i++) {
        struct dns_address *address = &transfer->addresses[transfer->n_addresses];
        size_t len = found->records[i].len;
        if (len != 4 && len != 16)
            continue;
        address->family = len == 4 ? AF_INET : AF_INET6;
        memcpy(address->bytes, found->records[i].ptr, len);
        transfer->n_addresses++;
    }
}

/* On a thread of the resolver's. */
static void on_addresses(void *arg, const struct dns_answer *found)
{
    struct request *request = arg;
    struct https *https = request->https;
    bool last, good;

    pthread_mutex_lock(&https->lock);
    if (found->result == DNS_FOUND)
        take_addresses(&request->transfer, found);
    else
        request->dns_failed |= found->result == DNS_FAILED || found->result == DNS_TIMEOUT;
    last = --request->unresolved == 0;
    good = last && request->transfer.n_addresses && !https->stopping;
    if (good) {
        DL_APPEND(https->ready, request);
        curl_multi_wakeup(https->multi);
    }
    pthread_mutex_unlock(&https->lock);
    if (!last)
        return;
    if (!good)
        fail(request, request->dns_failed ? HTTPS_UNREACHABLE : HTTPS_NO_NAME,
             request->dns_failed ? "DNS could not tell its address" : "the host has no address");
    pthread_mutex_lock(&https->lock);
    https->n_resolving--;
    pthread_cond_broadcast(&https->resolved);
    pthread_mutex_unlock(&https->lock);
}

/* A host that is an address, or this machine, needs no DNS. */
static bool knows_address(struct https_transfer *transfer)
{
    struct slice host = slice_from_cstr(transfer->host);
    struct dns_address address;

    if (slice_eq_nocase(host, SLICE("localhost")))
        host = SLICE("127.0.0.1");
    if (host.len && host.ptr[0] == '[')
        host = slice_sub(host, 1, host.len - 2);
    if (!value_parse_ip(host, &address.family, address.bytes))
        return false;
    transfer->addresses[transfer->n_addresses++] = address;
    return true;
}

static void make_ready(struct request *request)
{
    struct https *https = request->https;

    pthread_mutex_lock(&https->lock);
    https->n_resolving--;
    DL_APPEND(https->ready, request);
    pthread_cond_broadcast(&https->resolved);
    curl_multi_wakeup(https->multi);
    pthread_mutex_unlock(&https->lock);
}

/* With the lock held. Signals stay with the role's main thread. */
static int start_thread(struct https *https)
{
    sigset_t all, before;
    int r;

    if (https->started)
        return 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&https->thread, NULL, run_thread, https);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    https->started = r == 0;
    return -r;
}

static struct request *request_new(struct https *https, const struct https_request *wanted,
                                   https_answered *answered, void *arg)
{
    struct request *request = xcalloc(1, sizeof(*request));

    request->https = https;
    request->fine = https_transfer_init(&request->transfer, wanted);
    request->deadline = clock_mono_ms() + wanted->patience_ms;
    request->answered = answered;
    request->arg = arg;
    request->unresolved = 2;
    return request;
}

/* False when there is no room for it, or no more. */
static bool enlist(struct https *https, const struct request *request)
{
    bool fine;

    pthread_mutex_lock(&https->lock);
    https->n_requests++;
    fine = request->fine && !https->stopping && https->n_requests <= HTTPS_WAITING_MAX &&
           start_thread(https) == 0;
    https->n_resolving += fine;
    pthread_mutex_unlock(&https->lock);
    return fine;
}

void https_ask(struct https *https, const struct https_request *wanted, https_answered *answered,
               void *arg)
{
    struct request *request = request_new(https, wanted, answered, arg);
    uint64_t deadline = clock_mono_ms() + DNS_MS;
    char *host;

    if (!enlist(https, request)) {
        fail(request, HTTPS_BAD, "the request could not be made");
        return;
    }
    if (knows_address(&request->transfer)) {
        make_ready(request);
        return;
    }
    deadline = deadline < request->deadline ? deadline : request->deadline;
    /* The request may be gone before the second call returns. */
    host = xstrdup(request->transfer.host);
    dns_ask(https->dns, slice_from_cstr(host), DNS_AAAA, deadline, on_addresses, request);
    dns_ask(https->dns, slice_from_cstr(host), DNS_A, deadline, on_addresses, request);
    free(host);
}

void https_stop(struct https *https)
{
    pthread_mutex_lock(&https->lock);
    https->stopping = true;
    pthread_mutex_unlock(&https->lock);
    curl_multi_wakeup(https->multi);
}

void https_free(struct https *https)
{
    if (!https)
        return;
    https_stop(https);
    pthread_mutex_lock(&https->lock);
    while (https->n_resolving)
        pthread_cond_wait(&https->resolved, &https->lock);
    pthread_mutex_unlock(&https->lock);
    if (https->started)
        pthread_join(https->thread, NULL);
    fail_all(https);
    curl_multi_cleanup(https->multi);
    buf_done(&https->ca);
    pthread_cond_destroy(&https->resolved);
    pthread_mutex_destroy(&https->lock);
    free(https);
    curl_global_cleanup();
}
