/*
 * The race. At most one new connection is begun for each round of waiting: at the start, when the
 * head start of the last one is over, and at once when one has failed.
 */
#include "io/connect.h"

#include "base/clock.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

enum { KEEPALIVE_IDLE_S = 60, KEEPALIVE_EVERY_S = 20, KEEPALIVE_COUNT = 3 };

struct running {
    struct connect_race *race;
    unsigned next;              /* to be begun */
    uint64_t next_at;           /* and when; 0: at once */
    int fds[CONNECT_TRIES_MAX]; /* under way, or -1 */
    uint64_t begun[CONNECT_TRIES_MAX];
    unsigned active;
    int error; /* of the last that failed */
};

/* A client that waits for a greeting sends nothing, and would never learn that the other side has
 * forgotten the connection (a machine that restarted, a full accept queue behind SYN cookies). */
static void keep_alive(int fd)
{
    int on = 1, idle = KEEPALIVE_IDLE_S, every = KEEPALIVE_EVERY_S, count = KEEPALIVE_COUNT;

    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static int start_connect(int fd, const struct connect_try *one)
{
    int on = 1;

    if (one->to.socket.any.sa_family != AF_UNIX) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        keep_alive(fd);
    }
    if (one->source.len && bind(fd, &one->source.socket.any, one->source.len) < 0)
        return -errno;
    if (connect(fd, &one->to.socket.any, one->to.len) == 0)
        return 0;
    /* An interrupted connect goes on in the background like one in progress. */
    return errno == EINTR ? -EINPROGRESS : -errno;
}

/* It is no longer under way. */
static void leave(struct running *running, unsigned i, enum connect_state state, int error)
{
    struct connect_race *race = running->race;

    if (running->fds[i] >= 0) {
        running->active--;
        if (state != CONNECT_WON)
            close(running->fds[i]);
    }
    race->tries[i].state = state;
    race->tries[i].error = error;
    race->tries[i].ms = (uint32_t)(clock_mono_ms() - running->begun[i]);
    if (error)
        running->error = error;
    if (state != CONNECT_WON) {
        running->fds[i] = -1;
        if (race->ended)
            race->ended(race->arg, i);
    }
}

/* True: it is connected already. */
static bool begin(struct running *running, unsigned i)
{
    struct connect_try *one = &running->race->tries[i];
    int fd = socket(one->to.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int r = fd < 0 ? -errno : 0;

    running->begun[i] = clock_mono_ms();
    running->fds[i] = fd;
    running->active += fd >= 0;
    if (r == 0)
        r = start_connect(fd, one);
    if (r == -EINPROGRESS) {
        running->next_at = clock_mono_ms() + CONNECT_HEAD_START_MS;
        return false;
    }
    leave(running, i, r == 0 ? CONNECT_WON : CONNECT_FAILED, r);
    return r == 0;
}

/* Begins what is due. True: *ret_winner is connected. */
static bool begin_due(struct running *running, unsigned *ret_winner)
{
    struct connect_race *race = running->race;

    while (running->next < race->count) {
        unsigned i = running->next;
        if (running->active && clock_mono_ms() < running->next_at)
            return false;
        running->next++;
        if (race->may_begin && !race->may_begin(race->arg, i))
            continue;
        if (begin(running, i)) {
            *ret_winner = i;
            return true;
        }
    }
    return false;
}

/* Until one of them is ready, the next is due, or the time is up. */
static int wait_for_any(const struct running *running, struct pollfd *fds)
{
    uint64_t now = clock_mono_ms(), until = running->race->deadline;
    unsigned n = running->race->count;
    uint64_t left;

    if (running->next < n && running->next_at < until)
        until = running->next_at;
    for (unsigned i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = running->fds[i], .events = POLLOUT};
    fds[n] = (struct pollfd){.fd = running->race->cancel_fd, .events = POLLIN};
    left = until > now ? until - now : 0;
    if (poll(fds, n + 1, left > INT32_MAX ? INT32_MAX : (int)left) < 0 && errno != EINTR)
        return -errno;
    return fds[n].revents ? -ECANCELED : 0;
}

static int error_of(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return -errno;
    return -error;
}

/* True: *ret_winner is connected. */
static bool look_at_ready(struct running *running, const struct pollfd *fds, unsigned *ret_winner)
{
    for (unsigned i = 0; i < running->race->count; i++) {
        int r;
        if (running->fds[i] < 0 || !fds[i].revents)
            continue;
        r = error_of(running->fds[i]);
        if (r == 0) {
            leave(running, i, CONNECT_WON, 0);
            *ret_winner = i;
            return true;
        }
        leave(running, i, CONNECT_FAILED, r);
        running->next_at = 0;
    }
    return false;
}

static void give_up(struct running *running, enum connect_state state, int error)
{
    for (unsigned i = 0; i < running->race->count; i++) {
        if (running->fds[i] >= 0 && running->race->tries[i].state != CONNECT_WON)
            leave(running, i, state, error);
    }
}

static int run(struct running *running, unsigned *ret_winner)
{
    struct pollfd fds[CONNECT_TRIES_MAX + 1];

    for (;;) {
        int r;
        if (begin_due(running, ret_winner))
            return 0;
        if (!running->active)
            return running->error ? running->error : -EBUSY;
        r = wait_for_any(running, fds);
        if (r < 0)
            return r;
        if (look_at_ready(running, fds, ret_winner))
            return 0;
        if (clock_mono_ms() >= running->race->deadline)
            return -ETIMEDOUT;
    }
}

int connect_first(struct connect_race *race, int *ret_fd, unsigned *ret_winner)
{
    struct running running = {.race = race};
    unsigned winner = 0;
    int r;

    for (unsigned i = 0; i < CONNECT_TRIES_MAX; i++)
        running.fds[i] = -1;
    if (race->count > CONNECT_TRIES_MAX)
        race->count = CONNECT_TRIES_MAX;
    for (unsigned i = 0; i < race->count; i++)
        race->tries[i].state = CONNECT_UNTRIED;
    r = run(&running, &winner);
    if (r == -ETIMEDOUT)
        give_up(&running, CONNECT_FAILED, -ETIMEDOUT);
    else
        give_up(&running, CONNECT_UNTRIED, 0);
    if (r == 0) {
        *ret_fd = running.fds[winner];
        *ret_winner = winner;
    }
    return r;
}
