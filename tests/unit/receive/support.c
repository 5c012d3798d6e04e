#include "support.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

struct config *support_config(const char *state, const char *more)
{
    struct config_bundle bundle;
    struct problem_list problems;
    struct config *config = NULL;
    struct buf text;

    buf_init(&text, 10000);
    buf_printf(&text,
               "hostname mx.example.org\nstate %s\n"
               "domain example.org { deliver maildir }\n%s",
               state, more);
    config_bundle_from_text(SLICE("test.conf"), buf_slice(&text), &bundle);
    problem_list_init(&problems);
    if (config_parse(&bundle, &config, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(problem_line(&problems, problems.first)));
    problem_list_done(&problems);
    config_bundle_done(&bundle);
    buf_done(&text);
    return config;
}

static void make_folder(const char *state, const char *name)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", state, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

int support_setup(void **state)
{
    struct support *support = xcalloc(1, sizeof(*support));
    struct spool_writer_options options = {
        .disk = disk_real(), .writer_number = 1, .segment_size = 4 << 20};
    char path[200];

    snprintf(support->state, sizeof(support->state), "/tmp/nuncio-test-XXXXXX");
    assert_non_null(mkdtemp(support->state));
    make_folder(support->state, "spool");
    make_folder(support->state, "maildrop");
    support->config = support_config(support->state, "relay 192.0.2.25:25\n");
    server_init(&support->server, support->config);
    snprintf(path, sizeof(path), "%s/spool/receive", support->state);
    options.directory = path;
    assert_int_equal(spool_writer_open(&options, &support->server.spool), 0);
    *state = support;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status, (void)kind, (void)ftw;
    return remove(path);
}

void support_close_spool(struct support *support)
{
    if (support->server.spool)
        spool_writer_close(support->server.spool);
    support->server.spool = NULL;
}

int support_teardown(void **state)
{
    struct support *support = *state;

    support_close_spool(support);
    server_done(&support->server);
    config_unref(support->config);
    nftw(support->state, remove_entry, 10, FTW_DEPTH | FTW_PHYS);
    free(support);
    return 0;
}

struct reading {
    struct support_message *message;
    struct spool_location location;
    struct spool_store *store;
};

static void on_message(void *arg, const struct envelope *envelope, struct spool_location location)
{
    struct reading *reading = arg;

    (void)envelope;
    reading->message->count++;
    reading->location = location;
}

static void read_text(struct reading *reading)
{
    struct support_message *message = reading->message;
    struct spool_text text;
    char *bytes;

    assert_int_equal(spool_store_envelope(reading->store, reading->location, &message->arena,
                                          &message->envelope),
                     0);
    assert_int_equal(spool_store_text(reading->store, reading->location, &text), 0);
    bytes = arena_alloc(&message->arena, text.length + 1);
    assert_int_equal(pread(text.fd, bytes, text.length, (off_t)text.offset), text.length);
    spool_store_text_done(reading->store, &text);
    message->text = slice_from(bytes, text.length);
}

void support_read_messages(struct support *support, struct support_message *ret_message)
{
    struct reading reading = {.message = ret_message};
    struct spool_store_events events = {.message = on_message, .arg = &reading};
    struct spool_store_options options = {.disk = disk_real(), .events = &events};
    char path[100];

    support_close_spool(support);
    *ret_message = (struct support_message){.count = 0};
    snprintf(path, sizeof(path), "%s/spool", support->state);
    options.directory = path;
    assert_int_equal(spool_store_open(&options, &reading.store), 0);
    if (ret_message->count)
        read_text(&reading);
    spool_store_close(reading.store);
}

void support_read_only_message(struct support *support, struct support_message *ret_message)
{
    support_read_messages(support, ret_message);
    assert_int_equal(ret_message->count, 1);
}

void support_message_done(struct support_message *message)
{
    arena_done(&message->arena);
}

bool support_contains(struct slice text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}
