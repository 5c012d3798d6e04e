#include "../cmocka_all.h"

#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of files for a test; `at` is where the process stands while it lasts. */
static char folder[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/nuncio-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return chdir(folder);
}

static int tear_down(void **state)
{
    static const char *const names[] = {"main.conf", "sub/a.conf", "sub/b.conf",
                                        "link.conf", "fifo",       "sub"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove(names[i]);
    assert_int_equal(chdir("/"), 0);
    return rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Loads main.conf; the problems as text in a static buffer, "" when there are none. */
static const char *load(struct config **ret_config)
{
    static char all[4096];
    struct config_bundle bundle;
    struct problem_list problems;
    struct buf text;
    int r;

    *ret_config = NULL;
    buf_init(&text, sizeof(all) - 1);
    problem_list_init(&problems);
    r = config_load("main.conf", &bundle, ret_config, &problems);
    for (const struct problem *p = problems.first; p; p = p->next)
        buf_printf(&text, "%.*s|", SLICE_ARG(problem_line(&problems, p)));
    assert_int_equal(r, problems.count ? -EINVAL : 0);
    snprintf(all, sizeof(all), "%.*s", SLICE_ARG(buf_slice(&text)));
    config_bundle_done(&bundle);
    problem_list_done(&problems);
    buf_done(&text);
    return all;
}

static void test_includes_stand_where_they_are_named(void **state)
{
    struct config *config;

    (void)state;
    mkdir("sub", 0700);
    write_file("main.conf", "include sub/a.conf\ndomain main.example\n");
    write_file("sub/a.conf", "hostname a.example\ninclude b.conf\n");
    write_file("sub/b.conf", "\ndomain b.example\n");
    assert_string_equal(load(&config), "");
    assert_int_equal(config->n_domains, 2);
    assert_true(slice_eq(config->domains[0].name, SLICE("b.example")));
    assert_true(slice_eq(config->domains[0].source.file, SLICE("sub/b.conf")));
    assert_int_equal(config->domains[0].source.line, 2);
    config_unref(config);
}

static void test_problems_of_all_files_are_told_at_once(void **state)
{
    struct config *config;

    (void)state;
    mkdir("sub", 0700);
    write_file("main.conf", "hostname a.example\ninclude sub/a.conf\ninclude none.conf\nwrong\n");
    write_file("sub/a.conf", "\n\nfoo\n");
    assert_string_equal(load(&config), "main.conf:3: none.conf: No such file or directory|"
                                       "sub/a.conf:3: unknown setting 'foo'|"
                                       "main.conf:4: unknown setting 'wrong'|");
    assert_null(config);
}

static void test_includes_do_not_go_round(void **state)
{
    struct config *config;

    (void)state;
    write_file("main.conf", "hostname a.example\ninclude ./main.conf\n");
    assert_string_equal(load(&config), "main.conf:2: ./main.conf: is included already; include "
                                       "each file once|");
    assert_int_equal(symlink("main.conf", "link.conf"), 0);
    write_file("main.conf", "hostname a.example\ninclude link.conf\n");
    assert_string_equal(load(&config), "main.conf:2: link.conf: is included already; include each "
                                       "file once|");
}

static void test_what_is_no_configuration_is_refused(void **state)
{
    struct config *config;
    FILE *file;

    (void)state;
    assert_string_equal(load(&config), "main.conf: No such file or directory|");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    write_file("main.conf", "hostname a.example\ninclude fifo\ninclude .\n");
    assert_string_equal(load(&config), "main.conf:2: fifo: is not a regular file|"
                                       "main.conf:3: .: is not a regular file|");
    file = fopen("main.conf", "w");
    assert_non_null(file);
    for (int i = 0; i <= CONFIG_FILE_MAX; i++)
        fputc('\n', file);
    fclose(file);
    assert_string_equal(load(&config),
                        "main.conf: is larger than 1 MiB; that is not a configuration|"
                        "main.conf: hostname is missing; add one like: hostname mx1.example.org|");
}

static void test_encoded_bundles_come_back_and_broken_ones_do_not(void **state)
{
    struct config_bundle bundle, back;
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    config_bundle_from_text(SLICE("x.conf"), SLICE("hostname a.example\n"), &bundle);
    config_bundle_encode(&out, &bundle);
    assert_int_equal(config_bundle_decode(buf_slice(&out), &back), 0);
    assert_int_equal(back.count, 1);
    assert_true(slice_eq(back.files[0].name, SLICE("x.conf")));
    assert_true(slice_eq(back.files[0].text, SLICE("hostname a.example\n")));
    config_bundle_done(&back);
    for (size_t n = 0; n < out.len; n++)
        assert_int_equal(config_bundle_decode(slice_from(out.ptr, n), &back), -EBADMSG);
    buf_add_char(&out, 'x');
    assert_int_equal(config_bundle_decode(buf_slice(&out), &back), -EBADMSG);
    out.ptr[3] = '\x7f';
    assert_int_equal(config_bundle_decode(buf_slice(&out), &back), -EBADMSG);
    config_bundle_done(&bundle);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_includes_stand_where_they_are_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_problems_of_all_files_are_told_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_includes_do_not_go_round, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_configuration_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test(test_encoded_bundles_come_back_and_broken_ones_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
