#include "receive/recipients.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static uint32_t add(struct recipients *recipients, struct arena *arena, const char *address,
                    enum recipient_class class)
{
    struct recipient recipient = {.address = slice_from_cstr(address), .class = class};

    return recipients_add(recipients, arena, &recipient);
}

static void test_the_same_mailbox_is_found(void **state)
{
    struct recipients recipients = {.count = 0};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(add(&recipients, &arena, "joe@example.org", CLASS_LOCAL), 0);
    assert_int_equal(add(&recipients, &arena, "JOE@Example.Org", CLASS_LOCAL), 0);
    assert_int_equal(add(&recipients, &arena, "\"joe\"@example.org", CLASS_LOCAL), 0);
    assert_int_equal(add(&recipients, &arena, "joe@example.com", CLASS_AUTHORISED), 1);
    assert_int_equal(add(&recipients, &arena, "JOE@example.com", CLASS_AUTHORISED), 2);
    assert_int_equal(add(&recipients, &arena, "joe@EXAMPLE.com", CLASS_AUTHORISED), 1);
    assert_int_equal(recipients.count, 3);
    assert_true(slice_eq(recipients.list[0].address, SLICE("joe@example.org")));
    arena_done(&arena);
}

static void test_many_are_kept_in_order(void **state)
{
    struct recipients recipients = {.count = 0};
    struct arena arena;
    char address[64];

    (void)state;
    arena_init(&arena);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 5000; i++) {
            snprintf(address, sizeof(address), "user%u@example.org", i);
            assert_int_equal(add(&recipients, &arena, address, CLASS_LOCAL), i);
        }
    }
    assert_int_equal(recipients.count, 5000);
    assert_true(slice_eq(recipients.list[4711].address, SLICE("user4711@example.org")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_mailbox_is_found),
        cmocka_unit_test(test_many_are_kept_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
