#include "trust/dmarc.h"

#include <stdio.h>
#include <string.h>

#include "../cmocka_all.h"

/* A record as "p=reject sp=none np=none psd=u adkim=r aspf=s t fo=0 rua=URI,URI problem", or
 * "none". */
static struct slice meaning(struct arena *arena, struct slice text)
{
    struct dmarc_record record;
    struct slice out;

    if (!dmarc_record_read(text, arena, &record))
        return SLICE("none");
    out = arena_printf(arena, "%s/%s/%s psd=%c %c%c%s fo=%.*s", dmarc_policy_name(record.policy),
                       dmarc_policy_name(record.subdomain_policy),
                       dmarc_policy_name(record.np_policy), record.psd,
                       record.dkim_strict ? 's' : 'r', record.spf_strict ? 's' : 'r',
                       record.testing ? " t" : "", SLICE_ARG(record.fo));
    for (unsigned i = 0; i < record.n_rua; i++)
        out = arena_printf(arena, "%.*s %.*s", SLICE_ARG(out), SLICE_ARG(record.rua[i]));
    if (record.problem.len)
        out = arena_printf(arena, "%.*s: %.*s", SLICE_ARG(out), SLICE_ARG(record.problem));
    return out;
}

static void test_records(void **state)
{
    static const struct {
        const char *text, *meaning;
    } cases[] = {
        /* Which is one at all: sections 4.7 "v", 4.8. */
        {"v=DMARC1; p=reject", "reject/reject/reject psd=u rr fo=0"},
        {"v=DMARC1;p=reject;", "reject/reject/reject psd=u rr fo=0"},
        {"v = DMARC1 ; p = reject ; ", "reject/reject/reject psd=u rr fo=0"},
        {"V=DMARC1\t;\tP=Reject", "reject/reject/reject psd=u rr fo=0"},
        {" v=DMARC1; p=reject", "none"},
        {"v=dmarc1; p=reject", "none"},
        {"v=DMARC1 p=reject", "none"},
        {"v=DMARC1.0; p=reject", "none"},
        {"v=DMARC2; p=reject", "none"},
        {"v=; p=reject", "none"},
        {"p=reject; v=DMARC1", "none"},
        {";v=DMARC1; p=reject", "none"},
        {"\"v=DMARC1; p=reject\"", "none"},
        {"", "none"},
        {"v", "none"},
        {"=DMARC1", "none"},
        /* Policies and their defaults. */
        {"v=DMARC1; p=none", "none/none/none psd=u rr fo=0"},
        {"v=DMARC1; p=quarantine; sp=none", "quarantine/none/none psd=u rr fo=0"},
        {"v=DMARC1; p=quarantine; np=reject", "quarantine/quarantine/reject psd=u rr fo=0"},
        {"v=DMARC1; sp=none; np=reject; p=quarantine", "quarantine/none/reject psd=u rr fo=0"},
        {"v=DMARC1", "none/none/none psd=u rr fo=0: it has no \"p=\""},
        {"v=DMARC1;", "none/none/none psd=u rr fo=0: it has no \"p=\""},
        {"v=DMARC1; p=",
         "none/none/none psd=u rr fo=0: \"p=\" is none of none, quarantine and reject"},
        {"v=DMARC1; p=re ject; sp=reject",
         "none/reject/reject psd=u rr fo=0: \"p=re ject\" is none of none, quarantine and reject"},
        {"v=DMARC1; p=reject; sp=all",
         "none/none/none psd=u rr fo=0: \"sp=all\" is none of none, quarantine and reject"},
        {"v=DMARC1; p=reject; np=\x01",
         "none/none/none psd=u rr fo=0: \"np=\" is none of none, quarantine and reject"},
        {"v=DMARC1; sp=quarantine; np=reject",
         "none/quarantine/reject psd=u rr fo=0: it has no \"p=\""},
        {"v=DMARC1; p=reject; p=none",
         "none/none/none psd=u rr fo=0: it has \"p=\" more than once"},
        /* The rest: what is not valid is its default. */
        {"v=DMARC1; p=none; psd=Y; adkim=s; aspf=S; t=y", "none/none/none psd=y ss t fo=0"},
        {"v=DMARC1; p=none; psd=n; adkim=r; aspf=x; t=yes", "none/none/none psd=n rr fo=0"},
        {"v=DMARC1; p=none; psd=no; adkim=strict; t=n", "none/none/none psd=u rr fo=0"},
        {"v=DMARC1; p=none; psd=y; psd=n", "none/none/none psd=u rr fo=0"},
        {"v=DMARC1; p=none; pct=0; rf=afrf; ri=3600; x-y=z; ; =; nonsense",
         "none/none/none psd=u rr fo=0"},
        {"v=DMARC1; p=none; fo=1", "none/none/none psd=u rr fo=0"},
        {"v=DMARC1; p=none; fo=1:d:s; ruf=mailto:a@example.com",
         "none/none/none psd=u rr fo=1:d:s"},
        {"v=DMARC1; p=none; fo=s; ruf=mailto:a@example.com", "none/none/none psd=u rr fo=s"},
        {"v=DMARC1; p=none; fo=0:1; ruf=mailto:a@example.com", "none/none/none psd=u rr fo=0"},
        {"v=DMARC1; p=none; fo=d:d; ruf=mailto:a@example.com", "none/none/none psd=u rr fo=0"},
        {"v=DMARC1; p=none; fo=; ruf=mailto:a@example.com", "none/none/none psd=u rr fo=0"},
        /* Reports; appendix B.2. */
        {"v=DMARC1; p=quarantine; rua=mailto:dmarc-feedback@example.com,"
         "mailto:tld-test@thirdparty.example.net; t=y",
         "quarantine/quarantine/quarantine psd=u rr t fo=0 mailto:dmarc-feedback@example.com "
         "mailto:tld-test@thirdparty.example.net"},
        {"v=DMARC1; p=none; rua=mailto:a@example.com!10m , https://example.com/x",
         "none/none/none psd=u rr fo=0 mailto:a@example.com!10m https://example.com/x"},
        {"v=DMARC1; p=none; rua=a@example.com,,mailto:,mailto:a,mailto:a b@x.example,9x:y,:x,x:",
         "none/none/none psd=u rr fo=0"},
        {"v=DMARC1; p=none; rua=mailto:%61@example.com",
         "none/none/none psd=u rr fo=0 mailto:%61@example.com"},
        {"v=DMARC1; rua=mailto:a@example.com",
         "none/none/none psd=u rr fo=0 mailto:a@example.com: it has no \"p=\""},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice found = meaning(&arena, slice_from_cstr(cases[i].text));
        if (!slice_eq(found, slice_from_cstr(cases[i].meaning)))
            fail_msg("%s: %.*s", cases[i].text, SLICE_ARG(found));
    }
    arena_done(&arena);
}

static void test_reports_go_to_ten_at_most(void **state)
{
    char text[1000] = "v=DMARC1; p=none; rua=mailto:a@example.com";
    struct dmarc_record record;
    struct arena arena;

    (void)state;
    for (int i = 0; i < 20; i++)
        strncat(text, ",mailto:b@example.com", sizeof(text) - strlen(text) - 1);
    arena_init(&arena);
    assert_true(dmarc_record_read(slice_from_cstr(text), &arena, &record));
    assert_int_equal(record.n_rua, DMARC_RUA_MAX);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_reports_go_to_ten_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
