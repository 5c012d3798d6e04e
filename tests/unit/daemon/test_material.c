/* What becomes of files, good and bad, with and without something in force. */
#include "daemon/material.h"

#include "place.h"
#include "../config/parsing.h"
#include "../tls_support.h"
#include "base/clock.h"

static struct test_identity first, second, over, early, ca;
static struct config *config;
static struct arena arena;

static int make_identities(void **state)
{
    (void)state;
    test_identity_make(
        &first, &(struct test_certificate){.common_name = "first", .names = "DNS:mx.example.org"});
    test_identity_make(&second, &(struct test_certificate){.common_name = "second",
                                                           .names = "DNS:two.example.org"});
    test_identity_make(&over, &(struct test_certificate){
                                  .common_name = "over", .names = "DNS:old.example", .days = -1});
    test_identity_make(&early, &(struct test_certificate){
                                   .common_name = "early", .names = "DNS:new.example", .from = 2});
    test_identity_make(&ca, &(struct test_certificate){.common_name = "ca", .ca = true});
    return 0;
}

static int free_identities(void **state)
{
    (void)state;
    test_identity_done(&first);
    test_identity_done(&second);
    test_identity_done(&over);
    test_identity_done(&early);
    test_identity_done(&ca);
    return 0;
}

static int begin(void **state)
{
    char text[1024];

    if (place_make(state) < 0)
        return -1;
    arena_init(&arena);
    snprintf(text, sizeof(text),
             "hostname mx.example.org\n"
             "certificate one { chain %s/one.pem; key %s/one.key }\n"
             "certificate two { chain %s/two.pem; key %s/two.key }\n"
             "listen sub { service submission; address *:587; client_certificate asked;\n"
             "  client_ca %s/ca.pem }\n",
             place_root, place_root, place_root, place_root, place_root);
    config = parse(text);
    return 0;
}

static int end(void **state)
{
    arena_done(&arena);
    config_unref(config);
    return place_remove(state);
}

static void put(const char *name, const struct test_identity *identity)
{
    char file[32];

    snprintf(file, sizeof(file), "%s.pem", name);
    place_write_slice(file, identity->chain_pem, 0644);
    snprintf(file, sizeof(file), "%s.key", name);
    place_write_slice(file, identity->key_pem, 0600);
}

static struct material gather_at(uint64_t now_ms, const struct tls_material *old,
                                 const char *own_path)
{
    struct material material;

    material_gather(
        &(struct material_request){
            .config = config, .own_path = own_path, .old = old, .now_ms = now_ms},
        &arena, &material);
    return material;
}

static struct material gather(const struct tls_material *old, const char *own_path)
{
    return gather_at(clock_wall_ms(), old, own_path);
}

static void assert_problem(const struct certificate_fact *fact, bool in_force, const char *want)
{
    assert_int_equal(fact->in_force, in_force);
    if (!strstr(arena_cstr(&arena, fact->problem), want))
        fail_msg("got '%.*s', want '%s'", SLICE_ARG(fact->problem), want);
}

static void assert_chain(const struct tls_pair *pair, const struct test_identity *identity)
{
    assert_true(slice_eq(pair->chain, identity->chain_pem));
    assert_true(slice_eq(pair->key, identity->key_pem));
}

static void test_good_files_are_all_taken(void **state)
{
    struct material material;

    (void)state;
    put("one", &first);
    put("two", &second);
    put("ca", &ca);
    material = gather(NULL, place_path("own.pem"));
    assert_int_equal(material.tls.n_pairs, 2);
    assert_chain(&material.tls.pairs[0], &first);
    assert_true(slice_eq(material.tls.pairs[1].name, SLICE("two")));
    assert_true(slice_eq(material.tls.pairs[1].hosts[0], SLICE("two.example.org")));
    assert_int_equal(material.tls.n_client_cas, 1);
    assert_true(slice_eq(material.tls.client_cas[0].cas, ca.chain_pem));
    assert_int_equal(material.facts.count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(material.facts.list[i].in_force && !material.facts.list[i].problem.len);
    assert_int_equal(access(place_path("own.pem"), F_OK), -1); /* not needed, not made */
}

static void test_at_a_start_what_is_no_good_is_told(void **state)
{
    struct problem_list problems;
    struct material material;

    (void)state;
    put("one", &first);
    place_write_slice("one.key", second.key_pem, 0600);
    put("ca", &ca);
    place_write("ca.pem", "not a certificate");
    material = gather(NULL, NULL);
    assert_int_equal(material.tls.n_pairs, 0);
    assert_int_equal(material.tls.n_client_cas, 0);
    problem_list_init(&problems);
    assert_true(certificate_facts_tell_problems(&material.facts, &problems) < 0);
    assert_int_equal(problems.count, 3);
    assert_int_equal(problems.first->line, 2);
    assert_non_null(strstr(arena_cstr(&arena, problem_line(&problems, problems.first)),
                           "test.conf:2: certificate one: the key does not belong"));
    assert_non_null(strstr(arena_cstr(&arena, problems.first->next->text), "No such file"));
    assert_int_equal(problems.last->line, 4);
    problem_list_done(&problems);
}

static void test_what_was_in_force_stays(void **state)
{
    struct material old, material;
    struct problem_list none;

    (void)state;
    put("one", &first);
    put("two", &second);
    put("ca", &ca);
    old = gather(NULL, NULL);
    place_write_slice("one.key", second.key_pem, 0600);
    place_write("two.pem", "half a cer");
    assert_int_equal(unlink(place_path("ca.pem")), 0);
    material = gather(&old.tls, NULL);
    assert_problem(&material.facts.list[0], true, "the key does not belong");
    assert_problem(&material.facts.list[1], true, "there is no certificate");
    assert_problem(&material.facts.list[2], true, "No such file");
    assert_chain(&material.tls.pairs[0], &first);
    assert_chain(&material.tls.pairs[1], &second);
    assert_true(slice_eq(material.facts.list[0].pair.hosts[0], SLICE("mx.example.org")));
    assert_true(slice_eq(material.tls.client_cas[0].cas, ca.chain_pem));
    problem_list_init(&none);
    assert_int_equal(certificate_facts_tell_problems(&material.facts, &none), 0);
    problem_list_done(&none);
    put("one", &second); /* put right */
    material = gather(&material.tls, NULL);
    assert_problem(&material.facts.list[0], true, "");
    assert_chain(&material.tls.pairs[0], &second);
}

static void test_one_that_is_over(void **state)
{
    struct material old, material;

    (void)state;
    put("one", &over);
    put("two", &second);
    put("ca", &ca);
    material = gather(NULL, NULL);
    assert_chain(&material.tls.pairs[0], &over); /* better than none */
    put("one", &first);
    old = gather(NULL, NULL);
    put("one", &over);
    material = gather(&old.tls, NULL);
    assert_problem(&material.facts.list[0], true, "its time is over already");
    assert_chain(&material.tls.pairs[0], &first);
}

static void test_one_that_comes_too_early_waits_for_its_time(void **state)
{
    struct material old, material;
    uint64_t begin;

    (void)state;
    put("one", &first);
    old = gather(NULL, NULL);
    assert_int_equal(old.facts.list[0].waits_until, 0);
    put("one", &early);
    material = gather(&old.tls, NULL);
    assert_problem(&material.facts.list[0], true, "its time has not come yet");
    assert_chain(&material.tls.pairs[0], &first);
    begin = material.facts.list[0].waits_until;
    assert_true(begin > clock_wall_ms());
    material = gather_at(begin, &material.tls, NULL);
    assert_problem(&material.facts.list[0], true, "");
    assert_int_equal(material.facts.list[0].waits_until, 0);
    assert_chain(&material.tls.pairs[0], &early);
}

static void test_a_key_that_all_may_read_is_warned_of(void **state)
{
    struct material material;

    (void)state;
    put("one", &first);
    place_write_slice("one.key", first.key_pem, 0644);
    material = gather(NULL, NULL);
    assert_true(material.facts.list[0].in_force);
    assert_non_null(strstr(arena_cstr(&arena, material.facts.list[0].warning), "chmod o-r"));
}

static void use_config(const char *text)
{
    config_unref(config);
    config = parse(text);
}

static void test_our_own_is_made_once_for_each_name(void **state)
{
    struct material material, again;

    (void)state;
    use_config("hostname mx.example.org\n");
    material = gather(NULL, NULL);
    assert_int_equal(material.facts.count, 0);
    material = gather(NULL, place_path("own.pem"));
    assert_int_equal(material.tls.n_pairs, 1);
    assert_true(slice_eq(material.tls.pairs[0].name, SLICE("self-signed")));
    assert_true(slice_eq(material.tls.pairs[0].hosts[0], SLICE("mx.example.org")));
    assert_null(
        memmem(material.tls.pairs[0].chain.ptr, material.tls.pairs[0].chain.len, "PRIVATE", 7));
    again = gather(NULL, place_path("own.pem"));
    assert_true(slice_eq(again.tls.pairs[0].key, material.tls.pairs[0].key));
    use_config("hostname mx2.example.org\n");
    again = gather(&material.tls, place_path("own.pem"));
    assert_false(slice_eq(again.tls.pairs[0].key, material.tls.pairs[0].key));
    assert_true(slice_eq(again.tls.pairs[0].hosts[0], SLICE("mx2.example.org")));
    place_write("own.pem", "damaged");
    again = gather(NULL, place_path("own.pem"));
    assert_int_equal(again.tls.n_pairs, 1);
    again = gather(NULL, "/there/is/no/folder");
    assert_problem(&again.facts.list[0], false, "it cannot be made: No such file");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good_files_are_all_taken),
        TEST(test_at_a_start_what_is_no_good_is_told),
        TEST(test_what_was_in_force_stays),
        TEST(test_one_that_is_over),
        TEST(test_one_that_comes_too_early_waits_for_its_time),
        TEST(test_a_key_that_all_may_read_is_warned_of),
        TEST(test_our_own_is_made_once_for_each_name),
    };
    return cmocka_run_group_tests(tests, make_identities, free_identities);
}
