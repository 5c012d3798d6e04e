#include "io/login_message.h"

#include "../cmocka_all.h"

#include "config/mechanism.h"

#include <errno.h>
#include <string.h>

/* Encodes, sees that it decodes to the same bytes again, and that no cut and no extra byte does. */
#define ROUND_TRIP(name, message)                                                                  \
    do {                                                                                           \
        struct name name##_back;                                                                   \
        buf_reset(&world.out);                                                                     \
        buf_reset(&world.again);                                                                   \
        name##_encode(&world.out, &(message));                                                     \
        assert_int_equal(name##_decode(buf_slice(&world.out), &world.arena, &name##_back), 0);     \
        name##_encode(&world.again, &name##_back);                                                 \
        assert_true(slice_eq(buf_slice(&world.out), buf_slice(&world.again)));                     \
        for (size_t len = 0; len < world.out.len; len++)                                           \
            assert_int_equal(name##_decode(slice_sub(buf_slice(&world.out), 0, len), &world.arena, \
                                           &name##_back),                                          \
                             -EBADMSG);                                                            \
        buf_add_char(&world.again, 'x');                                                           \
        assert_int_equal(name##_decode(buf_slice(&world.again), &world.arena, &name##_back),       \
                         -EBADMSG);                                                                \
    } while (0)

static struct {
    struct arena arena;
    struct buf out, again;
} world;

static int set_up(void **state)
{
    (void)state;
    arena_init(&world.arena);
    buf_init(&world.out, 64 * 1024);
    buf_init(&world.again, 64 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&world.out);
    buf_done(&world.again);
    arena_done(&world.arena);
    return 0;
}

static struct msg_sasl start_of_a_login(void)
{
    static struct slice emails[] = {SLICE_INIT("ada@example.org"), SLICE_INIT("a@example.net")};

    return (struct msg_sasl){.conversation = 7,
                             .step = SASL_START,
                             .mechanism = MECHANISM_PLAIN,
                             .has_response = true,
                             .response = SLICE("\0ada\0secret"),
                             .client = {.address = SLICE("192.0.2.1"),
                                        .listener = SLICE("submission"),
                                        .tls = true,
                                        .binding = SLICE("0123"),
                                        .fingerprint = SLICE("ab"),
                                        .cert_emails = emails,
                                        .n_cert_emails = 2}};
}

static void test_messages_come_back_and_no_cut_of_them_does(void **state)
{
    struct msg_sasl start = start_of_a_login();
    struct msg_sasl response = {
        .conversation = 7, .step = SASL_RESPONSE, .response = SLICE("c29tZQ")};
    struct msg_sasl end = {.conversation = 7, .step = SASL_ABORT};
    struct msg_sasl_reply done = {.conversation = 7,
                                  .outcome = SASL_DONE,
                                  .account = SLICE("ada@example.org"),
                                  .message_size = 1 << 20,
                                  .why = SLICE("app password phone")};
    struct msg_sasl_reply failed = {.conversation = UINT64_MAX,
                                    .outcome = SASL_FAILED,
                                    .code = 535,
                                    .status = SLICE("5.7.8"),
                                    .text = SLICE("no"),
                                    .why = SLICE("wrong password")};
    struct msg_mechanisms mechanisms = {.set = MECHANISM_ALL};
    struct msg_submission submission = {.request = 1,
                                        .account = SLICE("ada@example.org"),
                                        .client_address = SLICE("::1"),
                                        .recipients = 3,
                                        .size = 99};
    struct msg_submission_reply reply = {
        .request = 1, .verdict = SUBMISSION_HOLD, .text = SLICE("frozen")};
    struct msg_frozen frozen = {
        .account = SLICE("a@b"), .since_ms = 5, .tell = true, .why = SLICE("x")};
    struct msg_frozen_taken taken = {.account = SLICE("a@b"), .since_ms = 5};
    struct msg_bounced bounced = {.account = SLICE("a@b"), .recipients = 2};
    struct msg_file file = {.path = SLICE("/etc/x"), .text = SLICE("no such file")};

    (void)state;
    ROUND_TRIP(msg_sasl, start);
    ROUND_TRIP(msg_sasl, response);
    ROUND_TRIP(msg_sasl, end);
    ROUND_TRIP(msg_sasl_reply, done);
    ROUND_TRIP(msg_sasl_reply, failed);
    ROUND_TRIP(msg_mechanisms, mechanisms);
    ROUND_TRIP(msg_submission, submission);
    ROUND_TRIP(msg_submission_reply, reply);
    ROUND_TRIP(msg_frozen, frozen);
    ROUND_TRIP(msg_frozen_taken, taken);
    ROUND_TRIP(msg_bounced, bounced);
    ROUND_TRIP(msg_file, file);
}

static void test_what_is_out_of_range_is_refused(void **state)
{
    struct msg_sasl good = start_of_a_login(), back;
    struct msg_sasl bad[4];
    char long_response[SASL_BYTES_MAX + 1];
    struct slice emails[SASL_CERT_EMAILS_MAX + 1];
    struct msg_mechanisms mechanisms = {.set = MECHANISM_ALL + 1};

    (void)state;
    memset(long_response, 'x', sizeof(long_response));
    memset(emails, 0, sizeof(emails));
    for (size_t i = 0; i < 4; i++)
        bad[i] = good;
    bad[0].step = (enum sasl_step)9;
    bad[1].mechanism = MECHANISM_ALL + 1;
    bad[2].response = slice_from(long_response, sizeof(long_response));
    bad[3].client.cert_emails = emails;
    bad[3].client.n_cert_emails = SASL_CERT_EMAILS_MAX + 1;
    for (size_t i = 0; i < 4; i++) {
        buf_reset(&world.out);
        msg_sasl_encode(&world.out, &bad[i]);
        if (msg_sasl_decode(buf_slice(&world.out), &world.arena, &back) != -EBADMSG)
            fail_msg("%zu", i);
    }
    buf_reset(&world.out);
    msg_mechanisms_encode(&world.out, &mechanisms);
    assert_int_equal(msg_mechanisms_decode(buf_slice(&world.out), &world.arena, &mechanisms),
                     -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_messages_come_back_and_no_cut_of_them_does, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_out_of_range_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
