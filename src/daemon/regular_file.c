/* Files that the configuration names. See regular_file.h. */
#include "daemon/regular_file.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int tell(char why[REGULAR_FILE_WHY_SIZE], int error)
{
    snprintf(why, REGULAR_FILE_WHY_SIZE, "%s", strerror(error));
    return -error;
}

static int check(int fd, uint64_t max, struct stat *ret_stat, char why[REGULAR_FILE_WHY_SIZE])
{
    if (fstat(fd, ret_stat) < 0)
        return tell(why, errno);
    if (S_ISDIR(ret_stat->st_mode))
        return tell(why, EISDIR);
    if (!S_ISREG(ret_stat->st_mode)) {
        snprintf(why, REGULAR_FILE_WHY_SIZE, "Not a file");
        return -EINVAL;
    }
    if ((uint64_t)ret_stat->st_size > max) {
        snprintf(why, REGULAR_FILE_WHY_SIZE, "It has more than %ju bytes", (uintmax_t)max);
        return -EFBIG;
    }
    return 0;
}

int regular_file_open(struct slice path, uint64_t max, struct stat *ret_stat,
                      char why[REGULAR_FILE_WHY_SIZE])
{
    char *name = xslicedup(path);
    int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int r = fd < 0 ? tell(why, errno) : check(fd, max, ret_stat, why);

    free(name);
    if (r < 0 && fd >= 0)
        close(fd);
    return r < 0 ? r : fd;
}

int regular_file_read(struct slice path, uint64_t max, struct arena *arena, struct slice *ret_text,
                      struct stat *ret_stat, char why[REGULAR_FILE_WHY_SIZE])
{
    int fd = regular_file_open(path, max, ret_stat, why);
    size_t size, len = 0;
    ssize_t n = 1;
    char *text;

    if (fd < 0)
        return fd;
    size = (size_t)ret_stat->st_size;
    text = arena_alloc(arena, size + 1);
    while (n > 0 && len < size) {
        n = read(fd, text + len, size - len);
        len += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    if (n < 0)
        return tell(why, errno);
    *ret_text = slice_from(text, len);
    return 0;
}
