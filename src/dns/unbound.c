/*
 * The resolver proper: libunbound, which caches, retries and (later, for DANE) validates.
 *
 * A caller hands its questions to libunbound's own thread and sleeps until they are answered or its
 * deadline comes. One more thread, the pump, takes answers out of libunbound and wakes callers.
 * libunbound cannot be told to forget a question without a race against its answer, so a question
 * whose caller has gone stays on the list, abandoned, until its answer frees it.
 *
 * Invariant: a question is on the list from before it is asked until its answer was taken by its
 * caller, or by the pump if it is abandoned, or until the resolver is freed.
 */
#include "dns/resolver.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unbound.h>
#include <unistd.h>

enum { RRTYPE_A = 1, RRTYPE_AAAA = 28, RRCLASS_IN = 1, PUMP_STACK = 256 * 1024 };

struct question {
    struct unbound *resolver;
    struct question *next, **link;
    bool answered, abandoned;
    int error;
    struct ub_result *answer;
};

struct unbound {
    struct dns dns;
    struct ub_ctx *context;
    int quit; /* eventfd: the pump is to end */
    /* Guards everything below, and the members of all questions. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* an answer came, or stopping was set */
    struct question *questions;
    pthread_t pump;
    bool pumping;
    bool stopping;
};

static void question_free(struct question *question)
{
    *question->link = question->next;
    if (question->next)
        question->next->link = question->link;
    ub_resolve_free(question->answer);
    free(question);
}

static struct question *question_new(struct unbound *resolver)
{
    struct question *question = xcalloc(1, sizeof(*question));

    question->resolver = resolver;
    question->next = resolver->questions;
    question->link = &resolver->questions;
    if (question->next)
        question->next->link = &question->next;
    resolver->questions = question;
    return question;
}

/* Called by ub_process() on the pump's thread. */
static void on_answer(void *arg, int error, struct ub_result *answer)
{
    struct question *question = arg;
    struct unbound *resolver = question->resolver;

    pthread_mutex_lock(&resolver->lock);
    question->answered = true;
    question->error = error;
    question->answer = answer;
    if (question->abandoned)
        question_free(question);
    else
        pthread_cond_broadcast(&resolver->changed);
    pthread_mutex_unlock(&resolver->lock);
}

static void *pump(void *arg)
{
    struct unbound *resolver = arg;
    struct pollfd fds[2] = {{.fd = ub_fd(resolver->context), .events = POLLIN},
                            {.fd = resolver->quit, .events = POLLIN}};

    while (!fds[1].revents) {
        if (poll(fds, 2, -1) < 0)
            continue; /* EINTR; nothing else can be */
        if (fds[0].revents)
            ub_process(resolver->context);
    }
    return NULL;
}

/* With the lock held. Signals stay with the role's main thread. */
static int start_pump(struct unbound *resolver)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int r;

    if (resolver->pumping)
        return 0;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, PUMP_STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&resolver->pump, &attributes, pump, resolver);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    resolver->pumping = r == 0;
    return -r;
}

static void wait_for_answers(struct unbound *resolver, struct question **questions, unsigned n,
                             uint64_t deadline)
{
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000),
                             .tv_nsec = (long)(deadline % 1000) * 1000000};
    bool timed_out = false;

    for (;;) {
        bool waiting = false;
        for (unsigned i = 0; i < n; i++)
            waiting |= questions[i] && !questions[i]->answered;
        if (!waiting || timed_out || resolver->stopping)
            return;
        timed_out =
            pthread_cond_timedwait(&resolver->changed, &resolver->lock, &until) == ETIMEDOUT;
    }
}

static enum dns_result take_result(const struct ub_result *from, struct dns_family_answer *to)
{
    int size = to->family == AF_INET ? 4 : 16;

    if (from->bogus)
        return DNS_FAILED;
    if (!from->havedata)
        return from->nxdomain ? DNS_NO_NAME : from->rcode ? DNS_FAILED : DNS_NO_DATA;
    for (int i = 0; from->data[i] && to->addresses.count < DNS_ADDRESSES_MAX; i++) {
        struct dns_address *address = &to->addresses.list[to->addresses.count];
        if (from->len[i] != size)
            continue;
        address->family = to->family;
        memcpy(address->bytes, from->data[i], (size_t)size);
        to->addresses.count++;
    }
    return to->addresses.count ? DNS_FOUND : DNS_NO_DATA;
}

/* With the lock held. The question is freed, or left for its answer to free. */
static void take_answer(struct unbound *resolver, struct question *question,
                        struct dns_family_answer *answer)
{
    if (!question->answered) {
        answer->result = resolver->stopping ? DNS_FAILED : DNS_TIMEOUT;
        question->abandoned = true;
        return;
    }
    if (question->error == 0 && question->answer)
        answer->result = take_result(question->answer, answer);
    question_free(question);
}

static struct question *ask(struct unbound *resolver, const char *name,
                            struct dns_family_answer *answer)
{
    struct question *question = question_new(resolver);
    int type = answer->family == AF_INET ? RRTYPE_A : RRTYPE_AAAA;
    int error;

    /* Without the lock: libunbound has locks of its own, and may call back at any time. */
    pthread_mutex_unlock(&resolver->lock);
    error = ub_resolve_async(resolver->context, name, type, RRCLASS_IN, question, on_answer, NULL);
    pthread_mutex_lock(&resolver->lock);
    if (error == 0)
        return question;
    answer->result = error == UB_SYNTAX ? DNS_NO_NAME : DNS_FAILED;
    question_free(question);
    return NULL;
}

static void unbound_lookup(struct dns *dns, const char *name, struct dns_family_answer *answers,
                           unsigned n, uint64_t deadline)
{
    struct unbound *resolver = (struct unbound *)dns;
    struct question *questions[2] = {NULL, NULL};

    pthread_mutex_lock(&resolver->lock);
    if (!resolver->stopping && start_pump(resolver) == 0) {
        for (unsigned i = 0; i < n && i < 2; i++)
            questions[i] = ask(resolver, name, &answers[i]);
        wait_for_answers(resolver, questions, 2, deadline);
        for (unsigned i = 0; i < 2; i++) {
            if (questions[i])
                take_answer(resolver, questions[i], &answers[i]);
        }
    }
    pthread_mutex_unlock(&resolver->lock);
}

static void unbound_stop(struct dns *dns)
{
    struct unbound *resolver = (struct unbound *)dns;

    pthread_mutex_lock(&resolver->lock);
    resolver->stopping = true;
    pthread_cond_broadcast(&resolver->changed);
    pthread_mutex_unlock(&resolver->lock);
}

static void unbound_free(struct dns *dns)
{
    struct unbound *resolver = (struct unbound *)dns;

    if (resolver->pumping) {
        (void)!write(resolver->quit, &(uint64_t){1}, sizeof(uint64_t));
        pthread_join(resolver->pump, NULL);
    }
    ub_ctx_delete(resolver->context);
    while (resolver->questions)
        question_free(resolver->questions);
    close(resolver->quit);
    pthread_cond_destroy(&resolver->changed);
    pthread_mutex_destroy(&resolver->lock);
    free(resolver);
}

/* A missing file is no failure: without hosts there are no such names, and without resolv.conf
 * libunbound recurses by itself. */
static struct ub_ctx *make_context(void)
{
    struct ub_ctx *context = ub_ctx_create();

    if (!context)
        return NULL;
    ub_ctx_debugout(context, NULL);
    ub_ctx_async(context, 1);
    ub_ctx_set_option(context, "do-not-query-localhost:", "no");
    (void)ub_ctx_resolvconf(context, NULL);
    (void)ub_ctx_hosts(context, NULL);
    return context;
}

int dns_new(struct dns **ret_dns)
{
    static const struct dns_methods methods = {
        .lookup = unbound_lookup, .stop = unbound_stop, .free = unbound_free};
    struct unbound *resolver = xcalloc(1, sizeof(*resolver));
    pthread_condattr_t monotonic;

    resolver->dns.methods = &methods;
    resolver->quit = eventfd(0, EFD_CLOEXEC);
    resolver->context = resolver->quit < 0 ? NULL : make_context();
    if (!resolver->context) {
        if (resolver->quit >= 0)
            close(resolver->quit);
        free(resolver);
        return -ENFILE;
    }
    pthread_mutex_init(&resolver->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&resolver->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *ret_dns = &resolver->dns;
    return 0;
}
