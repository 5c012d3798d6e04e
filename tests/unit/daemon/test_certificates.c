/* Loading as the parent does it, and what of it is told. */
#include "daemon/certificates.h"

#include "base/clock.h"
#include "place.h"
#include "../config/parsing.h"

static void test_loading_makes_a_material_and_keeps_no_key(void **state)
{
    struct config *config = parse("hostname mx.example.org\n");
    struct certificates certificates;
    struct problem_list problems;
    struct stat st;
    struct buf json;

    (void)state;
    assert_int_equal(mkdir(place_path("tls"), 0700), 0);
    problem_list_init(&problems);
    buf_init(&json, 100000);
    certificates_init(&certificates);
    assert_int_equal(certificates_load(&certificates, config, place_root, &problems), 0);
    assert_int_equal(fstat(certificates.material, &st), 0);
    assert_true(st.st_size > 500);
    assert_int_equal(write(certificates.material, "x", 1), -1); /* sealed */
    assert_int_equal(certificates.facts.count, 1);
    assert_false(certificates_are_due(&certificates, config, clock_wall_ms()));
    assert_true(
        certificates_are_due(&certificates, config, certificates.facts.list[0].pair.not_after));
    certificates_add_status(&certificates, config, &json);
    assert_non_null(memmem(json.ptr, json.len, "\"self_signed\":true", 18));
    /* What cannot be had changes nothing. */
    config_unref(config);
    config = parse("hostname b.example\ncertificate a { chain /not/there; key /not/there }\n");
    assert_true(certificates_load(&certificates, config, place_root, &problems) < 0);
    assert_int_equal(problems.count, 1);
    assert_int_equal(certificates.facts.list[0].kind, CERTIFICATE_OURS);
    assert_true(certificates.material >= 0);
    certificates_done(&certificates);
    problem_list_done(&problems);
    buf_done(&json);
    config_unref(config);
}

static void test_time_alone_can_be_a_reason_to_load(void **state)
{
    struct config *config = parse("hostname mx.example.org\n");
    struct certificate_fact list[2] = {{.kind = CERTIFICATE_CONFIGURED, .in_force = true},
                                       {.kind = CERTIFICATE_CONFIGURED, .in_force = true}};
    struct certificates certificates = {.facts = {list, 2}};

    (void)state;
    assert_false(certificates_are_due(&certificates, config, 1000));
    list[1].waits_until = 1001;
    assert_false(certificates_are_due(&certificates, config, 1000));
    assert_true(certificates_are_due(&certificates, config, 1001));
    config_unref(config);
}

static void test_a_thousand_certificates_do_not_fill_the_answer(void **state)
{
    struct config *config = parse("hostname mx.example.org\n");
    struct slice hosts[200];
    struct certificate_fact list[CERTIFICATES_MAX];
    struct certificates certificates = {.facts = {list, CERTIFICATES_MAX}};
    struct buf json;

    (void)state;
    for (size_t i = 0; i < 200; i++)
        hosts[i] = SLICE("a-name-that-is-neither-short-nor-long.example.org");
    for (size_t i = 0; i < CERTIFICATES_MAX; i++)
        list[i] = (struct certificate_fact){
            .kind = CERTIFICATE_CONFIGURED,
            .name = SLICE("name"),
            .in_force = true,
            .problem = SLICE("it is broken"),
            .pair = {.kind = SLICE("RSA 2048"), .hosts = hosts, .n_hosts = 200}};
    buf_init(&json, 48 * 1024);
    certificates_add_status(&certificates, config, &json);
    assert_false(json.overflow);
    assert_non_null(memmem(json.ptr, json.len, "\"certificates_not_shown\":9", 26));
    buf_done(&json);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_loading_makes_a_material_and_keeps_no_key, place_make,
                                        place_remove),
        cmocka_unit_test(test_time_alone_can_be_a_reason_to_load),
        cmocka_unit_test(test_a_thousand_certificates_do_not_fill_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
