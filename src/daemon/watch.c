/*
 * Certificates and files that the configuration names, while the server runs: they are looked at
 * every 5 seconds, and when one has changed and then kept still for 2 seconds, receive, auth, queue
 * or relay get it anew. The pause is for those who write a chain and then its key: half of a
 * renewal is no mistake to be told.
 *
 * Looking is polling on purpose: a watch by inotify loses its file when a link comes to mean
 * another one, and a stat(2) of a handful of files costs nothing.
 */
#include "daemon/parent.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/srs_secret.h"
#include "io/login_message.h"

#include <unistd.h>

enum { LOOK_MS = 5 * 1000, STILL_MS = 2 * 1000, REMIND_MS = 24 * 3600 * 1000 };

static void on_time_to_look(void *arg);

void watch_init(struct parent *parent)
{
    struct watch *watch = &parent->watch;

    watch->timer = loop_timer(parent->loop, on_time_to_look, parent);
    watch->remind_ms = clock_mono_ms() + REMIND_MS;
    loop_timer_arm(watch->timer, clock_mono_ms() + LOOK_MS);
}

void watch_done(struct parent *parent)
{
    loop_timer_free(parent->watch.timer);
    handed_files_done(&parent->watch.handed);
    certificates_done(&parent->watch.certificates);
}

int watch_load(struct parent *parent, const struct config *config, struct problem_list *problems)
{
    int r = certificates_load(&parent->watch.certificates, config, parent->state, problems);

    if (r < 0)
        return r;
    r = srs_secret_make(parent->state, problems);
    if (r < 0)
        return r;
    handed_files_set(&parent->watch.handed, config, parent->state);
    parent->watch.certificates_due = parent->watch.files_due = false;
    certificates_log(&parent->watch.certificates);
    certificates_log_warnings(&parent->watch.certificates, config);
    return 0;
}

static void send_file(struct parent *parent, size_t i, enum role to)
{
    struct handed_files *handed = &parent->watch.handed;
    int fd = handed_files_copy(handed, i);
    struct msg_file message = {.path = handed->list[i].name,
                               .text = slice_from_cstr(handed->list[i].why)};
    struct buf out;

    if (fd < 0)
        log_warn(NULL, "file-unreadable", LOG_SLICE("path", handed->list[i].path),
                 LOG_SLICE("why", message.text));
    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_file_encode(&out, &message);
    child_send(&parent->children[to], MSG_FILE, buf_slice(&out), fd);
    buf_done(&out);
    if (fd >= 0)
        close(fd);
}

void watch_send(struct parent *parent, enum role to)
{
    if (to == ROLE_RECEIVE && parent->watch.certificates.material >= 0)
        child_send(&parent->children[to], MSG_TLS, SLICE_NULL, parent->watch.certificates.material);
    for (size_t i = 0; i < parent->watch.handed.files.count; i++) {
        if (parent->watch.handed.list[i].roles & 1u << to)
            send_file(parent, i, to);
    }
}

static int renew_certificates(struct parent *parent)
{
    struct problem_list problems;
    int r;

    problem_list_init(&problems);
    r = certificates_load(&parent->watch.certificates, parent->config, parent->state, &problems);
    if (r == 0) {
        certificates_log(&parent->watch.certificates);
        certificates_log_warnings(&parent->watch.certificates, parent->config);
        watch_send(parent, ROLE_RECEIVE);
    }
    for (const struct problem *problem = problems.first; problem; problem = problem->next)
        log_warn(NULL, "certificate-warning", LOG_SLICE("text", problem_line(&problems, problem)));
    problem_list_done(&problems);
    return r;
}

/* Looks, and remembers that there is work until it is done. True when it may be done now. */
static bool is_due(struct watched *files, bool *due, bool *still_changing)
{
    bool changed = watched_look(files);

    *due = *due || changed;
    *still_changing = *still_changing || changed;
    return *due && !changed;
}

static void on_time_to_look(void *arg)
{
    struct parent *parent = arg;
    struct watch *watch = &parent->watch;
    uint64_t now = clock_mono_ms();
    bool still_changing = false;

    if (parent->stopping)
        return;
    if (is_due(&watch->certificates.files, &watch->certificates_due, &still_changing) ||
        certificates_are_due(&watch->certificates, parent->config, clock_wall_ms()))
        watch->certificates_due = renew_certificates(parent) < 0; /* then again at the next look */
    if (is_due(&watch->handed.files, &watch->files_due, &still_changing)) {
        log_info(NULL, "files-changed", LOG_STR("for", "auth, queue, relay"));
        watch_send(parent, ROLE_AUTH);
        watch_send(parent, ROLE_QUEUE);
        watch_send(parent, ROLE_RELAY);
        watch->files_due = false;
    }
    if (now >= watch->remind_ms) {
        certificates_log_warnings(&watch->certificates, parent->config);
        watch->remind_ms = now + REMIND_MS;
    }
    loop_timer_arm(watch->timer, now + (still_changing ? STILL_MS : LOOK_MS));
}
