/*
 * Making the secret of SRS. See srs_secret.h.
 *
 * 160 bits from the kernel, in hexadecimal. Written beside, synced, renamed: after a crash there is
 * a whole one or none. None may be made while there is one, whatever it says: a lost secret turns
 * away every bounce that is still on its way.
 */
#include "daemon/srs_secret.h"

#include "base/buf.h"
#include "daemon/state.h"
#include "io/keep_file.h"
#include "trust/srs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES = 20 };

bool srs_secret_path(char *out, const char *state)
{
    return state_path(out, state, SRS_SECRET_FILE);
}

static int write_secret(const char *state)
{
    uint8_t bytes[SECRET_BYTES];
    struct buf text;
    int folder, r = 0;

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -EIO;
    folder = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    buf_init(&text, 1024);
    buf_add_cstr(
        &text, "# The secret of rewritten sender addresses (SRS). To replace it put a new line of\n"
               "# 16 characters or more above this one, and remove this one after max_age.\n");
    for (size_t i = 0; i < sizeof(bytes); i++)
        buf_printf(&text, "%02x", bytes[i]);
    buf_add_char(&text, '\n');
    r = keep_file_write(folder, SRS_SECRET_FILE, buf_slice(&text));
    explicit_bzero(bytes, sizeof(bytes));
    explicit_bzero(text.ptr, text.len);
    buf_done(&text);
    close(folder);
    return r;
}

int srs_secret_make(const char *state, struct problem_list *problems)
{
    char path[PATH_MAX];
    struct stat st;
    int r;

    if (!srs_secret_path(path, state))
        r = -ENAMETOOLONG;
    else if (lstat(path, &st) == 0)
        r = 0;
    else
        r = errno == ENOENT ? write_secret(state) : -errno;
    if (r < 0)
        problem_add(problems, SLICE_NULL, 0, "%s: %s: the secret of SRS is kept there", path,
                    strerror(-r));
    return r;
}
