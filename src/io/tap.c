/*
 * The ring: bytes of lines, oldest at `head`, wrapping at the end. Both counters only grow; their
 * difference is what is in it. A writer holds the lock for one copy of a line, the reader for one
 * copy of a batch.
 */
#include "io/tap.h"

#include "base/buf.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock; /* guards all that follows */
    char *ring;
    uint64_t head, tail; /* bytes taken out and put in, ever */
    uint64_t dropped;
    bool resting; /* the reader sleeps until the descriptor is readable */
    int fd;
} tap = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

/* The bytes at `position` in at most two parts; copies `len` of them in or out. */
static void copy_in(uint64_t position, const char *from, size_t len)
{
    size_t at = (size_t)(position % TAP_SIZE);
    size_t first = len < TAP_SIZE - at ? len : TAP_SIZE - at;

    memcpy(tap.ring + at, from, first);
    memcpy(tap.ring, from + first, len - first);
}

static void copy_out(uint64_t position, char *to, size_t len)
{
    size_t at = (size_t)(position % TAP_SIZE);
    size_t first = len < TAP_SIZE - at ? len : TAP_SIZE - at;

    memcpy(to, tap.ring + at, first);
    memcpy(to + first, tap.ring, len - first);
}

static void add_line(struct slice line)
{
    bool wake = false;

    pthread_mutex_lock(&tap.lock);
    if (TAP_SIZE - (tap.tail - tap.head) <= line.len) {
        tap.dropped++;
    } else {
        copy_in(tap.tail, line.ptr, line.len);
        copy_in(tap.tail + line.len, "\n", 1);
        tap.tail += line.len + 1;
        wake = tap.resting;
        tap.resting = false;
    }
    pthread_mutex_unlock(&tap.lock);
    if (wake)
        (void)!write(tap.fd, &(uint64_t){1}, sizeof(uint64_t));
}

int tap_open(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0)
        return -errno;
    tap.fd = fd; /* one that was inherited is the parent's, and closed with what else is its */
    if (!tap.ring)
        tap.ring = xmalloc(TAP_SIZE);
    tap.head = tap.tail = tap.dropped = 0;
    tap.resting = true;
    return 0;
}

void tap_enable(bool on)
{
    if (tap.ring)
        log_set_tap(on ? add_line : NULL);
}

int tap_fd(void)
{
    return tap.fd;
}

/* The length of the whole lines among these bytes. */
static size_t whole_lines(const char *bytes, size_t len)
{
    while (len && bytes[len - 1] != '\n')
        len--;
    return len;
}

size_t tap_peek(char *out, size_t size)
{
    size_t len;

    pthread_mutex_lock(&tap.lock);
    len = tap.tail - tap.head < size ? (size_t)(tap.tail - tap.head) : size;
    copy_out(tap.head, out, len);
    pthread_mutex_unlock(&tap.lock);
    return whole_lines(out, len);
}

void tap_forget(size_t n)
{
    pthread_mutex_lock(&tap.lock);
    tap.head += n;
    pthread_mutex_unlock(&tap.lock);
}

bool tap_rest(void)
{
    uint64_t count;
    bool rests;

    pthread_mutex_lock(&tap.lock);
    rests = tap.resting = tap.head == tap.tail;
    (void)!read(tap.fd, &count, sizeof(count));
    pthread_mutex_unlock(&tap.lock);
    return rests;
}

uint64_t tap_dropped(void)
{
    uint64_t dropped;

    pthread_mutex_lock(&tap.lock);
    dropped = tap.dropped;
    pthread_mutex_unlock(&tap.lock);
    return dropped;
}
