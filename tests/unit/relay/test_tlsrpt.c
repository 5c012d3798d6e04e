/*
 * Counting and sending with a fake DNS, a fake web and a fake queue. The wall clock is the test's;
 * the thread of tlsrpt.c does its first round at once and the last one when it is freed, so a test
 * counts, frees, makes a new one, and sees what the file was good for.
 */
#include "relay/tlsrpt.h"

#include "../cmocka_all.h"
#include "base/buf.h"
#include "base/clock.h"
#include "relay/tlsrpt_day.h"
#include "trust/inflate.h"
#include "trust/tlsrpt_mail.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { DAY = 20000 }; /* 2024-10-04 */

struct world {
    struct tlsrpt *tlsrpt;
    char folder[64];
    int folder_fd;
    pthread_mutex_t lock;
    pthread_cond_t event;
    unsigned lookups, mails, posts, rounds;
    enum dns_result dns;
    const char *record;
    bool queue_takes;
    long status;
    char to[256], url[256];
    struct buf text; /* of the last mail or post */
};

static struct world *world;

int __wrap_dns_lookup(struct dns *dns, struct slice name, enum dns_type type, uint64_t deadline,
                      struct arena *arena, struct dns_answer *ret_answer);
int __wrap_dns_lookup(struct dns *dns, struct slice name, enum dns_type type, uint64_t deadline,
                      struct arena *arena, struct dns_answer *ret_answer)
{
    (void)dns;
    (void)deadline;
    assert_int_equal(type, DNS_TXT);
    assert_true(slice_eq(slice_sub(name, 0, 11), SLICE("_smtp._tls.")));
    pthread_mutex_lock(&world->lock);
    *ret_answer = (struct dns_answer){.result = world->dns};
    if (world->dns == DNS_FOUND) {
        ret_answer->records = arena_alloc(arena, sizeof(struct slice));
        ret_answer->records[0] = slice_from_cstr(world->record);
        ret_answer->n_records = 1;
    }
    world->lookups++;
    pthread_cond_broadcast(&world->event);
    pthread_mutex_unlock(&world->lock);
    return (int)ret_answer->result;
}

bool __wrap_dns_read_txt(struct slice rdata, struct arena *arena, struct slice *ret_text);
bool __wrap_dns_read_txt(struct slice rdata, struct arena *arena, struct slice *ret_text)
{
    (void)arena;
    *ret_text = rdata;
    return true;
}

static void take_text(struct slice text)
{
    buf_reset(&world->text);
    buf_add_slice(&world->text, text);
    pthread_cond_broadcast(&world->event);
}

void __wrap_https_ask(struct https *https, const struct https_request *request,
                      https_answered *answered, void *arg);
void __wrap_https_ask(struct https *https, const struct https_request *request,
                      https_answered *answered, void *arg)
{
    struct https_answer answer = {.why = ""};

    (void)https;
    assert_string_equal(request->type, "application/tlsrpt+gzip");
    pthread_mutex_lock(&world->lock);
    answer.status = world->status;
    snprintf(world->url, sizeof(world->url), "%.*s", SLICE_ARG(request->url));
    world->posts++;
    take_text(request->body);
    pthread_mutex_unlock(&world->lock);
    answered(arg, &answer);
}

static bool send_mail(void *arg, struct slice from, struct slice to, struct slice text)
{
    (void)arg;
    assert_true(slice_eq(from, SLICE("postmaster@us.example")));
    pthread_mutex_lock(&world->lock);
    snprintf(world->to, sizeof(world->to), "%.*s", SLICE_ARG(to));
    world->mails++;
    take_text(text);
    pthread_mutex_unlock(&world->lock);
    return world->queue_takes;
}

static void set_day(int64_t day, int64_t hour)
{
    clock_fake((uint64_t)(day * 86400 + hour * 3600) * 1000, 1000);
}

static void open_tlsrpt(bool send)
{
    const struct tlsrpt_settings settings = {.folder = world->folder_fd, .send_mail = send_mail};
    const struct tlsrpt_identity identity = {.send = send,
                                             .hostname = SLICE("us.example"),
                                             .contact = SLICE("tls@us.example"),
                                             .from = SLICE("postmaster@us.example")};

    world->tlsrpt = tlsrpt_new(&settings);
    tlsrpt_set_identity(world->tlsrpt, &identity);
}

int __real_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *until);
/* The thread has done a round, and waits for the next one. */
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock,
                                  const struct timespec *until)
{
    pthread_mutex_lock(&world->lock);
    world->rounds++;
    pthread_cond_broadcast(&world->event);
    pthread_mutex_unlock(&world->lock);
    return __real_pthread_cond_timedwait(cond, lock, until);
}

/* At least one round: everything that is due is tried. */
static void run_once(void)
{
    pthread_mutex_lock(&world->lock);
    world->rounds = 0;
    assert_int_equal(tlsrpt_start(world->tlsrpt), 0);
    while (world->rounds == 0)
        pthread_cond_wait(&world->event, &world->lock);
    pthread_mutex_unlock(&world->lock);
    tlsrpt_free(world->tlsrpt);
    open_tlsrpt(true);
}

static void note(const char *domain, const char *result)
{
    const struct tlsrpt_session session = {
        .domain = slice_from_cstr(domain),
        .type = TLSRPT_STS,
        .policy = SLICE("version: STSv1\r\nmode: enforce\r\nmx: *.them.example\r\n\r\n"),
        .mx = SLICE("mx.them.example"),
        .sending_ip = SLICE("192.0.2.1"),
        .receiving_ip = SLICE("192.0.2.2"),
        .result = result,
        .why = result ? SLICE("expired yesterday") : SLICE("")};

    tlsrpt_note(world->tlsrpt, &session);
}

static bool has_file(const char *name)
{
    return faccessat(world->folder_fd, name, F_OK, 0) == 0;
}

static int setup(void **state)
{
    world = *state = xcalloc(1, sizeof(*world));
    pthread_mutex_init(&world->lock, NULL);
    pthread_cond_init(&world->event, NULL);
    buf_init(&world->text, 1 << 20);
    world->dns = DNS_FOUND;
    world->record = "v=TLSRPTv1; rua=mailto:tls@them.example";
    world->queue_takes = true;
    world->status = 200;
    set_day(DAY, 12);
    snprintf(world->folder, sizeof(world->folder), "/tmp/nuncio-tlsrpt-XXXXXX");
    if (!mkdtemp(world->folder))
        return -1;
    world->folder_fd = open(world->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    open_tlsrpt(true);
    return 0;
}

static int teardown(void **state)
{
    DIR *dir = opendir(world->folder);
    struct dirent *entry;

    tlsrpt_free(world->tlsrpt);
    while ((entry = readdir(dir)))
        (void)unlinkat(world->folder_fd, entry->d_name, 0);
    closedir(dir);
    rmdir(world->folder);
    close(world->folder_fd);
    buf_done(&world->text);
    clock_unfake();
    free(*state);
    return 0;
}

static void read_report(struct slice mail, struct arena *arena, struct tlsrpt_report *ret_report)
{
    struct buf json;

    buf_init(&json, 1 << 20);
    assert_null(tlsrpt_mail_read(mail, arena, &json));
    assert_null(tlsrpt_report_read(buf_slice(&json), arena, ret_report));
    buf_done(&json);
}

static void test_a_day_becomes_one_report_by_mail(void **state)
{
    struct tlsrpt_report report;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    note("them.example", NULL);
    note("Them.Example", NULL);
    run_once(); /* a restart in the middle of the day */
    assert_true(has_file("2024-10-04"));
    note("them.example", "certificate-expired");
    note("them.example", "certificate-expired");
    note("them.example", "starttls-not-supported");
    run_once();
    assert_int_equal(world->lookups, 0);
    set_day(DAY + 1, 5);
    run_once();
    assert_int_equal(world->mails, 1);
    assert_string_equal(world->to, "tls@them.example");
    read_report(buf_slice(&world->text), &arena, &report);
    assert_true(slice_eq(report.organization, SLICE("us.example")));
    assert_true(slice_eq(report.contact, SLICE("tls@us.example")));
    assert_true(slice_eq(report.id, SLICE("2024-10-04.them.example@us.example")));
    assert_true(report.start == (int64_t)DAY * 86400 && report.end == report.start + 86399);
    assert_int_equal(report.n_policies, 1);
    assert_int_equal(report.policies[0].successful, 2);
    assert_int_equal(report.policies[0].failed, 3);
    assert_int_equal(report.policies[0].n_strings, 3);
    assert_true(slice_eq(report.policies[0].mx_hosts[0], SLICE("*.them.example")));
    assert_int_equal(report.policies[0].n_failures, 2);
    assert_int_equal(report.policies[0].failures[0].count, 2);
    assert_true(slice_eq(report.policies[0].failures[0].reason, SLICE("expired yesterday")));
    assert_false(has_file("2024-10-04"));
    run_once();
    assert_int_equal(world->mails, 1);
    arena_done(&arena);
}

static void test_reports_go_by_https(void **state)
{
    struct tlsrpt_report report;
    struct arena arena;
    struct buf json;

    (void)state;
    arena_init(&arena);
    buf_init(&json, 1 << 20);
    world->record = "v=TLSRPTv1; rua=https://them.example/tls";
    note("them.example", NULL);
    set_day(DAY + 1, 5);
    run_once();
    assert_int_equal(world->posts, 1);
    assert_string_equal(world->url, "https://them.example/tls");
    assert_true(inflate_bounded(&json, buf_slice(&world->text), INFLATE_GZIP));
    assert_null(tlsrpt_report_read(buf_slice(&json), &arena, &report));
    assert_int_equal(report.policies[0].successful, 1);
    assert_false(has_file("2024-10-04"));
    buf_done(&json);
    arena_done(&arena);
}

static void test_nobody_is_told_who_did_not_ask(void **state)
{
    (void)state;
    world->dns = DNS_NO_NAME;
    note("them.example", NULL);
    set_day(DAY + 1, 5);
    run_once();
    assert_int_equal(world->lookups, 1);
    assert_int_equal(world->mails, 0);
    assert_false(has_file("2024-10-04"));
}

static void test_failures_are_tried_again_for_two_days(void **state)
{
    (void)state;
    world->queue_takes = false;
    note("them.example", NULL);
    set_day(DAY + 1, 5);
    run_once();
    assert_int_equal(world->mails, 1);
    assert_true(has_file("2024-10-04"));
    world->dns = DNS_FAILED;
    set_day(DAY + 2, 5);
    run_once();
    assert_int_equal(world->lookups, 2);
    assert_true(has_file("2024-10-04"));
    set_day(DAY + 3, 5);
    run_once();
    assert_int_equal(world->lookups, 3);
    assert_false(has_file("2024-10-04"));
}

static void test_reports_are_spread_over_four_hours(void **state)
{
    unsigned early;

    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        char domain[32];
        snprintf(domain, sizeof(domain), "d%u.example", i);
        note(domain, NULL);
    }
    set_day(DAY + 1, 1);
    run_once();
    early = world->mails;
    assert_true(early > 2 && early < 40);
    set_day(DAY + 1, 4);
    run_once();
    assert_int_equal(world->mails, 60);
}

static void test_off_means_nothing_is_kept(void **state)
{
    (void)state;
    note("them.example", NULL);
    run_once();
    assert_true(has_file("2024-10-04"));
    tlsrpt_free(world->tlsrpt);
    open_tlsrpt(false);
    note("them.example", NULL);
    run_once();
    assert_false(has_file("2024-10-04"));
}

static void test_damage_costs_its_line_alone(void **state)
{
    int fd;

    (void)state;
    note("a.example", NULL);
    note("b.example", NULL);
    run_once();
    fd = openat(world->folder_fd, "2024-10-04", O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 0), 1);
    close(fd);
    fd = openat(world->folder_fd, "rubbish", O_WRONLY | O_CREAT, 0600);
    close(fd);
    set_day(DAY + 1, 5);
    run_once();
    assert_int_equal(world->mails, 1);
    assert_false(has_file("rubbish"));
}

static void test_memory_is_bounded(void **state)
{
    struct tlsrpt_day *day = tlsrpt_day_new(DAY);
    struct tlsrpt_session session = {.result = "validation-failure", .domain = SLICE("a.example")};
    char text[64];

    (void)state;
    for (unsigned i = 0; i < TLSRPT_DETAILS_OF_ONE_MAX + 10; i++) {
        snprintf(text, sizeof(text), "mx%u", i);
        session.mx = slice_from_cstr(text);
        tlsrpt_day_note(day, &session);
    }
    assert_int_equal(day->n_details, TLSRPT_DETAILS_OF_ONE_MAX);
    assert_int_equal(day->rows->failed, TLSRPT_DETAILS_OF_ONE_MAX + 10);
    session.result = NULL;
    for (unsigned i = 0; i < TLSRPT_POLICIES_MAX + 10; i++) {
        snprintf(text, sizeof(text), "d%u.example", i);
        session.domain = slice_from_cstr(text);
        tlsrpt_day_note(day, &session);
    }
    assert_int_equal(HASH_COUNT(day->rows), TLSRPT_POLICIES_MAX);
    assert_int_equal(day->dropped, 11);
    tlsrpt_day_free(day);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_day_becomes_one_report_by_mail),
        TEST(test_reports_go_by_https),
        TEST(test_nobody_is_told_who_did_not_ask),
        TEST(test_failures_are_tried_again_for_two_days),
        TEST(test_reports_are_spread_over_four_hours),
        TEST(test_off_means_nothing_is_kept),
        TEST(test_damage_costs_its_line_alone),
        TEST(test_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
