/*
 * Who answers the questions of `nuncio verify`: the DNS, or a zone file; and the message that it
 * judges. See verify.h.
 */
#include "control/verify.h"

#include "control/command_config.h"
#include "control/command_dns.h"
#include "policy/names.h"
#include "smtp/dot_stuff.h"
#include "trust/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, ZONE_MAX = 16 * 1024 * 1024, HEADER_MAX = 1024 * 1024 };

struct verify_world {
    struct zone *zone;
    struct dns *dns;
    struct names *asked;
    struct trust_names names;
};

static int open_file(const char *path, int *ret_fd)
{
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*ret_fd >= 0)
        return EX_OK;
    fprintf(stderr, "nuncio: %s: %s\n", path, strerror(errno));
    return EX_NOINPUT;
}

/* Bytes read, 0 at the end, or -errno. */
static ssize_t read_block(int fd, char *block)
{
    ssize_t n;

    do {
        n = read(fd, block, BLOCK);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* ---- zone file ------------------------------------------------------------------------------ */

static int read_text(const char *path, struct buf *text)
{
    char *block;
    ssize_t n;
    int fd, code = open_file(path, &fd);

    if (code != EX_OK)
        return code;
    block = xmalloc(BLOCK);
    while ((n = read_block(fd, block)) > 0)
        buf_add(text, block, (size_t)n);
    free(block);
    close(fd);
    if (n == 0 && !text->overflow)
        return EX_OK;
    fprintf(stderr, "nuncio: %s: %s\n", path,
            n < 0 ? strerror((int)-n) : "more than 16 MiB is too much for a zone file");
    return n < 0 ? EX_NOINPUT : EX_DATAERR;
}

static int open_zone(struct verify_world *world, const char *path)
{
    struct problem_list problems;
    struct buf text;
    int code;

    buf_init(&text, ZONE_MAX);
    code = read_text(path, &text);
    if (code == EX_OK) {
        problem_list_init(&problems);
        world->zone = zone_read(slice_from_cstr(path), buf_slice(&text), &problems);
        command_problems_print("", &problems);
        problem_list_done(&problems);
        code = world->zone ? EX_OK : EX_DATAERR;
    }
    buf_done(&text);
    if (world->zone)
        world->names = zone_names(world->zone);
    return code;
}

/* ---- the world ------------------------------------------------------------------------------ */

static int open_dns(struct verify_world *world, const char *config)
{
    if (command_dns_open(config, &world->dns) < 0)
        return EX_CONFIG;
    world->asked = names_new(&(struct names_options){.dns = world->dns, .waits = true});
    world->names = *names_of(world->asked);
    return EX_OK;
}

struct verify_world *verify_world_open(const struct verify_options *options, int *ret_code)
{
    struct verify_world *world = xcalloc(1, sizeof(*world));

    *ret_code = options->zone ? open_zone(world, options->zone) : open_dns(world, options->config);
    if (*ret_code == EX_OK)
        return world;
    verify_world_close(world);
    return NULL;
}

void verify_world_close(struct verify_world *world)
{
    if (!world)
        return;
    names_end(world->asked);
    if (world->dns)
        dns_stop(world->dns);
    dns_free(world->dns);
    zone_free(world->zone);
    free(world);
}

const struct trust_names *verify_world_names(const struct verify_world *world)
{
    return &world->names;
}

/* ---- message -------------------------------------------------------------------------------- */

/* With the line ends that it has on its way: files have others. */
static int feed(int fd, const char *path, struct dkim_verifier *verifier)
{
    char *block = xmalloc(BLOCK);
    struct dot_stuff lines;
    struct buf clean;
    size_t fed = 0;
    ssize_t n;

    dot_stuff_init(&lines, false);
    buf_init(&clean, 2 * BLOCK + DOT_STUFF_EXTRA);
    while ((n = read_block(fd, block)) > 0) {
        buf_reset(&clean);
        dot_stuff_add(&lines, slice_from(block, (size_t)n), &clean);
        dkim_verifier_feed(verifier, buf_slice(&clean));
        fed += clean.len;
        if (fed > HEADER_MAX && !dkim_verifier_has_header(verifier))
            break;
    }
    buf_reset(&clean);
    dot_stuff_end(&lines, &clean);
    dkim_verifier_feed(verifier, buf_slice(&clean));
    dkim_verifier_end(verifier);
    buf_done(&clean);
    free(block);
    if (n == 0)
        return EX_OK;
    fprintf(stderr, "nuncio: %s: %s\n", path,
            n < 0 ? strerror((int)-n) : "its header section is longer than 1 MiB");
    return n < 0 ? EX_NOINPUT : EX_DATAERR;
}

int verify_message_read(const char *path, struct dkim_verifier *verifier)
{
    int fd, code;

    if (!path)
        return feed(STDIN_FILENO, "standard input", verifier);
    code = open_file(path, &fd);
    if (code != EX_OK)
        return code;
    code = feed(fd, path, verifier);
    close(fd);
    return code;
}
