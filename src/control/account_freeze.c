/*
 * nuncio account freeze|thaw|blocked: accounts whose mail is held, and who may not try to log in.
 */
#include "control/account_actions.h"

#include "account/throttle.h"
#include "base/clock.h"

#include <jansson.h>
#include <string.h>
#include <sysexits.h>

int account_freeze(struct account_session *session, char **arguments, int n)
{
    struct store_freeze freeze = {.since_ms = clock_wall_ms(),
                                  .why = SLICE("frozen by the administrator")},
                        old = {0};
    int code = account_session_account(session, arguments[0], &freeze.account), r;

    if (code != EX_OK)
        return code;
    if (n > 1)
        freeze.why = slice_from_cstr(arguments[1]);
    do {
        r = store_freeze_add(session->store, &freeze);
        if (r == 0)
            return EX_OK;
        if (r == STORE_EXISTS)
            r = store_freeze_find(session->store, &session->arena, freeze.account, &old);
    } while (r == STORE_MISSING); /* it was thawed in between */
    if (r < 0)
        return account_session_failed(session, r);
    fprintf(stderr, "nuncio: %.*s is frozen already, since %s: %.*s\n", SLICE_ARG(freeze.account),
            account_time(old.since_ms).text, SLICE_ARG(old.why));
    return EX_CANTCREAT;
}

int account_thaw(struct account_session *session, char **arguments, int n)
{
    struct slice address;
    int code = account_session_address(session, arguments[0], false, &address), r;

    (void)n;
    if (code != EX_OK)
        return code;
    r = store_freeze_remove(session->store, address);
    if (r == STORE_MISSING) {
        fprintf(stderr, "nuncio: %.*s is not frozen\n", SLICE_ARG(address));
        return EX_NOUSER;
    }
    if (r < 0)
        return account_session_failed(session, r);
    if (!session->options->json)
        printf("%.*s may send again. What was held of it waits for a decision:\n"
               "  nuncio queue release --sender %.*s\n"
               "  nuncio queue remove --sender %.*s\n",
               SLICE_ARG(address), SLICE_ARG(address), SLICE_ARG(address));
    return EX_OK;
}

static void print_block(void *arg, const struct store_block *block)
{
    struct account_session *session = arg;

    if (block->until_ms <= clock_wall_ms())
        return;
    if (session->options->json)
        account_session_print(json_pack("{s:s%, s:s%, s:I, s:s, s:s}", "kind", block->kind.ptr,
                                        block->kind.len, "subject", block->subject.ptr,
                                        block->subject.len, "failures", (json_int_t)block->failures,
                                        "since", account_time(block->since_ms).text, "until",
                                        account_time(block->until_ms).text));
    else
        printf("%.*s  %u failures  since %s  until %s\n", SLICE_ARG(block->subject),
               block->failures, account_time(block->since_ms).text,
               account_time(block->until_ms).text);
}

struct subjects {
    struct arena *arena;
    struct subject {
        struct slice kind, subject;
        struct subject *next;
    } * first;
};

static void keep_subject(void *arg, const struct store_block *block)
{
    struct subjects *subjects = arg;
    struct subject *subject = arena_alloc(subjects->arena, sizeof(*subject));

    *subject = (struct subject){.kind = arena_dup(subjects->arena, block->kind),
                                .subject = arena_dup(subjects->arena, block->subject),
                                .next = subjects->first};
    subjects->first = subject;
}

static int lift_all(struct account_session *session)
{
    struct subjects subjects = {.arena = &session->arena};
    int r = store_block_each(session->store, keep_subject, &subjects);

    for (struct subject *one = subjects.first; r >= 0 && one; one = one->next)
        r = store_block_remove(session->store, one->kind, one->subject);
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}

/* An IP address stands for what it counts as; a network or account is as the list shows it. */
static int lift(struct account_session *session, const char *text)
{
    struct slice subject = throttle_subject_of(&session->arena, slice_from_cstr(text));
    bool account = strchr(text, '@') != NULL;
    int r, code;

    if (account) {
        code = account_session_address(session, text, false, &subject);
        if (code != EX_OK)
            return code;
    } else if (subject.len == 0) {
        subject = slice_from_cstr(text);
    }
    r = store_block_remove(session->store, account ? SLICE("account") : SLICE("address"), subject);
    if (r == STORE_MISSING) {
        fprintf(stderr, "nuncio: %.*s is not blocked; nuncio account blocked shows what is\n",
                SLICE_ARG(subject));
        return EX_NOUSER;
    }
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}

int account_blocked(struct account_session *session, char **arguments, int n)
{
    const char *const *given = session->options->given;
    int r;

    (void)arguments;
    (void)n;
    if (given[OPTION_LIFT_ALL])
        return lift_all(session);
    if (given[OPTION_LIFT])
        return lift(session, given[OPTION_LIFT]);
    r = store_block_each(session->store, print_block, session);
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}
