/*
 * The pump: one thread that takes answers out of libunbound, keeps the deadlines and calls back
 * whoever asked. Here it is also decided whether a bogus answer is to be believed (chain.h): until
 * the probe is answered such an answer is held, and then given, or the question asked again without
 * validation.
 */
#include "dns/pump.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "dns/unbound_answer.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

enum { RRCLASS_IN = 1, RRTYPE_DNSKEY = 48, PUMP_STACK = 256 * 1024 };

void pump_wake(struct unbound *resolver)
{
    (void)!write(resolver->wake, &(uint64_t){1}, sizeof(uint64_t));
}

/* Calls back, and the question is gone. */
static void deliver(struct question *question, const struct dns_answer *answer)
{
    struct unbound *resolver = question->resolver;
    dns_answered *answered;
    void *arg;

    if (question->plain == atomic_load(&resolver->off))
        answer_cache_put(resolver->cache, question->name, question->type, clock_mono_ms(), answer);
    pthread_mutex_lock(&resolver->lock);
    answered = question->answered;
    arg = question->arg;
    question->answered = NULL;
    pthread_mutex_unlock(&resolver->lock);
    if (answered) {
        dns_count_answer(&resolver->dns, answer->result);
        answered(arg, answer);
    }
    pthread_mutex_lock(&resolver->lock);
    question_free(question);
    pthread_mutex_unlock(&resolver->lock);
}

static void on_probed(void *arg, int error, struct ub_result *result);

static void start_probe(struct unbound *resolver)
{
    int error = ub_resolve_async(resolver->context, resolver->anchor, RRTYPE_DNSKEY, RRCLASS_IN,
                                 resolver, on_probed, NULL);

    if (error)
        on_probed(resolver, error, NULL);
}

/* What is to be done with an answer; CHAIN_BELIEVE: give it. */
static enum chain_step judge(struct question *question, const struct dns_answer *answer)
{
    struct unbound *resolver = question->resolver;
    uint64_t now = clock_mono_ms();

    if (!resolver->plain || question->plain)
        return CHAIN_BELIEVE;
    if (answer->security == DNS_SECURE)
        chain_on_secure(&resolver->chain);
    if (answer->security != DNS_BOGUS)
        return CHAIN_BELIEVE;
    return chain_on_bogus(&resolver->chain, now);
}

/* A question has its result: it is given, held, or the question asked again. */
static void settle(struct question *question, int error, struct ub_result *result)
{
    struct unbound *resolver = question->resolver;
    struct dns_answer answer;
    enum chain_step step;
    struct arena arena;

    arena_init(&arena);
    answer = unbound_answer(error, result, question->name, &arena);
    step = judge(question, &answer);
    question->held = step == CHAIN_HOLD || step == CHAIN_PROBE;
    question->result = question->held ? result : NULL;
    if (step == CHAIN_BELIEVE)
        deliver(question, &answer);
    arena_done(&arena);
    if (step == CHAIN_BELIEVE || step == CHAIN_REASK)
        ub_resolve_free(result);
    if (step == CHAIN_REASK) {
        question->plain = true;
        question_hand_over(question);
    }
    if (step == CHAIN_PROBE ||
        (resolver->plain && chain_wants_probe(&resolver->chain, clock_mono_ms())))
        start_probe(resolver);
}

void pump_on_answer(void *arg, int error, struct ub_result *result)
{
    settle(arg, error, result);
}

static struct question *take_held(struct unbound *resolver)
{
    struct question *question;

    pthread_mutex_lock(&resolver->lock);
    for (question = resolver->questions; question && !question->held; question = question->next)
        continue;
    pthread_mutex_unlock(&resolver->lock);
    return question;
}

/* What was held is given or asked again; a probe that said nothing ends the wait, too. */
static void release_held(struct unbound *resolver)
{
    struct question *question;
    struct dns_answer answer;
    struct arena arena;

    while ((question = take_held(resolver)) != NULL) {
        struct ub_result *result = question->result;
        question->held = false;
        question->result = NULL;
        if (atomic_load(&resolver->off)) {
            question->plain = true;
            question_hand_over(question);
        } else {
            arena_init(&arena);
            answer = unbound_answer(0, result, question->name, &arena);
            deliver(question, &answer);
            arena_done(&arena);
        }
        ub_resolve_free(result);
    }
}

static void log_off(const struct unbound *resolver, struct slice why)
{
    struct buf text;

    buf_init(&text, 1024);
    buf_printf(&text,
               "DANE is off because resolver %s does not pass DNSSEC; ask one that does (section "
               "dns: server), or recurse yes",
               resolver->resolvers);
    log_warn(NULL, "dnssec", LOG_STR("state", "off"), LOG_SLICE("reason", buf_slice(&text)),
             LOG_SLICE("error", why));
    buf_done(&text);
}

static void on_probed(void *arg, int error, struct ub_result *result)
{
    struct unbound *resolver = arg;
    struct dns_answer answer;
    enum chain_change change;
    struct arena arena;

    arena_init(&arena);
    answer = unbound_answer(error, result, resolver->anchor, &arena);
    change = chain_on_probe(&resolver->chain, clock_mono_ms(), &answer);
    if (change == CHAIN_OFF)
        log_off(resolver, answer.why);
    if (change == CHAIN_ON)
        log_info(NULL, "dnssec", LOG_STR("state", "on"),
                 LOG_STR("reason", "the resolver passes DNSSEC again"));
    if (change != CHAIN_SAME) {
        atomic_store(&resolver->off, change == CHAIN_OFF);
        answer_cache_clear(resolver->cache);
    }
    arena_done(&arena);
    ub_resolve_free(result);
    release_held(resolver);
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
        if (!resolver->stopping)
            dns_count_answer(&resolver->dns, answer.result);
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
    struct pollfd fds[3] = {{.fd = resolver->wake, .events = POLLIN},
                            {.fd = ub_fd(resolver->context), .events = POLLIN},
                            {.fd = -1, .events = POLLIN}};
    uint64_t count;

    if (resolver->plain)
        fds[2].fd = ub_fd(resolver->plain);
    while (!is_quitting(resolver)) {
        if (poll(fds, 3, answer_overdue(resolver)) < 0)
            continue; /* EINTR; nothing else can be */
        if (fds[0].revents)
            (void)!read(resolver->wake, &count, sizeof(count));
        if (fds[1].revents)
            ub_process(resolver->context);
        if (fds[2].revents)
            ub_process(resolver->plain);
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

/* Signals stay with the role's main thread. */
int pump_start(struct unbound *resolver)
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
    if (r == 0 && resolver->plain)
        r = start_libunbound(resolver->plain);
    r = r ? r : pthread_create(&resolver->pump, &attributes, pump, resolver);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    resolver->pumping = r == 0;
    return r;
}
