#include "keys/signer.h"

#include "../cmocka_all.h"

#include <errno.h>
#include <openssl/evp.h>
#include <semaphore.h>

static const char digest[33] = "0123456789abcdef0123456789abcdef";
static sem_t woken;

static void on_wake(void *arg)
{
    (void)arg;
    sem_post(&woken);
}

struct taken {
    unsigned count;
    uint64_t requests; /* a bit for each */
    bool refuse;
};

static bool on_signature(void *arg, struct signer_question question, enum dkim_key_kind kind,
                         struct slice signature)
{
    struct taken *taken = arg;

    if (taken->refuse)
        return false;
    assert_int_equal(kind, DKIM_KEY_ED25519);
    assert_int_equal(signature.len, 64);
    assert_int_equal(question.epoch, 3);
    taken->count++;
    taken->requests |= (uint64_t)1 << question.request;
    return true;
}

static void test_each_question_is_answered_once(void **state)
{
    EVP_PKEY *key = key_make(DKIM_KEY_ED25519, 0);
    struct signer *signer = signer_new(on_wake, NULL);
    struct taken taken = {.refuse = true};

    (void)state;
    sem_init(&woken, 0, 0);
    assert_int_equal(signer_start(signer), 0);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(
            signer_add(signer, (struct signer_question){3, i}, key, slice_from(digest, 32)), 0);
    EVP_PKEY_free(key); /* the jobs have their own references */
    for (unsigned i = 0; i < 64; i++)
        sem_wait(&woken);
    signer_collect(signer, on_signature, &taken);
    assert_int_equal(taken.count, 0);
    taken.refuse = false;
    signer_collect(signer, on_signature, &taken);
    assert_int_equal(taken.count, 64);
    assert_true(taken.requests == UINT64_MAX);
    signer_collect(signer, on_signature, &taken);
    assert_int_equal(taken.count, 64);
    signer_free(signer);
    sem_destroy(&woken);
}

static void test_it_is_bounded(void **state)
{
    EVP_PKEY *key = key_make(DKIM_KEY_ED25519, 0);
    struct signer *signer = signer_new(on_wake, NULL); /* no thread takes anything */

    (void)state;
    assert_int_equal(
        signer_add(signer, (struct signer_question){0, 0}, key, slice_from(digest, 31)), -EINVAL);
    for (unsigned i = 0; i < SIGNER_JOBS_MAX; i++)
        assert_int_equal(
            signer_add(signer, (struct signer_question){0, i}, key, slice_from(digest, 32)), 0);
    assert_int_equal(
        signer_add(signer, (struct signer_question){0, 0}, key, slice_from(digest, 32)), -EAGAIN);
    signer_free(signer);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_question_is_answered_once),
        cmocka_unit_test(test_it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
