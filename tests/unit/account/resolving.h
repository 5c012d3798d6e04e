/* A resolver over a store of its own, and what it has answered. */
#ifndef NUNCIO_TESTS_ACCOUNT_RESOLVING_H
#define NUNCIO_TESTS_ACCOUNT_RESOLVING_H

#include "scratch.h"

#include "account/resolve.h"
#include "account/store_login.h"
#include "base/clock.h"

struct bench {
    struct scratch scratch;
    struct store *store; /* another handle than the resolver's */
    struct store *own;
    struct config *config;
    struct directories *directories;
    struct files *files;
    struct loop *loop;
    struct resolver *resolver;
    struct arena arena;
    uint64_t now_ms;
    struct msg_resolved answer; /* the last one; strings in the arena */
    unsigned answers, asker;
};

static inline struct config *parse(const char *text)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;

    problem_list_init(&problems);
    config_bundle_from_text(SLICE("test.conf"), slice_from_cstr(text), &bundle);
    if (config_parse(&bundle, &config, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(problem_line(&problems, problems.first)));
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    return config;
}

/* As it goes to whoever asked, so that the strings are the arena's. */
static inline void on_answer(void *arg, unsigned asker, const struct msg_resolved *answer)
{
    struct bench *bench = arg;
    struct buf out;

    buf_init(&out, 100000);
    msg_resolved_encode(&out, answer);
    assert_int_equal(msg_resolved_decode(arena_dup(&bench->arena, buf_slice(&out)), &bench->arena,
                                         &bench->answer),
                     0);
    buf_done(&out);
    bench->answers++;
    bench->asker = asker;
}

static inline void use_config(struct bench *bench, struct config *config)
{
    resolver_set_config(bench->resolver, config);
    directories_set_config(bench->directories, config);
}

/* An answer that comes at once. */
static inline const struct msg_resolved *ask(struct bench *bench, const struct msg_resolve *request,
                                             uint64_t now_ms)
{
    unsigned before = bench->answers;

    clock_fake(0, now_ms);
    resolver_resolve(bench->resolver, 7, request);
    assert_int_equal(bench->answers, before + 1);
    assert_int_equal(bench->asker, 7);
    return &bench->answer;
}

static inline int bench_init(void **state, const char *config_text)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    scratch_init(&bench->scratch);
    bench->store = scratch_open(&bench->scratch);
    bench->own = scratch_open(&bench->scratch);
    bench->config = parse(config_text);
    bench->loop = loop_new();
    bench->files = files_new();
    bench->directories = directories_new(bench->loop, bench->files);
    directories_set_config(bench->directories, bench->config);
    directories_set_store(bench->directories, bench->own);
    bench->resolver =
        account_resolver_new(bench->config, bench->directories, bench->loop, on_answer, bench);
    arena_init(&bench->arena);
    *state = bench;
    return 0;
}

static inline int bench_done(void **state)
{
    struct bench *bench = *state;

    clock_unfake();
    account_resolver_free(bench->resolver);
    directories_free(bench->directories);
    files_free(bench->files);
    loop_free(bench->loop);
    config_unref(bench->config);
    store_close(bench->own);
    store_close(bench->store);
    scratch_done(&bench->scratch);
    arena_done(&bench->arena);
    free(bench);
    return 0;
}

#endif
