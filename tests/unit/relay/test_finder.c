/*
 * Which servers take a domain's mail: each rule of RFC 5321 section 5.1 and its kin by a scripted
 * DNS, and that domains are asked for once, kept, forgotten, and bounded.
 */
#include "relay/finder.h"

#include "base/clock.h"
#include "dns/dns_fake.h"
#include "io/socket_address.h"
#include "relay/own_hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Not that of SMTP, where the addresses of the machine that runs the test would count. */
enum { PORT = 2525, PATIENCE_MS = 20000, MANY = 3000 };

static const struct dns_fake_entry names[] = {
    {.name = "one.test", .type = DNS_MX, .data = "10 mx.one.test"},
    {.name = "mx.one.test", .address = "192.0.2.1"},
    {.name = "vanity.test", .type = DNS_MX, .data = "10 mx.one.test"},
    {.name = "two.test", .type = DNS_MX, .data = "20 b.two.test", .ttl_s = 60},
    {.name = "two.test", .type = DNS_MX, .data = "10 a.two.test", .ttl_s = 60},
    {.name = "a.two.test", .address = "192.0.2.2"},
    {.name = "b.two.test", .address = "2001:db8::2"},
    {.name = "secure.test", .type = DNS_MX, .data = "10 mx.one.test", .security = DNS_SECURE},
    {.name = "null.test", .type = DNS_MX, .data = "0 ."},
    {.name = "bare.test", .address = "192.0.2.3"},
    {.name = "empty.test", .type = DNS_TXT, .data = "nothing else"},
    {.name = "alias.test", .type = DNS_CNAME, .data = "one.test"},
    {.name = "barealias.test", .type = DNS_CNAME, .data = "bare.test"},
    {.name = "nowhere.test", .type = DNS_MX, .data = "10 gone.test"},
    {.name = "nowhere.test", .type = DNS_MX, .data = "20 empty.test"},
    {.name = "partly.test", .type = DNS_MX, .data = "10 gone.test"},
    {.name = "partly.test", .type = DNS_MX, .data = "20 mx.one.test"},
    {.name = "toalias.test", .type = DNS_MX, .data = "10 mxalias.test"},
    {.name = "mxalias.test", .type = DNS_CNAME, .data = "mx.one.test"},
    {.name = "broken.test", .result = DNS_FAILED, .why = "SERVFAIL"},
    {.name = "bogus.test", .result = DNS_FAILED, .security = DNS_BOGUS, .why = "signature expired"},
    {.name = "halfbroken.test", .type = DNS_MX, .data = "10 broken.test"},
    {.name = "maybe.test", .type = DNS_MX, .data = "10 broken.test"},
    {.name = "maybe.test", .type = DNS_MX, .data = "20 mx.one.test"},
    {.name = "loop.test", .type = DNS_MX, .data = "10 us.example"},
    {.name = "loopaddress.test", .type = DNS_MX, .data = "10 disguise.test"},
    {.name = "disguise.test", .address = "192.0.2.99"},
    {.name = "backup.test", .type = DNS_MX, .data = "10 mx.one.test"},
    {.name = "backup.test", .type = DNS_MX, .data = "20 us.example"},
    {.name = "backup.test", .type = DNS_MX, .data = "30 a.two.test"},
    {.name = "helo.test", .type = DNS_MX, .data = "10 out.us.example"},
    {.name = "onlyv6.test", .type = DNS_MX, .data = "10 b.two.test"},
    {.name = "xn--bcher-kva.test", .type = DNS_MX, .data = "10 mx.one.test"},
    {.name = "slow.test", .type = DNS_MX, .data = "10 mx.one.test", .delay_ms = 200},
    {.name = "enforce.test", .type = DNS_MX, .data = "10 a.two.test"},
    {.name = "enforce.test", .type = DNS_MX, .data = "20 mx.one.test"},
    {.name = "enforce2.test", .type = DNS_MX, .data = "10 a.two.test"},
    {.name = "enforcesigned.test", .type = DNS_MX, .data = "10 a.two.test", .security = DNS_SECURE},
    {.name = "enforcesigned.test",
     .type = DNS_MX,
     .data = "20 mx.one.test",
     .security = DNS_SECURE},
    {.name = "testing.test", .type = DNS_MX, .data = "10 a.two.test"},
    {.name = "testing.test", .type = DNS_MX, .data = "20 mx.one.test"},
    {.name = "lasting.test", .type = DNS_MX, .data = "10 mx.one.test", .ttl_s = 3000},
    {.name = "late.test", .type = DNS_MX, .data = "10 mx.one.test", .delay_ms = 600},
};

struct place {
    struct config config;
    struct config_route routes[3];
    struct config_listener listener;
    struct config_endpoint endpoints[2];
    struct config_endpoint host;
    struct dns *dns;
    struct finder *finder;
    int wake;
};

static void wake(void *arg)
{
    (void)!write(((struct place *)arg)->wake, &(uint64_t){1}, sizeof(uint64_t));
}

static void place_open(struct place *place, const struct dns_fake_entry *script, size_t n)
{
    *place = (struct place){
        .routes =
            {{.name = SLICE("fixed"), .port = PORT, .ipv6 = true},
             {.name = SLICE("v4"), .mx = true, .port = PORT, .helo = SLICE("out.us.example")},
             {.name = SLICE("world"), .mx = true, .port = PORT, .ipv6 = true, .mta_sts = true}},
        .host = {.host = SLICE("fixed.example"), .port = 2525},
        .endpoints = {{.host = SLICE("192.0.2.99"), .port = PORT},
                      {.host = SLICE("127.0.0.1"), .port = PORT}}};
    place->routes[0].hosts = (struct config_endpoints){.list = &place->host, .count = 1};
    place->listener.addresses = (struct config_endpoints){.list = place->endpoints, .count = 2};
    place->config = (struct config){.references = 10,
                                    .hostname = SLICE("us.example"),
                                    .routes = place->routes,
                                    .n_routes = 3,
                                    .listeners = &place->listener,
                                    .n_listeners = 1};
    place->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    place->dns = dns_fake_new(script, n);
    place->finder =
        finder_new(place->dns, (struct sts *)place, (struct tlsrpt *)place, wake, place);
}

static void place_close(struct place *place)
{
    dns_stop(place->dns);
    dns_free(place->dns);
    finder_free(place->finder);
    assert_int_equal(place->config.references, 10);
    close(place->wake);
}

static void turn(struct place *place)
{
    struct pollfd ready = {.fd = place->wake, .events = POLLIN};
    uint64_t count;

    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    (void)!read(place->wake, &count, sizeof(count));
    finder_run(place->finder);
}

/* MTA-STS without its DNS and HTTPS, whose struct nobody looks into: domains called "enforce..."
 * allow mx.one.test alone. */
struct sts_policy {
    enum sts_mode mode;
};
static struct sts_policy enforced = {STS_ENFORCE}, tested = {STS_TESTING};

void __wrap_sts_ask(struct sts *sts, struct slice domain, uint64_t deadline, sts_found *found,
                    void *arg);
void __wrap_sts_ask(struct sts *sts, struct slice domain, uint64_t deadline, sts_found *found,
                    void *arg)
{
    struct sts_answer answer = {0};

    (void)sts;
    (void)deadline;
    if (slice_starts_with_nocase(domain, SLICE("enforce")))
        answer.policy = &enforced;
    else if (slice_starts_with_nocase(domain, SLICE("testing")))
        answer.policy = &tested;
    found(arg, &answer);
}

struct sts_policy *__wrap_sts_policy_ref(struct sts_policy *policy);
struct sts_policy *__wrap_sts_policy_ref(struct sts_policy *policy)
{
    return policy;
}

void __wrap_sts_policy_unref(struct sts_policy *policy);
void __wrap_sts_policy_unref(struct sts_policy *policy)
{
    (void)policy;
}

enum sts_mode __wrap_sts_policy_mode(const struct sts_policy *policy);
enum sts_mode __wrap_sts_policy_mode(const struct sts_policy *policy)
{
    return policy->mode;
}

bool __wrap_sts_policy_allows(const struct sts_policy *policy, struct slice mx);
bool __wrap_sts_policy_allows(const struct sts_policy *policy, struct slice mx)
{
    (void)policy;
    return slice_eq(mx, SLICE("mx.one.test"));
}

struct slice __wrap_sts_policy_text(const struct sts_policy *policy);
struct slice __wrap_sts_policy_text(const struct sts_policy *policy)
{
    assert_ptr_equal(policy, &enforced);
    return SLICE("mx: mx.one.test");
}

/* TLS reports: what was told last, and how often. */
static char reported[128];
static unsigned n_reported;

void __wrap_tlsrpt_note(struct tlsrpt *tlsrpt, const struct tlsrpt_session *session);
void __wrap_tlsrpt_note(struct tlsrpt *tlsrpt, const struct tlsrpt_session *session)
{
    assert_non_null(tlsrpt);
    assert_int_equal(session->type, TLSRPT_STS);
    n_reported++;
    snprintf(reported, sizeof(reported), "%.*s %.*s %s", SLICE_ARG(session->domain),
             SLICE_ARG(session->mx), session->result);
}

struct asked {
    struct finding finding;
    unsigned answers;
};

static void on_found(void *arg, const struct finding *finding)
{
    struct asked *asked = arg;

    asked->answers++;
    asked->finding = finding_copy(finding);
}

static struct finding find(struct place *place, const char *route, const char *domain)
{
    struct asked asked = {0};
    const struct config_route *over = config_find_route(&place->config, slice_from_cstr(route));

    finder_ask(place->finder, &place->config, over, slice_from_cstr(domain), on_found, &asked);
    while (!asked.answers)
        turn(place);
    assert_int_equal(asked.answers, 1);
    return asked.finding;
}

static void expect_finding(struct finding *finding, const char *domain, const char *enhanced,
                           const char *words)
{
    struct buf hosts;

    buf_init(&hosts, 4096);
    for (unsigned i = 0; finding->destination && i < finding->destination->n_hosts; i++)
        buf_printf(&hosts, "%s%.*s", i ? " " : "", SLICE_ARG(finding->destination->hosts[i].name));
    if (strcmp(finding->enhanced, enhanced) != 0)
        fail_msg("%s: %s %s", domain, finding->enhanced, finding->text);
    assert_int_equal(finding->status, enhanced[0] == '5'   ? SITE_NEVER
                                      : enhanced[0] == '4' ? SITE_LATER
                                                           : SITE_FOUND);
    if (enhanced[0] ? !strstr(finding->text, words)
                    : !slice_eq(buf_slice(&hosts), slice_from_cstr(words)))
        fail_msg("%s: %s%.*s", domain, finding->text, SLICE_ARG(buf_slice(&hosts)));
    buf_done(&hosts);
    finding_done(finding);
}

static void test_each_rule(void **state)
{
    static const struct {
        const char *route, *domain, *enhanced, *words; /* found: the hosts */
    } cases[] = {
        {"world", "one.test", "", "mx.one.test"},
        {"world", "ONE.Test", "", "mx.one.test"},
        {"world", "two.test", "", "a.two.test b.two.test"},
        {"world", "null.test", "5.1.10", "null.test takes no mail"},
        {"world", "bare.test", "", "bare.test"},
        {"world", "alias.test", "", "mx.one.test"},
        {"world", "barealias.test", "", "bare.test"},
        {"world", "empty.test", "5.1.2", "neither a mail server (MX) nor an address"},
        {"world", "missing.test", "5.1.2", "missing.test does not exist"},
        {"world", "nowhere.test", "5.4.4", "none of the mail servers of nowhere.test has an add"},
        {"world", "partly.test", "", "mx.one.test"},
        {"world", "toalias.test", "", "mxalias.test"},
        {"world", "broken.test", "4.4.3", "cannot look up the mail servers of broken.test: "},
        {"world", "broken.test", "4.4.3", "SERVFAIL"},
        {"world", "bogus.test", "4.4.3", "DNSSEC signatures do not hold (signature expired)"},
        {"world", "halfbroken.test", "4.4.3", "cannot look up the address of broken.test"},
        {"world", "maybe.test", "", "broken.test mx.one.test"},
        {"world", "loop.test", "5.4.6", "us.example, which is this one"},
        {"world", "loopaddress.test", "5.4.6", "disguise.test, which is this one"},
        {"world", "helo.test", "5.4.6", "out.us.example"},
        {"world", "backup.test", "", "mx.one.test"},
        {"world", "onlyv6.test", "", "b.two.test"},
        {"v4", "onlyv6.test", "5.4.4", "has an IPv4 address"},
        {"world", "bücher.test", "", "mx.one.test"},
        {"world", "no..name", "5.1.2", "no domain name"},
        {"world", "[192.0.2.7]", "", "192.0.2.7"},
        {"world", "[IPv6:2001:db8::7]", "", "2001:db8::7"},
        {"world", "[127.0.0.1]", "5.4.6", "[127.0.0.1] is this server"},
        {"world", "[192.0.2.99]", "5.4.6", "this server"},
        {"world", "[x400:nonsense]", "5.1.2", "no address of a host"},
        {"world", "[", "5.1.2", "no address of a host"},
        {"fixed", "one.test", "", "fixed.example"},
        {"fixed", "missing.test", "", "fixed.example"},
    };
    struct place place;

    (void)state;
    place_open(&place, names, sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct finding finding = find(&place, cases[i].route, cases[i].domain);
        expect_finding(&finding, cases[i].domain, cases[i].enhanced, cases[i].words);
    }
    place_close(&place);
}

static void test_sites(void **state)
{
    struct place place;
    struct finding one, vanity, secure, two, literal;

    (void)state;
    place_open(&place, names, sizeof(names) / sizeof(names[0]));
    one = find(&place, "world", "one.test");
    vanity = find(&place, "world", "vanity.test");
    secure = find(&place, "world", "secure.test");
    two = find(&place, "world", "two.test");
    literal = find(&place, "world", "[192.0.2.7]");
    assert_true(slice_eq(one.destination->site, SLICE("mx.one.test")));
    assert_true(slice_eq(one.destination->domain, SLICE("one.test")));
    assert_true(slice_eq(vanity.destination->site, one.destination->site));
    assert_true(slice_starts_with_nocase(secure.destination->site, SLICE("mx.one.test+")));
    assert_true(secure.destination->secure);
    assert_true(slice_starts_with_nocase(two.destination->site, SLICE("a.two.test+")));
    assert_true(slice_eq(literal.destination->site, SLICE("192.0.2.7")));
    finding_done(&one);
    finding_done(&vanity);
    finding_done(&secure);
    finding_done(&two);
    finding_done(&literal);
    place_close(&place);
}

static void test_mta_sts(void **state)
{
    static const struct {
        const char *domain, *enhanced, *words;
        enum sts_mode mode;
        const char *reported; /* of each host that is left out */
    } cases[] = {
        {"enforce.test", "", "mx.one.test", STS_ENFORCE,
         "enforce.test a.two.test validation-failure"},
        {"enforce2.test", "4.7.5", "the MTA-STS policy of enforce2.test allows none", STS_NONE,
         "enforce2.test a.two.test validation-failure"},
        {"enforcemissing.test", "5.1.2", "does not exist", STS_NONE, ""},
        {"testing.test", "", "a.two.test mx.one.test", STS_TESTING, ""},
        {"one.test", "", "mx.one.test", STS_NONE, ""},
    };
    struct place place;

    (void)state;
    place_open(&place, names, sizeof(names) / sizeof(names[0]));
    for (unsigned heeded = 2; heeded-- > 0;) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct finding finding;
            const char *told = heeded ? cases[i].reported : "";
            place.routes[2].mta_sts = heeded;
            n_reported = 0;
            finding = find(&place, "world", cases[i].domain);
            assert_int_equal(n_reported, *told ? 1 : 0);
            if (*told)
                assert_string_equal(reported, told);
            if (heeded && finding.destination) {
                assert_int_equal(finding.destination->sts, cases[i].mode);
                assert_int_equal(slice_find(finding.destination->site, '+') >= 0,
                                 cases[i].mode != STS_NONE);
            }
            if (heeded)
                expect_finding(&finding, cases[i].domain, cases[i].enhanced, cases[i].words);
            else if (finding.destination)
                assert_int_equal(finding.destination->sts, STS_NONE);
            if (!heeded)
                finding_done(&finding);
        }
        finder_forget(place.finder);
    }
    place_close(&place);
}

/* Where MX records are signed, a host that the policy forbids may still have DANE. */
static void test_dane_goes_before_mta_sts(void **state)
{
    struct place place;
    struct finding finding;

    (void)state;
    place_open(&place, names, sizeof(names) / sizeof(names[0]));
    finding = find(&place, "world", "enforcesigned.test");
    expect_finding(&finding, "enforcesigned.test", "", "mx.one.test");
    finder_forget(place.finder);
    place.routes[2].dane = true;
    finding = find(&place, "world", "enforcesigned.test");
    assert_true(finding.destination->hosts[0].sts_forbidden);
    assert_false(finding.destination->hosts[1].sts_forbidden);
    assert_int_equal(finding.destination->site.len, strlen("a.two.test+") + 20);
    expect_finding(&finding, "enforcesigned.test", "", "a.two.test mx.one.test");
    finding = find(&place, "world", "enforce.test");
    expect_finding(&finding, "enforce.test", "", "mx.one.test");
    place_close(&place);
}

/* Two questions at once are one search; afterwards it is known for the records' time. */
static void test_a_domain_is_searched_for_once(void **state)
{
    const struct config_route *world;
    struct asked first = {0}, second = {0}, third = {0};
    struct place place;

    (void)state;
    place_open(&place, names, sizeof(names) / sizeof(names[0]));
    world = &place.routes[2];
    finder_ask(place.finder, &place.config, world, SLICE("slow.test"), on_found, &first);
    finder_ask(place.finder, &place.config, world, SLICE("slow.test"), on_found, &second);
    while (!first.answers) {
        turn(&place);
        assert_true(finder_numbers(place.finder).searching <= 1);
    }
    assert_int_equal(second.answers, 1);
    assert_ptr_equal(first.finding.destination, second.finding.destination);
    finder_ask(place.finder, &place.config, world, SLICE("SLOW.test"), on_found, &third);
    assert_ptr_equal(first.finding.destination, third.finding.destination);
    finding_done(&third.finding);
    finder_forget(place.finder);
    assert_int_equal(finder_numbers(place.finder).known, 0);
    finding_done(&first.finding);
    finding_done(&second.finding);
    place_close(&place);
}

static void test_how_long_it_is_good(void **state)
{
    static const struct {
        const char *domain;
        uint64_t least_s, most_s;
        const char *route;
    } cases[] = {
        {"two.test", 50, 60, "world"},
        {"one.test", 290, 300, "world"},
        {"broken.test", 5, 20, "world"},
        {"[192.0.2.7]", 3590, 3600, "world"},
        /* A policy may come or change before the records do. */
        {"lasting.test", 290, STS_CHECK_MS / 1000, "world"},
        {"lasting.test", 2990, 3000, "v4"},
    };
    struct place place;

    (void)state;
    place_open(&place, names, sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct finding finding = find(&place, cases[i].route, cases[i].domain);
        uint64_t left = finding.until_ms - clock_mono_ms();
        assert_in_range(left, cases[i].least_s * 1000 - 1000, cases[i].most_s * 1000);
        finding_done(&finding);
    }
    place_close(&place);
}

struct waiting {
    struct place *place;
    struct finding finding;
    uint64_t patience_ms;
};

static void *wait_for(void *arg)
{
    struct waiting *waiting = arg;

    waiting->finding =
        finder_wait(waiting->place->finder, &waiting->place->config, &waiting->place->routes[2],
                    SLICE("late.test"), clock_mono_ms() + waiting->patience_ms);
    return NULL;
}

static void test_threads_wait(void **state)
{
    struct place place;
    struct waiting patient = {.place = &place, .patience_ms = PATIENCE_MS};
    struct waiting hasty = {.place = &place, .patience_ms = 20};
    pthread_t threads[2];

    (void)state;
    place_open(&place, names, sizeof(names) / sizeof(names[0]));
    pthread_create(&threads[0], NULL, wait_for, &hasty);
    pthread_join(threads[0], NULL);
    expect_finding(&hasty.finding, "late.test", "4.3.2", "not found in time");
    pthread_create(&threads[0], NULL, wait_for, &patient);
    while (finder_numbers(place.finder).known == 0)
        turn(&place);
    pthread_join(threads[0], NULL);
    expect_finding(&patient.finding, "late.test", "", "mx.one.test");
    place_close(&place);
}

static void test_stopping_ends_all_waiting(void **state)
{
    struct place place;
    struct waiting patient = {.place = &place, .patience_ms = PATIENCE_MS};
    struct asked asked = {0};
    pthread_t thread;

    (void)state;
    place_open(&place, names, sizeof(names) / sizeof(names[0]));
    pthread_create(&thread, NULL, wait_for, &patient);
    turn(&place);
    finder_ask(place.finder, &place.config, &place.routes[2], SLICE("slow.test"), on_found, &asked);
    finder_stop(place.finder);
    pthread_join(thread, NULL);
    expect_finding(&patient.finding, "late.test", "4.3.2", "stopping");
    place_close(&place);
    assert_int_equal(asked.answers, 1);
    expect_finding(&asked.finding, "slow.test", "4.3.2", "stopping");
}

static void test_which_addresses_are_ours(void **state)
{
    static const struct {
        struct slice address;
        uint16_t port;
        bool ours;
    } cases[] = {
        {SLICE_INIT("127.0.0.1"), 25, true},    {SLICE_INIT("127.0.0.1"), PORT, true},
        {SLICE_INIT("127.0.0.1"), 26, false},   {SLICE_INIT("127.8.8.8"), 25, true},
        {SLICE_INIT("127.8.8.8"), PORT, false}, {SLICE_INIT("::1"), 25, true},
        {SLICE_INIT("0.0.0.0"), 25, true},      {SLICE_INIT("192.0.2.99"), 25, true},
        {SLICE_INIT("192.0.2.99"), PORT, true}, {SLICE_INIT("2001:db8::9"), 25, false},
        {SLICE_INIT("255.1.2.3"), 25, false},
    };
    struct own_hosts own = {0};
    struct place place;

    (void)state;
    place_open(&place, NULL, 0);
    own_hosts_read(&own);
    own_hosts_read(&own); /* again: nothing is lost, nothing stays behind */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct socket_address parsed;
        struct dns_address address = {.family = AF_INET};
        assert_true(socket_address_parse(cases[i].address, 0, &parsed));
        address.family = parsed.socket.any.sa_family;
        if (address.family == AF_INET)
            memcpy(address.bytes, &parsed.socket.v4.sin_addr, 4);
        else
            memcpy(address.bytes, &parsed.socket.v6.sin6_addr, 16);
        if (own_hosts_has_address(&own, &place.config, &address, cases[i].port) != cases[i].ours)
            fail_msg("%.*s:%u", SLICE_ARG(cases[i].address), cases[i].port);
    }
    place.endpoints[1].host = SLICE("*");
    assert_true(own_hosts_has_address(
        &own, &place.config, &(struct dns_address){.family = AF_INET, .bytes = {127, 8}}, PORT));
    own_hosts_done(&own);
    place_close(&place);
}

static void count(void *arg, const struct finding *finding)
{
    *(unsigned *)arg += finding->status == SITE_NEVER;
}

/* More than may be searched for at a time, and more than are kept. */
static void test_thousands(void **state)
{
    struct place place;
    unsigned answers = 0, most = 0;

    (void)state;
    place_open(&place, NULL, 0);
    for (unsigned i = 0; i < FINDER_ENTRIES_MAX + MANY; i++) {
        char domain[32];
        int len = snprintf(domain, sizeof(domain), "d%u.test", i);
        finder_ask(place.finder, &place.config, &place.routes[2], slice_from(domain, (size_t)len),
                   count, &answers);
        if (i % MANY == MANY - 1)
            finder_run(place.finder);
        if (finder_numbers(place.finder).searching > most)
            most = finder_numbers(place.finder).searching;
    }
    while (answers < FINDER_ENTRIES_MAX + MANY)
        turn(&place);
    assert_int_equal(finder_numbers(place.finder).known, FINDER_ENTRIES_MAX);
    assert_true(most <= FINDER_SEARCHES_MAX);
    place_close(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_rule),
        cmocka_unit_test(test_sites),
        cmocka_unit_test(test_mta_sts),
        cmocka_unit_test(test_dane_goes_before_mta_sts),
        cmocka_unit_test(test_a_domain_is_searched_for_once),
        cmocka_unit_test(test_how_long_it_is_good),
        cmocka_unit_test(test_threads_wait),
        cmocka_unit_test(test_stopping_ends_all_waiting),
        cmocka_unit_test(test_which_addresses_are_ours),
        cmocka_unit_test(test_thousands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
