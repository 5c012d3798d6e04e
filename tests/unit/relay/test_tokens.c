/* Access tokens: what is asked, what is kept, who waits. The web is the test's own. */
#include "../cmocka_all.h"

#include "relay/tokens.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    unsigned asked;
    char form[1024];
    struct https_answer answer;
} web = {.lock = PTHREAD_MUTEX_INITIALIZER};

void __wrap_https_ask(struct https *https, const struct https_request *request,
                      https_answered *answered, void *arg);
void __wrap_https_ask(struct https *https, const struct https_request *request,
                      https_answered *answered, void *arg)
{
    (void)https;
    assert_true(request->secret && request->plain_here);
    pthread_mutex_lock(&web.lock);
    web.asked++;
    snprintf(web.form, sizeof(web.form), "%.*s", SLICE_ARG(request->body));
    pthread_mutex_unlock(&web.lock);
    usleep(20000);
    answered(arg, &web.answer);
}

static void web_says(long status, const char *body)
{
    web.asked = 0;
    web.answer = (struct https_answer){.status = status, .body = slice_from_cstr(body)};
}

static void hand_over(struct handed *handed, const char *path, const char *text)
{
    struct msg_file message = {.path = slice_from_cstr(path)};
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(handed_take(handed, &message, fd), 0);
    close(fd);
}

static const struct config_route route = {
    .name = SLICE_INIT("smart"),
    .login = {.user = SLICE_INIT("me"),
              .token = {.endpoint = SLICE_INIT("https://a.example/"),
                        .client_id = SLICE_INIT("an id"),
                        .client_secret_file = SLICE_INIT("/secret"),
                        .refresh_token_file = SLICE_INIT("/refresh"),
                        .scope = SLICE_INIT("send&more")}}};

struct scene {
    struct handed *handed;
    struct tokens *tokens;
};

static struct scene scene_open(void)
{
    struct scene scene = {.handed = handed_new()};

    scene.tokens = tokens_new(NULL, scene.handed);
    hand_over(scene.handed, "/secret", "s3=cret\n");
    hand_over(scene.handed, "/refresh", "r/1\r\nmore lines are no part of it\n");
    return scene;
}

static void scene_close(struct scene *scene)
{
    tokens_free(scene->tokens);
    handed_free(scene->handed);
}

/* The token, or the reason. */
static void expect(struct scene *scene, const char *refused, bool fine, const char *want)
{
    char why[TOKEN_WHY_MAX] = "";
    struct buf out;

    buf_init(&out, TOKEN_MAX);
    assert_int_equal(tokens_get(scene->tokens, &route, slice_from_cstr(refused), &out, why), fine);
    if (fine)
        assert_true(slice_eq(buf_slice(&out), slice_from_cstr(want)));
    else if (!strstr(why, want))
        fail_msg("%s, not %s", why, want);
    buf_done(&out);
}

static void test_one_request_for_many(void **state)
{
    struct scene scene = scene_open();

    (void)state;
    web_says(200, "{\"access_token\":\"a1\",\"expires_in\":3600}");
    expect(&scene, "", true, "a1");
    assert_string_equal(web.form, "grant_type=refresh_token&client_id=an%20id&client_secret=s3%3D"
                                  "cret&refresh_token=r%2F1&scope=send%26more");
    expect(&scene, "", true, "a1");
    expect(&scene, "older", true, "a1");
    assert_int_equal(web.asked, 1);
    /* The server at the other end did not take it. */
    web_says(200, "{\"access_token\":\"a2\"}");
    expect(&scene, "a1", true, "a2");
    assert_int_equal(web.asked, 1);
    tokens_reset(scene.tokens);
    expect(&scene, "", true, "a2");
    assert_int_equal(web.asked, 2);
    scene_close(&scene);
}

static void test_a_new_refresh_token_is_used_until_the_file_changes(void **state)
{
    struct scene scene = scene_open();

    (void)state;
    web_says(200, "{\"access_token\":\"a1\",\"refresh_token\":\"r2\",\"expires_in\":3600}");
    expect(&scene, "", true, "a1");
    web_says(200, "{\"access_token\":\"a2\",\"expires_in\":3600}");
    expect(&scene, "a1", true, "a2");
    assert_non_null(strstr(web.form, "refresh_token=r2&"));
    tokens_reset(scene.tokens); /* a reload */
    hand_over(scene.handed, "/another", "file");
    expect(&scene, "", true, "a2");
    assert_non_null(strstr(web.form, "refresh_token=r2&"));
    hand_over(scene.handed, "/refresh", "r3");
    expect(&scene, "", true, "a2");
    assert_non_null(strstr(web.form, "refresh_token=r3&"));
    scene_close(&scene);
}

static void test_a_short_life_is_believed(void **state)
{
    struct scene scene = scene_open();

    (void)state;
    web_says(200, "{\"access_token\":\"a1\",\"expires_in\":1}");
    expect(&scene, "", true, "a1");
    usleep(600000);
    expect(&scene, "", true, "a1");
    assert_int_equal(web.asked, 2);
    scene_close(&scene);
}

static void test_failures_are_told_and_not_kept(void **state)
{
    static const struct {
        long status;
        const char *body, *why;
    } cases[] = {
        {400, "{\"error\":\"invalid_grant\",\"error_description\":\"revoked\"}",
         "invalid_grant: revoked (HTTP 400)"},
        {500, "<html>", "no token (HTTP 500)"},
        {200, "{\"access_token\":\"with blank\"}", "no token that can be used"},
        {200, "{\"token\":1}", "no token that can be used"},
        {200, "[]", "no token (HTTP 200)"},
    };
    struct scene scene = scene_open();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        web_says(cases[i].status, cases[i].body);
        expect(&scene, "", false, cases[i].why);
    }
    web.answer = (struct https_answer){.failure = HTTPS_UNREACHABLE, .why = "nobody there"};
    expect(&scene, "", false, "nobody there");
    web_says(200, "{\"access_token\":\"a1\"}");
    expect(&scene, "", true, "a1");
    scene_close(&scene);
}

static void test_without_its_files_nobody_is_asked(void **state)
{
    struct scene scene = {.handed = handed_new()};
    struct msg_file away = {.path = SLICE("/refresh"), .text = SLICE("Permission denied")};

    (void)state;
    scene.tokens = tokens_new(NULL, scene.handed);
    web_says(200, "{\"access_token\":\"a1\"}");
    expect(&scene, "", false, "/refresh: it was not read yet");
    assert_int_equal(handed_take(scene.handed, &away, -1), 0);
    expect(&scene, "", false, "/refresh: Permission denied");
    assert_int_equal(web.asked, 0);
    scene_close(&scene);
}

static void *get_one(void *arg)
{
    char why[TOKEN_WHY_MAX];
    struct buf out;
    bool fine;

    buf_init(&out, TOKEN_MAX);
    fine = tokens_get(arg, &route, SLICE_NULL, &out, why) && slice_eq(buf_slice(&out), SLICE("a1"));
    buf_done(&out);
    return fine ? arg : NULL;
}

static void test_who_comes_meanwhile_waits_for_the_same(void **state)
{
    struct scene scene = scene_open();
    pthread_t threads[8];

    (void)state;
    web_says(200, "{\"access_token\":\"a1\",\"expires_in\":3600}");
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_one, scene.tokens), 0);
    for (unsigned i = 0; i < 8; i++) {
        void *fine;
        pthread_join(threads[i], &fine);
        assert_non_null(fine);
    }
    assert_int_equal(web.asked, 1);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_request_for_many),
        cmocka_unit_test(test_a_new_refresh_token_is_used_until_the_file_changes),
        cmocka_unit_test(test_a_short_life_is_believed),
        cmocka_unit_test(test_failures_are_told_and_not_kept),
        cmocka_unit_test(test_without_its_files_nobody_is_asked),
        cmocka_unit_test(test_who_comes_meanwhile_waits_for_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
