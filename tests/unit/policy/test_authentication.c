/* What becomes of a message by its verdicts and the settings. */
#include "policy/authentication.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char text[] = "hostname mx.example.org\n"
                           "state /nowhere\n"
                           "domain plain.example { deliver maildir }\n"
                           "domain strict.example { deliver maildir\n"
                           "  checks { spf reject; softfail quarantine; dkim quarantine\n"
                           "    iprev reject; helo reject } }\n"
                           "domain lax.example { deliver maildir\n"
                           "  checks { dmarc tag; defer 0 } }\n"
                           "domain junk.example { deliver maildir\n"
                           "  checks { dmarc quarantine } }\n"
                           "author exempt.example { dmarc ignore }\n"
                           "checks { trusted_sealer lists.example relay.example }\n";

static struct config *config;

static int set_up(void **state)
{
    struct config_bundle bundle;
    struct problem_list problems;

    (void)state;
    config_bundle_from_text(SLICE("t"), slice_from_cstr(text), &bundle);
    problem_list_init(&problems);
    if (config_parse(&bundle, &config, &problems) < 0)
        fail_msg("%.*s", SLICE_ARG(problem_line(&problems, problems.first)));
    problem_list_done(&problems);
    config_bundle_done(&bundle);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    config_unref(config);
    return 0;
}

/* Verdicts by their results alone. */
struct scene {
    enum spf_result spf, helo_spf;
    enum dkim_result dkim;
    bool testing;
    enum dmarc_result dmarc;
    enum dmarc_policy asked;
    bool unknown_record;
    enum arc_result arc;
    enum iprev_result iprev;
    enum helo_result helo;
    bool saved, crowd;
};

static const struct config_domain *domain(const char *name)
{
    return config_find_domain(config, slice_from_cstr(name));
}

/* `to`: names of domains, parted by blanks; with "!" in front it is the postmaster's. */
static struct authentication judge(const struct scene *scene, const char *to, const char *author,
                                   uint64_t tried_ms, struct arena *arena, char junk[16])
{
    struct spf_verdict spf = {.result = scene->spf, .domain = SLICE("bounce.example.net")},
                       helo_spf = {.result = scene->helo_spf, .identity = SPF_HELO};
    struct dkim_signature signature = {
        .result = scene->dkim, .domain = SLICE("example.com"), .testing = scene->testing};
    struct dkim_verdict dkim = {
        .result = scene->dkim, .list = &signature, .count = scene->dkim != DKIM_NONE};
    struct dmarc_verdict dmarc = {.result = scene->dmarc,
                                  .author = SLICE("example.com"),
                                  .asked = scene->asked,
                                  .author_unclear = scene->crowd,
                                  .record = scene->unknown_record ? SLICE_NULL : SLICE("v=DMARC1"),
                                  .problem = SLICE("SPF pass for bounce.example.net (not "
                                                   "aligned); no DKIM signature")};
    struct arc_verdict arc = {.result = scene->arc};
    struct arc_set set = {.sealer = SLICE("lists.example")};
    struct iprev_verdict iprev = {.result = scene->iprev};
    struct helo_verdict helo = {.result = scene->helo};
    const struct trust_verdicts verdicts = {.client = SLICE("192.0.2.1"),
                                            .helo = SLICE("mail"),
                                            .iprev = &iprev,
                                            .helo_check = &helo,
                                            .spf_helo = &helo_spf,
                                            .spf_mailfrom = &spf,
                                            .dkim = &dkim,
                                            .arc = &arc,
                                            .dmarc = &dmarc,
                                            .saved_by = scene->saved ? &set : NULL};
    static const struct config_listener listener = {.name = SLICE_INIT("mx")};
    struct authentication_recipient recipients[8] = {0};
    struct authentication_question question = {.config = config,
                                               .listener = &listener,
                                               .verdicts = &verdicts,
                                               .author = slice_from_cstr(author),
                                               .recipients = recipients,
                                               .tried_ms = tried_ms};
    struct authentication result;
    struct slice rest = slice_from_cstr(to);

    while (rest.ptr) {
        struct slice name = slice_cut(&rest, ' ');
        bool postmaster = name.ptr[0] == '!';
        recipients[question.n_recipients++] = (struct authentication_recipient){
            .domain = domain(arena_cstr(arena, slice_skip(name, postmaster))),
            .is_postmaster = postmaster};
    }
    authentication_judge(&question, arena, &result);
    for (unsigned i = 0; i < question.n_recipients; i++)
        junk[i] = recipients[i].junk ? 'j' : '.';
    junk[question.n_recipients] = '\0';
    return result;
}

#define DAY 86400000u

static void test_decisions(void **state)
{
    static const struct {
        struct scene scene;
        const char *to;
        enum authentication_action action;
        const char *junk;
        unsigned code, detail;
        const char *author;
        uint64_t tried_ms;
    } cases[] = {
        /* DMARC is enforced without any setting: as the domain asks. */
        {{.dmarc = DMARC_PASS}, "plain.example", AUTHENTICATION_ACCEPT, "."},
        {{.dmarc = DMARC_FAIL}, "plain.example", AUTHENTICATION_ACCEPT, "."},
        {{.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_QUARANTINE},
         "plain.example",
         AUTHENTICATION_JUNK,
         "j"},
        {{.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT},
         "plain.example",
         AUTHENTICATION_REFUSE,
         ".",
         550,
         1},
        {{.dmarc = DMARC_PERMERROR, .asked = DMARC_POLICY_REJECT},
         "plain.example",
         AUTHENTICATION_ACCEPT,
         "."},
        /* among too many authors there may be anybody */
        {{.dmarc = DMARC_PERMERROR, .unknown_record = true, .crowd = true},
         "plain.example lax.example junk.example",
         AUTHENTICATION_JUNK,
         "j.j"},
        {{.dmarc = DMARC_PERMERROR, .unknown_record = true},
         "plain.example",
         AUTHENTICATION_ACCEPT,
         "."},
        /* a recipient not of ours: the general settings */
        {{.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT},
         "other.example",
         AUTHENTICATION_REFUSE,
         ".",
         550,
         1},
        /* tag, quarantine, an author's exemption */
        {{.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT},
         "lax.example",
         AUTHENTICATION_ACCEPT,
         "."},
        {{.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT},
         "junk.example",
         AUTHENTICATION_JUNK,
         "j"},
        {{.dmarc = DMARC_FAIL}, "junk.example", AUTHENTICATION_ACCEPT, "."},
        {{.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT},
         "plain.example",
         AUTHENTICATION_ACCEPT,
         ".",
         .author = "exempt.example"},
        /* one who refuses among others gets it as junk */
        {{.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT},
         "plain.example lax.example plain.example",
         AUTHENTICATION_JUNK,
         "j.j"},
        {{.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT},
         "plain.example junk.example",
         AUTHENTICATION_JUNK,
         "jj"},
        {{.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT},
         "plain.example !plain.example",
         AUTHENTICATION_JUNK,
         "j."},
        {{.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT},
         "!plain.example",
         AUTHENTICATION_ACCEPT,
         "."},
        /* the other checks, which tag unless told otherwise */
        {{.spf = SPF_FAIL}, "plain.example", AUTHENTICATION_ACCEPT, "."},
        {{.spf = SPF_FAIL}, "strict.example", AUTHENTICATION_REFUSE, ".", 550, 23},
        {{.spf = SPF_PASS, .helo_spf = SPF_FAIL},
         "strict.example",
         AUTHENTICATION_REFUSE,
         ".",
         550,
         1},
        {{.spf = SPF_SOFTFAIL}, "strict.example", AUTHENTICATION_JUNK, "j"},
        {{.dkim = DKIM_FAIL}, "strict.example", AUTHENTICATION_JUNK, "j"},
        {{.dkim = DKIM_FAIL, .testing = true}, "strict.example", AUTHENTICATION_ACCEPT, "."},
        {{.dkim = DKIM_PASS}, "strict.example", AUTHENTICATION_ACCEPT, "."},
        {{.iprev = IPREV_FAIL}, "strict.example", AUTHENTICATION_REFUSE, ".", 550, 25},
        {{.iprev = IPREV_PERMERROR}, "strict.example", AUTHENTICATION_REFUSE, ".", 550, 25},
        {{.helo = HELO_FAIL}, "strict.example", AUTHENTICATION_REFUSE, ".", 550, 1},
        /* the worst of several */
        {{.spf = SPF_SOFTFAIL, .helo = HELO_FAIL},
         "strict.example",
         AUTHENTICATION_REFUSE,
         ".",
         550,
         1},
        /* a sealer saves what forwarding breaks, and nothing else */
        {{.spf = SPF_FAIL, .dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT, .saved = true},
         "strict.example",
         AUTHENTICATION_ACCEPT,
         "."},
        {{.helo = HELO_FAIL, .saved = true}, "strict.example", AUTHENTICATION_REFUSE, ".", 550, 1},
        /* what is not known matters only where it could change something */
        {{.spf = SPF_TEMPERROR}, "plain.example", AUTHENTICATION_ACCEPT, "."},
        {{.spf = SPF_TEMPERROR}, "strict.example", AUTHENTICATION_DEFER, ".", 451, 24},
        {{.spf = SPF_TEMPERROR}, "strict.example", AUTHENTICATION_ACCEPT, ".", .tried_ms = DAY},
        {{.spf = SPF_TEMPERROR, .helo = HELO_FAIL},
         "strict.example",
         AUTHENTICATION_REFUSE,
         ".",
         550,
         1},
        {{.dkim = DKIM_TEMPERROR}, "strict.example", AUTHENTICATION_DEFER, ".", 451, 1},
        {{.iprev = IPREV_TEMPERROR}, "strict.example", AUTHENTICATION_DEFER, ".", 451, 25},
        {{.dmarc = DMARC_TEMPERROR, .unknown_record = true},
         "plain.example",
         AUTHENTICATION_DEFER,
         ".",
         451,
         1},
        {{.dmarc = DMARC_TEMPERROR, .asked = DMARC_POLICY_NONE},
         "plain.example",
         AUTHENTICATION_ACCEPT,
         "."},
        {{.dmarc = DMARC_TEMPERROR, .unknown_record = true},
         "lax.example",
         AUTHENTICATION_ACCEPT,
         "."},
        {{.dmarc = DMARC_TEMPERROR, .unknown_record = true},
         "lax.example plain.example",
         AUTHENTICATION_DEFER,
         "..",
         451,
         1},
        /* a sealer might save it */
        {{.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT, .arc = ARC_TEMPERROR},
         "plain.example",
         AUTHENTICATION_DEFER,
         ".",
         451,
         1},
        {{.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT, .arc = ARC_TEMPERROR},
         "plain.example",
         AUTHENTICATION_REFUSE,
         ".",
         550,
         1,
         .tried_ms = DAY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *author = cases[i].author ? cases[i].author : "example.com";
        struct authentication result;
        struct arena arena;
        char junk[16];

        arena_init(&arena);
        result = judge(&cases[i].scene, cases[i].to, author, cases[i].tried_ms, &arena, junk);
        if (result.action != cases[i].action || result.code != cases[i].code ||
            result.status.detail != cases[i].detail ||
            !slice_eq(slice_from_cstr(junk), slice_from_cstr(cases[i].junk)))
            fail_msg("case %zu, to %s: %s %u %s %s", i, cases[i].to,
                     authentication_action_name(result.action), result.code,
                     status_format(result.status).text, junk);
        arena_done(&arena);
    }
}

static void test_words_and_rule(void **state)
{
    const struct scene dmarc = {.dmarc = DMARC_FAIL, .asked = DMARC_POLICY_REJECT},
                       helo = {.helo = HELO_FAIL};
    struct authentication result;
    struct arena arena;
    char junk[16];

    (void)state;
    arena_init(&arena);
    result = judge(&dmarc, "plain.example", "example.com", 0, &arena, junk);
    assert_non_null(strstr(arena_cstr(&arena, result.text),
                           "example.com asks to reject mail that neither SPF nor DKIM backs: SPF "
                           "pass for bounce.example.net (not aligned); no DKIM signature\n"));
    assert_int_equal(result.rule.line, 0);
    result = judge(&helo, "strict.example", "example.com", 0, &arena, junk);
    assert_int_equal(result.rule.line, 6);
    assert_int_equal(result.check, CHECKED_HELO);
    arena_done(&arena);
}

/* The newest sealer is believed about the one before it. */
static void test_trusted_sealers(void **state)
{
#define VOUCHES SLICE("x.example; dmarc=pass header.from=example.com")
#define DOUBTS  SLICE("x.example; dmarc=fail header.from=example.com")
    struct arc_set sets[] = {{.sealer = SLICE("relay.example"), .results = VOUCHES},
                             {.sealer = SLICE("Lists.example"), .results = DOUBTS}};
    struct arc_verdict arc = {.result = ARC_PASS, .list = sets, .count = 2};
    const struct slice author = SLICE("example.com");
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_ptr_equal(authentication_find_trusted(config, &arc, author, &arena), &sets[0]);
    sets[1].results = VOUCHES;
    assert_ptr_equal(authentication_find_trusted(config, &arc, author, &arena), &sets[1]);
    sets[1].sealer = SLICE("unknown.example");
    assert_null(authentication_find_trusted(config, &arc, author, &arena));
    sets[1].sealer = SLICE("lists.example");
    sets[0].results = sets[1].results = DOUBTS;
    assert_null(authentication_find_trusted(config, &arc, author, &arena));
    sets[1].results = VOUCHES;
    arc.result = ARC_FAIL;
    assert_null(authentication_find_trusted(config, &arc, author, &arena));
    assert_null(authentication_find_trusted(config, NULL, author, &arena));
    arena_done(&arena);
}

static void test_wanted(void **state)
{
    const struct config_listener mx = {.name = SLICE_INIT("mx")};
    struct config_listener lmtp = {.name = SLICE_INIT("lmtp"), .service = SERVICE_LMTP};

    (void)state;
    assert_int_equal(authentication_wanted(config, &mx), (1u << CHECKED_KINDS) - 1);
    for (unsigned i = 0; i < CHECKED_KINDS; i++)
        lmtp.checks.list[i].action = CHECK_IGNORE;
    assert_int_equal(authentication_wanted(config, &lmtp), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_decisions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_words_and_rule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_trusted_sealers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wanted, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
