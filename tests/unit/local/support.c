/* A mail store in a temporary directory. See support.h. */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void store_init(struct store *store)
{
    snprintf(store->state, sizeof(store->state), "/tmp/nuncio-local-XXXXXX");
    assert_non_null(mkdtemp(store->state));
    assert_int_equal(mkdir(store_path(store, "mail"), 0700), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void store_done(struct store *store)
{
    assert_int_equal(nftw(store->state, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *store_path(const struct store *store, const char *relative)
{
    static char paths[4][4096];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", store->state, relative);
    return path;
}

static unsigned walk(const char *path, char *name, size_t size)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    unsigned n = 0;

    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        n++;
        if (name)
            snprintf(name, size, "%s", entry->d_name);
    }
    if (dir)
        closedir(dir);
    return n;
}

unsigned store_count(const struct store *store, const char *relative)
{
    return walk(store_path(store, relative), NULL, 0);
}

void store_only_file(const struct store *store, const char *relative, char *to, size_t size)
{
    assert_int_equal(walk(store_path(store, relative), to, size), 1);
}

char *store_read(const struct store *store, const char *relative, size_t *ret_len)
{
    int fd = open(store_path(store, relative), O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *text;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    text = xcalloc(1, (size_t)st.st_size + 1);
    assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
    close(fd);
    if (ret_len)
        *ret_len = (size_t)st.st_size;
    return text;
}

int text_file(struct slice text)
{
    int fd = memfd_create("text", MFD_CLOEXEC);

    assert_true(fd >= 0);
    if (text.len)
        assert_int_equal(pwrite(fd, text.ptr, text.len, TEXT_FILE_OFFSET), text.len);
    return fd;
}

void letter_init(struct letter *letter, uint64_t message_id, struct slice account,
                 struct slice text)
{
    *letter = (struct letter){.recipient = {.index = 3, .address = account, .account = account}};
    letter->unit = (struct msg_unit){.unit = 1,
                                     .message_id = message_id,
                                     .way = WAY_MAILDIR,
                                     .domain = SLICE("example.org"),
                                     .text_offset = TEXT_FILE_OFFSET,
                                     .text_length = text.len,
                                     .reverse_path = SLICE("from@example.net"),
                                     .received_ms = 1700000000123,
                                     .recipients = &letter->recipient,
                                     .n_recipients = 1};
    letter->job = (struct job){.unit = &letter->unit,
                               .recipient = &letter->recipient,
                               .fd = text_file(text),
                               .verdict = &letter->verdict};
}

void letter_done(struct letter *letter)
{
    close(letter->job.fd);
}

static void ignore_usage(void *arg, const struct msg_usage *usage)
{
    (void)arg;
    (void)usage;
}

void letters_deliver(const struct store *store, uint64_t epoch, struct letter *letters, size_t n)
{
    struct batch *batch = batch_new(slice_from_cstr(store->state), SLICE("mx.example.org"));
    struct job jobs[BATCH_MAX];

    assert_in_range(n, 1, BATCH_MAX);
    for (size_t i = 0; i < n; i++)
        jobs[i] = letters[i].job;
    batch_deliver(batch, epoch, jobs, n, ignore_usage, NULL);
    batch_free(batch);
}
