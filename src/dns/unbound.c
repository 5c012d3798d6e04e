/*
 * The resolver proper: libunbound, which caches, retries and validates.
 *
 * A question is handed to libunbound's own thread. One more thread, the pump, takes the answers out
 * of libunbound, keeps the deadlines, and calls back whoever asked. A question whose deadline came
 * is answered DNS_TIMEOUT and left to libunbound, so that its answer is known the next time.
 *
 * Invariants: a question is on the list from before it is asked until libunbound has answered it or
 * is deleted. `answered` of a question is taken (set to NULL) under the lock by who calls it, so it
 * is called once; it is never called with the lock held.
 */
#include "dns/resolver.h"

#include "base/buf.h"
#include "base/clock.h"
#include "dns/context.h"
#include "dns/hosts.h"
#include "dns/unbound_answer.h"
#include "io/wheel.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RRCLASS_IN = 1, PUMP_STACK = 256 * 1024 };

struct unbound;

struct question {
    struct wheel_entry timer; /* first: what the wheel gives is the question */
    struct unbound *resolver;
    struct question *next, **link;
    dns_answered *answered; /* NULL: nobody waits any more */
    void *arg;
    uint64_t deadline;
    char name[];
};

struct unbound {
    struct dns dns;
    struct ub_ctx *context;
    struct hosts *hosts;
    int wake; /* eventfd: the pump is to look at what has changed */
    atomic_bool stopping;
    /* Guards everything below, and the members of all questions. */
    pthread_mutex_t lock;
    struct question *questions;
    struct wheel wheel;
    uint64_t looks_at; /* when the pump will look at the wheel by itself */
    pthread_t pump;
    bool pumping;
    bool quit;
};

/* With the lock held. */
static void question_free(struct question *question)
{
    wheel_remove(&question->resolver->wheel, &question->timer);
    *question->link = question->next;
    if (question->next)
        question->next->link = question->link;
    free(question);
}

/* With the lock held. */
static struct question *question_new(struct unbound *resolver, const char *name, uint64_t deadline)
{
    size_t len = strlen(name);
    struct question *question = xcalloc(1, sizeof(*question) + len + 1);

    memcpy(question->name, name, len);
    question->resolver = resolver;
    question->deadline = deadline;
    question->next = resolver->questions;
    question->link = &resolver->questions;
    if (question->next)
        question->next->link = &question->next;
    resolver->questions = question;
    return question;
}

static void wake_pump(struct unbound *resolver)
{
    (void)!write(resolver->wake, &(uint64_t){1}, sizeof(uint64_t));
}

/* Called by ub_process() on the pump's thread. */
static void on_answer(void *arg, int error, struct ub_result *result)
{
    struct question *question = arg;
    struct unbound *resolver = question->resolver;
    struct dns_answer answer;
    dns_answered *answered;
    struct arena arena;
    void *answered_arg;

    arena_init(&arena);
    answer = unbound_answer(error, result, question->name, &arena);
    answer.canonical = arena_dup(&arena, answer.canonical);
    pthread_mutex_lock(&resolver->lock);
    answered = question->answered;
    answered_arg = question->arg;
    question_free(question);
    pthread_mutex_unlock(&resolver->lock);
    if (answered)
        answered(answered_arg, &answer);
    arena_done(&arena);
    ub_resolve_free(result);
}

/* With the lock held: a question that is to be answered without libunbound; NULL: none. A deadline
 * beyond the wheel's reach is set again. */
static struct question *take_overdue(struct unbound *resolver, uint64_t now)
{
    struct wheel_entry *entry;

    if (resolver->stopping) {
        for (struct question *question = resolver->questions; question; question = question->next) {
            if (question->answered)
                return question;
        }
        return NULL;
    }
    while ((entry = wheel_take(&resolver->wheel, now)) != NULL) {
        struct question *question = (struct question *)(void *)entry;
        if (question->deadline <= now)
            return question;
        wheel_set(&resolver->wheel, entry, question->deadline);
    }
    return NULL;
}

/* Answers what is overdue. Returns how long to sleep, as poll() wants it. */
static int answer_overdue(struct unbound *resolver)
{
    uint64_t now = clock_mono_ms();
    struct question *question;
    int sleep_ms = -1;

    pthread_mutex_lock(&resolver->lock);
    while ((question = take_overdue(resolver, now)) != NULL) {
        struct dns_answer answer = {.result = resolver->stopping ? DNS_FAILED : DNS_TIMEOUT};
        dns_answered *answered = question->answered;
        void *arg = question->arg;
        question->answered = NULL;
        pthread_mutex_unlock(&resolver->lock);
        if (answered)
            answered(arg, &answer);
        pthread_mutex_lock(&resolver->lock);
    }
    resolver->looks_at = wheel_next(&resolver->wheel);
    if (resolver->looks_at != UINT64_MAX)
        sleep_ms = resolver->looks_at > now ? (int)(resolver->looks_at - now) : 0;
    if (resolver->quit)
        sleep_ms = 0;
    pthread_mutex_unlock(&resolver->lock);
    return sleep_ms;
}

static bool is_quitting(struct unbound *resolver)
{
    bool quit;

    pthread_mutex_lock(&resolver->lock);
    quit = resolver->quit;
    pthread_mutex_unlock(&resolver->lock);
    return quit;
}

static void *pump(void *arg)
{
    struct unbound *resolver = arg;
    struct pollfd fds[2] = {{.fd = ub_fd(resolver->context), .events = POLLIN},
                            {.fd = resolver->wake, .events = POLLIN}};
    uint64_t count;

    while (!is_quitting(resolver)) {
        if (poll(fds, 2, answer_overdue(resolver)) < 0)
            continue; /* EINTR; nothing else can be */
        if (fds[1].revents)
            (void)!read(resolver->wake, &count, sizeof(count));
        if (fds[0].revents)
            ub_process(resolver->context);
    }
    answer_overdue(resolver);
    return NULL;
}

static void on_first_answer(void *arg, int error, struct ub_result *result)
{
    (void)arg;
    (void)error;
    ub_resolve_free(result);
}

/* libunbound starts its thread with the first question: this one, about a name that it knows. */
static int start_libunbound(struct ub_ctx *context)
{
    return ub_resolve_async(context, "localhost", DNS_A, RRCLASS_IN, NULL, on_first_answer, NULL);
}

/* With the lock held. Signals stay with the role's main thread. */
static int start_pump(struct unbound *resolver)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int r;

    if (resolver->pumping)
        return 0;
    wheel_init(&resolver->wheel, clock_mono_ms());
    resolver->looks_at = UINT64_MAX;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, PUMP_STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = start_libunbound(resolver->context);
    r = r ? r : pthread_create(&resolver->pump, &attributes, pump, resolver);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    resolver->pumping = r == 0;
    return r;
}

/* Hands the question to libunbound; an error is answered here unless its deadline was faster. */
static void hand_over(struct unbound *resolver, struct question *question, const char *name,
                      enum dns_type type)
{
    struct dns_answer answer = {.result = DNS_FAILED, .why = SLICE("resolver unavailable")};
    dns_answered *answered;
    void *arg;
    int error;

    /* After success the question may be gone already. */
    error =
        ub_resolve_async(resolver->context, name, (int)type, RRCLASS_IN, question, on_answer, NULL);
    if (error == 0)
        return;
    pthread_mutex_lock(&resolver->lock);
    answered = question->answered;
    arg = question->arg;
    question_free(question);
    pthread_mutex_unlock(&resolver->lock);
    if (answered)
        answered(arg, &answer);
}

/* From what is known without asking. */
static bool answer_at_once(struct unbound *resolver, const char *name, enum dns_type type,
                           dns_answered *answered, void *arg)
{
    struct dns_answer answer;
    struct arena arena;
    bool known;

    arena_init(&arena);
    known = hosts_find(resolver->hosts, name, type, &arena, &answer);
    if (known)
        answered(arg, &answer);
    arena_done(&arena);
    return known;
}

static void unbound_ask(struct dns *dns, const char *name, enum dns_type type, uint64_t deadline,
                        dns_answered *answered, void *arg)
{
    struct unbound *resolver = (struct unbound *)dns;
    struct question *question = NULL;
    bool wake = false;

    if (!atomic_load(&resolver->stopping) && answer_at_once(resolver, name, type, answered, arg))
        return;
    pthread_mutex_lock(&resolver->lock);
    if (!resolver->stopping && start_pump(resolver) == 0) {
        question = question_new(resolver, name, deadline);
        question->answered = answered;
        question->arg = arg;
        wake = wheel_set(&resolver->wheel, &question->timer, deadline) < resolver->looks_at;
    }
    pthread_mutex_unlock(&resolver->lock);
    if (!question) {
        answered(arg, &(struct dns_answer){.result = DNS_FAILED, .why = SLICE("stopping")});
        return;
    }
    hand_over(resolver, question, name, type);
    if (wake)
        wake_pump(resolver);
}

static void unbound_stop(struct dns *dns)
{
    struct unbound *resolver = (struct unbound *)dns;

    pthread_mutex_lock(&resolver->lock);
    resolver->stopping = true;
    pthread_mutex_unlock(&resolver->lock);
    wake_pump(resolver);
}

static void unbound_free(struct dns *dns)
{
    struct unbound *resolver = (struct unbound *)dns;

    pthread_mutex_lock(&resolver->lock);
    resolver->stopping = resolver->quit = true;
    pthread_mutex_unlock(&resolver->lock);
    wake_pump(resolver);
    if (resolver->pumping)
        pthread_join(resolver->pump, NULL);
    ub_ctx_delete(resolver->context);
    while (resolver->questions)
        question_free(resolver->questions);
    hosts_free(resolver->hosts);
    close(resolver->wake);
    pthread_mutex_destroy(&resolver->lock);
    free(resolver);
}

int dns_new(const struct config_dns *settings, struct dns **ret_dns)
{
    static const struct dns_methods methods = {
        .ask = unbound_ask, .stop = unbound_stop, .free = unbound_free};
    static const struct config_dns defaults = {.validate = true};
    struct unbound *resolver = xcalloc(1, sizeof(*resolver));

    settings = settings ? settings : &defaults;
    resolver->dns.methods = &methods;
    resolver->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    resolver->context = resolver->wake < 0 ? NULL : context_new(settings, settings->validate);
    if (!resolver->context) {
        if (resolver->wake >= 0)
            close(resolver->wake);
        free(resolver);
        return -EINVAL;
    }
    resolver->hosts = hosts_read("/etc/hosts");
    pthread_mutex_init(&resolver->lock, NULL);
    *ret_dns = &resolver->dns;
    return 0;
}
