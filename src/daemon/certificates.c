/*
 * The certificates in force. See certificates.h.
 *
 * The process aside inherits the descriptor of the old material and is the only one to read it; the
 * new one goes into a memory file whose descriptor it shares with us, the facts through a pipe.
 */
#include "daemon/certificates.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/aside.h"
#include "daemon/json_quote.h"
#include "daemon/material.h"
#include "daemon/sealed.h"
#include "daemon/self_signed.h"
#include "daemon/state.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    LOAD_DEADLINE_MS = 10 * 1000,
    /* A status answer has a bound, and is to be read by people. */
    STATUS_HOSTS_MAX = 20,
    STATUS_PART_MAX = 16 * 1024,
};

void certificates_init(struct certificates *certificates)
{
    *certificates = (struct certificates){.material = -1};
    arena_init(&certificates->arena);
}

void certificates_done(struct certificates *certificates)
{
    if (certificates->material >= 0)
        close(certificates->material);
    watched_done(&certificates->files);
    arena_done(&certificates->arena);
}

/* ---- aside --------------------------------------------------------------------------------- */

struct load {
    const struct config *config;
    const char *own_path;
    int old, new; /* descriptors of the material */
    uint64_t now_ms;
};

static const struct tls_material *read_old(int fd, struct arena *arena,
                                           struct tls_material *material)
{
    struct stat st;
    void *bytes;

    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0)
        return NULL;
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return NULL;
    if (tls_material_decode(slice_from(bytes, (size_t)st.st_size), arena, material) < 0)
        return NULL;
    return material;
}

static void load_aside(void *arg, struct buf *out)
{
    struct load *load = arg;
    struct tls_material old;
    struct arena arena;
    struct material material;
    struct buf stored;

    arena_init(&arena);
    material_gather(&(struct material_request){.config = load->config,
                                               .own_path = load->own_path,
                                               .old = read_old(load->old, &arena, &old),
                                               .now_ms = load->now_ms},
                    &arena, &material);
    buf_init(&stored, TLS_MATERIAL_MAX);
    tls_material_encode(&stored, &material.tls);
    if (stored.overflow || sealed_write(load->new, buf_slice(&stored)) < 0)
        _exit(EMSGSIZE);
    certificate_facts_encode(out, &material.facts);
    /* The end of the process is the end of all this. */
}

/* ---- in the parent ------------------------------------------------------------------------- */

static struct watched watch_files(const struct config *config)
{
    struct watched files = {0};

    for (size_t i = 0; i < config->n_certificates; i++) {
        watched_add(&files, config->certificates[i].chain);
        watched_add(&files, config->certificates[i].key);
    }
    for (size_t i = 0; i < config->n_listeners; i++) {
        if (config->listeners[i].client_certificate != CERTIFICATE_IGNORED)
            watched_add(&files, config->listeners[i].client_ca);
    }
    return files;
}

static int gather(const struct load *load, struct arena *arena, struct certificate_facts *ret_facts)
{
    struct load copy = *load;
    struct buf out;
    int r;

    buf_init(&out, CERTIFICATE_FACTS_SIZE_MAX);
    r = aside_run(load_aside, &copy, LOAD_DEADLINE_MS, &out);
    if (r == 0)
        r = certificate_facts_decode(buf_slice(&out), arena, ret_facts);
    buf_done(&out);
    return r;
}

/* A new material and its facts, or a problem that says why not. */
static int make(struct certificates *fresh, const struct load *load, struct problem_list *problems)
{
    int r = fresh->material < 0 ? fresh->material : gather(load, &fresh->arena, &fresh->facts);

    if (r == 0)
        r = sealed_finish(fresh->material);
    if (r < 0) {
        problem_add(problems, SLICE_NULL, 0, "the certificates cannot be read: %s",
                    r == -EMSGSIZE    ? "they are too large, all in all"
                    : r == -ETIMEDOUT ? "it took too long"
                                      : strerror(-r));
        return -EINVAL;
    }
    return certificate_facts_tell_problems(&fresh->facts, problems);
}

int certificates_load(struct certificates *certificates, const struct config *config,
                      const char *state, struct problem_list *problems)
{
    struct load load = {config, NULL, certificates->material, -1, clock_wall_ms()};
    struct certificates fresh;
    char own_path[PATH_MAX];
    int r;

    certificates_init(&fresh);
    fresh.files = watch_files(config); /* before they are read, so that no change is missed */
    fresh.material = load.new = sealed_new("nuncio-tls");
    if (state_path(own_path, state, SELF_SIGNED_FILE))
        load.own_path = own_path;
    r = make(&fresh, &load, problems);
    if (r < 0) {
        certificates_done(&fresh);
        return -EINVAL;
    }
    certificates_done(certificates);
    *certificates = fresh;
    return 0;
}

static bool may_be_read(const struct config *config)
{
    struct watched files = watch_files(config);
    bool shut = false;

    for (size_t i = 0; i < files.count; i++)
        shut = shut || (access(files.list[i].path, R_OK) < 0 && errno == EACCES);
    watched_done(&files);
    return !shut;
}

int certificates_check(const struct config *config, struct problem_list *problems,
                       struct problem_list *warnings)
{
    uint64_t now_ms = clock_wall_ms();
    struct material material;
    struct arena arena;
    int r;

    if (!may_be_read(config)) {
        problem_add(warnings, SLICE_NULL, 0,
                    "the certificates were not checked: you may not read them; root may");
        return 0;
    }
    arena_init(&arena);
    material_gather(&(struct material_request){.config = config, .now_ms = now_ms}, &arena,
                    &material);
    r = certificate_facts_tell_problems(&material.facts, problems);
    certificate_facts_tell_warnings(&material.facts, config->hostname, now_ms, warnings);
    arena_done(&arena); /* and the process ends with the keys that OpenSSL had */
    return r;
}

bool certificates_are_due(const struct certificates *certificates, const struct config *config,
                          uint64_t now_ms)
{
    bool due = false;

    for (uint32_t i = 0; i < certificates->facts.count && !due; i++) {
        const struct certificate_fact *fact = &certificates->facts.list[i];
        if (fact->kind == CERTIFICATE_OURS)
            due = !self_signed_will_do(&fact->pair, config->hostname, now_ms);
        else
            due = fact->waits_until && fact->waits_until <= now_ms;
    }
    return due;
}

/* ---- telling ------------------------------------------------------------------------------- */

/* "2027-01-31" */
struct date_text {
    char text[32];
};
static struct date_text format_date(uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct date_text date = {""};
    struct tm tm;

    if (gmtime_r(&seconds, &tm))
        strftime(date.text, sizeof(date.text), "%Y-%m-%d", &tm);
    return date;
}

void certificates_log(const struct certificates *certificates)
{
    for (uint32_t i = 0; i < certificates->facts.count; i++) {
        const struct certificate_fact *fact = &certificates->facts.list[i];
        if (fact->kind == CERTIFICATE_CLIENT_CA || !fact->in_force)
            continue;
        log_info(NULL, "certificate", LOG_SLICE("name", fact->name),
                 LOG_SLICE("key", fact->pair.kind),
                 LOG_SLICE("host", fact->pair.n_hosts ? fact->pair.hosts[0] : SLICE_NULL),
                 LOG_STR("until", format_date(fact->pair.not_after).text));
    }
}

void certificates_log_warnings(const struct certificates *certificates, const struct config *config)
{
    struct problem_list warnings;

    problem_list_init(&warnings);
    certificate_facts_tell_warnings(&certificates->facts, config->hostname, clock_wall_ms(),
                                    &warnings);
    for (const struct problem *warning = warnings.first; warning; warning = warning->next)
        log_warn(NULL, "certificate-warning", LOG_SLICE("text", problem_line(&warnings, warning)));
    problem_list_done(&warnings);
}

static void add_fact(struct buf *json, const struct certificate_fact *fact, uint64_t now_ms)
{
    buf_add_cstr(json, "{\"name\":");
    json_quote(json, fact->name);
    buf_add_cstr(json, ",\"key\":");
    json_quote(json, fact->pair.kind);
    buf_printf(json, ",\"self_signed\":%s,\"until\":\"%s\",\"days_left\":%lld,\"hosts\":[",
               fact->kind == CERTIFICATE_OURS ? "true" : "false",
               format_date(fact->pair.not_after).text,
               (long long)certificate_fact_days_left(fact, now_ms));
    for (uint32_t i = 0; i < fact->pair.n_hosts && i < STATUS_HOSTS_MAX; i++) {
        buf_add_cstr(json, i ? "," : "");
        json_quote(json, fact->pair.hosts[i]);
    }
    buf_add_cstr(json, "]}");
}

static void add_warnings(struct buf *json, struct problem_list *warnings)
{
    size_t end = json->len + STATUS_PART_MAX;
    const char *comma = "";

    buf_add_cstr(json, "\"certificate_warnings\":[");
    for (const struct problem *w = warnings->first; w && json->len < end; w = w->next) {
        buf_add_cstr(json, comma);
        json_quote(json, problem_line(warnings, w));
        comma = ",";
    }
    buf_add_cstr(json, "]");
}

void certificates_add_status(const struct certificates *certificates, const struct config *config,
                             struct buf *json)
{
    uint64_t now_ms = clock_wall_ms();
    size_t end = json->len + STATUS_PART_MAX;
    struct problem_list warnings;
    const char *comma = "";
    unsigned not_shown = 0;

    buf_add_cstr(json, "\"certificates\":[");
    for (uint32_t i = 0; i < certificates->facts.count; i++) {
        const struct certificate_fact *fact = &certificates->facts.list[i];
        if (fact->kind == CERTIFICATE_CLIENT_CA || !fact->in_force)
            continue;
        if (json->len >= end) {
            not_shown++;
            continue;
        }
        buf_add_cstr(json, comma);
        add_fact(json, fact, now_ms);
        comma = ",";
    }
    buf_printf(json, "],\"certificates_not_shown\":%u,", not_shown);
    problem_list_init(&warnings);
    certificate_facts_tell_warnings(&certificates->facts, config->hostname, now_ms, &warnings);
    add_warnings(json, &warnings);
    problem_list_done(&warnings);
}
