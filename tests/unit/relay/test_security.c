/* What a host must show: every policy with everything that DNS and MTA-STS can say, and what a
 * message wants on top. */
#include "relay/security.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

enum { LATER = 100, NEVER };

/* Nobody looks into the policy. */
bool __wrap_sts_policy_allows(const struct sts_policy *policy, struct slice mx);
bool __wrap_sts_policy_allows(const struct sts_policy *policy, struct slice mx)
{
    assert_non_null(policy);
    return slice_eq(mx, SLICE("mx.far.test"));
}

static const struct tls_tlsa ee = {TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA2_256, SLICE_INIT("x")};
static const struct tls_tlsa both[] = {
    {TLSA_DANE_TA, TLSA_SPKI, TLSA_SHA2_256, SLICE_INIT("y")},
    {TLSA_DANE_EE, TLSA_SPKI, TLSA_SHA2_256, SLICE_INIT("x")},
};

struct scene {
    struct config_route route;
    struct destination destination;
    struct destination_host host;
    struct tlsa_answer tlsa;
    struct security_wish wish;
    struct msg_unit unit;
    struct outcome outcome;
    struct arena arena;
    struct security security;
    struct verdict verdict;
};

static void open_scene(struct scene *scene)
{
    *scene = (struct scene){
        .route = {.name = SLICE("out"), .dane = true, .mta_sts = true},
        .destination = {.mx = true, .secure = true, .domain = SLICE("far.test")},
        .host = {.name = SLICE("mx.far.test"), .kind = ENDPOINT_INET, .port = 25},
    };
    arena_init(&scene->arena);
    outcome_init(&scene->outcome, &scene->arena, &scene->unit);
}

static void tell_tlsa(struct scene *scene, enum tlsa_state state)
{
    scene->tlsa = (struct tlsa_answer){.state = state, .why = SLICE("signature expired")};
    if (state == TLSA_NONE || state == TLSA_FAILED)
        return;
    scene->tlsa.base = SLICE("mx.far.test");
    if (state == TLSA_USABLE) {
        scene->tlsa.list = (struct tls_tlsa *)(uintptr_t)&ee;
        scene->tlsa.count = 1;
    }
}

static struct security_question question(const struct scene *scene)
{
    return (struct security_question){.route = &scene->route,
                                      .destination = &scene->destination,
                                      .host = &scene->host,
                                      .wish = scene->wish,
                                      .address_secure = true};
}

/* The rule, or LATER, or NEVER. */
static int choose(struct scene *scene)
{
    struct security_question asked = question(scene);
    int r =
        security_choose(&asked, &scene->tlsa, &scene->outcome, &scene->security, &scene->verdict);

    if (r == SECURITY_GO)
        return (int)scene->security.rule;
    return r == SECURITY_LATER ? LATER : NEVER;
}

static void test_every_policy_with_every_answer(void **state)
{
    static const enum config_tls_policy policies[] = {TLS_POLICY_NONE, TLS_POLICY_MAY,
                                                      TLS_POLICY_ENCRYPT, TLS_POLICY_VERIFY,
                                                      TLS_POLICY_DANE_ONLY};
    static const enum tlsa_state states[] = {TLSA_NONE, TLSA_FAILED, TLSA_UNUSABLE, TLSA_USABLE};
    /* Policy, TLSA; each without, with testing and with enforced MTA-STS. */
    static const int want[5][4][3] = {
        {{SECURITY_NONE, SECURITY_NONE, SECURITY_NONE},
         {LATER, LATER, LATER}, /* security_asks_tlsa() does not ask then */
         {SECURITY_NONE, SECURITY_NONE, SECURITY_NONE},
         {SECURITY_NONE, SECURITY_NONE, SECURITY_NONE}},
        {{SECURITY_OPPORTUNISTIC, SECURITY_OPPORTUNISTIC, SECURITY_STS},
         {LATER, LATER, LATER},
         {SECURITY_ENCRYPT, SECURITY_ENCRYPT, SECURITY_STS},
         {SECURITY_DANE, SECURITY_DANE, SECURITY_DANE}},
        {{SECURITY_ENCRYPT, SECURITY_ENCRYPT, SECURITY_STS},
         {LATER, LATER, LATER},
         {SECURITY_ENCRYPT, SECURITY_ENCRYPT, SECURITY_STS},
         {SECURITY_DANE, SECURITY_DANE, SECURITY_DANE}},
        {{SECURITY_VERIFY, SECURITY_VERIFY, SECURITY_STS},
         {LATER, LATER, LATER},
         {SECURITY_VERIFY, SECURITY_VERIFY, SECURITY_STS},
         {SECURITY_DANE, SECURITY_DANE, SECURITY_DANE}},
        {{LATER, LATER, LATER},
         {LATER, LATER, LATER},
         {LATER, LATER, LATER},
         {SECURITY_DANE, SECURITY_DANE, SECURITY_DANE}},
    };

    (void)state;
    for (unsigned p = 0; p < 5; p++) {
        for (unsigned t = 0; t < 4; t++) {
            for (unsigned m = 0; m < 3; m++) {
                struct scene scene;
                int rule;
                open_scene(&scene);
                scene.route.tls = policies[p];
                scene.destination.sts = (enum sts_mode)m;
                tell_tlsa(&scene, states[t]);
                rule = choose(&scene);
                if (rule != want[p][t][m])
                    fail_msg("policy %u, TLSA %u, MTA-STS %u: %d", p, t, m, rule);
                if (rule < LATER)
                    assert_int_equal(scene.security.tls_needed, rule > SECURITY_OPPORTUNISTIC);
                else
                    assert_int_equal(scene.verdict.status.ptr[0], '4');
                arena_done(&scene.arena);
            }
        }
    }
}

static void test_when_records_are_asked_for(void **state)
{
    static const struct {
        enum config_tls_policy policy;
        bool no_dane, fixed, insecure, literal, unix, optional, want;
    } cases[] = {
        {.want = true},
        {.policy = TLS_POLICY_NONE},
        {.policy = TLS_POLICY_ENCRYPT, .want = true},
        {.policy = TLS_POLICY_VERIFY, .want = true},
        {.policy = TLS_POLICY_DANE_ONLY, .no_dane = true, .want = true},
        {.no_dane = true},
        {.insecure = true},
        {.fixed = true, .insecure = true, .want = true},
        {.literal = true},
        {.fixed = true, .unix = true},
        {.optional = true},
        {.policy = TLS_POLICY_DANE_ONLY, .optional = true, .want = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct security_question asked;
        struct scene scene;

        open_scene(&scene);
        scene.route.tls = cases[i].policy;
        scene.route.dane = !cases[i].no_dane;
        scene.destination.mx = !cases[i].fixed;
        scene.destination.secure = !cases[i].insecure;
        scene.wish.tls_optional = cases[i].optional;
        if (cases[i].literal)
            scene.host.name = SLICE("2001:db8::1");
        if (cases[i].unix)
            scene.host.kind = ENDPOINT_UNIX;
        asked = question(&scene);
        if (security_asks_tlsa(&asked) != cases[i].want)
            fail_msg("case %zu", i);
        arena_done(&scene.arena);
    }
}

/* RFC 7672 section 3.2.2. */
static void test_names_of_a_trust_anchor(void **state)
{
    struct scene scene;

    (void)state;
    open_scene(&scene);
    tell_tlsa(&scene, TLSA_USABLE);
    assert_int_equal(choose(&scene), SECURITY_DANE);
    assert_int_equal(scene.security.demand.n_names, 0);
    assert_true(slice_eq(scene.security.demand.sni, SLICE("mx.far.test")));
    scene.tlsa.list = (struct tls_tlsa *)(uintptr_t)both;
    scene.tlsa.count = 2;
    scene.tlsa.base = SLICE("real.cloud.test");
    assert_int_equal(choose(&scene), SECURITY_DANE);
    assert_int_equal(scene.security.demand.n_names, 2);
    assert_true(slice_eq(scene.security.demand.sni, SLICE("real.cloud.test")));
    assert_true(slice_eq(scene.security.demand.names[0], SLICE("real.cloud.test")));
    assert_true(slice_eq(scene.security.demand.names[1], SLICE("far.test")));
    arena_done(&scene.arena);
}

static void test_an_address_is_no_name_to_ask_for(void **state)
{
    struct scene scene;

    (void)state;
    open_scene(&scene);
    scene.destination.mx = false;
    scene.host.name = SLICE("192.0.2.1");
    scene.route.tls = TLS_POLICY_VERIFY;
    assert_int_equal(choose(&scene), SECURITY_VERIFY);
    assert_int_equal(scene.security.demand.sni.len, 0);
    assert_true(slice_eq(scene.security.demand.names[0], SLICE("192.0.2.1")));
    arena_done(&scene.arena);
}

/* RFC 8689 section 4.2.1. */
static void test_requiretls(void **state)
{
    static const struct {
        bool insecure, fixed, lmtp;
        enum sts_mode sts;
        enum tlsa_state tlsa;
        enum config_tls_policy policy;
        const char *host;
        int want;
        bool needs_offer;
    } cases[] = {
        {.want = SECURITY_REQUIRETLS, .needs_offer = true},
        {.tlsa = TLSA_USABLE, .want = SECURITY_DANE, .needs_offer = true},
        {.tlsa = TLSA_UNUSABLE, .want = SECURITY_REQUIRETLS, .needs_offer = true},
        {.tlsa = TLSA_FAILED, .want = LATER},
        {.policy = TLS_POLICY_ENCRYPT, .want = SECURITY_REQUIRETLS, .needs_offer = true},
        {.policy = TLS_POLICY_NONE, .want = NEVER},
        {.insecure = true, .want = NEVER},
        /* The policy that is being tested must name the host. */
        {.insecure = true, .sts = STS_TESTING, .host = "mx.other.test", .want = NEVER},
        {.insecure = true, .sts = STS_TESTING, .want = SECURITY_REQUIRETLS, .needs_offer = true},
        {.insecure = true, .sts = STS_ENFORCE, .want = SECURITY_STS, .needs_offer = true},
        {.fixed = true, .want = SECURITY_REQUIRETLS, .needs_offer = true},
        {.fixed = true, .lmtp = true, .want = SECURITY_REQUIRETLS, .needs_offer = true},
        {.fixed = true, .lmtp = true, .host = "127.0.0.1", .want = SECURITY_OPPORTUNISTIC},
        {.fixed = true,
         .lmtp = true,
         .host = "::1",
         .policy = TLS_POLICY_NONE,
         .want = SECURITY_NONE},
        {.fixed = true, .host = "127.0.0.1", .want = SECURITY_REQUIRETLS, .needs_offer = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scene scene;
        int got;

        open_scene(&scene);
        scene.wish.requiretls = true;
        scene.destination.secure = !cases[i].insecure;
        scene.destination.mx = !cases[i].fixed;
        scene.destination.sts = cases[i].sts;
        scene.destination.sts_policy = cases[i].sts ? (struct sts_policy *)&scene : NULL;
        scene.route.tls = cases[i].policy;
        scene.route.protocol = cases[i].lmtp ? PROTOCOL_LMTP : PROTOCOL_SMTP;
        if (cases[i].host)
            scene.host.name = slice_from_cstr(cases[i].host);
        tell_tlsa(&scene, cases[i].tlsa);
        got = choose(&scene);
        if (got != cases[i].want)
            fail_msg("case %zu: %d", i, got);
        if (got == NEVER)
            assert_true(slice_eq(scene.verdict.status, SLICE("5.7.10")));
        if (got < LATER)
            assert_int_equal(scene.security.requiretls, cases[i].needs_offer);
        arena_done(&scene.arena);
    }
}

/* "TLS-Required: No" takes away what the recipient wants, and nothing else. */
static void test_tls_optional(void **state)
{
    struct scene scene;

    (void)state;
    open_scene(&scene);
    scene.wish.tls_optional = true;
    scene.destination.sts = STS_ENFORCE;
    assert_int_equal(choose(&scene), SECURITY_OPPORTUNISTIC);
    scene.route.tls = TLS_POLICY_VERIFY;
    assert_int_equal(choose(&scene), SECURITY_VERIFY);
    arena_done(&scene.arena);
}

/* A host that the enforced policy does not name: DANE alone makes it good (RFC 8461 section 2). */
static void test_a_host_that_the_policy_forbids(void **state)
{
    static const struct {
        enum sts_mode sts;
        enum tlsa_state tlsa;
        struct security_wish wish;
        int want;
    } cases[] = {
        {.sts = STS_ENFORCE, .tlsa = TLSA_USABLE, .want = SECURITY_DANE},
        {.sts = STS_ENFORCE, .tlsa = TLSA_NONE, .want = LATER},
        {.sts = STS_ENFORCE, .tlsa = TLSA_UNUSABLE, .want = LATER},
        {.sts = STS_ENFORCE, .tlsa = TLSA_NONE, .wish.requiretls = true, .want = LATER},
        {.sts = STS_ENFORCE, .wish.tls_optional = true, .want = SECURITY_OPPORTUNISTIC},
        {.sts = STS_TESTING, .tlsa = TLSA_NONE, .want = SECURITY_OPPORTUNISTIC},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scene scene;
        open_scene(&scene);
        scene.host.sts_forbidden = true;
        scene.destination.sts = cases[i].sts;
        scene.wish = cases[i].wish;
        tell_tlsa(&scene, cases[i].tlsa);
        assert_int_equal(choose(&scene), cases[i].want);
        arena_done(&scene.arena);
    }
}

static void test_testing_is_told_and_not_demanded(void **state)
{
    struct scene scene;

    (void)state;
    open_scene(&scene);
    scene.destination.sts = STS_TESTING;
    assert_int_equal(choose(&scene), SECURITY_OPPORTUNISTIC);
    assert_true(scene.security.sts_testing);
    assert_int_equal(scene.security.demand.level, TLS_ANY);
    assert_true(slice_eq(scene.security.demand.names[0], SLICE("mx.far.test")));
    scene.route.mta_sts = false;
    assert_int_equal(choose(&scene), SECURITY_OPPORTUNISTIC);
    assert_false(scene.security.sts_testing);
    arena_done(&scene.arena);
}

/* RFC 8460 section 4.3.2.1. */
static void test_faults_of_dane(void **state)
{
    static const struct {
        enum config_tls_policy policy;
        enum tlsa_state tlsa;
        const char *want; /* or NULL */
        bool goes;
    } cases[] = {
        {TLS_POLICY_MAY, TLSA_NONE, NULL, true},
        {TLS_POLICY_MAY, TLSA_USABLE, NULL, true},
        {TLS_POLICY_MAY, TLSA_UNUSABLE, "tlsa-invalid", true},
        {TLS_POLICY_MAY, TLSA_FAILED, "dnssec-invalid", false},
        {TLS_POLICY_DANE_ONLY, TLSA_NONE, "dane-required", false},
        {TLS_POLICY_DANE_ONLY, TLSA_UNUSABLE, "tlsa-invalid", false},
        {TLS_POLICY_DANE_ONLY, TLSA_FAILED, "dnssec-invalid", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scene scene;

        open_scene(&scene);
        scene.route.tls = cases[i].policy;
        tell_tlsa(&scene, cases[i].tlsa);
        assert_int_equal(choose(&scene) < LATER, cases[i].goes);
        if (cases[i].want)
            assert_string_equal(scene.security.fault.result, cases[i].want);
        else
            assert_null(scene.security.fault.result);
        assert_true(slice_eq(scene.security.fault.base, SLICE("mx.far.test")));
        arena_done(&scene.arena);
    }
}

static void test_keys_tell_connections_apart(void **state)
{
    struct slice keys[5];
    struct scene scene;

    (void)state;
    open_scene(&scene);
    for (unsigned i = 0; i < 5; i++) {
        tell_tlsa(&scene, i == 1 || i == 2 ? TLSA_USABLE : TLSA_NONE);
        if (i == 2)
            scene.tlsa.list = (struct tls_tlsa *)(uintptr_t)both;
        scene.route.tls = i == 3 ? TLS_POLICY_VERIFY : TLS_POLICY_MAY;
        scene.wish.requiretls = i == 4;
        choose(&scene);
        keys[i] = security_key(&scene.security, &scene.arena);
        for (unsigned k = 0; k < i; k++)
            assert_false(slice_eq(keys[i], keys[k]));
    }
    arena_done(&scene.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_policy_with_every_answer),
        cmocka_unit_test(test_when_records_are_asked_for),
        cmocka_unit_test(test_names_of_a_trust_anchor),
        cmocka_unit_test(test_an_address_is_no_name_to_ask_for),
        cmocka_unit_test(test_requiretls),
        cmocka_unit_test(test_tls_optional),
        cmocka_unit_test(test_a_host_that_the_policy_forbids),
        cmocka_unit_test(test_testing_is_told_and_not_demanded),
        cmocka_unit_test(test_faults_of_dane),
        cmocka_unit_test(test_keys_tell_connections_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
