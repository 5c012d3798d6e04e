/* Which TLS client a route is given: the system's, read again when told so, or one of a file. */
#include "relay/tls_clients.h"

#include "../cmocka_all.h"

#include <string.h>

static void test_the_systems_cas_are_read_again(void **state)
{
    struct handed *handed = handed_new();
    struct tls_clients *clients = tls_clients_new(handed);
    struct tls_client *first, *same, *second;
    char why[TLS_CLIENTS_WHY_MAX] = "";

    (void)state;
    assert_null(tls_clients_get(clients, SLICE_NULL, why));
    assert_string_not_equal(why, "");
    assert_int_equal(tls_clients_read_system(clients), 0);
    first = tls_clients_get(clients, SLICE_NULL, why);
    same = tls_clients_get(clients, SLICE_NULL, why);
    assert_non_null(first);
    assert_ptr_equal(first, same);
    assert_int_equal(tls_clients_read_system(clients), 0);
    second = tls_clients_get(clients, SLICE_NULL, why);
    assert_ptr_not_equal(first, second);
    tls_client_unref(first);
    tls_client_unref(same);
    tls_client_unref(second);
    tls_clients_free(clients);
    handed_free(handed);
}

/* A route whose CAs cannot be had does not trust others instead. */
static void test_a_file_that_is_not_there_is_not_the_systems(void **state)
{
    struct handed *handed = handed_new();
    struct tls_clients *clients = tls_clients_new(handed);
    char why[TLS_CLIENTS_WHY_MAX] = "";

    (void)state;
    assert_int_equal(tls_clients_read_system(clients), 0);
    assert_null(tls_clients_get(clients, SLICE("/etc/nuncio/ca.pem"), why));
    assert_non_null(strstr(why, "/etc/nuncio/ca.pem"));
    tls_clients_free(clients);
    handed_free(handed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_systems_cas_are_read_again),
        cmocka_unit_test(test_a_file_that_is_not_there_is_not_the_systems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
