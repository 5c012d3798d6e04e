/*
 * What the control socket asks of the parent: status, reload, stop. The requests come through the
 * queue role, which holds that socket and has checked who asks; the answers are one JSON object.
 *
 * status asks every role and waits for all of them or a second; who is silent is shown with what it
 * said last. Roles' words go into the answer as JSON strings, never parsed here.
 *
 * reload reads the file; if it is broken, everything stays as it is and the answer holds every
 * problem. Otherwise all roles get the new configuration and say whether they took it. Listeners
 * are the exception: they stay those of the start, in the parent's own snapshot too, so that a role
 * that is restarted sees the sockets it inherits.
 */
#include "daemon/parent.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/json_quote.h"
#include "daemon/notify.h"
#include "io/tap.h"

#include <errno.h>
#include <sysexits.h>
#include <unistd.h>

enum { STATUS_WAIT_MS = 1000, RELOAD_WAIT_MS = 5000, ANSWER_MAX = CHANNEL_PAYLOAD_MAX - 64 };

static void on_status_late(void *arg);
static void on_reload_late(void *arg);

void admin_init(struct parent *parent)
{
    parent->admin = (struct admin){0};
    parent->admin.status_timer = loop_timer(parent->loop, on_status_late, parent);
    parent->admin.reload_timer = loop_timer(parent->loop, on_reload_late, parent);
    buf_init(&parent->admin.reload_members, ANSWER_MAX / 2);
    buf_init(&parent->admin.refusals, ANSWER_MAX / 4);
}

void admin_done(struct parent *parent)
{
    loop_timer_free(parent->admin.status_timer);
    loop_timer_free(parent->admin.reload_timer);
    buf_done(&parent->admin.reload_members);
    buf_done(&parent->admin.refusals);
}

static void answer(struct parent *parent, uint32_t request, struct slice json)
{
    const struct msg_text reply = {.request = request, .text = json};
    struct buf out;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_text_encode(&out, &reply);
    child_send(&parent->children[ROLE_QUEUE], MSG_ADMIN_REPLY, buf_slice(&out), -1);
    buf_done(&out);
}

static void answer_all(struct parent *parent, const uint32_t *requests, unsigned *n_requests,
                       const struct buf *json)
{
    struct slice text = json->overflow
                            ? SLICE("{\"error\":\"the answer is too long\",\"end\":true}")
                            : buf_slice(json);

    for (unsigned i = 0; i < *n_requests; i++)
        answer(parent, requests[i], text);
    *n_requests = 0;
}

/* ---- status -------------------------------------------------------------------------------- */

static void finish_status(struct parent *parent)
{
    struct buf out;

    loop_timer_disarm(parent->admin.status_timer);
    buf_init(&out, ANSWER_MAX);
    status_add_answer(parent, &out);
    answer_all(parent, parent->admin.status_waiting, &parent->admin.n_status_waiting, &out);
    buf_done(&out);
}

static bool status_is_due(const struct parent *parent)
{
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        if (parent->children[role].status_due)
            return true;
    }
    return false;
}

static void on_status_late(void *arg)
{
    finish_status(arg);
}

static void ask_status(struct parent *parent, uint32_t request)
{
    struct admin *admin = &parent->admin;
    const struct msg_text ask = {.request = request};
    struct buf out;

    if (admin->n_status_waiting == ADMIN_WAITING_MAX) {
        answer(parent, request, SLICE("{\"error\":\"too many ask at once\",\"end\":true}"));
        return;
    }
    admin->status_waiting[admin->n_status_waiting++] = request;
    if (admin->n_status_waiting > 1)
        return; /* one answer will do for all */
    loop_timer_arm(admin->status_timer, clock_mono_ms() + STATUS_WAIT_MS);
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_text_encode(&out, &ask);
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        struct child *child = &parent->children[role];
        if (!child->ready)
            continue;
        child->status_due = true;
        child_send(child, MSG_STATUS_ASK, buf_slice(&out), -1);
    }
    buf_done(&out);
    if (!status_is_due(parent))
        finish_status(parent);
}

void admin_on_status(struct child *child, struct slice text)
{
    struct parent *parent = child->parent;

    if (!child->status_due)
        return; /* nobody asked, or too late */
    child->status_due = false;
    buf_reset(&child->status);
    buf_add_slice(&child->status, text);
    if (!status_is_due(parent))
        finish_status(parent);
}

/* ---- reload -------------------------------------------------------------------------------- */

static void add_problems(struct buf *out, const char *key, struct problem_list *problems)
{
    const char *comma = "";

    buf_printf(out, "\"%s\":[", key);
    for (const struct problem *problem = problems->first; problem; problem = problem->next) {
        buf_add_cstr(out, comma);
        json_quote(out, problem_line(problems, problem));
        comma = ",";
    }
    buf_add_cstr(out, "]");
}

static void log_problems(const char *event, struct problem_list *problems)
{
    for (const struct problem *problem = problems->first; problem; problem = problem->next)
        log_warn(NULL, event, LOG_SLICE("text", problem_line(problems, problem)));
}

static void answer_reload(struct parent *parent, bool taken)
{
    struct admin *admin = &parent->admin;
    struct buf out;

    loop_timer_disarm(admin->reload_timer);
    admin->reloading = false;
    buf_init(&out, ANSWER_MAX);
    buf_printf(&out, "{\"reloaded\":%s", taken ? "true" : "false");
    buf_add_slice(&out, buf_slice(&admin->reload_members));
    buf_add_cstr(&out, ",\"refused\":{");
    buf_add_slice(&out, buf_slice(&admin->refusals));
    buf_add_cstr(&out, "},\"end\":true}");
    answer_all(parent, admin->reload_waiting, &admin->n_reload_waiting, &out);
    buf_done(&out);
    notify_send("READY=1\nSTATUS=serving");
}

/* Puts `config` in force here and sends it to all roles, with the certificates and files that it
 * names. Takes the reference over. */
static int spread(struct parent *parent, struct config *config, const struct config_bundle *bundle,
                  struct problem_list *problems)
{
    int fd = reload_memfd(bundle);

    config->listeners = parent->first_config->listeners;
    config->n_listeners = parent->first_config->n_listeners;
    if (fd < 0 || watch_load(parent, config, problems) < 0) {
        config_unref(config);
        if (fd >= 0)
            close(fd);
        return fd < 0 ? fd : -EINVAL;
    }
    config_unref(parent->config);
    parent->config = config;
    log_set_level((enum log_level)config->log_level, (enum log_format)config->log_format);
    tap_enable(config->history.keep);
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        struct child *child = &parent->children[role];
        child->config_due = child->channel >= 0;
        child_send(child, MSG_CONFIG, SLICE_NULL, fd);
        watch_send(parent, role);
    }
    close(fd);
    children_start(parent);
    return 0;
}

/* 0 when the roles have been told and will answer. */
static int begin_reload(struct parent *parent)
{
    struct buf *members = &parent->admin.reload_members;
    struct problem_list problems, restart;
    struct config_bundle bundle;
    struct config *config;
    int r;

    buf_reset(members);
    buf_reset(&parent->admin.refusals);
    problem_list_init(&problems);
    problem_list_init(&restart);
    r = reload_read(parent->options->config_path, &bundle, &config, &problems);
    if (r == 0) {
        config_compare(parent->first_config, config, &restart);
        r = spread(parent, config, &bundle, &problems);
        config_bundle_done(&bundle);
    }
    log_problems("reload-refused", &problems);
    log_problems("reload-needs-restart", &restart);
    buf_add_cstr(members, ",");
    add_problems(members, "problems", &problems);
    buf_add_cstr(members, ",");
    add_problems(members, "needs_restart", &restart);
    problem_list_done(&problems);
    problem_list_done(&restart);
    return r;
}

static bool config_is_due(const struct parent *parent)
{
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        if (parent->children[role].config_due)
            return true;
    }
    return false;
}

void admin_reload(struct parent *parent)
{
    char text[96];

    if (parent->admin.reloading || parent->stopping)
        return;
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)clock_mono_us());
    notify_send(text);
    if (begin_reload(parent) < 0) {
        answer_reload(parent, false);
        return;
    }
    log_info(NULL, "reloaded", LOG_STR("file", parent->options->config_path));
    parent->admin.reloading = true;
    loop_timer_arm(parent->admin.reload_timer, clock_mono_ms() + RELOAD_WAIT_MS);
    if (!config_is_due(parent))
        answer_reload(parent, true);
}

static void ask_reload(struct parent *parent, uint32_t request)
{
    struct admin *admin = &parent->admin;

    if (admin->reloading || admin->n_reload_waiting == ADMIN_WAITING_MAX) {
        answer(parent, request,
               SLICE("{\"error\":\"a reload is under way, ask again\",\"end\":true}"));
        return;
    }
    admin->reload_waiting[admin->n_reload_waiting++] = request;
    admin_reload(parent);
}

static void add_refusal(struct parent *parent, enum role role, struct slice text)
{
    struct buf *refusals = &parent->admin.refusals;

    log_error(NULL, "reload-not-taken", LOG_STR("name", role_name(role)), LOG_SLICE("text", text));
    buf_printf(refusals, "%s\"%s\":", refusals->len ? "," : "", role_name(role));
    json_quote(refusals, text);
}

static void on_reload_late(void *arg)
{
    struct parent *parent = arg;

    for (enum role role = 0; role < ROLE_COUNT; role++) {
        if (parent->children[role].config_due)
            add_refusal(parent, role, SLICE("no answer"));
        parent->children[role].config_due = false;
    }
    answer_reload(parent, true);
}

void admin_on_config_taken(struct child *child, const struct msg_config_taken *taken)
{
    struct parent *parent = child->parent;

    if (!child->config_due)
        return;
    child->config_due = false;
    if (!taken->taken)
        add_refusal(parent, child->entry->role, taken->text);
    if (parent->admin.reloading && !config_is_due(parent))
        answer_reload(parent, true);
}

/* ---- both ---------------------------------------------------------------------------------- */

void admin_on_death(struct child *child)
{
    const struct msg_config_taken restarted = {.taken = true};

    /* Whoever asked through a queue that is gone will not hear the answer. */
    if (child->entry->role == ROLE_QUEUE)
        child->parent->admin.n_status_waiting = child->parent->admin.n_reload_waiting = 0;
    admin_on_status(child, SLICE_NULL);
    metrics_on_answer(child, SLICE_NULL);
    admin_on_config_taken(child, &restarted); /* its successor starts with the new one */
}

void admin_on_request(struct parent *parent, const struct msg_admin *request)
{
    switch (request->command) {
    case ADMIN_STATUS:
        ask_status(parent, request->request);
        break;
    case ADMIN_RELOAD:
        ask_reload(parent, request->request);
        break;
    case ADMIN_METRICS:
        metrics_ask(parent, request->request);
        break;
    case ADMIN_STOP: {
        char text[96];
        snprintf(text, sizeof(text), "{\"stopping\":true,\"pid\":%ld,\"end\":true}",
                 (long)getpid());
        answer(parent, request->request, slice_from_cstr(text));
        parent_stop(parent, EX_OK);
        break;
    }
    }
}
