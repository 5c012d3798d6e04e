/*
 * The policy cache with a resolver and a web that the test plays: each question is kept until the
 * test answers it, so that every order of events can be had. Time is the test's, too.
 */
#include "relay/sts.h"

#include "../cmocka_all.h"
#include "base/buf.h"
#include "base/clock.h"
#include "relay/sts_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLICY(mode, mx, age)                                                                      \
    "version: STSv1\r\nmode: " mode "\r\nmx: " mx "\r\nmax_age: " age "\r\n"

enum { WALL_S = 1800000000, DAY = 86400 };

struct question {
    void (*dns)(void *arg, const struct dns_answer *answer);
    https_answered *https;
    void *arg;
    char name[300];
};

struct world {
    struct sts *sts;
    struct question open[16];
    unsigned n_open;
    unsigned n_dns, n_https;
    uint64_t now_s;
    char folder[64];
    int folder_fd;
    /* the last answer of sts_ask() */
    unsigned n_found;
    struct slice mx; /* that the policy is asked about */
    bool has_policy, allows;
    enum sts_mode mode;
    char failure[64], why[300];
    char reported[64]; /* by the failed() of the settings */
};

static struct world *world;

static struct question *open_question(struct slice name, void *arg)
{
    struct question *question = &world->open[world->n_open++];

    assert_true(world->n_open <= 16);
    memset(question, 0, sizeof(*question));
    question->arg = arg;
    snprintf(question->name, sizeof(question->name), "%.*s", SLICE_ARG(name));
    return question;
}

void __wrap_dns_ask(struct dns *dns, struct slice name, enum dns_type type, uint64_t deadline,
                    dns_answered *answered, void *arg);
void __wrap_dns_ask(struct dns *dns, struct slice name, enum dns_type type, uint64_t deadline,
                    dns_answered *answered, void *arg)
{
    (void)dns;
    assert_int_equal(type, DNS_TXT);
    assert_true(deadline > clock_mono_ms());
    open_question(name, arg)->dns = answered;
    world->n_dns++;
}

void __wrap_https_ask(struct https *https, const struct https_request *request,
                      https_answered *answered, void *arg);
void __wrap_https_ask(struct https *https, const struct https_request *request,
                      https_answered *answered, void *arg)
{
    (void)https;
    assert_int_equal(request->answer_max, STS_TEXT_MAX);
    assert_int_equal(request->patience_ms, STS_FETCH_MS);
    assert_null(request->body.ptr);
    open_question(request->url, arg)->https = answered;
    world->n_https++;
}

bool __wrap_dns_read_txt(struct slice rdata, struct arena *arena, struct slice *ret_text);
bool __wrap_dns_read_txt(struct slice rdata, struct arena *arena, struct slice *ret_text)
{
    (void)arena;
    *ret_text = rdata;
    return true;
}

/* The oldest open question, which must be this one. */
static struct question take_question(const char *name)
{
    struct question question = world->open[0];

    assert_int_not_equal(world->n_open, 0);
    assert_string_equal(question.name, name);
    memmove(&world->open[0], &world->open[1], --world->n_open * sizeof(question));
    return question;
}

static void answer_dns(const char *name, enum dns_result result, const char *text)
{
    struct question question = take_question(name);
    struct slice record = slice_from_cstr(text);
    const struct dns_answer answer = {
        .result = result, .records = &record, .n_records = text ? 1 : 0};

    assert_non_null(question.dns);
    question.dns(question.arg, &answer);
}

static void answer_https(const struct https_answer *answer)
{
    struct question question = take_question("https://mta-sts.example.org/.well-known/mta-sts.txt");

    assert_non_null(question.https);
    question.https(question.arg, answer);
}

static void answer_policy(const char *text)
{
    answer_https(&(struct https_answer){
        .status = 200, .type = SLICE("text/plain; charset=utf-8"), .body = slice_from_cstr(text)});
}

static void on_found(void *arg, const struct sts_answer *answer)
{
    (void)arg;
    world->n_found++;
    world->has_policy = answer->policy != NULL;
    world->allows = answer->policy && sts_policy_allows(answer->policy, world->mx);
    world->mode = answer->policy ? sts_policy_mode(answer->policy) : STS_NONE;
    snprintf(world->failure, sizeof(world->failure), "%s", answer->failure ? answer->failure : "");
    snprintf(world->why, sizeof(world->why), "%.*s", SLICE_ARG(answer->why));
    sts_policy_unref(answer->policy);
}

static void on_failed(void *arg, struct slice domain, const char *failure, const char *why)
{
    (void)arg;
    assert_true(slice_eq(domain, SLICE("example.org")));
    assert_true(strlen(why) > 0);
    snprintf(world->reported, sizeof(world->reported), "%s", failure);
}

static void ask(void)
{
    sts_ask(world->sts, SLICE("Example.ORG"), clock_mono_ms() + 5000, on_found, NULL);
}

static void pass(uint64_t seconds)
{
    world->now_s += seconds;
    clock_fake(world->now_s * 1000, world->now_s * 1000 - WALL_S * 900ULL);
}

static void open_sts(void)
{
    const struct sts_settings settings = {
        .folder = world->folder_fd, .port = 443, .failed = on_failed};

    world->sts = sts_new(&settings);
}

static void reopen_sts(void)
{
    sts_free(world->sts);
    open_sts();
}

/* A first policy that is in force, for a week. */
static void learn(const char *policy)
{
    ask();
    answer_dns("_mta-sts.example.org", DNS_FOUND, "v=STSv1; id=1;");
    answer_policy(policy);
    assert_int_equal(world->n_open, 0);
}

static int setup(void **state)
{
    world = *state = xcalloc(1, sizeof(*world));
    world->now_s = WALL_S;
    pass(0);
    world->mx = SLICE("mx.example.org");
    snprintf(world->folder, sizeof(world->folder), "/tmp/nuncio-sts-XXXXXX");
    if (!mkdtemp(world->folder))
        return -1;
    world->folder_fd = open(world->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    open_sts();
    return world->folder_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    DIR *dir = opendir(world->folder);
    struct dirent *entry;

    while ((entry = readdir(dir)))
        (void)unlinkat(world->folder_fd, entry->d_name, 0);
    closedir(dir);
    rmdir(world->folder);
    close(world->folder_fd);
    sts_free(world->sts);
    clock_unfake();
    free(*state);
    return 0;
}

static void test_a_policy_is_found_and_kept(void **state)
{
    (void)state;
    learn(POLICY("enforce", "mx.example.org", "604800"));
    assert_int_equal(world->n_found, 1);
    assert_true(world->has_policy && world->allows);
    assert_int_equal(world->mode, STS_ENFORCE);
    ask();
    assert_int_equal(world->n_found, 2);
    assert_int_equal(world->n_dns, 1);
    reopen_sts();
    world->mx = SLICE("evil.example");
    ask();
    assert_int_equal(world->n_found, 3);
    assert_true(world->has_policy && !world->allows);
    answer_dns("_mta-sts.example.org", DNS_FOUND, "v=STSv1; id=1;");
    assert_int_equal(world->n_https, 1);
}

static void test_those_who_ask_meanwhile_wait_for_one_answer(void **state)
{
    (void)state;
    ask();
    ask();
    answer_dns("_mta-sts.example.org", DNS_FOUND, "v=STSv1; id=1;");
    ask();
    assert_int_equal(world->n_found, 0);
    answer_policy(POLICY("testing", "*.example.org", "604800"));
    assert_int_equal(world->n_found, 3);
    assert_int_equal(world->n_dns, 1);
    assert_int_equal(world->n_https, 1);
    assert_int_equal(world->mode, STS_TESTING);
}

static void test_no_record_is_no_policy(void **state)
{
    static const struct {
        enum dns_result result;
        const char *text, *why;
    } cases[] = {
        {DNS_NO_NAME, NULL, "it has no MTA-STS record"},
        {DNS_NO_DATA, NULL, "it has no MTA-STS record"},
        {DNS_FOUND, "v=spf1 -all", "it has no MTA-STS record"},
        {DNS_FOUND, "v=STSv1;", "its MTA-STS record is malformed, or there is more than one"},
        {DNS_FAILED, NULL, "DNS could not tell whether it has an MTA-STS policy"},
        {DNS_TIMEOUT, NULL, "DNS could not tell whether it has an MTA-STS policy"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask();
        answer_dns("_mta-sts.example.org", cases[i].result, cases[i].text);
        assert_int_equal(world->n_found, i + 1);
        assert_false(world->has_policy);
        assert_string_equal(world->why, cases[i].why);
        assert_string_equal(world->failure, "");
    }
    assert_int_equal(world->n_https, 0);
    assert_int_equal(sts_numbers(world->sts).policies, 0);
}

static void test_failures_have_their_names_and_rest_for_a_while(void **state)
{
    static const struct {
        struct https_answer answer;
        const char *failure, *why;
    } cases[] = {
        {{.failure = HTTPS_UNTRUSTED, .why = "certificate has expired"},
         "sts-webpki-invalid",
         "its policy server's certificate: certificate has expired"},
        {{.failure = HTTPS_UNREACHABLE, .why = "refused"},
         "sts-policy-fetch-error",
         "its policy server: refused"},
        {{.failure = HTTPS_NO_NAME, .why = "the host has no address"},
         "sts-policy-fetch-error",
         "its policy server: the host has no address"},
        {{.failure = HTTPS_TOO_LARGE, .why = "x"},
         "sts-policy-invalid",
         "its policy is larger than 64 KiB"},
        {{.status = 404, .type = SLICE_INIT("text/plain")},
         "sts-policy-fetch-error",
         "its policy server answers 404"},
        {{.status = 301},
         "sts-policy-fetch-error",
         "its policy server answers 301, a redirect, which is not allowed"},
        {{.status = 200, .type = SLICE_INIT("text/html")},
         "sts-policy-invalid",
         "its policy is text/html, not text/plain"},
        {{.status = 200, .type = SLICE_INIT("text/plain"), .body = SLICE_INIT("hello")},
         "sts-policy-invalid",
         "its policy is malformed: a line in it has no colon"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask();
        answer_dns("_mta-sts.example.org", DNS_FOUND, "v=STSv1; id=1;");
        answer_https(&cases[i].answer);
        assert_false(world->has_policy);
        assert_string_equal(world->failure, cases[i].failure);
        assert_string_equal(world->why, cases[i].why);
        assert_string_equal(world->reported, cases[i].failure);
        ask(); /* nobody is asked again so soon, and the answer is the same */
        assert_int_equal(world->n_found, 2 * (i + 1));
        assert_string_equal(world->failure, cases[i].failure);
        assert_int_equal(world->n_open, 0);
        assert_int_equal(world->n_https, i + 1);
        pass(STS_RETRY_MS / 1000 + 1);
    }
}

static void test_a_good_policy_outlives_every_failure(void **state)
{
    (void)state;
    learn(POLICY("enforce", "mx.example.org", "604800"));
    pass(STS_CHECK_MS / 1000 + 1);
    ask();
    answer_dns("_mta-sts.example.org", DNS_NO_NAME, NULL);
    pass(STS_CHECK_MS / 1000 + 1);
    ask();
    answer_dns("_mta-sts.example.org", DNS_FOUND, "v=STSv1; id=2;");
    answer_https(&(struct https_answer){.failure = HTTPS_UNTRUSTED, .why = "x"});
    ask();
    assert_true(world->has_policy);
    assert_string_equal(world->failure, "");
    pass(7 * DAY);
    ask();
    answer_dns("_mta-sts.example.org", DNS_NO_NAME, NULL);
    assert_false(world->has_policy);
    assert_int_equal(world->n_found, 5);
}

static void test_a_new_id_brings_a_new_policy(void **state)
{
    (void)state;
    learn(POLICY("enforce", "mx.example.org", "604800"));
    pass(STS_CHECK_MS / 1000 + 1);
    ask();
    answer_dns("_mta-sts.example.org", DNS_FOUND, "v=STSv1; id=2;");
    answer_policy(POLICY("testing", "mx.example.org", "604800"));
    ask();
    assert_int_equal(world->mode, STS_TESTING);
    reopen_sts();
    ask();
    assert_int_equal(world->mode, STS_TESTING);
    answer_dns("_mta-sts.example.org", DNS_FOUND, "v=STSv1; id=2;");
    assert_int_equal(world->n_https, 2);
}

static void test_mode_none_takes_the_policy_away(void **state)
{
    (void)state;
    learn(POLICY("enforce", "mx.example.org", "604800"));
    pass(STS_CHECK_MS / 1000 + 1);
    ask();
    answer_dns("_mta-sts.example.org", DNS_FOUND, "v=STSv1; id=2;");
    answer_policy("version: STSv1\nmode: none\nmax_age: 86400\n");
    ask();
    assert_false(world->has_policy);
    assert_string_equal(world->why, "its MTA-STS policy has mode none");
    assert_string_equal(world->failure, "");
}

static void test_policies_are_renewed_ahead_of_time(void **state)
{
    (void)state;
    learn(POLICY("enforce", "mx.example.org", "604800"));
    pass(DAY / 2);
    sts_tick(world->sts);
    assert_int_equal(world->n_open, 0);
    pass(DAY / 2);
    sts_tick(world->sts);
    answer_dns("_mta-sts.example.org", DNS_FOUND, "v=STSv1; id=1;");
    answer_https(&(struct https_answer){.failure = HTTPS_UNREACHABLE, .why = "x"});
    sts_tick(world->sts);
    assert_int_equal(world->n_open, 0);
    pass(STS_RETRY_MS / 1000 + 1);
    sts_tick(world->sts);
    answer_dns("_mta-sts.example.org", DNS_FOUND, "v=STSv1; id=1;");
    answer_policy(POLICY("enforce", "mx.example.org", "604800"));
    pass(6 * DAY + DAY / 2); /* the first one would be over */
    reopen_sts();
    ask();
    assert_true(world->has_policy);
    answer_dns("_mta-sts.example.org", DNS_NO_NAME, NULL);
}

static void test_policies_of_those_we_never_write_to_expire(void **state)
{
    (void)state;
    learn(POLICY("enforce", "mx.example.org", "31557600"));
    pass((uint64_t)STS_UNUSED_DAYS * DAY + 1);
    sts_tick(world->sts);
    assert_int_equal(world->n_open, 0);
    assert_int_equal(sts_numbers(world->sts).policies, 1);
    pass(31557600);
    sts_tick(world->sts);
    assert_int_equal(sts_numbers(world->sts).policies, 0);
    assert_int_equal(faccessat(world->folder_fd, "example.org", F_OK, 0), -1);
}

/* A byte anywhere, or another name, makes the file worthless. */
static void test_damaged_files_are_not_read(void **state)
{
    char content[400];
    ssize_t len;
    int fd;

    (void)state;
    learn(POLICY("enforce", "mx.example.org", "604800"));
    fd = openat(world->folder_fd, "example.org", O_RDONLY);
    len = read(fd, content, sizeof(content));
    close(fd);
    for (ssize_t i = 0; i <= len; i++) {
        fd = openat(world->folder_fd, "example.org", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        content[i] = (char)(content[i] ^ 1);
        assert_int_equal(write(fd, content, (size_t)(i < len ? len : len - 1)),
                         i < len ? len : len - 1);
        content[i] = (char)(content[i] ^ 1);
        close(fd);
        reopen_sts();
        assert_int_equal(sts_numbers(world->sts).policies, 0);
        assert_int_equal(faccessat(world->folder_fd, "example.org", F_OK, 0), -1);
    }
    fd = openat(world->folder_fd, "example.net", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, content, (size_t)len), len);
    close(fd);
    reopen_sts();
    assert_int_equal(sts_numbers(world->sts).policies, 0);
}

static void test_names_that_are_no_host_names_ask_nobody(void **state)
{
    static const char *const names[] = {"",    ".",       "a..b",     "../x",
                                        "a/b", "[1.2.3]", "example.", ".a.org"};

    (void)state;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        sts_ask(world->sts, slice_from_cstr(names[i]), clock_mono_ms() + 1000, on_found, NULL);
        assert_int_equal(world->n_found, i + 1);
        assert_false(world->has_policy);
    }
    assert_int_equal(world->n_dns, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_policy_is_found_and_kept),
        TEST(test_those_who_ask_meanwhile_wait_for_one_answer),
        TEST(test_no_record_is_no_policy),
        TEST(test_failures_have_their_names_and_rest_for_a_while),
        TEST(test_a_good_policy_outlives_every_failure),
        TEST(test_a_new_id_brings_a_new_policy),
        TEST(test_mode_none_takes_the_policy_away),
        TEST(test_policies_are_renewed_ahead_of_time),
        TEST(test_policies_of_those_we_never_write_to_expire),
        TEST(test_damaged_files_are_not_read),
        TEST(test_names_that_are_no_host_names_ask_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
