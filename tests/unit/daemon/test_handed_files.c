#include "daemon/handed_files.h"
#include "daemon/srs_secret.h"

#include "place.h"
#include <errno.h>
#include "../config/parsing.h"

static struct config *config_with(const char *accounts)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "hostname a.example\n"
             "accounts x { passwd_file %s/passwd; alias_file %s/aliases }\n"
             "accounts y { passwd_file %s/passwd }\n%s",
             place_root, place_root, place_root, accounts);
    return parse(text);
}

static void assert_content(int fd, const char *want)
{
    char got[64] = "";

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, got, sizeof(got) - 1, 0), (ssize_t)strlen(want));
    assert_string_equal(got, want);
    /* Nobody changes it any more, we neither. */
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    close(fd);
}

static void test_each_file_of_the_configuration_once(void **state)
{
    struct handed_files handed = {0};
    struct config *config = config_with(
        "accounts z { dovecot_auth /a; dovecot_userdb /b }\nauth { oauth { introspection "
        "https://a.example/; client_id me; client_secret_file /secret; ca /ca.pem } }\n");

    (void)state;
    handed_files_set(&handed, config, NULL);
    assert_int_equal(handed.files.count, 4);
    assert_true(slice_eq(handed.list[2].path, SLICE("/secret")));
    assert_true(slice_eq(handed.list[3].path, SLICE("/ca.pem")));
    config_unref(config);
    config = parse("hostname a.example\n");
    handed_files_set(&handed, config, NULL);
    assert_int_equal(handed.files.count, 0);
    handed_files_done(&handed);
    config_unref(config);
}

static void test_relay_gets_what_its_routes_name(void **state)
{
    struct handed_files handed = {0};
    struct config *config = parse(
        "hostname a.example\nauth { oauth { introspection https://a.example/; ca /ca.pem } }\n"
        "route r { host b.example; tls_ca /ca.pem; login { user u; password_file /p; token {\n"
        "  endpoint https://c.example/; client_id c; client_secret_file /s\n"
        "  refresh_token_file /t; ca /token.pem } } }\n"
        "destination d.example { host e.example; login { user u; password_file /p } }\n");
    static const char *const want[] = {"/ca.pem", "/p", "/s", "/t", "/token.pem"};

    (void)state;
    handed_files_set(&handed, config, NULL);
    assert_int_equal(handed.files.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(slice_eq(handed.list[i].path, slice_from_cstr(want[i])));
        assert_int_equal(handed.list[i].roles, 1u << ROLE_RELAY | (i == 0 ? 1u << ROLE_AUTH : 0));
    }
    handed_files_done(&handed);
    config_unref(config);
}

static void test_the_secret_of_srs_is_made_once(void **state)
{
    struct handed_files handed = {0};
    struct config *config = parse("hostname a.example\n");
    char first[1024] = "", second[1024] = "";
    struct problem_list problems;
    struct stat st;
    int fd;

    (void)state;
    problem_list_init(&problems);
    assert_int_equal(srs_secret_make(place_root, &problems), 0);
    assert_int_equal(stat(place_path("srs.secret"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    handed_files_set(&handed, config, place_root);
    assert_int_equal(handed.files.count, 1);
    assert_true(slice_eq(handed.list[0].name, SLICE("srs.secret")));
    assert_true(slice_eq(handed.list[0].path, slice_from_cstr(place_path("srs.secret"))));
    assert_int_equal(handed.list[0].roles, 1u << ROLE_AUTH | 1u << ROLE_QUEUE);
    fd = handed_files_copy(&handed, 0);
    assert_true(pread(fd, first, sizeof(first) - 1, 0) > 40);
    close(fd);
    assert_int_equal(srs_secret_make(place_root, &problems), 0);
    fd = handed_files_copy(&handed, 0);
    assert_true(pread(fd, second, sizeof(second) - 1, 0) > 40);
    close(fd);
    assert_string_equal(first, second);
    assert_int_equal(srs_secret_make("/nonexistent", &problems), -ENOENT);
    assert_int_equal(problems.count, 1);
    problem_list_done(&problems);
    handed_files_done(&handed);
    config_unref(config);
}

static void test_contents_come_sealed_or_with_a_reason(void **state)
{
    struct handed_files handed = {0};
    struct config *config = config_with("");
    struct buf json;

    (void)state;
    buf_init(&json, 10000);
    place_write("passwd", "joe:{PLAIN}secret\n");
    handed_files_set(&handed, config, NULL);
    assert_content(handed_files_copy(&handed, 0), "joe:{PLAIN}secret\n");
    assert_int_equal(handed_files_copy(&handed, 1), -1);
    assert_string_equal(handed.list[1].why, "No such file or directory");
    handed_files_add_status(&handed, &json);
    assert_non_null(memmem(json.ptr, json.len, "passwd\",\"problem\":\"\"", 20));
    assert_non_null(memmem(json.ptr, json.len, "\"problem\":\"No such file", 23));
    assert_int_equal(mkfifo(place_path("aliases"), 0600), 0);
    assert_int_equal(handed_files_copy(&handed, 1), -1);
    assert_string_equal(handed.list[1].why, "Not a file");
    assert_int_equal(unlink(place_path("aliases")), 0);
    place_write("aliases", "");
    assert_int_equal(truncate(place_path("aliases"), HANDED_FILE_MAX + 1), 0);
    assert_int_equal(handed_files_copy(&handed, 1), -1);
    assert_string_equal(handed.list[1].why, "It has more than 67108864 bytes");
    place_write("aliases", "");
    assert_content(handed_files_copy(&handed, 1), "");
    assert_string_equal(handed.list[1].why, "");
    buf_done(&json);
    handed_files_done(&handed);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_file_of_the_configuration_once, place_make,
                                        place_remove),
        cmocka_unit_test(test_relay_gets_what_its_routes_name),
        cmocka_unit_test_setup_teardown(test_the_secret_of_srs_is_made_once, place_make,
                                        place_remove),
        cmocka_unit_test_setup_teardown(test_contents_come_sealed_or_with_a_reason, place_make,
                                        place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
