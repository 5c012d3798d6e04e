/*
 * Asks the resolver proper, for tests with real name servers (tests/e2e/test_dns.py):
 *
 *     dns_ask FILE DEADLINE_MS TYPE NAME [TYPE NAME ...]
 *
 * FILE holds a configuration with its section `dns`. All questions are asked at once; an answer is
 * a line, in the order of the questions: result, security, TTL, canonical name, why (or -), records
 * (in hex). A pair `wait MS` between questions waits for all before it, and then so long.
 */
#include "dns/dns.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { QUESTIONS_MAX = 20000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned missing;
static struct arena arena;
static struct dns_answer answers[QUESTIONS_MAX];

static const struct {
    const char *name;
    enum dns_type type;
} types[] = {{"A", DNS_A},     {"AAAA", DNS_AAAA}, {"CNAME", DNS_CNAME}, {"MX", DNS_MX},
             {"PTR", DNS_PTR}, {"SRV", DNS_SRV},   {"TLSA", DNS_TLSA},   {"TXT", DNS_TXT}};

static enum dns_type find_type(const char *name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    }
    fprintf(stderr, "dns_ask: no such type: %s\n", name);
    exit(2);
}

static void on_answered(void *arg, const struct dns_answer *answer)
{
    pthread_mutex_lock(&lock);
    dns_answer_copy(&arena, answer, arg);
    missing--;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_for_all(void)
{
    pthread_mutex_lock(&lock);
    while (missing)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void print(const struct dns_answer *answer)
{
    static const char *const results[] = {"found", "no-name", "no-data", "failed", "timeout"};
    static const char *const securities[] = {"insecure", "secure", "bogus"};

    printf("%s\t%s\t%u\t%.*s\t%.*s\t", results[answer->result], securities[answer->security],
           answer->ttl_s, SLICE_ARG(answer->canonical),
           SLICE_ARG(answer->why.len ? answer->why : SLICE("-")));
    for (unsigned i = 0; i < answer->n_records; i++) {
        for (size_t b = 0; b < answer->records[i].len; b++)
            printf("%02x", (unsigned char)answer->records[i].ptr[b]);
        putchar(' ');
    }
    putchar('\n');
}

static struct dns *resolver(const char *path)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;
    struct dns *dns = NULL;

    problem_list_init(&problems);
    if (config_load(path, &bundle, &config, &problems) < 0) {
        for (struct problem *problem = problems.first; problem; problem = problem->next)
            fprintf(stderr, "%.*s\n", SLICE_ARG(problem_line(&problems, problem)));
        exit(2);
    }
    if (dns_new(&config->dns, &dns) < 0)
        exit(3);
    config_unref(config);
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    return dns;
}

int main(int argc, char **argv)
{
    struct dns *dns;
    unsigned n = 0;

    if (argc < 5 || argc / 2 > QUESTIONS_MAX)
        return 2;
    dns = resolver(argv[1]);
    arena_init(&arena);
    for (int i = 3; i + 1 < argc; i += 2) {
        uint64_t deadline = clock_mono_ms() + strtoul(argv[2], NULL, 10);
        if (strcmp(argv[i], "wait") == 0) {
            wait_for_all();
            usleep((useconds_t)strtoul(argv[i + 1], NULL, 10) * 1000);
            continue;
        }
        pthread_mutex_lock(&lock);
        missing++;
        pthread_mutex_unlock(&lock);
        dns_ask(dns, slice_from_cstr(argv[i + 1]), find_type(argv[i]), deadline, on_answered,
                &answers[n++]);
    }
    wait_for_all();
    for (unsigned i = 0; i < n; i++)
        print(&answers[i]);
    dns_stop(dns);
    dns_free(dns);
    arena_done(&arena);
    return 0;
}
