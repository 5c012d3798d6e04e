/* The words of the Received field, and that nobody writes a line of his own into it. */
#include "receive/trace.h"

#include "../cmocka_all.h"

#include <string.h>

static void test_each_protocol_has_its_name(void **state)
{
    static const struct {
        unsigned traits;
        const char *want;
    } cases[] = {
        {0, "SMTP"},
        {TRACE_TLS, "SMTP"},
        {TRACE_EXTENDED, "ESMTP"},
        {TRACE_EXTENDED | TRACE_TLS, "ESMTPS"},
        {TRACE_EXTENDED | TRACE_AUTH, "ESMTPA"},
        {TRACE_EXTENDED | TRACE_TLS | TRACE_AUTH, "ESMTPSA"},
        {TRACE_EXTENDED | TRACE_UTF8, "UTF8SMTP"},
        {TRACE_EXTENDED | TRACE_UTF8 | TRACE_TLS, "UTF8SMTPS"},
        {TRACE_EXTENDED | TRACE_UTF8 | TRACE_AUTH, "UTF8SMTPA"},
        {TRACE_EXTENDED | TRACE_UTF8 | TRACE_TLS | TRACE_AUTH, "UTF8SMTPSA"},
        {TRACE_LMTP | TRACE_EXTENDED, "LMTP"},
        {TRACE_LMTP | TRACE_EXTENDED | TRACE_TLS, "LMTPS"},
        {TRACE_LMTP | TRACE_EXTENDED | TRACE_AUTH, "LMTPA"},
        {TRACE_LMTP | TRACE_EXTENDED | TRACE_TLS | TRACE_AUTH, "LMTPSA"},
        {TRACE_LMTP | TRACE_EXTENDED | TRACE_UTF8, "UTF8LMTP"},
        {TRACE_LMTP | TRACE_EXTENDED | TRACE_UTF8 | TRACE_TLS, "UTF8LMTPS"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(trace_protocol(cases[i].traits), cases[i].want);
}

static void test_names_of_clients_stay_inside_of_the_field(void **state)
{
    const struct trace trace = {
        .hostname = SLICE("mx.example.org"),
        .helo = SLICE("me\r\nX-Helo:(a)"),
        .client_address = SLICE("2001:db8::1"),
        .protocol = "ESMTPS",
        .tls_version = "TLSv1.3",
        .tls_cipher = "TLS_AES_256_GCM_SHA384",
        .tls_peer = SLICE("Joe \\ D\xc3\xbc) \r\nX-Peer: (b"),
        .id = 1,
        .recipient = SLICE("joe@example.org"),
        .priority = -4,
    };
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    trace_write(&out, &trace);
    buf_add_char(&out, '\0');
    assert_ptr_equal(strstr(out.ptr, "Received: from me??X-Helo:?a? ([IPv6:2001:db8::1])\r\n"),
                     out.ptr);
    assert_non_null(strstr(out.ptr, "\r\n\tfor <joe@example.org>\r\n"
                                    "\ttls TLS_AES_256_GCM_SHA384 (TLSv1.3, client certificate of "
                                    "Joe ? D??? ??X-Peer: ?b)\r\n"
                                    "\tPRIORITY -4;\r\n"));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_protocol_has_its_name),
        cmocka_unit_test(test_names_of_clients_stay_inside_of_the_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
