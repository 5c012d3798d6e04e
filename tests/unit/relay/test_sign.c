/* Signing with keys that answer, refuse, are slow or away. Signer, ring and keys are the test's. */
#include "relay/sign.h"

#include "base/clock.h"
#include "relay/sign_cache.h"
#include "relay/sign_trouble.h"
#include "trust/dkim_sign.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- a signer whose fields tell what was hashed --------------------------------------------- */

struct dkim_signer {
    struct buf text;
};

static atomic_uint n_signers;
static bool has_from = true;

struct dkim_signer *dkim_signer_new(void)
{
    struct dkim_signer *signer = xcalloc(1, sizeof(*signer));

    atomic_fetch_add(&n_signers, 1);
    buf_init(&signer->text, 1024 * 1024);
    return signer;
}

void dkim_signer_free(struct dkim_signer *signer)
{
    buf_done(&signer->text);
    free(signer);
}

void dkim_signer_feed(struct dkim_signer *signer, struct slice piece)
{
    buf_add_slice(&signer->text, piece);
}

bool dkim_signer_end(struct dkim_signer *signer)
{
    (void)signer;
    return has_from;
}

struct slice dkim_signer_author(const struct dkim_signer *signer)
{
    (void)signer;
    return SLICE("joe@example.org");
}

void dkim_signer_field(const struct dkim_signer *signer, const struct dkim_signing *signing,
                       struct buf *ret_field, uint8_t ret_digest[DKIM_DIGEST])
{
    buf_printf(ret_field, "S: %.*s %zu b=", SLICE_ARG(signing->selector), signer->text.len);
    memset(ret_digest, (int)signer->text.len, DKIM_DIGEST);
}

void dkim_signer_finish(struct buf *field, struct slice signature)
{
    buf_add_slice(field, signature);
    buf_add_cstr(field, "\r\n");
}

/* ---- a ring --------------------------------------------------------------------------------- */

static unsigned n_keys, n_seen;

struct key_ring_numbers key_ring_numbers(struct key_ring *ring)
{
    (void)ring;
    return (struct key_ring_numbers){.keys = n_seen, .seen = n_seen};
}

unsigned key_ring_choose(struct key_ring *ring, const struct config *config, struct slice author,
                         struct key_choice ret_choices[KEY_CHOICES_MAX])
{
    static const char *const selectors[] = {"rsa", "ed"};

    (void)ring, (void)config;
    assert_true(slice_eq(author, SLICE("joe@example.org")));
    for (unsigned i = 0; i < n_keys; i++) {
        ret_choices[i].kind = (enum dkim_key_kind)i;
        snprintf(ret_choices[i].domain, sizeof(ret_choices[i].domain), "example.org");
        snprintf(ret_choices[i].selector, sizeof(ret_choices[i].selector), "%s", selectors[i]);
    }
    return n_keys;
}

/* ---- keys, which answers from within the question ------------------------------------------- */

static struct sign *sign;
static atomic_uint n_asked;
static int send_result;
static const char *refuses; /* this selector, or "*" */
static bool silent, dies;

static void answer(const struct msg_sign *question)
{
    char selector[16];
    struct msg_signed message = {.request = question->request};
    struct buf out;

    snprintf(selector, sizeof(selector), "%.*s", SLICE_ARG(question->selector));
    if (!refuses || (strcmp(refuses, "*") != 0 && strcmp(refuses, selector) != 0))
        message.signature = SLICE("signed");
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_signed_encode(&out, &message);
    assert_int_equal(sign_take(sign, buf_slice(&out)), 0);
    /* One that nobody waits for any more means nothing. */
    assert_int_equal(sign_take(sign, buf_slice(&out)), 0);
    buf_done(&out);
}

int role_send(struct role_context *role, enum role to, uint16_t type, struct slice payload,
              const int *fds, unsigned n_fds)
{
    struct msg_sign question;

    (void)role, (void)fds, (void)n_fds;
    assert_true(to == ROLE_KEYS && type == MSG_SIGN);
    if (send_result == -EAGAIN)
        clock_fake(1000000, clock_mono_ms() + 1000);
    if (send_result < 0)
        return send_result;
    assert_int_equal(msg_sign_decode(payload, NULL, &question), 0);
    assert_true(slice_eq(question.domain, SLICE("example.org")));
    assert_int_equal(question.digest.len, DKIM_DIGEST);
    atomic_fetch_add(&n_asked, 1);
    usleep(2000);
    if (dies)
        sign_keys_lost(sign);
    else if (!silent)
        answer(&question);
    return 0;
}

/* ---- what a test has ------------------------------------------------------------------------ */

#define STORED "From: x\n\r\nhello world"

static char path[] = "/tmp/nuncio-test-sign-XXXXXX";
static int fd;
static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    sign = sign_new(NULL, NULL);
    sign_keys_told(sign);
    n_keys = n_seen = 2;
    atomic_store(&n_asked, 0);
    atomic_store(&n_signers, 0);
    send_result = 0;
    refuses = NULL;
    has_from = true;
    silent = dies = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    clock_unfake();
    sign_free(sign);
    arena_done(&arena);
    return 0;
}

static const char *last_why;

static int run_into(uint64_t id, bool reencoded, struct arena *to, struct slice *ret_fields)
{
    char chunk[TEXT_CHUNK];
    struct text text;
    struct buf scratch;
    struct sign_job job = {
        .message_id = id, .text = &text, .reencoded = reencoded, .scratch = &scratch, .arena = to};
    int r;

    text_init(&text, fd, 0, sizeof(STORED) - 1, chunk);
    if (reencoded)
        assert_int_equal(text_reencode(&text, 1000), 0);
    buf_init(&scratch, 1024 * 1024);
    r = sign_message(sign, &job, ret_fields, &last_why);
    buf_done(&scratch);
    text_done(&text);
    return r;
}

static int run(uint64_t id, bool reencoded, struct slice *ret_fields)
{
    return run_into(id, reencoded, &arena, ret_fields);
}

/* The bare LF becomes CRLF, and the last line gets its own. */
#define BOTH "S: rsa 24 b=signed\r\nS: ed 24 b=signed\r\n"

static void expect(uint64_t id, bool reencoded, const char *want)
{
    struct slice fields;

    assert_int_equal(run(id, reencoded, &fields), SIGN_GO);
    assert_true(slice_eq(fields, slice_from_cstr(want)));
}

static void expect_later(uint64_t id)
{
    struct slice fields;

    assert_int_equal(run(id, false, &fields), SIGN_LATER);
    assert_int_equal(fields.len, 0);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_it_is_signed_by_both_keys_once(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        expect(7, false, BOTH);
    assert_int_equal(n_asked, 2);
    expect(7 + SIGN_CACHE_PLACES, false, BOTH); /* the same place in the cache */
    expect(7, false, BOTH);
    assert_int_equal(n_asked, 6);
}

/* Its own text, its own signature, which is nobody else's. */
static void test_a_reencoded_copy_is_signed_anew(void **state)
{
    (void)state;
    expect(7, false, BOTH);
    expect(7, true, BOTH);
    expect(7, true, BOTH);
    assert_int_equal(n_asked, 6);
    expect(8, true, BOTH);
    expect(8, false, BOTH);
    assert_int_equal(n_asked, 10);
}

static void test_no_key_costs_nothing(void **state)
{
    (void)state;
    n_keys = 0;
    expect(7, false, "");
    assert_int_equal(n_signers, 1);
    n_seen = 0;
    expect(8, false, "");
    assert_int_equal(n_signers, 1);
    assert_int_equal(n_asked, 0);
}

static void test_no_author_no_signature(void **state)
{
    (void)state;
    has_from = false;
    expect(7, false, "");
    assert_int_equal(n_asked, 0);
}

static void test_one_key_is_better_than_none(void **state)
{
    (void)state;
    refuses = "rsa";
    expect(7, false, "S: ed 24 b=signed\r\n");
    refuses = "ed";
    expect(8, false, "S: rsa 24 b=signed\r\n");
    refuses = "*";
    expect_later(9);
    refuses = NULL;
    expect(9, false, BOTH);
}

static void test_it_waits_for_keys_for_a_bounded_time(void **state)
{
    (void)state;
    send_result = -ENOTCONN;
    clock_fake(1000000, 1000000);
    expect_later(7);
    assert_non_null(strstr(last_why, "away"));
    clock_fake(1000000, 1000000 + SIGN_WAIT_MS - 1);
    expect_later(8);
    clock_fake(1000000, 1000000 + SIGN_WAIT_MS);
    expect(7, false, "");
    expect(9, false, "");
    /* The next trouble is another one. */
    send_result = 0;
    expect(9, false, BOTH);
    send_result = -ENOTCONN;
    expect_later(10);
    /* And one of long ago is, though nothing has been signed since then. */
    clock_fake(1000000, 1000000 + SIGN_WAIT_MS + SIGN_TROUBLE_OVER_MS);
    expect_later(11);
}

static void test_keys_that_die_are_not_waited_for(void **state)
{
    uint64_t begun = clock_mono_ms();

    (void)state;
    dies = true;
    expect_later(7);
    assert_true(clock_mono_ms() - begun < SIGN_ASK_MS / 2);
}

/* The clock of the test stands in the past, and so do deadlines. */
static void test_keys_that_do_not_answer_in_time(void **state)
{
    (void)state;
    silent = true;
    clock_fake(1000000, 1);
    expect_later(7);
    assert_non_null(strstr(last_why, "in time"));
    silent = false;
    send_result = -EAGAIN;
    expect_later(8);
    assert_non_null(strstr(last_why, "in time"));
}

/* Nobody knows which domains have keys. */
static void test_until_keys_has_told_nothing_goes(void **state)
{
    (void)state;
    sign_free(sign);
    clock_fake(1000000, 1);
    sign = sign_new(NULL, NULL);
    n_seen = 0;
    expect_later(7);
    sign_keys_told(sign);
    expect(7, false, "");
}

struct thread {
    pthread_t thread;
    struct arena arena;
    struct slice fields;
    int result;
};

static void *thread_main(void *arg)
{
    struct thread *thread = arg;

    thread->result = run_into(7, false, &thread->arena, &thread->fields);
    return NULL;
}

static void test_units_of_one_message_at_a_time_are_signed_once(void **state)
{
    enum { N = 8 };
    static struct thread threads[N];

    (void)state;
    for (int i = 0; i < N; i++) {
        arena_init(&threads[i].arena);
        assert_int_equal(pthread_create(&threads[i].thread, NULL, thread_main, &threads[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i].thread, NULL);
        assert_int_equal(threads[i].result, SIGN_GO);
        assert_true(slice_eq(threads[i].fields, SLICE(BOTH)));
        arena_done(&threads[i].arena);
    }
    assert_int_equal(n_asked, 2);
    assert_int_equal(n_signers, 1);
}

static void test_metrics_tell_it(void **state)
{
    struct exposition exposition;
    struct buf out;

    (void)state;
    expect(7, false, BOTH);
    refuses = "*";
    expect_later(8);
    buf_init(&out, 64 * 1024);
    exposition = (struct exposition){.out = &out};
    sign_metrics(sign, &exposition);
    buf_add_char(&out, 0);
    assert_non_null(strstr(out.ptr, "nuncio_signatures_total{result=\"signed\"} 1\n"));
    assert_non_null(strstr(out.ptr, "nuncio_signatures_total{result=\"put_off\"} 1\n"));
    assert_non_null(strstr(out.ptr, "nuncio_signature_failures_total 2\n"));
    assert_non_null(strstr(out.ptr, "nuncio_signature_seconds_count 1\n"));
    buf_done(&out);
}

static int write_text(void **state)
{
    (void)state;
    fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, STORED, sizeof(STORED) - 1), (int)sizeof(STORED) - 1);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_signed_by_both_keys_once),
        TEST(test_a_reencoded_copy_is_signed_anew),
        TEST(test_no_key_costs_nothing),
        TEST(test_no_author_no_signature),
        TEST(test_one_key_is_better_than_none),
        TEST(test_it_waits_for_keys_for_a_bounded_time),
        TEST(test_keys_that_die_are_not_waited_for),
        TEST(test_keys_that_do_not_answer_in_time),
        TEST(test_until_keys_has_told_nothing_goes),
        TEST(test_units_of_one_message_at_a_time_are_signed_once),
        TEST(test_metrics_tell_it),
    };
    return cmocka_run_group_tests(tests, write_text, NULL);
}
