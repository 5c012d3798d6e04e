/*
 * Runs a fuzz target over its seeds without a fuzzer: each file of the folders named on the command
 * line, whole and cut off after every byte (the first PREFIX_MAX bytes of them), so that the normal
 * tests walk through what the fuzzer would start with. With sanitizers in the build a fault ends
 * the program; otherwise an abort() of the target does.
 *
 * The input lies in a block of exactly its size, so that reading past the end is seen. A folder
 * without a seed is a mistake, not a success.
 */
#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEED_MAX = 8 * 1024 * 1024, PREFIX_MAX = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_exact(const char *bytes, size_t len)
{
    uint8_t *copy = xmalloc(len ? len : 1);

    memcpy(copy, bytes, len);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static int read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;

    if (fd < 0)
        return -errno;
    do {
        char *room = buf_reserve(out, 64 * 1024);
        if (!room)
            break;
        n = read(fd, room, 64 * 1024);
        if (n > 0)
            buf_added(out, (size_t)n);
    } while (n > 0);
    close(fd);
    return out->overflow ? -EFBIG : n < 0 ? -EIO : 0;
}

static int run_seed(const char *path)
{
    struct buf seed;
    int r;

    buf_init(&seed, SEED_MAX);
    r = read_file(path, &seed);
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(-r));
    } else {
        for (size_t cut = 0; cut < seed.len && cut < PREFIX_MAX; cut++)
            run_exact(seed.ptr, cut);
        run_exact(seed.ptr, seed.len);
    }
    buf_done(&seed);
    return r;
}

/* The number of seeds run, or a failure. */
static int run_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int count = 0;

    if (!dir)
        return -errno;
    while (count >= 0 && (entry = readdir(dir))) {
        char path[PATH_MAX];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
            continue;
        count = run_seed(path) < 0 ? -EIO : count + 1;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int count = run_folder(argv[i]);
        if (count <= 0) {
            fprintf(stderr, "%s: %s\n", argv[i], count ? strerror(-count) : "holds no seed");
            return 1;
        }
        printf("%d seeds of %s\n", count, argv[i]);
    }
    return argc > 1 ? 0 : 1;
}
