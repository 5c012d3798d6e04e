/* What receive takes for keys: a sealed memory file with material in it, and nothing else. */
#include "receive/keys.h"

#include "../cmocka_all.h"
#include "../config/parsing.h"
#include "../tls_support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum form { SEALED, NOT_SEALED, ON_DISK };

static struct test_identity identity;
static struct buf stored;

static int make_material(void **state)
{
    struct arena arena;
    struct tls_pair pair;

    (void)state;
    test_identity_make(&identity, &(struct test_certificate){.common_name = "mx"});
    arena_init(&arena);
    pair = test_pair(&arena, "mx", &identity, "mx.example.org");
    buf_init(&stored, TLS_MATERIAL_MAX);
    tls_material_encode(&stored, &(struct tls_material){.pairs = &pair, .n_pairs = 1});
    arena_done(&arena);
    return 0;
}

static int free_material(void **state)
{
    (void)state;
    buf_done(&stored);
    test_identity_done(&identity);
    return 0;
}

static int open_with(enum form form, struct slice bytes)
{
    int fd = form == ON_DISK ? open("/tmp", O_TMPFILE | O_RDWR, 0600)
                             : memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), (ssize_t)bytes.len);
    if (form == SEALED)
        assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    return fd;
}

static void test_what_is_no_good_changes_nothing(void **state)
{
    const struct slice good = buf_slice(&stored);
    const struct {
        enum form form;
        struct slice bytes;
    } cases[] = {
        {NOT_SEALED, good},
        {ON_DISK, good},
        {SEALED, SLICE("")},
        {SEALED, slice_sub(good, 0, good.len - 1)},
    };
    struct config *config = parse("hostname mx.example.org\n");
    struct server server;
    struct keys keys;
    int kept;

    (void)state;
    server_init(&server, config);
    keys_init(&keys, &server, config);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(keys_take(&keys, open_with(cases[i].form, cases[i].bytes)) < 0);
        assert_false(server_has_tls(&server));
        assert_int_equal(keys.fd, -1);
    }
    kept = open_with(SEALED, good);
    assert_int_equal(keys_take(&keys, kept), 0);
    assert_true(server_has_tls(&server));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(keys_take(&keys, open_with(cases[i].form, cases[i].bytes)) < 0);
        assert_true(server_has_tls(&server));
        assert_int_equal(keys.fd, kept);
    }
    server_done(&server);
    keys_done(&keys);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_good_changes_nothing),
    };
    return cmocka_run_group_tests(tests, make_material, free_material);
}
