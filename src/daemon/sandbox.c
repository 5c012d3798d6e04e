/*
 * What each role may do, how it is locked in, and the report about it.
 *
 * The order: Landlock, then the probes that need what seccomp will take away (a child process, a
 * socket), then seccomp, then the rest of the probes. All of it happens on the role's only thread,
 * since both fences cover the calling thread and its children only; that is checked.
 *
 * Sanitizers read /proc, start a tracer and use calls of their own; under them seccomp is left off
 * and the report says so. The tests of the sandbox run on a build without them.
 */
#include "daemon/sandbox.h"

#include "base/log.h"
#include "config/config.h"
#include "daemon/landlock.h"
#include "daemon/privilege.h"
#include "daemon/probe.h"
#include "daemon/syscalls.h"
#include "daemon/state.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

enum { PATHS_MAX = 32, REPORT_MAX = 4096, PORTS_MAX = 16 };

struct plan {
    const char *writes[3]; /* folders of the state */
    const char *const *reads;
    bool tcp_connect;
    unsigned needs;
    uint16_t tcp_ports[PORTS_MAX]; /* to these alone */
    size_t n_tcp_ports;
};

enum { DNS_PORT = 53 };

static const char *const reads_nothing[] = {NULL};
static const char *const reads_users[] = {"/etc/passwd", "/etc/group", "/etc/nsswitch.conf", NULL};
static const char *const reads_relay[] = {"/etc/resolv.conf",
                                          "/etc/hosts",
                                          "/etc/host.conf",
                                          "/etc/gai.conf",
                                          "/etc/services",
                                          "/etc/protocols",
                                          "/etc/nsswitch.conf",
                                          "/etc/ssl",
                                          "/run/systemd/resolve",
                                          "/run/resolvconf",
                                          "/run/NetworkManager",
                                          "/usr/share/dns",
                                          "/var/lib/unbound",
                                          "/etc/pki",
                                          "/etc/ca-certificates",
                                          "/usr/share/ca-certificates",
                                          "/usr/local/share/ca-certificates",
                                          NULL};
/* The same, and where systems keep their CAs. */
static const char *const reads_https[] = {"/etc/resolv.conf",
                                          "/etc/hosts",
                                          "/etc/host.conf",
                                          "/etc/gai.conf",
                                          "/etc/services",
                                          "/etc/protocols",
                                          "/etc/nsswitch.conf",
                                          "/run/systemd/resolve",
                                          "/run/resolvconf",
                                          "/run/NetworkManager",
                                          "/etc/ssl",
                                          "/etc/pki",
                                          "/etc/ca-certificates",
                                          "/usr/share/ca-certificates",
                                          "/usr/local/share/ca-certificates",
                                          NULL};
/* Time zones, random numbers and the like; nothing in them is secret. */
static const char *const reads_common[] = {"/etc/localtime", "/usr/share/zoneinfo", "/dev/null",
                                           "/dev/urandom", NULL};
static const char *const reads_sanitizer[] = {"/proc", "/usr", "/lib", "/lib64", "/etc/ld.so.cache",
                                              NULL};

static const struct plan plans[ROLE_COUNT] = {
    [ROLE_RECEIVE] = {{"spool/receive", "maildrop"},
                      reads_nothing,
                      false,
                      NEED_READ_FILES | NEED_WRITE_FILES | NEED_ACCEPT | NEED_CONNECT},
    [ROLE_AUTH] = {{"accounts"}, reads_nothing, false, NEED_READ_FILES | NEED_WRITE_FILES},
    [ROLE_QUEUE] = {{"spool"},
                    reads_users,
                    false,
                    NEED_READ_FILES | NEED_WRITE_FILES | NEED_ACCEPT},
    [ROLE_RELAY] = {{"relay"},
                    reads_relay,
                    true,
                    NEED_READ_FILES | NEED_WRITE_FILES | NEED_CONNECT},
    [ROLE_KEYS] = {{"keys"}, reads_nothing, false, NEED_READ_FILES | NEED_WRITE_FILES},
    [ROLE_HISTORY] = {{"history"}, reads_nothing, false, NEED_READ_FILES | NEED_WRITE_FILES},
    [ROLE_WEB] = {{NULL}, reads_nothing, false, NEED_ACCEPT},
    [ROLE_LOCAL] = {{"mail", "postmaster"},
                    reads_nothing,
                    false,
                    NEED_READ_FILES | NEED_WRITE_FILES},
};

static void add_port(struct plan *plan, uint16_t port)
{
    for (size_t i = 0; i < plan->n_tcp_ports; i++) {
        if (plan->tcp_ports[i] == port)
            return;
    }
    if (plan->n_tcp_ports < PORTS_MAX)
        plan->tcp_ports[plan->n_tcp_ports++] = port;
    else
        plan->tcp_connect = true;
}

/* Of name servers, for answers that are too long for UDP. */
static void add_dns_ports(struct plan *plan, const struct config_dns *dns)
{
    add_port(plan, DNS_PORT);
    for (size_t i = 0; i < dns->servers.count; i++)
        add_port(plan, dns->servers.list[i].port);
    for (size_t i = 0; i < dns->stubs.count; i++)
        add_port(plan, dns->stubs.list[i].port);
}

/* What the role's configuration asks for beyond the table. */
static struct plan plan_for(enum role role, const struct config *config)
{
    struct plan plan = plans[role];
    uint16_t oauth_port = config_oauth_port(config);

    if (role == ROLE_RECEIVE)
        add_dns_ports(&plan, &config->dns);
    if (role != ROLE_AUTH)
        return plan;
    if (config_asks_dovecot(config))
        plan.needs |= NEED_CONNECT_UNIX;
    if (oauth_port) {
        plan.needs |= NEED_CONNECT;
        plan.reads = reads_https;
        add_port(&plan, oauth_port);
        add_port(&plan, DNS_PORT); /* for answers that are too long for UDP */
    }
    return plan;
}

/* What must be shut: to every role but those whose plan writes there. */
static const char *const treasures[] = {"accounts", "spool/queue", "spool/receive", "mail",
                                        "tls",      "history",     "keys"};

struct lock_in {
    struct role_context *role;
    const struct plan *plan;
    const char *state;
    int landlock; /* version, 0: none */
    struct buf report;
    bool broken; /* a fence is up and something came through all the same */
};

static void report(struct lock_in *in, const char *name, const char *state, const char *detail)
{
    buf_printf(&in->report, "%s %s %s\n", name, state, detail);
}

/* `fenced`: something here forbids it, so that "worked" is a fault and not a lack. */
static void report_probe(struct lock_in *in, const char *name, enum probe_result result,
                         bool fenced, const char *what)
{
    if (result == PROBE_REFUSED) {
        report(in, name, "holds", "refused");
        return;
    }
    report(in, name, "open", result == PROBE_WORKED ? what : "failed, but was not refused");
    in->broken |= fenced;
}

static void add_paths(struct landlock_path *paths, size_t *n, const char *const *names)
{
    for (; *names && *n < PATHS_MAX; names++)
        paths[(*n)++] = (struct landlock_path){.path = *names, .grant = GRANT_READ};
}

static int enter_landlock(struct lock_in *in)
{
    struct landlock_path paths[PATHS_MAX];
    char written[3][PATH_MAX];
    struct landlock_rules rules = {.paths = paths,
                                   .tcp_connect = in->plan->tcp_connect,
                                   .tcp_ports = in->plan->tcp_ports,
                                   .n_tcp_ports = in->plan->n_tcp_ports};
    char detail[64];
    int r;

    for (size_t i = 0; i < 3 && in->plan->writes[i]; i++) {
        if (!state_path(written[i], in->state, in->plan->writes[i]))
            return -ENAMETOOLONG;
        paths[rules.n_paths++] = (struct landlock_path){.path = written[i], .grant = GRANT_WRITE};
    }
    add_paths(paths, &rules.n_paths, reads_common);
    add_paths(paths, &rules.n_paths, in->plan->reads);
    if (privilege_under_sanitizer())
        add_paths(paths, &rules.n_paths, reads_sanitizer);
    if (in->landlock == 0) {
        report(in, "landlock", "absent", "the kernel has none, or one too old");
        return 0;
    }
    r = landlock_enter(&rules);
    if (r < 0)
        return r;
    snprintf(detail, sizeof(detail), "version %d%s", in->landlock,
             in->landlock < 4 ? ", files only" : "");
    report(in, "landlock", "holds", detail);
    return 0;
}

static int enter_seccomp(struct lock_in *in)
{
    char detail[64];
    int count;

    if (privilege_under_sanitizer()) {
        report(in, "seccomp", "off", "built with a sanitizer");
        return 0;
    }
    count = syscalls_restrict(in->plan->needs);
    if (count == -EOPNOTSUPP) {
        report(in, "seccomp", "absent", "the kernel has no filters");
        return 0;
    }
    if (count < 0)
        return count;
    snprintf(detail, sizeof(detail), "%d calls allowed", count);
    report(in, "seccomp", "holds", detail);
    return 1;
}

static bool is_own(const struct plan *plan, const char *folder)
{
    for (size_t i = 0; i < 3 && plan->writes[i]; i++) {
        size_t len = strlen(plan->writes[i]);
        if (strncmp(folder, plan->writes[i], len) == 0 && (!folder[len] || folder[len] == '/'))
            return true;
    }
    return false;
}

static void probe_treasures(struct lock_in *in)
{
    for (size_t i = 0; i < sizeof(treasures) / sizeof(treasures[0]); i++) {
        char path[PATH_MAX], name[64];
        if (is_own(in->plan, treasures[i]) || !state_path(path, in->state, treasures[i]))
            continue;
        snprintf(name, sizeof(name), "open-%s", treasures[i]);
        report_probe(in, name, probe_open(path), in->landlock > 0, "the folder was opened");
    }
}

/* Both fences cover only the thread that enters them. */
static bool has_one_thread(void)
{
    DIR *dir = opendir("/proc/self/task");
    struct dirent *entry;
    unsigned count = 0;

    if (!dir)
        return true; /* no /proc in this container: nothing to check with */
    while ((entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count == 1 || privilege_under_sanitizer();
}

static int lock_in_steps(struct lock_in *in)
{
    int filtered, r;

    in->landlock = landlock_version();
    r = enter_landlock(in);
    if (r < 0)
        return r;
    report_probe(in, "exec", probe_exec_in_child(), in->landlock > 0, "a program was executed");
    if (!in->plan->tcp_connect)
        report_probe(in, "tcp", probe_tcp_connect(), in->landlock >= 4,
                     "a TCP port could be connected to");
    filtered = enter_seccomp(in);
    if (filtered < 0)
        return filtered;
    if (filtered)
        report_probe(in, "exec-call", probe_exec_call(), true, "the system call went through");
    if (filtered && !(in->plan->needs & NEED_CONNECT))
        report_probe(in, "socket", probe_socket(), true, "a socket was made");
    probe_treasures(in);
    return in->broken ? -EPERM : 0;
}

static int tell_parent(struct role_context *role, struct slice report)
{
    struct msg_ready ready = {.report = report};
    struct buf out;
    int r;

    buf_init(&out, CHANNEL_PAYLOAD_MAX);
    msg_ready_encode(&out, &ready);
    r = channel_send_wait(role->parent, MSG_READY, buf_slice(&out), NULL, 0, 5000);
    buf_done(&out);
    return r;
}

static void report_user(struct lock_in *in)
{
    char detail[64];

    snprintf(detail, sizeof(detail), "uid %ld", (long)geteuid());
    report(in, "user", geteuid() == 0 ? "open" : "holds", detail);
}

int sandbox_lock_in(struct role_context *role)
{
    const struct plan plan = plan_for(role->self, role->config);
    struct lock_in in = {.role = role, .plan = &plan};
    char state[PATH_MAX];
    int r = 0;

    snprintf(state, sizeof(state), "%.*s", SLICE_ARG(role->config->state));
    in.state = state;
    buf_init(&in.report, REPORT_MAX);
    report_user(&in);
    if (role->self == ROLE_PROGRAM)
        report(&in, "fence", "off", "programs would inherit it; they run as their own users");
    else if (!has_one_thread())
        r = -EBUSY;
    else
        r = lock_in_steps(&in);
    if (r < 0)
        log_error(NULL, "lock-in-failed", LOG_ERRNO(r), LOG_SLICE("report", buf_slice(&in.report)));
    else
        r = tell_parent(role, buf_slice(&in.report));
    buf_done(&in.report);
    return r;
}
