/*
 * Messages of other projects with the keys that they were signed with: chasquid's (a file of
 * records and one with the expected states beside each message) and mail-auth's (records, an empty
 * line, the message).
 */
#include "trust/dkim.h"

#include "dkim_fake.h"

#include "../cmocka_all.h"
#include "../mail/corpora.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDS_MAX = 16 };

struct world {
    struct arena arena;
    struct fake_record records[RECORDS_MAX];
    size_t n_records;
    struct slice message, expected;
};

static void add_record(struct world *world, struct slice name, struct slice text)
{
    if (world->n_records == RECORDS_MAX || slice_trim(text).len == 0)
        return;
    world->records[world->n_records].name = arena_cstr(&world->arena, slice_trim(name));
    world->records[world->n_records++].text = slice_trim(text);
}

/* "NAME<separator>TEXT"; a line that ends in a backslash goes on in the next. */
static void read_records(struct world *world, struct slice text, char separator)
{
    char *joined = arena_cstr(&world->arena, text);

    for (char *p = joined; (p = strstr(p, "\\\n")) != NULL;)
        p[0] = p[1] = ' ';
    text = slice_from_cstr(joined);
    while (text.ptr) {
        struct slice line = slice_cut(&text, '\n');
        struct slice name = slice_cut(&line, separator);
        if (line.ptr)
            add_record(world, name, line);
    }
}

static void judge(struct world *world, struct dkim_verdict *ret_verdict)
{
    struct fake_names fake = {world->records, world->n_records, &world->arena, 0};
    const struct trust_names names = {.ask = fake_ask, .arg = &fake};
    struct dkim_verifier *verifier = dkim_verifier_new();

    dkim_verifier_feed(verifier, world->message);
    dkim_verifier_end(verifier);
    assert_int_equal(dkim_verifier_judge(verifier, &names, 1720000000, &world->arena, ret_verdict),
                     0);
    for (unsigned i = 0; i < ret_verdict->count; i++) {
        ret_verdict->list[i].problem = arena_dup(&world->arena, ret_verdict->list[i].problem);
    }
    dkim_verifier_free(verifier);
}

/* ---- mail-auth ------------------------------------------------------------------------------ */

static void check_mail_auth(const char *path, struct slice content)
{
    struct world world = {.n_records = 0};
    struct dkim_verdict verdict;
    const char *empty_line = memmem(content.ptr, content.len, "\n\n", 2);

    if (strstr(path, "SOURCE") || !empty_line)
        return;
    arena_init(&world.arena);
    read_records(&world, slice_from(content.ptr, (size_t)(empty_line - content.ptr)), ' ');
    world.message = slice_skip(content, (size_t)(empty_line + 2 - content.ptr));
    judge(&world, &verdict);
    assert_true(verdict.count > 0);
    for (unsigned i = 0; i < verdict.count; i++) {
        if (verdict.list[i].result != DKIM_PASS)
            fail_msg("%s: %u: %s: %.*s", path, i, dkim_result_name(verdict.list[i].result),
                     SLICE_ARG(verdict.list[i].problem));
    }
    arena_done(&world.arena);
}

/* ---- chasquid ------------------------------------------------------------------------------- */

static struct world chasquid;
static const char *wanted_stem;

static bool ends_with(const char *path, const char *end)
{
    return slice_ends_with_nocase(slice_from_cstr(path), slice_from_cstr(end));
}

static void load_part(const char *path, struct slice content)
{
    if (!strstr(path, wanted_stem))
        return;
    if (ends_with(path, ".dns"))
        read_records(&chasquid, content, ':');
    else if (ends_with(path, ".msg"))
        chasquid.message = arena_dup(&chasquid.arena, content);
    else if (ends_with(path, ".result"))
        chasquid.expected = slice_from_cstr(arena_cstr(&chasquid.arena, content));
}

/* Each "State" of the expected results, in order. 02 expects five, its author's bound. */
static void compare_states(const struct dkim_verdict *verdict)
{
    const char *at = chasquid.expected.ptr;

    for (unsigned i = 0; at && (at = strstr(at, "\"State\": \"")) != NULL; i++) {
        enum dkim_result result = i < verdict->count ? verdict->list[i].result : DKIM_NONE;
        at += strlen("\"State\": \"");
        if (strncmp(at, "SUCCESS", 7) == 0 ? result == DKIM_PASS
            : strncmp(at, "TEMP", 4) == 0  ? result == DKIM_TEMPERROR
                                           : result != DKIM_PASS && result != DKIM_TEMPERROR)
            continue;
        fail_msg("%s: %u: %s instead of %.8s: %.*s", wanted_stem, i, dkim_result_name(result), at,
                 SLICE_ARG(verdict->list[i].problem));
    }
}

static void check_chasquid(const char *stem, const char *dns, const char *message)
{
    struct dkim_verdict verdict;

    memset(&chasquid, 0, sizeof(chasquid));
    arena_init(&chasquid.arena);
    wanted_stem = dns;
    corpora_visit("dkim/chasquid", load_part);
    wanted_stem = message;
    corpora_visit("dkim/chasquid", load_part);
    wanted_stem = stem;
    corpora_visit("dkim/chasquid", load_part);
    judge(&chasquid, &verdict);
    compare_states(&verdict);
    arena_done(&chasquid.arena);
}

static void test_mail_auth(void **state)
{
    (void)state;
    if (corpora_visit("dkim/mail-auth", check_mail_auth) == 0)
        skip();
}

static void test_chasquid(void **state)
{
    /* Some of the files are links to others of them, which were not copied. */
    static const struct {
        const char *stem, *dns, *message;
    } cases[] = {
        {"01-", "01-", "01-"},
        {"02-", "01-rfc8463.dns", "02-"},
        {"03-", "03-", "03-"},
        {"04-", "01-rfc8463.dns", "04-"},
        {"05-", "05-", "05-"},
        {"06-", "06-", "06-"},
        {"07-", "07-", "01-rfc8463.msg"},
        {"08-", "08-", "08-"},
        {"09-", "08-our_signature.dns", "09-"},
        {"10-", "10-", "01-rfc8463.msg"},
        {"11-", "11-", "11-"},
    };

    (void)state;
    if (!getenv("NUNCIO_CORPORA"))
        skip();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_chasquid(cases[i].stem, cases[i].dns, cases[i].message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_auth),
        cmocka_unit_test(test_chasquid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
