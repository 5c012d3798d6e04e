#include "receive/clients.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static struct smtp_endpoint at(const char *text)
{
    struct smtp_endpoint endpoint = {.family = SMTP_FAMILY_IPV4};

    if (inet_pton(AF_INET, text, endpoint.address) != 1) {
        endpoint.family = SMTP_FAMILY_IPV6;
        assert_int_equal(inet_pton(AF_INET6, text, endpoint.address), 1);
    }
    return endpoint;
}

static void test_an_address_or_a_64_is_one_client(void **state)
{
    struct clients *clients = clients_new();
    struct smtp_endpoint a = at("192.0.2.1"), b = at("192.0.2.2");
    struct smtp_endpoint c = at("2001:db8::1"), d = at("2001:db8::ffff:0:0:2");
    struct smtp_endpoint e = at("2001:db8:0:1::1"), none = {.family = SMTP_FAMILY_NONE};

    (void)state;
    assert_true(clients_enter(clients, &a, 2));
    assert_true(clients_enter(clients, &a, 2));
    assert_false(clients_enter(clients, &a, 2));
    assert_true(clients_enter(clients, &b, 2));
    assert_true(clients_enter(clients, &c, 1));
    assert_false(clients_enter(clients, &d, 1)); /* the same /64 */
    assert_true(clients_enter(clients, &e, 1));
    for (unsigned i = 0; i < 100; i++)
        assert_true(clients_enter(clients, &none, 1));
    clients_leave(clients, &a);
    assert_true(clients_enter(clients, &a, 2));
    clients_leave(clients, &c);
    assert_true(clients_enter(clients, &d, 1));
    b = at("198.51.100.1");
    assert_false(clients_enter(clients, &b, 0));
    clients_free(clients);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_or_a_64_is_one_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
