#include "trust/zone.h"

#include "base/buf.h"

#include "../cmocka_all.h"

#include <stdio.h>

struct world {
    struct problem_list problems;
    struct zone *zone;
};

static void open_world(struct world *world, const char *text)
{
    problem_list_init(&world->problems);
    world->zone = zone_read(SLICE("z"), slice_from_cstr(text), &world->problems);
}

static void close_world(struct world *world)
{
    zone_free(world->zone);
    problem_list_done(&world->problems);
}

static const struct trust_answer *ask(struct world *world, const char *name, enum trust_type type)
{
    struct trust_names names = zone_names(world->zone);
    const struct trust_answer *answer;

    assert_int_equal(trust_ask(&names, slice_from_cstr(name), type, &answer), 0);
    return answer;
}

static void assert_txt(struct world *world, const char *name, const char *text)
{
    const struct trust_answer *answer = ask(world, name, TRUST_TXT);

    assert_int_equal(answer->result, TRUST_FOUND);
    assert_int_equal(answer->records[0].bytes.len, strlen(text));
    assert_memory_equal(answer->records[0].bytes.ptr, text, strlen(text));
}

static const char master_file[] =
    "; a zone as BIND has it\r\n"
    "$TTL 1h\r\n"
    "$ORIGIN Example.NET.\r\n"
    "@ IN SOA ns1 hostmaster ( 1 ; serial\n\t7200 3600\n 1209600 3600 )\n"
    "  3600 IN NS ns1\n"
    "  MX 10 mail\n"
    "  IN 300 MX 20 mail.other.example.\n"
    "  TXT \"v=spf1 \" \"mx -all\" ; all of it\n"
    "mail A 192.0.2.1\n"
    "     A 192.0.2.2\n"
    "     AAAA 2001:db8::1\n"
    "k1._domainkey TXT ( \"v=DKIM1; p=\"\n\"MIIB\\\"\\065\" )\n"
    "www CNAME mail\n"
    "a CNAME b\nb CNAME a\n"
    "*.dyn A 192.0.2.9\n"
    "here.dyn TXT x\n"
    "null MX 0 .\n"
    "$ORIGIN .\n"
    "plain.example TXT v=DKIM1; p=abc (\"\\ \n"
    "plain.example TXT second\n"
    "192.0.2.1 PTR Mail.Example.net.\n"
    "slow.example TXT !timeout\n"
    "slow.example A 192.0.2.3\n"
    "broken.example !servfail\n"
    "sp\\032ace.example A 192.0.2.4";

static void test_reads_records(void **state)
{
    struct world world;
    const struct trust_answer *answer;

    (void)state;
    open_world(&world, master_file);
    assert_non_null(world.zone);
    assert_txt(&world, "EXAMPLE.net.", "v=spf1 mx -all");
    assert_txt(&world, "k1._domainkey.example.net", "v=DKIM1; p=MIIB\"A");
    assert_txt(&world, "plain.example", "v=DKIM1; p=abc (\"\\");
    assert_int_equal(ask(&world, "plain.example", TRUST_TXT)->n_records, 2);
    answer = ask(&world, "example.net", TRUST_MX);
    assert_int_equal(answer->n_records, 2);
    assert_int_equal(answer->records[1].preference, 20);
    assert_true(slice_eq(answer->records[0].bytes, SLICE("mail.example.net")));
    assert_true(slice_eq(answer->records[1].bytes, SLICE("mail.other.example")));
    assert_int_equal(ask(&world, "null.example.net", TRUST_MX)->records[0].bytes.len, 0);
    answer = ask(&world, "1.2.0.192.in-addr.arpa", TRUST_PTR);
    assert_true(slice_eq(answer->records[0].bytes, SLICE("mail.example.net")));
    answer = ask(&world, "www.example.net", TRUST_A);
    assert_int_equal(answer->n_records, 2);
    assert_memory_equal(answer->records[1].bytes.ptr, "\xc0\0\2\2", 4);
    assert_int_equal(ask(&world, "www.example.net", TRUST_AAAA)->records[0].bytes.len, 16);
    assert_int_equal(ask(&world, "sp ace.example", TRUST_A)->result, TRUST_FOUND);
    close_world(&world);
}

static void test_what_is_not_there(void **state)
{
    static const struct {
        const char *name;
        enum trust_type type;
        enum trust_result result;
    } cases[] = {
        {"nobody.example", TRUST_A, TRUST_NO_NAME},
        {"mail.example.net", TRUST_TXT, TRUST_NO_DATA},
        {"_domainkey.example.net", TRUST_TXT, TRUST_NO_DATA},
        {"net", TRUST_A, TRUST_NO_DATA},
        {"ns1.example.net", TRUST_A, TRUST_NO_NAME},
        {"a.example.net", TRUST_A, TRUST_FAILED},
        {"slow.example", TRUST_TXT, TRUST_FAILED},
        {"slow.example", TRUST_A, TRUST_FOUND},
        {"broken.example", TRUST_TXT, TRUST_FAILED},
        {"broken.example", TRUST_A, TRUST_FAILED},
        {"x.dyn.example.net", TRUST_A, TRUST_FOUND},
        {"y.x.dyn.example.net", TRUST_A, TRUST_FOUND},
        {"x.dyn.example.net", TRUST_TXT, TRUST_NO_DATA},
        {"here.dyn.example.net", TRUST_A, TRUST_NO_DATA},
        {"x.here.dyn.example.net", TRUST_A, TRUST_NO_NAME},
        {"..dyn.example.net", TRUST_A, TRUST_NO_NAME},
        {"", TRUST_A, TRUST_NO_DATA},
    };
    struct world world;

    (void)state;
    open_world(&world, master_file);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum trust_result result = ask(&world, cases[i].name, cases[i].type)->result;
        if (result != cases[i].result)
            fail_msg("%s: %d", cases[i].name, (int)result);
    }
    close_world(&world);
}

static void test_problems(void **state)
{
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"a.example", "z:1: an entry is NAME TYPE DATA, and here is no type"},
        {"\n\na.example MXX 1", "z:3: 'MXX' is no record type; A, AAAA, CNAME, MX, PTR and TXT are "
                                "asked for"},
        {"a.example A", "z:1: an entry is NAME TYPE DATA, and here is no data"},
        {"a.example A 1.2.3", "z:1: '1.2.3' is no IPv4 address such as 192.0.2.1"},
        {"a.example AAAA 1.2.3.4", "z:1: '1.2.3.4' is no IPv6 address such as 2001:db8::1"},
        {"a.example MX mail.example", "z:1: an MX record has a preference and a name behind the "
                                      "type"},
        {"a.example MX x mail.example", "z:1: 'x' is no preference of an MX record, 0 to 65535"},
        {"a..example A 1.2.3.4", "z:1: 'a..example' is no name: labels are 1 to 63 octets, a name "
                                 "253 at most"},
        {" A 1.2.3.4", "z:1: a line that begins with a blank goes on with the name of the entry "
                       "before it, and there is none; write the name first"},
        {"$INCLUDE x", "z:1: '$INCLUDE' is not understood; $ORIGIN and $TTL are, write the rest "
                       "out"},
        {"a.example TXT \"x\n", "z:1: a string has no closing quote; strings end on the line they "
                                "begin on"},
        {"a.example TXT (\"x\"\n\n", "z:1: a parenthesis is not closed; write ) where the entry "
                                     "ends"},
        {"a.example TXT \"\\25\"", "z:1: a backslash before a digit wants three of them, \\000 to "
                                   "\\255"},
        {"a.example TXT \"\\256\"", "z:1: a backslash before a digit wants three of them, \\000 to "
                                    "\\255"},
        {"a A 1.2.3.4 )", "z:1: a closing parenthesis without an opening one"},
        {"a CNAME b\na CNAME c", "z:2: the name has two CNAME records; take one of them out"},
        {"a A \033[2J", "z:1: '?[2J' is no IPv4 address such as 192.0.2.1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        struct slice line;
        open_world(&world, cases[i].text);
        assert_null(world.zone);
        assert_int_equal(world.problems.count, 1);
        line = problem_line(&world.problems, world.problems.first);
        if (!slice_eq(line, slice_from_cstr(cases[i].problem)))
            fail_msg("%.*s", SLICE_ARG(line));
        close_world(&world);
    }
}

static void test_all_problems_are_told(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, "a A x\nb TXT \"x\nc A 192.0.2.1\nd QQ\n");
    assert_null(world.zone);
    assert_int_equal(world.problems.count, 3);
    assert_int_equal(world.problems.last->line, 4);
    close_world(&world);
}

/* More names than the table begins with, and the bound of records of one name. */
static void test_many(void **state)
{
    struct world world;
    struct buf text;
    char name[32];

    (void)state;
    buf_init(&text, SIZE_MAX);
    for (unsigned i = 0; i < 1000; i++)
        buf_printf(&text, "n%u.example A 192.0.2.1\n", i);
    for (unsigned i = 0; i < 64; i++)
        buf_printf(&text, "many.example A 192.0.2.%u\n", i);
    buf_add_char(&text, '\0');
    open_world(&world, text.ptr);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "N%u.example", i);
        assert_int_equal(ask(&world, name, TRUST_A)->result, TRUST_FOUND);
    }
    assert_int_equal(ask(&world, "many.example", TRUST_A)->n_records, 64);
    close_world(&world);
    text.len--;
    buf_add_cstr(&text, "many.example A 192.0.2.99");
    buf_add_char(&text, '\0');
    open_world(&world, text.ptr);
    assert_null(world.zone);
    close_world(&world);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_records), cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_problems),      cmocka_unit_test(test_all_problems_are_told),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
