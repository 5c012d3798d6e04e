/* What TLS reports are told: which policy, which result, for every way in which a session can come
 * out or not come about. The counting itself is played. */
#include "relay/session_report.h"

#include "../cmocka_all.h"

#include <string.h>

struct sts_policy {
    int nobody_looks_into_it;
};

struct told {
    enum tlsrpt_policy_type type;
    char domain[64], policy[128], mx[64], receiving_ip[64], result[64], why[160];
};

static struct sts_policy sts_policy;
static struct tlsrpt *const tlsrpt = (struct tlsrpt *)&sts_policy; /* nor into this */
static struct told told[4];
static unsigned n_told;

static void copy(char *to, size_t size, struct slice from)
{
    snprintf(to, size, "%.*s", SLICE_ARG(from));
}

void __wrap_tlsrpt_note(struct tlsrpt *to, const struct tlsrpt_session *session);
void __wrap_tlsrpt_note(struct tlsrpt *to, const struct tlsrpt_session *session)
{
    struct told *one = &told[n_told++];

    assert_ptr_equal(to, tlsrpt);
    one->type = session->type;
    copy(one->domain, sizeof(one->domain), session->domain);
    copy(one->policy, sizeof(one->policy), session->policy);
    copy(one->mx, sizeof(one->mx), session->mx);
    copy(one->receiving_ip, sizeof(one->receiving_ip), session->receiving_ip);
    copy(one->why, sizeof(one->why), session->why);
    snprintf(one->result, sizeof(one->result), "%s", session->result ? session->result : "fine");
}

struct slice __wrap_sts_policy_text(const struct sts_policy *policy);
struct slice __wrap_sts_policy_text(const struct sts_policy *policy)
{
    assert_ptr_equal(policy, &sts_policy);
    return SLICE("mode: any");
}

bool __wrap_sts_policy_allows(const struct sts_policy *policy, struct slice mx);
bool __wrap_sts_policy_allows(const struct sts_policy *policy, struct slice mx)
{
    assert_ptr_equal(policy, &sts_policy);
    return slice_eq(mx, SLICE("mx.far.test"));
}

/* ---- sessions ------------------------------------------------------------------------------- */

static struct tls_tlsa ee = {TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA2_256, SLICE_INIT("\xab\x01")};

static const struct tls_verdict good = {.version = "TLSv1.3", .verified = true};
static const struct tls_verdict untrusted = {
    .version = "TLSv1.3", .result = "certificate-not-trusted", .why = "self-signed"};
static const struct tls_verdict broken = {.result = "certificate-not-trusted", .why = "cut off"};
static const struct tls_verdict absent = {.result = "starttls-not-supported",
                                          .why = "STARTTLS is not offered"};

static const struct {
    const char *host;
    enum security_rule rule;
    const struct tls_verdict *tls;
    enum sts_mode sts;
    const char *fault;
    const char *want[2]; /* "type domain result", for each that is told */
} sessions[] = {
    /* Nobody has a policy: certificates do not matter, clear text does (section 4.4). */
    {"mx.far.test", SECURITY_OPPORTUNISTIC, &good, STS_NONE, NULL, {"none far.test fine"}},
    {"mx.far.test", SECURITY_OPPORTUNISTIC, &untrusted, STS_NONE, NULL, {"none far.test fine"}},
    {"mx.far.test",
     SECURITY_OPPORTUNISTIC,
     &absent,
     STS_NONE,
     NULL,
     {"none far.test starttls-not-supported"}},
    {"mx.far.test",
     SECURITY_OPPORTUNISTIC,
     &broken,
     STS_NONE,
     NULL,
     {"none far.test certificate-not-trusted"}},
    {"mx.far.test",
     SECURITY_VERIFY,
     &untrusted,
     STS_NONE,
     NULL,
     {"none far.test certificate-not-trusted"}},
    {"mx.far.test", SECURITY_NONE, &absent, STS_NONE, NULL, {NULL}},
    /* MTA-STS */
    {"mx.far.test", SECURITY_STS, &good, STS_ENFORCE, NULL, {"sts far.test fine"}},
    {"mx.far.test",
     SECURITY_STS,
     &absent,
     STS_ENFORCE,
     NULL,
     {"sts far.test starttls-not-supported"}},
    {"mx.far.test", SECURITY_OPPORTUNISTIC, &good, STS_TESTING, NULL, {"sts far.test fine"}},
    {"mx.far.test",
     SECURITY_OPPORTUNISTIC,
     &untrusted,
     STS_TESTING,
     NULL,
     {"sts far.test certificate-not-trusted"}},
    {"mx.other.test",
     SECURITY_OPPORTUNISTIC,
     &good,
     STS_TESTING,
     NULL,
     {"sts far.test validation-failure"}},
    {"mx.other.test",
     SECURITY_OPPORTUNISTIC,
     &absent,
     STS_TESTING,
     NULL,
     {"sts far.test starttls-not-supported"}},
    /* DANE */
    {"mx.far.test", SECURITY_DANE, &good, STS_ENFORCE, NULL, {"tlsa mx.far.test fine"}},
    {"mx.far.test",
     SECURITY_DANE,
     &untrusted,
     STS_NONE,
     NULL,
     {"tlsa mx.far.test certificate-not-trusted"}},
    {"mx.other.test", SECURITY_DANE, &good, STS_TESTING, NULL, {"tlsa mx.far.test fine"}},
    {"mx.far.test",
     SECURITY_ENCRYPT,
     &good,
     STS_NONE,
     "tlsa-invalid",
     {"tlsa mx.far.test tlsa-invalid"}},
    {"mx.far.test",
     SECURITY_STS,
     &good,
     STS_ENFORCE,
     "tlsa-invalid",
     {"tlsa mx.far.test tlsa-invalid", "sts far.test fine"}},
};

static struct security security_of(unsigned i)
{
    struct security security = {.rule = sessions[i].rule};

    security.tls_needed = sessions[i].rule > SECURITY_OPPORTUNISTIC;
    security.sts_testing = sessions[i].sts == STS_TESTING && sessions[i].rule != SECURITY_DANE;
    if (sessions[i].rule == SECURITY_DANE) {
        security.demand.sni = SLICE("mx.far.test");
        security.demand.tlsa = &ee;
        security.demand.n_tlsa = 1;
    }
    if (sessions[i].fault)
        security.fault = (struct security_fault){.result = sessions[i].fault,
                                                 .base = SLICE("mx.far.test"),
                                                 .records = SLICE("0 0 1 ab"),
                                                 .why = SLICE("of no use")};
    return security;
}

static void expect(unsigned i, unsigned n, const struct told *one)
{
    static const char *const types[] = {
        [TLSRPT_TLSA] = "tlsa", [TLSRPT_STS] = "sts", [TLSRPT_NO_POLICY] = "none"};
    static const char *const policies[] = {[TLSRPT_STS] = "mode: any", [TLSRPT_NO_POLICY] = ""};
    char text[256];

    snprintf(text, sizeof(text), "%s %s %s", types[one->type], one->domain, one->result);
    if (strcmp(text, sessions[i].want[n]) != 0)
        fail_msg("session %u: %s", i, text);
    assert_string_equal(one->mx, sessions[i].host);
    assert_string_equal(one->receiving_ip, "192.0.2.1");
    assert_int_equal(strcmp(one->result, "fine") == 0, strlen(one->why) == 0);
    if (one->type == TLSRPT_TLSA)
        assert_string_equal(one->policy, sessions[i].fault ? "0 0 1 ab" : "3 1 1 ab01");
    else
        assert_string_equal(one->policy, policies[one->type]);
}

static void test_every_session_is_told_under_its_policy(void **state)
{
    struct socket_address to, from = {0};

    (void)state;
    assert_true(socket_address_parse(SLICE("192.0.2.1"), 25, &to));
    for (unsigned i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
        struct security security = security_of(i);
        struct destination destination = {.mx = true,
                                          .domain = SLICE("far.test"),
                                          .sts = sessions[i].sts,
                                          .sts_policy = sessions[i].sts ? &sts_policy : NULL};
        struct session_report report = {tlsrpt, &destination, slice_from_cstr(sessions[i].host)};
        unsigned n = 0;
        n_told = 0;
        session_report_tell(&report, &security, sessions[i].tls, &to, &from);
        while (n < 2 && sessions[i].want[n])
            n++;
        if (n_told != n)
            fail_msg("session %u: %u told", i, n_told);
        for (unsigned k = 0; k < n; k++)
            expect(i, k, &told[k]);
    }
}

/* ---- no session ----------------------------------------------------------------------------- */

static void test_what_is_forbidden_is_told_without_a_session(void **state)
{
    struct destination destination = {.mx = true, .domain = SLICE("far.test")};
    struct session_report report = {tlsrpt, &destination, SLICE("mx.far.test")};
    struct security_fault fault = {
        .result = "dnssec-invalid", .base = SLICE("mx.far.test"), .why = SLICE("expired")};

    (void)state;
    n_told = 0;
    session_report_fault(&report, &fault);
    assert_int_equal(n_told, 1);
    assert_int_equal(told[0].type, TLSRPT_TLSA);
    assert_string_equal(told[0].domain, "mx.far.test");
    assert_string_equal(told[0].result, "dnssec-invalid");
    assert_string_equal(told[0].why, "expired");
    session_report_fault(&report, &(struct security_fault){.base = SLICE("mx.far.test")});
    assert_int_equal(n_told, 1);
    session_report_forbidden(tlsrpt, SLICE("far.test"), &sts_policy, SLICE("mx.other.test"));
    assert_int_equal(n_told, 2);
    assert_int_equal(told[1].type, TLSRPT_STS);
    assert_string_equal(told[1].domain, "far.test");
    assert_string_equal(told[1].mx, "mx.other.test");
    assert_string_equal(told[1].result, "validation-failure");
    session_report_forbidden(NULL, SLICE("far.test"), &sts_policy, SLICE("mx.other.test"));
    assert_int_equal(n_told, 2);
}

/* Servers of the configuration's own are nobody's policy; and nobody may be listening. */
static void test_what_is_nobodys_policy_is_not_told(void **state)
{
    struct destination fixed = {.domain = SLICE("far.test")}, found = {.mx = true};
    struct session_report reports[] = {{tlsrpt, &fixed, SLICE("mx.far.test")},
                                       {NULL, &found, SLICE("mx.far.test")}};
    struct security security = {.rule = SECURITY_VERIFY};
    struct security_fault fault = {.result = "dane-required"};
    struct socket_address none = {0};

    (void)state;
    n_told = 0;
    for (unsigned i = 0; i < 2; i++) {
        session_report_tell(&reports[i], &security, &good, &none, &none);
        session_report_fault(&reports[i], &fault);
    }
    assert_int_equal(n_told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_session_is_told_under_its_policy),
        cmocka_unit_test(test_what_is_forbidden_is_told_without_a_session),
        cmocka_unit_test(test_what_is_nobodys_policy_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
