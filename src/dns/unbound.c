/*
 * The resolver proper: libunbound, which asks, retries and validates.
 *
 * A question that neither /etc/hosts nor the cache answers is handed to libunbound's own thread;
 * the pump (pump.c) calls back whoever asked. A question whose deadline came is answered
 * DNS_TIMEOUT and left to libunbound, so that its answer is known the next time.
 *
 * Invariants: a question is on the list from before it is asked until libunbound has answered it or
 * is deleted. `answered` of a question is taken (set to NULL) under the lock by who calls it, so it
 * is called once; it is never called with the lock held.
 *
 * Those that nobody waits for any more stay on the list and count: QUESTIONS_MAX is what strangers
 * can make us ask, and keep in memory, at the same time.
 */
#include "dns/pump.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RRCLASS_IN = 1, QUESTIONS_MAX = 8192 }; /* as libunbound has it, see context.c */

void question_free(struct question *question)
{
    wheel_remove(&question->resolver->wheel, &question->timer);
    *question->link = question->next;
    if (question->next)
        question->next->link = question->link;
    question->resolver->n_questions--;
    ub_resolve_free(question->result);
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
    question->plain = atomic_load(&resolver->off);
    question->next = resolver->questions;
    question->link = &resolver->questions;
    if (question->next)
        question->next->link = &question->next;
    resolver->questions = question;
    resolver->n_questions++;
    return question;
}

void question_hand_over(struct question *question)
{
    struct unbound *resolver = question->resolver;
    struct ub_ctx *context = question->plain ? resolver->plain : resolver->context;
    struct dns_answer answer = {.result = DNS_FAILED, .why = SLICE("resolver unavailable")};
    dns_answered *answered;
    void *arg;

    if (ub_resolve_async(context, question->name, (int)question->type, RRCLASS_IN, question,
                         pump_on_answer, NULL) == 0)
        return;
    pthread_mutex_lock(&resolver->lock);
    answered = question->answered;
    arg = question->arg;
    question_free(question);
    pthread_mutex_unlock(&resolver->lock);
    dns_count_answer(&resolver->dns, answer.result);
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
    known = hosts_find(resolver->hosts, name, type, &arena, &answer) ||
            answer_cache_find(resolver->cache, name, type, clock_mono_ms(), &arena, &answer);
    if (known)
        atomic_fetch_add_explicit(&resolver->dns.known, 1, memory_order_relaxed);
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
    bool wake = false, full;

    if (!atomic_load(&resolver->stopping) && answer_at_once(resolver, name, type, answered, arg))
        return;
    pthread_mutex_lock(&resolver->lock);
    full = resolver->n_questions >= QUESTIONS_MAX;
    if (!atomic_load(&resolver->stopping) && !full && pump_start(resolver) == 0) {
        question = question_new(resolver, name, deadline);
        question->type = type;
        question->answered = answered;
        question->arg = arg;
        wake = wheel_set(&resolver->wheel, &question->timer, deadline) < resolver->looks_at;
    }
    pthread_mutex_unlock(&resolver->lock);
    if (!question) {
        answered(arg, &(struct dns_answer){.result = DNS_FAILED,
                                           .why = full ? SLICE("too many questions under way")
                                                       : SLICE("stopping")});
        return;
    }
    question_hand_over(question);
    if (wake)
        pump_wake(resolver);
}

static void unbound_stop(struct dns *dns)
{
    struct unbound *resolver = (struct unbound *)dns;

    pthread_mutex_lock(&resolver->lock);
    atomic_store(&resolver->stopping, true);
    pthread_mutex_unlock(&resolver->lock);
    pump_wake(resolver);
}

static void contexts_free(struct unbound *resolver)
{
    if (resolver->context)
        ub_ctx_delete(resolver->context);
    if (resolver->plain)
        ub_ctx_delete(resolver->plain);
    if (resolver->wake >= 0)
        close(resolver->wake);
}

static void unbound_free(struct dns *dns)
{
    struct unbound *resolver = (struct unbound *)dns;

    pthread_mutex_lock(&resolver->lock);
    resolver->quit = true;
    atomic_store(&resolver->stopping, true);
    pthread_mutex_unlock(&resolver->lock);
    pump_wake(resolver);
    if (resolver->pumping)
        pthread_join(resolver->pump, NULL);
    contexts_free(resolver);
    while (resolver->questions)
        question_free(resolver->questions);
    hosts_free(resolver->hosts);
    answer_cache_free(resolver->cache);
    pthread_mutex_destroy(&resolver->lock);
    free(resolver);
}

/* Who recurses has no resolver that could strip anything: there, a chain that does not validate is
 * never excused. */
static bool contexts_make(struct unbound *resolver, const struct config_dns *settings)
{
    bool excuse;

    context_resolvers(settings, resolver->resolvers);
    context_anchor_name(settings, resolver->anchor);
    excuse = settings->validate && resolver->resolvers[0];
    resolver->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (resolver->wake < 0)
        return false;
    resolver->context = context_new(settings, settings->validate);
    if (resolver->context && excuse)
        resolver->plain = context_new(settings, false);
    return resolver->context && (resolver->plain || !excuse);
}

int dns_new(const struct config_dns *settings, struct dns **ret_dns)
{
    static const struct dns_methods methods = {
        .ask = unbound_ask, .stop = unbound_stop, .free = unbound_free};
    static const struct config_dns defaults = {.validate = true};
    struct unbound *resolver = xcalloc(1, sizeof(*resolver));

    resolver->dns.methods = &methods;
    if (!contexts_make(resolver, settings ? settings : &defaults)) {
        contexts_free(resolver);
        free(resolver);
        return -EINVAL;
    }
    resolver->hosts = hosts_read("/etc/hosts");
    resolver->cache = answer_cache_new();
    pthread_mutex_init(&resolver->lock, NULL);
    *ret_dns = &resolver->dns;
    return 0;
}
