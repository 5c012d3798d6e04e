#include "io/tls_sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/ssl.h>
#include <string.h>

static SSL_SESSION *make_session(int version, unsigned char number)
{
    SSL_SESSION *session = SSL_SESSION_new();

    assert_int_equal(SSL_SESSION_set_protocol_version(session, version), 1);
    assert_int_equal(SSL_SESSION_set1_id(session, &number, 1), 1);
    return session;
}

static void make_key(unsigned number, unsigned char key[TLS_SESSION_KEY_BYTES])
{
    memset(key, 0, TLS_SESSION_KEY_BYTES);
    memcpy(key, &number, sizeof(number));
}

static void add(struct tls_sessions *sessions, unsigned key_number, int version,
                unsigned char number, uint64_t now)
{
    unsigned char key[TLS_SESSION_KEY_BYTES];

    make_key(key_number, key);
    tls_sessions_add(sessions, key, make_session(version, number), now);
}

/* The number of the session given, or -1. */
static int take(struct tls_sessions *sessions, unsigned key_number, uint64_t now)
{
    unsigned char key[TLS_SESSION_KEY_BYTES];
    SSL_SESSION *session;
    unsigned len;
    int number;

    make_key(key_number, key);
    session = tls_sessions_take(sessions, key, now);
    if (!session)
        return -1;
    number = SSL_SESSION_get_id(session, &len)[0];
    SSL_SESSION_free(session);
    return number;
}

static void test_tickets_are_given_once_the_newest_first(void **state)
{
    struct tls_sessions *sessions = tls_sessions_new();

    (void)state;
    for (unsigned char i = 1; i <= TLS_SESSIONS_PER_KEY + 1; i++)
        add(sessions, 7, TLS1_3_VERSION, i, 0);
    for (int i = TLS_SESSIONS_PER_KEY + 1; i > 1; i--)
        assert_int_equal(take(sessions, 7, 1), i);
    assert_int_equal(take(sessions, 7, 1), -1);
    assert_int_equal(take(sessions, 8, 1), -1);
    tls_sessions_free(sessions);
}

static void test_sessions_of_old_are_given_again(void **state)
{
    struct tls_sessions *sessions = tls_sessions_new();

    (void)state;
    add(sessions, 7, TLS1_2_VERSION, 1, 0);
    assert_int_equal(take(sessions, 7, 1), 1);
    assert_int_equal(take(sessions, 7, TLS_SESSION_MAX_MS - 1), 1);
    assert_int_equal(take(sessions, 7, TLS_SESSION_MAX_MS), -1);
    assert_int_equal(take(sessions, 7, 1), -1);
    tls_sessions_free(sessions);
}

static void test_the_key_that_rested_longest_goes_first(void **state)
{
    struct tls_sessions *sessions = tls_sessions_new();

    (void)state;
    for (unsigned i = 0; i < TLS_SESSION_KEYS_MAX; i++)
        add(sessions, i, TLS1_3_VERSION, 1, 0);
    add(sessions, 0, TLS1_3_VERSION, 2, 0);
    add(sessions, TLS_SESSION_KEYS_MAX, TLS1_3_VERSION, 1, 0);
    assert_int_equal(take(sessions, 1, 1), -1);
    assert_int_equal(take(sessions, 0, 1), 2);
    assert_int_equal(take(sessions, 2, 1), 1);
    assert_int_equal(take(sessions, TLS_SESSION_KEYS_MAX, 1), 1);
    tls_sessions_free(sessions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tickets_are_given_once_the_newest_first),
        cmocka_unit_test(test_sessions_of_old_are_given_again),
        cmocka_unit_test(test_the_key_that_rested_longest_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
