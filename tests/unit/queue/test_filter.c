#include "../cmocka_all.h"

#include "queue/filter.h"

#include <string.h>

static void test_a_sender_is_the_reverse_path_or_the_account(void **state)
{
    static const struct {
        const char *sender, *reverse_path, *login;
        bool takes;
    } cases[] = {
        {"joe@x", "joe@x", "", true},
        {"joe@x", "JOE@X", "", true},
        {"joe@x", "other@x", "Joe@x", true},
        {"joe@x", "", "joe@x", true},
        {"joe@x", "other@x", "ann@x", false},
        {"joe@x", "other@x", "", false},
        {"<>", "", "joe@x", true},
        {"<>", "ann@x", "", false}, /* no account is not the null sender */
        {"", "ann@x", "", false},
        {"", "", "", true},
        {"*@x", "joe@x", "", true},
        {"*", "", "", false}, /* the null sender is no address */
        {"*", "", "joe@x", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct envelope envelope = {.reverse_path = slice_from_cstr(cases[i].reverse_path),
                                          .login = slice_from_cstr(cases[i].login)};
        json_t *request = json_pack("{s:s}", "sender", cases[i].sender);
        struct filter filter;
        assert_null(filter_read(request, &filter));
        if (filter_takes_message(&filter, &envelope) != cases[i].takes)
            fail_msg("case %zu: %s", i, cases[i].sender);
        json_decref(request);
    }
}

static void test_without_a_sender_anybody_fits(void **state)
{
    const struct envelope envelope = {.reverse_path = SLICE("ann@x"), .login = SLICE("joe@x")};
    json_t *request = json_pack("{s:b}", "all", 1);
    struct filter filter;

    (void)state;
    assert_null(filter_read(request, &filter));
    assert_true(filter_is_given(&filter));
    assert_false(filter_needs_envelope(&filter));
    assert_true(filter_takes_message(&filter, &envelope));
    json_decref(request);
}

static void test_age_state_and_reply_need_no_envelope(void **state)
{
    static const struct {
        const char *request;
        bool takes;
    } cases[] = {
        {"{\"all\":true}", true},
        {"{\"older_ms\":60000}", true},
        {"{\"older_ms\":60001}", false},
        {"{\"newer_ms\":60000}", true},
        {"{\"newer_ms\":59999}", false},
        {"{\"state\":\"waiting\"}", true},
        {"{\"state\":\"held\"}", false},
        {"{\"reply\":\"GREYLIST\"}", true},
        {"{\"reply\":\"full\"}", false},
        {"{\"reply\":\"grey\",\"state\":\"held\"}", false},
        {"{\"id\":\"0000000000007\"}", true},
    };
    const struct spool_location nowhere = {0};
    struct queue queue = {0};
    struct message *message;
    struct filter filter;

    (void)state;
    ledger_init(&queue.ledger);
    message = ledger_add(&queue.ledger, 7, 2, nowhere, QUEUE_TIME_START);
    ledger_set_state(message, 0, RECIPIENT_DELIVERED, 0);
    ledger_set_reply(&queue.ledger, ledger_recipient(message, 1), SLICE("451 greylisted"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *request = json_loads(cases[i].request, 0, NULL);
        assert_null(filter_read(request, &filter));
        assert_true(filter_is_given(&filter));
        assert_false(filter_needs_envelope(&filter));
        if (filter_may_take(&filter, &queue, message, QUEUE_TIME_START + 60000) != cases[i].takes)
            fail_msg("%s", cases[i].request);
        assert_false(filter_takes_recipient(&filter, &queue, message, NULL, 0));
        json_decref(request);
    }
    ledger_set_state(message, 1, RECIPIENT_RELAYED, 0);
    assert_false(filter_may_take(&filter, &queue, message, QUEUE_TIME_START));
    ledger_done(&queue.ledger);
}

static void test_what_is_no_filter_is_told(void **state)
{
    json_t *number = json_pack("{s:i}", "sender", 5), *id = json_pack("{s:s}", "id", "123");
    struct filter filter;

    (void)state;
    assert_non_null(strstr(filter_read(number, &filter), "must be strings"));
    assert_non_null(strstr(filter_read(id, &filter), "no message id"));
    json_decref(number);
    json_decref(id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sender_is_the_reverse_path_or_the_account),
        cmocka_unit_test(test_without_a_sender_anybody_fits),
        cmocka_unit_test(test_age_state_and_reply_need_no_envelope),
        cmocka_unit_test(test_what_is_no_filter_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
