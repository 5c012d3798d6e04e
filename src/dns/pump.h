/*
 * The resolver proper, as its two files see it: unbound.c takes questions, pump.c answers them.
 * Included by src/dns alone.
 */
#ifndef NUNCIO_DNS_PUMP_H
#define NUNCIO_DNS_PUMP_H

#include "dns/answer_cache.h"
#include "dns/chain.h"
#include "dns/context.h"
#include "dns/hosts.h"
#include "dns/resolver.h"
#include "io/wheel.h"

#include <pthread.h>
#include <stdatomic.h>

/* A question on its way through libunbound. */
struct question {
    struct wheel_entry timer; /* first: what the wheel gives is the question */
    struct unbound *resolver;
    struct question *next, **link;
    dns_answered *answered; /* NULL: nobody waits any more */
    void *arg;
    uint64_t deadline;
    enum dns_type type;
    /* The pump's alone: */
    bool plain; /* asked without validation */
    bool held;  /* `result` waits for the probe (chain.h) */
    struct ub_result *result;
    char name[];
};

struct unbound {
    struct dns dns;
    struct ub_ctx *context; /* as the settings say */
    struct ub_ctx *plain;   /* the same without validation, for when that cannot work; or NULL */
    struct hosts *hosts;
    struct answer_cache *cache;
    int wake;        /* eventfd: the pump is to look at what has changed */
    atomic_bool off; /* `plain` is asked; set by the pump */
    atomic_bool stopping;
    char resolvers[CONTEXT_RESOLVERS_TEXT];
    char anchor[DNS_NAME_MAX + 2];
    struct chain chain; /* the pump's alone */
    /* Guards everything below, and the members of all questions that are not the pump's. */
    pthread_mutex_t lock;
    struct question *questions;
    unsigned n_questions;
    struct wheel wheel;
    uint64_t looks_at; /* when the pump will look at the wheel by itself */
    pthread_t pump;
    bool pumping;
    bool quit;
};

/* With the lock held. */
void question_free(struct question *question);
/* To libunbound; after that the question may be gone already. What libunbound does not take is
 * answered here, unless its deadline was faster. */
void question_hand_over(struct question *question);

/* With the lock held: starts libunbound's threads and the pump. -errno, or one of libunbound's. */
int pump_start(struct unbound *resolver);
void pump_wake(struct unbound *resolver);
/* Called by libunbound on the pump's thread. */
void pump_on_answer(void *arg, int error, struct ub_result *result);

#endif
