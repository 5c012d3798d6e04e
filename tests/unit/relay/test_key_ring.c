/*
 * The ring of keys over a resolver that answers from a script which the test changes. Time is the
 * test's; what keys is told is caught.
 */
#include "relay/key_ring.h"

#include "../cmocka_all.h"
#include "base/clock.h"
#include "dns/dns_fake.h"

#include <errno.h>
#include <string.h>

#define RECORD_A "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RECORD_B "v=DKIM1; k=ed25519; p=PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
#define RSA                                                                                        \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/"                \
    "zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/"               \
    "NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
#define RECORD_RSA "v=DKIM1; k=rsa; p=" RSA

enum { HOUR_MS = 3600 * 1000, MINUTE_MS = 60 * 1000 };

static struct dns_fake_entry script[8];
static uint64_t now_ms;
static struct key_ring *ring;
static struct loop *loop;
static struct role_context role;
static struct dns *dns;
static struct config *config;

static char told[256]; /* " selector+" for each that was seen, " selector-" */
static int told_result;
static unsigned n_asked;

int __wrap_role_send(struct role_context *context, enum role to, uint16_t type,
                     struct slice payload, const int *fds, unsigned n_fds);
int __wrap_role_send(struct role_context *context, enum role to, uint16_t type,
                     struct slice payload, const int *fds, unsigned n_fds)
{
    struct msg_key_seen seen;
    size_t len = strlen(told);

    (void)context;
    (void)fds;
    (void)n_fds;
    assert_int_equal(to, ROLE_KEYS);
    assert_int_equal(type, MSG_KEY_SEEN);
    assert_int_equal(msg_key_seen_decode(payload, NULL, &seen), 0);
    if (told_result == 0)
        snprintf(told + len, sizeof(told) - len, " %.*s%c", SLICE_ARG(seen.selector),
                 seen.seen ? '+' : '-');
    return told_result;
}

void __real_dns_ask(struct dns *resolver, struct slice name, enum dns_type type, uint64_t deadline,
                    dns_answered *answered, void *arg);
void __wrap_dns_ask(struct dns *resolver, struct slice name, enum dns_type type, uint64_t deadline,
                    dns_answered *answered, void *arg);
void __wrap_dns_ask(struct dns *resolver, struct slice name, enum dns_type type, uint64_t deadline,
                    dns_answered *answered, void *arg)
{
    n_asked++;
    __real_dns_ask(resolver, name, type, deadline, answered, arg);
}

static struct config *make_config(void)
{
    static const char text[] = "hostname mx.example\n"
                               "domain example.org { deliver maildir }\n"
                               "domain silent.org { deliver maildir; dkim no }\n";
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *made = NULL;

    problem_list_init(&problems);
    config_bundle_from_text(SLICE("test"), slice_from_cstr(text), &bundle);
    assert_int_equal(config_parse(&bundle, &made, &problems), 0);
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    return made;
}

static int set_up(void **state)
{
    (void)state;
    now_ms = 1000;
    clock_fake(1795341600000, now_ms);
    memset(script, 0, sizeof(script));
    for (size_t i = 0; i < 8; i++)
        script[i] = (struct dns_fake_entry){.name = "unused.example", .result = DNS_NO_NAME};
    told[0] = '\0';
    told_result = 0;
    n_asked = 0;
    loop = loop_new();
    role = (struct role_context){.self = ROLE_RELAY, .loop = loop};
    dns = dns_fake_new(script, 8);
    ring = key_ring_new(&role, dns);
    config = make_config();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dns_free(dns);
    key_ring_free(ring);
    loop_free(loop);
    config_unref(config);
    clock_unfake();
    return 0;
}

static void stop_loop(void *arg)
{
    loop_stop(arg);
}

/* Time goes by, and what is due then is done. */
static void pass(uint64_t ms)
{
    struct loop_timer *timer = loop_timer(loop, stop_loop, loop);

    now_ms += ms;
    clock_fake(1795341600000 + now_ms, now_ms);
    loop_timer_arm(timer, now_ms);
    assert_int_equal(loop_run(loop), 0);
    loop_timer_free(timer);
    key_ring_run(ring);
    key_ring_run(ring);
}

static int take_part(struct msg_key *keys, uint32_t n, bool begins, bool ends)
{
    const struct msg_keys message = {begins, ends, keys, n};
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_keys_encode(&out, &message);
    r = key_ring_take(ring, buf_slice(&out));
    buf_done(&out);
    return r;
}

static void take(struct msg_key *keys, uint32_t n)
{
    assert_int_equal(take_part(keys, n, true, true), 0);
    key_ring_run(ring);
    key_ring_run(ring);
}

static struct msg_key key(const char *domain, const char *selector, const char *record,
                          uint64_t made_s, bool seen)
{
    return (struct msg_key){.domain = slice_from_cstr(domain),
                            .selector = slice_from_cstr(selector),
                            .record = slice_from_cstr(record),
                            .made_s = made_s,
                            .seen = seen};
}

/* "rsa:selector/domain ed:selector/domain" */
static void assert_chosen(const char *author, const char *expected)
{
    struct key_choice choices[KEY_CHOICES_MAX];
    char text[1200] = "";
    unsigned n = key_ring_choose(ring, config, slice_from_cstr(author), choices);

    for (unsigned i = 0; i < n; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof(text) - len, "%s%s:%s/%s", i ? " " : "",
                 choices[i].kind == DKIM_KEY_RSA ? "rsa" : "ed", choices[i].selector,
                 choices[i].domain);
    }
    assert_string_equal(text, expected);
}

static void publish(unsigned i, const char *name, const char *data)
{
    script[i] = (struct dns_fake_entry){.name = name, .type = DNS_TXT, .data = data};
}

static void test_a_key_is_used_once_it_is_in_the_dns(void **state)
{
    struct msg_key keys[] = {key("example.org", "s1", RECORD_A, 1, false)};

    (void)state;
    take(keys, 1);
    assert_chosen("joe@example.org", "");
    assert_string_equal(told, "");
    publish(0, "s1._domainkey.example.org", "v=DKIM1; p=; k=ed25519");
    pass(2 * MINUTE_MS);
    assert_chosen("joe@example.org", "");
    publish(0, "s1._domainkey.example.org", RECORD_B);
    pass(2 * MINUTE_MS);
    assert_chosen("joe@example.org", "");
    publish(0, "s1._domainkey.example.org", RECORD_A);
    pass(2 * MINUTE_MS);
    assert_chosen("joe@example.org", "ed:s1/example.org");
    assert_string_equal(told, " s1+");
    assert_int_equal(key_ring_numbers(ring).seen, 1);
}

static void test_a_key_that_is_gone_is_used_no_more(void **state)
{
    struct msg_key keys[] = {key("example.org", "s1", RECORD_A, 1, true)};

    (void)state;
    publish(0, "s1._domainkey.example.org", RECORD_A);
    take(keys, 1);
    assert_chosen("joe@example.org", "ed:s1/example.org"); /* as keys knows it */
    script[0].name = "elsewhere.example";
    pass(HOUR_MS / 2);
    assert_chosen("joe@example.org", "ed:s1/example.org"); /* it is not asked for all the time */
    pass(HOUR_MS);
    assert_chosen("joe@example.org", "");
    assert_string_equal(told, " s1-");
}

static void test_it_looks_at_once_when_it_is_told_to(void **state)
{
    struct msg_key keys[] = {key("example.org", "s1", RECORD_A, 1, false)};

    (void)state;
    take(keys, 1);
    publish(0, "s1._domainkey.example.org", RECORD_A);
    key_ring_look(ring);
    key_ring_run(ring);
    assert_chosen("joe@example.org", "ed:s1/example.org");
}

static void test_a_dns_that_fails_changes_nothing(void **state)
{
    struct msg_key keys[] = {key("example.org", "s1", RECORD_A, 1, true),
                             key("example.org", "s2", RECORD_B, 2, false)};

    (void)state;
    script[0] = (struct dns_fake_entry){.name = "s1._domainkey.example.org", .result = DNS_FAILED};
    script[1] = (struct dns_fake_entry){.name = "s2._domainkey.example.org", .result = DNS_FAILED};
    take(keys, 2);
    for (unsigned i = 0; i < 5; i++)
        pass(HOUR_MS);
    assert_chosen("joe@example.org", "ed:s1/example.org");
    assert_string_equal(told, "");
}

static void test_the_newest_that_is_seen_signs_and_both_kinds_do(void **state)
{
    struct msg_key keys[] = {key("example.org", "e1", RECORD_A, 1, true),
                             key("example.org", "e2", RECORD_B, 2, true),
                             key("example.org", "e3", RECORD_B, 3, false),
                             key("example.org", "r1", RECORD_RSA, 1, true)};

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        script[i] = (struct dns_fake_entry){.name = "s._domainkey.example.org"};
    publish(0, "e1._domainkey.example.org", RECORD_A);
    publish(1, "e2._domainkey.example.org", RECORD_B);
    publish(2, "r1._domainkey.example.org", RECORD_RSA);
    take(keys, 4);
    assert_chosen("joe@example.org", "rsa:r1/example.org ed:e2/example.org");
    keys[1].retired = true;
    take(keys, 4);
    assert_chosen("joe@example.org", "rsa:r1/example.org ed:e1/example.org");
    keys[0].retired = true; /* a retired one is better than none */
    take(keys, 4);
    assert_chosen("joe@example.org", "rsa:r1/example.org ed:e2/example.org");
}

static void test_whose_mail_it_is(void **state)
{
    static const struct {
        const char *author, *expected;
    } cases[] = {
        {"joe@example.org", "ed:all/example.org"},
        {"JOE@Example.ORG", "ed:all/example.org"},
        {"billing@example.org", "rsa:bill/example.org"},
        {"\"billing\"@EXAMPLE.org", "rsa:bill/example.org"},
        {"joe@deep.sub.example.org", "ed:sub/sub.example.org"},
        {"joe@other.example.org", "ed:all/example.org"},
        {"joe@notexample.org", ""},
        {"joe@org", ""},
        {"joe@silent.org", ""},
        {"joe@below.silent.org", ""},
        {"joe@b\xc3\xbc"
         "cher.example",
         "ed:idn/xn--bcher-kva.example"},
        {"", ""},
        {"joe", ""},
        {"@", ""},
    };
    struct msg_key keys[] = {key("example.org", "all", RECORD_A, 1, true),
                             key("example.org", "bill", RECORD_RSA, 1, true),
                             key("silent.org", "s", RECORD_A, 1, true),
                             key("sub.example.org", "sub", RECORD_A, 1, true),
                             key("xn--bcher-kva.example", "idn", RECORD_A, 1, true)};

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        script[i] = (struct dns_fake_entry){.name = "unused.example"};
    keys[1].sender = SLICE("billing@example.org");
    script[0] = (struct dns_fake_entry){.name = "all._domainkey.example.org", .result = DNS_FAILED};
    script[1] =
        (struct dns_fake_entry){.name = "bill._domainkey.example.org", .result = DNS_FAILED};
    script[2] = (struct dns_fake_entry){.name = "s._domainkey.silent.org", .result = DNS_FAILED};
    script[3] =
        (struct dns_fake_entry){.name = "sub._domainkey.sub.example.org", .result = DNS_FAILED};
    script[4] = (struct dns_fake_entry){.name = "idn._domainkey.xn--bcher-kva.example",
                                        .result = DNS_FAILED};
    take(keys, 5);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_chosen(cases[i].author, cases[i].expected);
}

static void test_a_new_list_keeps_what_is_known_of_the_same_keys(void **state)
{
    struct msg_key keys[] = {key("example.org", "s1", RECORD_A, 1, false),
                             key("example.org", "s2", RECORD_B, 2, false)};

    (void)state;
    publish(0, "s1._domainkey.example.org", RECORD_A);
    take(keys, 1);
    assert_string_equal(told, " s1+");
    take(keys, 2); /* keys has not written it down yet, or has forgotten: it is told again */
    assert_chosen("joe@example.org", "ed:s1/example.org");
    assert_string_equal(told, " s1+ s1+");
    keys[0].record = SLICE(RECORD_B); /* another key by that name */
    take(keys, 1);
    assert_chosen("joe@example.org", "");
    take(keys, 0);
    assert_int_equal(key_ring_numbers(ring).keys, 0);
}

static void test_a_long_list_comes_in_parts(void **state)
{
    struct msg_key keys[] = {key("example.org", "s1", RECORD_A, 1, true),
                             key("example.org", "s2", RECORD_B, 2, true)};

    (void)state;
    script[0] = (struct dns_fake_entry){.name = "s1._domainkey.example.org", .result = DNS_FAILED};
    script[1] = (struct dns_fake_entry){.name = "s2._domainkey.example.org", .result = DNS_FAILED};
    take(keys, 1);
    assert_int_equal(take_part(keys, 1, true, false), 0);
    assert_int_equal(key_ring_numbers(ring).keys, 1);
    assert_int_equal(take_part(keys, 1, true, false), 0); /* it begins anew */
    assert_int_equal(take_part(keys + 1, 1, false, true), 0);
    assert_int_equal(key_ring_numbers(ring).keys, 2);
    keys[0].record = SLICE("v=DKIM1; p=?");
    assert_int_equal(take_part(keys, 1, true, true), -EBADMSG);
    assert_int_equal(key_ring_numbers(ring).keys, 2);
}

static void test_keys_without_room_is_told_later(void **state)
{
    struct msg_key keys[] = {key("example.org", "s1", RECORD_A, 1, false)};

    (void)state;
    publish(0, "s1._domainkey.example.org", RECORD_A);
    told_result = -EAGAIN;
    take(keys, 1);
    assert_chosen("joe@example.org", "ed:s1/example.org");
    told_result = 0;
    pass(1500);
    assert_string_equal(told, " s1+");
}

static void test_many_are_asked_for_a_few_at_a_time_and_all_are(void **state)
{
    struct msg_key keys[30];
    char selectors[30][8];

    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        snprintf(selectors[i], sizeof(selectors[i]), "s%u", i);
        keys[i] = key("example.org", selectors[i], RECORD_A, i, false);
    }
    assert_int_equal(take_part(keys, 30, true, true), 0);
    assert_int_equal(n_asked, 8);
    for (unsigned i = 0; i < 10; i++)
        key_ring_run(ring);
    assert_int_equal(n_asked, 30);
}

#define WITH_RING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RING(test_a_key_is_used_once_it_is_in_the_dns),
        WITH_RING(test_a_key_that_is_gone_is_used_no_more),
        WITH_RING(test_it_looks_at_once_when_it_is_told_to),
        WITH_RING(test_a_dns_that_fails_changes_nothing),
        WITH_RING(test_the_newest_that_is_seen_signs_and_both_kinds_do),
        WITH_RING(test_whose_mail_it_is),
        WITH_RING(test_a_new_list_keeps_what_is_known_of_the_same_keys),
        WITH_RING(test_a_long_list_comes_in_parts),
        WITH_RING(test_keys_without_room_is_told_later),
        WITH_RING(test_many_are_asked_for_a_few_at_a_time_and_all_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
