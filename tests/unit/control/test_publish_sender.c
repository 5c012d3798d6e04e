#include "control/publish_sender.h"

#include "../cmocka_all.h"
#include "trust/zone.h"

#include <string.h>

#define ED25519 "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define OTHER   "v=DKIM1; k=ed25519; p=PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="

static const char zone_text[] = "$ORIGIN example.org.\n"
                                "@ MX 10 mx\n"
                                "mx A 192.0.2.25\n"
                                "mx AAAA 2001:db8::25\n"
                                "other A 192.0.2.99\n"
                                "both TXT \"v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 -all\"\n"
                                "loop TXT \"v=spf1 include:loop.example.org -all\"\n"
                                "_dmarc TXT \"v=DMARC1; p=reject\"\n"
                                "example.org._report._dmarc.reports.example. TXT \"v=DMARC1\"\n";

static struct zone *zone;
static struct trust_names names;
static struct arena arena;

static struct slice addresses[] = {SLICE_INIT("192.0.2.25"), SLICE_INIT("2001:db8::25")};
static const struct publish_site here = {.domain = SLICE_INIT("example.org"),
                                         .host = SLICE_INIT("mx.example.org"),
                                         .addresses = addresses,
                                         .n_addresses = 2};

static int set_up(void **state)
{
    struct problem_list problems;

    (void)state;
    arena_init(&arena);
    problem_list_init(&problems);
    zone = zone_read(SLICE("zone"), slice_from_cstr(zone_text), &problems);
    problem_list_done(&problems);
    if (!zone)
        return -1;
    names = zone_names(zone);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    zone_free(zone);
    arena_done(&arena);
    return 0;
}

static struct zone *zone_with(const char *more, struct trust_names *ret_names)
{
    struct problem_list problems;
    struct buf text;
    struct zone *made;

    buf_init(&text, 65536);
    buf_add_cstr(&text, zone_text);
    buf_add_cstr(&text, more);
    problem_list_init(&problems);
    made = zone_read(SLICE("zone"), buf_slice(&text), &problems);
    problem_list_done(&problems);
    buf_done(&text);
    assert_non_null(made);
    *ret_names = zone_names(made);
    return made;
}

static void test_spf_is_what_others_make_of_it(void **state)
{
    static const struct {
        const char *text;
        enum publish_state state;
        const char *words;
    } cases[] = {
        {"v=spf1 mx -all", PUBLISH_THERE, "v=spf1 mx -all"},
        {"v=spf1 +MX ~all", PUBLISH_THERE, ""},
        {"v=spf1 a:mx.example.org -all", PUBLISH_THERE, ""},
        {"v=spf1 include:both.example.org -all", PUBLISH_THERE, ""},
        {"v=spf1 redirect=both.example.org", PUBLISH_THERE, ""},
        {"v=spf1 mx:example.net -all", PUBLISH_WRONG, "does not name 192.0.2.25"},
        {"v=spf1 a:other.example.org -all", PUBLISH_WRONG, "gets fail by -all; add 'mx'"},
        {"v=spf1 ip4:192.0.2.25 -all", PUBLISH_WRONG, "does not name 2001:db8::25"},
        {"v=spf1 -mx -all", PUBLISH_WRONG, "does not name"},
        {"v=spf1 mx all", PUBLISH_WRONG, "lets everybody send"},
        {"v=spf1 ip4:0.0.0.0/0 ip6:::/0 -all", PUBLISH_WRONG, "lets everybody send"},
        {"v=spf1 mx ?all", PUBLISH_ADVISED, "end with '-all'"},
        {"v=spf1 mx", PUBLISH_ADVISED, "end with '-all'"},
        {"v=spf1 ipv4:192.0.2.25 -all", PUBLISH_WRONG, "others read it as an error"},
        {"v=spf1 include:loop.example.org -all", PUBLISH_WRONG, "others read it as an error"},
        {"v=spf1 mx mx mx mx mx mx mx mx -all", PUBLISH_THERE, "more than 10 are an error"},
        {"v=spf1 mx mx mx mx mx mx mx mx mx mx mx -all", PUBLISH_WRONG,
         "others read it as an error"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct trust_names with;
        struct publish_finding finding;
        struct slice record = arena_printf(&arena, "@ TXT \"%s\"\n@ A 192.0.2.7\n", cases[i].text);
        struct zone *own = zone_with(record.ptr, &with);
        finding = publish_sender_spf(&here, slice_from_cstr(cases[i].text), &with, &arena);
        if (finding.state != cases[i].state ||
            !memmem(finding.text.ptr, finding.text.len, cases[i].words, strlen(cases[i].words)))
            fail_msg("%s: %.*s", cases[i].text, SLICE_ARG(finding.text));
        zone_free(own);
    }
}

static void test_dmarc_says_what_to_do_next(void **state)
{
    static const struct {
        const char *text;
        enum publish_state state;
        const char *words;
    } cases[] = {
        {"v=DMARC1; p=reject; rua=mailto:dmarc@example.org", PUBLISH_THERE, "p=reject"},
        {"v=DMARC1; p=none; rua=mailto:dmarc@sub.example.org", PUBLISH_THERE, "go on to"},
        {"v=DMARC1; p=reject; t=y; rua=mailto:dmarc@example.org", PUBLISH_THERE, "t=y"},
        {"v=DMARC1; p=reject", PUBLISH_ADVISED, "rua=mailto:"},
        {"v=DMARC1; p=reject; rua=mailto:a@reports.example", PUBLISH_THERE, "p=reject"},
        {"v=DMARC1; p=reject; rua=mailto:a@elsewhere.example", PUBLISH_WRONG,
         "example.org._report._dmarc.elsewhere.example. TXT \"v=DMARC1\""},
        {"v=DMARC1; p=reject; rua=a@example.org", PUBLISH_ADVISED, "rua=mailto:ADDRESS"},
        {"v=DMARC1; p=reject; rua=https://example.org/", PUBLISH_WRONG, "rua=mailto:ADDRESS"},
        {"v=DMARC1; p=rejct", PUBLISH_WRONG, "p=rejct is no policy"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct publish_finding finding =
            publish_sender_dmarc(&here, slice_from_cstr(cases[i].text), &names, &arena);
        if (finding.state != cases[i].state ||
            !memmem(finding.text.ptr, finding.text.len, cases[i].words, strlen(cases[i].words)))
            fail_msg("%s: %.*s", cases[i].text, SLICE_ARG(finding.text));
    }
}

static void test_a_record_above_holds_too(void **state)
{
    const struct publish_site below = {.domain = SLICE("sub.example.org"), .host = here.host};
    struct publish_finding finding;

    (void)state;
    assert_true(publish_sender_dmarc_above(&below, &names, &arena, &finding));
    assert_int_equal(finding.state, PUBLISH_THERE);
    assert_non_null(memmem(finding.text.ptr, finding.text.len, "of example.org holds", 20));
}

/* A TXT record's data: one string. */
static struct slice txt(const char *text)
{
    return arena_printf(&arena, "%c%s", (int)strlen(text), text);
}

static void test_a_key_is_compared_with_what_is_published(void **state)
{
    static const struct {
        const char *first, *second;
        enum publish_state state;
        const char *words;
    } cases[] = {
        {ED25519, NULL, PUBLISH_THERE, "fits"},
        {"k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", NULL, PUBLISH_THERE, "fits"},
        {NULL, NULL, PUBLISH_MISSING, "until it is there"},
        {OTHER, NULL, PUBLISH_WRONG, "another key"},
        {"v=DKIM1; k=ed25519; p=", NULL, PUBLISH_WRONG, "revokes"},
        {"v=DKIM1; k=ed25519", NULL, PUBLISH_WRONG, "cannot read"},
        {ED25519 "; t=y", NULL, PUBLISH_ADVISED, "t=y"},
        {ED25519 "; h=sha1", NULL, PUBLISH_WRONG, "SHA-256"},
        {ED25519 "; s=tlsrpt", NULL, PUBLISH_WRONG, "for mail"},
        {ED25519, OTHER, PUBLISH_WRONG, "keep one"},
    };
    const struct publish_record record = {
        .about = PUBLISH_DKIM, .key = SLICE(ED25519), .note = SLICE("fits the key")};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice records[2];
        struct dns_answer answer = {.records = records};
        struct publish_finding finding;
        if (cases[i].first)
            records[answer.n_records++] = txt(cases[i].first);
        if (cases[i].second)
            records[answer.n_records++] = txt(cases[i].second);
        finding = publish_sender_dkim(&record, &answer, &arena);
        if (finding.state != cases[i].state ||
            !memmem(finding.text.ptr, finding.text.len, cases[i].words, strlen(cases[i].words)))
            fail_msg("%zu: %.*s", i, SLICE_ARG(finding.text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_spf_is_what_others_make_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dmarc_says_what_to_do_next, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_record_above_holds_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_key_is_compared_with_what_is_published, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
