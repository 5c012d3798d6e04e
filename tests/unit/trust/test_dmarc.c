#include "dmarc_case.h"

#include "trust/zone.h"

#include <errno.h>
#include <string.h>

#include "../cmocka_all.h"

static struct zone *make_zone(const char *text)
{
    struct problem_list problems;
    struct zone *zone;

    problem_list_init(&problems);
    zone = zone_read(SLICE("zone"), slice_from_cstr(text), &problems);
    if (!zone)
        fail_msg("zone: %.*s", SLICE_ARG(problems.first->text));
    problem_list_done(&problems);
    return zone;
}

struct message {
    const char *authors, *spf, *dkim, *expected;
};

static void judge_all(const char *records, const struct message *messages, size_t n)
{
    struct zone *zone = make_zone(records);
    struct trust_names names = zone_names(zone);
    struct arena arena;

    arena_init(&arena);
    for (size_t i = 0; i < n; i++) {
        struct dmarc_verdict verdict;
        struct dmarc_case made;
        struct slice line;

        dmarc_case_make(&made, messages[i].authors, messages[i].spf, messages[i].dkim);
        assert_int_equal(dmarc_check(&made.question, &names, &arena, &verdict), 0);
        line = dmarc_case_line(&verdict, &arena);
        if (!slice_eq(line, slice_from_cstr(messages[i].expected)))
            fail_msg("From %s, SPF %s, DKIM %s: \"%.*s\", not \"%s\"", messages[i].authors,
                     messages[i].spf, messages[i].dkim, SLICE_ARG(line), messages[i].expected);
    }
    arena_done(&arena);
    zone_free(zone);
}
#define JUDGE_ALL(records, messages)                                                               \
    judge_all(records, messages, sizeof(messages) / sizeof((messages)[0]))

/* Section 4.4 table 1, appendix B.1. */
static void test_alignment(void **state)
{
    static const struct message messages[] = {
        {"example.com", "pass example.com", "",
         "pass reject by p, record at example.com, organization example.com, spf"},
        {"example.com", "pass child.example.com", "",
         "pass reject by p, record at example.com, organization example.com, spf"},
        {"child.example.com", "pass example.net", "",
         "fail reject by p, record at example.com, organization example.com"},
        {"example.com", "", "pass example.com",
         "pass reject by p, record at example.com, organization example.com, dkim"},
        {"child.example.com", "", "pass example.com",
         "pass reject by p, record at example.com, organization example.com, dkim"},
        {"child.example.com", "", "pass example.net",
         "fail reject by p, record at example.com, organization example.com"},
        {"news.example.com", "pass foo.example.com", "",
         "pass reject by p, record at example.com, organization example.com, spf"},
        /* One of many is enough; what did not pass is none. */
        {"example.com", "softfail example.com",
         "fail example.com; pass example.net; pass example.com",
         "pass reject by p, record at example.com, organization example.com, dkim"},
        {"example.com", "neutral example.com", "policy example.com",
         "fail reject by p, record at example.com, organization example.com"},
        /* Case, final dots, U-labels; a name's end is not a parent. */
        {"Example.COM", "pass CHILD.example.com.", "pass EXAMPLE.com",
         "pass reject by p, record at example.com, organization example.com, spf, dkim"},
        {"b\xc3\xbc"
         "cher.example",
         "pass xn--bcher-kva.example", "",
         "pass reject by p, record at xn--bcher-kva.example, organization xn--bcher-kva.example, "
         "spf"},
        {"example.com", "pass notexample.com", "pass example.com.evil.example",
         "fail reject by p, record at example.com, organization example.com"},
        /* A sibling that says where its organization begins is another one. */
        {"example.com", "pass own.example.com", "",
         "fail reject by p, record at example.com, organization example.com"},
        {"own.example.com", "pass example.com", "pass a.own.example.com",
         "pass none by p, record at own.example.com, organization own.example.com, dkim"},
    };

    (void)state;
    JUDGE_ALL("_dmarc.example.com TXT v=DMARC1; p=reject\n"
              "_dmarc.own.example.com TXT v=DMARC1; p=none; psd=n\n"
              "_dmarc.xn--bcher-kva.example TXT v=DMARC1; p=reject\n",
              messages);
}

static void test_strict_alignment(void **state)
{
    static const struct message messages[] = {
        {"example.com", "pass example.com", "",
         "pass reject by p, record at example.com, organization example.com, spf"},
        {"example.com", "pass a.example.com", "pass a.example.com",
         "fail reject by p, record at example.com, organization example.com"},
        {"example.com", "pass a.example.com", "pass EXAMPLE.com",
         "pass reject by p, record at example.com, organization example.com, dkim"},
        {"d.example", "pass a.d.example", "pass a.d.example",
         "pass reject by p, record at d.example, organization d.example, spf"},
        {"s.example", "pass a.s.example", "pass a.s.example",
         "pass reject by p, record at s.example, organization s.example, dkim"},
    };

    (void)state;
    JUDGE_ALL("_dmarc.example.com TXT v=DMARC1; p=reject; adkim=s; aspf=S\n"
              "_dmarc.d.example TXT v=DMARC1; p=reject; adkim=s\n"
              "_dmarc.s.example TXT v=DMARC1; p=reject; aspf=s\n",
              messages);
}

/* Section 4.10.1. */
static void test_policy_discovery(void **state)
{
    static const struct message messages[] = {
        {"nowhere.example", "pass nowhere.example", "", "none"},
        {"localhost", "", "", "none"},
        {"example.com", "", "",
         "fail reject by p, record at example.com, organization example.com"},
        {"there.example.com", "", "",
         "fail quarantine by sp, record at example.com, organization example.com"},
        {"not.example.com", "", "",
         "fail none by np, record at example.com, organization example.com"},
        {"below.there.example.com", "", "",
         "fail none by np, record at example.com, organization example.com"},
        /* Its own record, though its organizational domain is the one above. */
        {"dept.example.com", "", "",
         "fail none by p, record at dept.example.com, organization example.com"},
        /* Between author and organizational domain nothing is a policy. */
        {"a.dept.example.com", "", "",
         "fail none by np, record at example.com, organization example.com"},
        /* np falls back to sp, sp to p. */
        {"not.sp.example", "", "",
         "fail quarantine by sp, record at sp.example, organization sp.example"},
        {"not.p.example", "", "", "fail reject by p, record at p.example, organization p.example"},
        {"not.np.example", "", "",
         "fail quarantine by np, record at np.example, organization np.example"},
        {"there.np.example", "", "",
         "fail reject by p, record at np.example, organization np.example"},
        /* Two records are none, others do not count. */
        {"two.example", "", "", "none"},
        {"other.example", "", "",
         "fail reject by p, record at other.example, organization other.example"},
        {"a.two.example.com", "", "",
         "fail none by np, record at example.com, organization example.com"},
        /* A single label. */
        {"single", "pass single", "",
         "pass reject by p, record at single, organization single, spf"},
        {"a.single", "pass b.single", "",
         "pass reject by p, record at single, organization single, spf"},
    };

    (void)state;
    JUDGE_ALL("_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine; np=none\n"
              "there.example.com A 192.0.2.1\n"
              "_dmarc.dept.example.com TXT v=DMARC1; p=none; sp=reject; np=reject\n"
              "_dmarc.sp.example TXT v=DMARC1; p=none; sp=quarantine\n"
              "_dmarc.p.example TXT v=DMARC1; p=reject\n"
              "_dmarc.np.example TXT v=DMARC1; p=reject; np=quarantine\n"
              "there.np.example MX 10 mail.np.example\n"
              "_dmarc.two.example TXT v=DMARC1; p=reject\n"
              "_dmarc.two.example TXT v=DMARC1; p=reject\n"
              "_dmarc.two.example.com TXT v=DMARC1\n"
              "_dmarc.two.example.com TXT v=DMARC1; p=reject\n"
              "_dmarc.other.example TXT v=spf1 -all\n"
              "_dmarc.other.example TXT v=DMARC2; p=none\n"
              "_dmarc.other.example TXT v=DMARC1; p=reject\n"
              "_dmarc.single TXT v=DMARC1; p=reject\n",
              messages);
}

/* Records that are not valid (section 4.10.1), and test mode (section 4.7). */
static void test_broken_and_testing_records(void **state)
{
    static const struct message messages[] = {
        {"bad.example", "pass bad.example", "",
         "permerror none by , record at bad.example, organization bad.example"},
        {"badrua.example", "", "",
         "fail none by p, record at badrua.example, organization badrua.example"},
        {"badrua.example", "pass badrua.example", "",
         "pass none by p, record at badrua.example, organization badrua.example, spf"},
        {"nop.example", "", "",
         "permerror none by , record at nop.example, organization nop.example"},
        {"noprua.example", "", "",
         "fail none by p, record at noprua.example, organization noprua.example"},
        {"badsp.example", "", "",
         "permerror none by , record at badsp.example, organization badsp.example"},
        {"a.badsprua.example", "", "",
         "fail none by p, record at badsprua.example, organization badsprua.example"},
        {"t.example", "", "", "fail quarantine by p, record at t.example, organization t.example"},
        {"a.t.example", "", "", "fail none by sp, record at t.example, organization t.example"},
        {"tn.example", "", "", "fail none by p, record at tn.example, organization tn.example"},
    };

    (void)state;
    JUDGE_ALL("_dmarc.bad.example TXT v=DMARC1; p=discard\n"
              "_dmarc.badrua.example TXT v=DMARC1; p=discard; rua=mailto:a@example.com\n"
              "_dmarc.nop.example TXT v=DMARC1; rua=nothing\n"
              "_dmarc.noprua.example TXT v=DMARC1; rua=mailto:a@noprua.example\n"
              "_dmarc.badsp.example TXT v=DMARC1; p=reject; sp=no\n"
              "_dmarc.badsprua.example TXT v=DMARC1; p=reject; sp=no; rua=mailto:a@b.example\n"
              "_dmarc.t.example TXT v=DMARC1; p=reject; sp=quarantine; t=y\n"
              "_dmarc.tn.example TXT v=DMARC1; p=none; t=y\n",
              messages);
}

/* Appendix B.4, section 4.10.2, section 5.1.8. */
static void test_tree_walk(void **state)
{
    static const struct message messages[] = {
        {"example.com", "pass example.com", "pass signing.example.com",
         "pass reject by p, record at example.com, organization example.com, spf, dkim"},
        {"a.b.c.d.e.f.g.h.i.j.k.example.com", "pass example.com", "pass signing.example.com",
         "pass reject by p, record at example.com, organization example.com, spf, dkim"},
        {"giant.bank.example", "pass mail.giant.bank.example", "pass mail.mega.bank.example",
         "pass reject by p, record at bank.example, organization giant.bank.example, spf"},
        {"giant.bank.example", "pass mega.bank.example", "pass bank.example",
         "fail reject by p, record at bank.example, organization giant.bank.example"},
        {"bank.example", "pass bank.example", "pass giant.bank.example",
         "pass reject by p, record at bank.example, organization bank.example, spf"},
        /* Under a public suffix, what lies between is not the organizational domain. */
        {"x.y.z.bank.example", "", "",
         "fail reject by p, record at bank.example, organization z.bank.example"},
        /* The zone cut is never seen, because it lies in what is skipped over. */
        {"mail.a.b.c.d.e.f.g.apex.example", "pass apex.example", "",
         "pass quarantine by p, record at apex.example, organization apex.example, spf"},
        {"c.d.e.f.g.apex.example", "", "pass b.c.d.e.f.g.apex.example",
         "fail quarantine by p, record at apex.example, organization apex.example"},
        {"a.mail.example.net", "pass example.net", "pass b.mail.example.net",
         "pass none by p, record at mail.example.net, organization mail.example.net, dkim"},
    };

    (void)state;
    JUDGE_ALL("_dmarc.example.com TXT v=DMARC1; p=reject\n"
              "_dmarc.signing.example.com TXT v=DMARC1; p=none\n"
              "_dmarc.bank.example TXT v=DMARC1; p=reject; psd=y\n"
              "_dmarc.y.z.bank.example TXT v=DMARC1; p=none\n"
              "_dmarc.apex.example TXT v=DMARC1; p=quarantine\n"
              "_dmarc.b.c.d.e.f.g.apex.example TXT v=DMARC1; p=reject; psd=n\n"
              "_dmarc.mail.example.net TXT v=DMARC1; p=none; psd=n\n"
              "_dmarc.example.net TXT v=DMARC1; p=reject\n",
              messages);
}

/* Sections 4.2, 5.3.1, 11.5. */
static void test_authors(void **state)
{
    static const struct message messages[] = {
        {"", "pass example.com", "", "permerror"},
        {"[192.0.2.1]", "", "", "permerror, who is unclear"},
        {"a..b", "", "", "permerror, who is unclear"},
        {"\xf0\x9f\x92\xa9.strict.example", "", "", "permerror, who is unclear"},
        {"good.example a..b", "pass good.example", "", "permerror, who is unclear"},
        {"good.example strict.example", "pass good.example", "",
         "fail reject by p, record at strict.example, organization strict.example"},
        {"strict.example good.example", "pass good.example", "",
         "fail reject by p, record at strict.example, organization strict.example"},
        {"good.example strict.example", "pass good.example", "pass strict.example",
         "pass none by p, record at good.example, organization good.example, spf"},
        {"good.example nowhere.example", "pass good.example", "", "none"},
        {"soft.example strict.example mild.example", "", "",
         "fail reject by p, record at strict.example, organization strict.example"},
        {"soft.example mild.example", "", "",
         "fail quarantine by p, record at mild.example, organization mild.example"},
        {"1.x 2.x 3.x 4.x 5.x 6.x 7.x 8.x 9.x 10.x 11.x 12.x 13.x 14.x 15.x 16.x 17.x 18.x 19.x "
         "20.x 21.x",
         "", "", "permerror, who is unclear"},
    };

    (void)state;
    JUDGE_ALL("_dmarc.good.example TXT v=DMARC1; p=none\n"
              "_dmarc.soft.example TXT v=DMARC1; p=none\n"
              "_dmarc.mild.example TXT v=DMARC1; p=quarantine\n"
              "_dmarc.strict.example TXT v=DMARC1; p=reject\n",
              messages);
}

/* Section 5.3.6: only where it could have changed the verdict. */
static void test_failures_of_dns(void **state)
{
    static const struct message messages[] = {
        {"gone.example", "pass gone.example", "", "temperror"},
        {"a.gone.example", "pass a.gone.example", "", "temperror"},
        {"own.half", "pass own.half", "",
         "pass reject by p, record at own.half, organization , spf"},
        {"own.half", "pass a.own.half", "",
         "temperror reject by p, record at own.half, organization "},
        {"own.half", "pass example.com", "", "fail reject by p, record at own.half, organization "},
        {"good.example", "pass good.example", "temperror good.example",
         "pass reject by p, record at good.example, organization good.example, spf"},
        {"good.example", "fail good.example", "temperror good.example",
         "temperror reject by p, record at good.example, organization good.example"},
        {"good.example", "temperror a.good.example", "",
         "temperror reject by p, record at good.example, organization good.example"},
        {"good.example", "temperror example.com", "temperror example.net",
         "fail reject by p, record at good.example, organization good.example"},
        {"lost.np.example", "", "",
         "temperror reject by p, record at np.example, organization np.example"},
    };

    (void)state;
    JUDGE_ALL("_dmarc.gone.example TXT !servfail\n"
              "_dmarc.own.half TXT v=DMARC1; p=reject\n"
              "_dmarc.half TXT !timeout\n"
              "_dmarc.good.example TXT v=DMARC1; p=reject\n"
              "_dmarc.np.example TXT v=DMARC1; p=reject; np=none\n"
              "lost.np.example !servfail\n",
              messages);
}

/* ---- answers that are under way ------------------------------------------------------------- */

/* Each question is under way when it is asked first. */
struct slow_names {
    struct trust_names names;
    struct slice asked[100];
    unsigned n;
    struct arena arena;
};

static int ask_slowly(void *arg, struct slice name, enum trust_type type,
                      const struct trust_answer **ret_answer)
{
    struct slow_names *slow = arg;

    for (unsigned i = 0; i < slow->n; i++) {
        if (slice_eq(slow->asked[i], name))
            return trust_ask(&slow->names, name, type, ret_answer);
    }
    assert_true(slow->n < 100);
    slow->asked[slow->n++] = arena_dup(&slow->arena, name);
    return -EAGAIN;
}

static struct dmarc_verdict judge_slowly(struct slow_names *slow, const struct dmarc_case *made,
                                         unsigned *ret_rounds)
{
    struct trust_names names = {.ask = ask_slowly, .arg = slow};
    struct dmarc_verdict verdict;

    *ret_rounds = 1;
    while (dmarc_check(&made->question, &names, &slow->arena, &verdict) == -EAGAIN)
        (*ret_rounds)++;
    return verdict;
}

static void test_questions_go_out_together(void **state)
{
    struct zone *zone = make_zone("_dmarc.example.com TXT v=DMARC1; p=reject; np=none\n");
    struct slow_names slow = {.names = zone_names(zone)};
    struct dmarc_verdict verdict;
    struct dmarc_case made;
    unsigned rounds;

    (void)state;
    arena_init(&slow.arena);
    dmarc_case_make(&made, "a.example.com", "pass b.example.com", "pass c.example.com");
    verdict = judge_slowly(&slow, &made, &rounds);
    assert_int_equal(verdict.result, DMARC_PASS);
    assert_int_equal(rounds, 3); /* all trees, then whether the author exists */
    assert_int_equal(slow.n, 6);
    arena_done(&slow.arena);
    zone_free(zone);
}

/* Section 4.10: eight for each name, however long it is, and these. */
static void test_no_more_than_eight(void **state)
{
    static const char *const asked[] = {
        "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "_dmarc.g.h.i.j.mail.example.com",
        "_dmarc.h.i.j.mail.example.com",
        "_dmarc.i.j.mail.example.com",
        "_dmarc.j.mail.example.com",
        "_dmarc.mail.example.com",
        "_dmarc.example.com",
        "_dmarc.com",
    };
    struct zone *zone = make_zone("com A 192.0.2.1\n");
    struct slow_names slow = {.names = zone_names(zone)};
    struct dmarc_case made;
    unsigned rounds;

    (void)state;
    arena_init(&slow.arena);
    dmarc_case_make(&made, "a.b.c.d.e.f.g.h.i.j.mail.example.com", "", "");
    assert_int_equal(judge_slowly(&slow, &made, &rounds).result, DMARC_NONE);
    assert_int_equal(slow.n, 8);
    for (size_t i = 0; i < 8; i++)
        assert_true(slice_eq(slow.asked[i], slice_from_cstr(asked[i])));
    arena_done(&slow.arena);
    zone_free(zone);
}

/* ---- words ---------------------------------------------------------------------------------- */

static void test_words(void **state)
{
    static const struct {
        const char *authors, *spf, *dkim, *problem;
    } cases[] = {
        {"example.com", "pass example.net", "",
         "nothing authenticates example.com: SPF passes for example.net, but that is another "
         "organization; there is no DKIM signature"},
        {"example.com", "softfail example.com", "pass example.net; fail example.com",
         "nothing authenticates example.com: SPF for example.com gives softfail; the DKIM "
         "signature of example.net (selector s1) passes, but that is another organization; the "
         "DKIM "
         "signature of example.com (selector s1) gives fail"},
        {"strict.example", "", "pass a.strict.example",
         "nothing authenticates strict.example: SPF was not checked; the DKIM signature of "
         "a.strict.example (selector s1) passes, but that is not the same domain"},
        {"bad.example", "", "",
         "the DMARC record of bad.example says nothing: \"p=\x3f\" is none of none, quarantine "
         "and reject"},
    };
    struct zone *zone = make_zone("_dmarc.example.com TXT v=DMARC1; p=reject\n"
                                  "_dmarc.strict.example TXT v=DMARC1; p=reject; adkim=s\n"
                                  "_dmarc.bad.example TXT v=DMARC1; p=?\n");
    struct trust_names names = zone_names(zone);
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dmarc_verdict verdict;
        struct dmarc_case made;
        dmarc_case_make(&made, cases[i].authors, cases[i].spf, cases[i].dkim);
        assert_int_equal(dmarc_check(&made.question, &names, &arena, &verdict), 0);
        assert_string_equal(arena_cstr(&arena, verdict.problem), cases[i].problem);
    }
    arena_done(&arena);
    zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_strict_alignment),
        cmocka_unit_test(test_policy_discovery),
        cmocka_unit_test(test_broken_and_testing_records),
        cmocka_unit_test(test_tree_walk),
        cmocka_unit_test(test_authors),
        cmocka_unit_test(test_failures_of_dns),
        cmocka_unit_test(test_questions_go_out_together),
        cmocka_unit_test(test_no_more_than_eight),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
