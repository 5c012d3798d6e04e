/* Addresses there and back, by one forwarder and by several; what is forged, old, or no SRS. */
#include "../cmocka_all.h"

#include "base/buf.h"
#include "mail/address.h"
#include "trust/srs.h"

#include <string.h>

enum { TODAY = 20779 };

static struct srs with_secret(const char *text)
{
    struct srs srs = {.max_age_days = 21};

    srs_take_secrets(&srs, slice_from_cstr(text));
    return srs;
}

static const char SECRET_A[] = "a long passphrase of a.example\n";
static const char SECRET_B[] = "a long passphrase of b.example\n";
static const char SECRET_C[] = "a long passphrase of c.example\n";

static void test_a_sender_comes_back(void **state)
{
    static const char *const senders[] = {
        "joe@a.example",
        "Joe.Doe+tag@A.example",
        "\"joe doe\"@a.example",
        "\"a\\\"b@c\"@a.example",
        "joe=b.example@a.example",
        "bounce-1234-joe=b.example-x@lists.a.example",
        "prvs=1234abcdef=joe@a.example",
        "srs0-team@a.example",
        "SRS0=x@a.example",
        "SRS1=h=b.Dxam%==x=y=z=w@a.example",
        "joe@[192.0.2.1]",
        "joe@[IPv6:2001:db8::1]",
        "\xe7\x94\xa8\xe6\x88\xb7@xn--fsqu00a.example",
        "joe_under.score@a_b.example",
        "-@a.example",
        "\"\"@a.example",
    };
    struct srs srs = with_secret(SECRET_A);
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
        struct slice sender = slice_from_cstr(senders[i]), rewritten, back;
        struct address address;
        assert_true(srs_forward(&srs, sender, SLICE("b.example"), TODAY, &arena, &rewritten));
        assert_int_equal(address_parse_mailbox(rewritten, ADDRESS_UTF8, &address).error,
                         ADDRESS_OK);
        assert_true(slice_eq(address.domain, SLICE("b.example")));
        assert_int_equal(srs_reverse(&srs, address.local, TODAY, &arena, &back), SRS_OK);
        if (!address_eq(back, sender) || !slice_eq(address_local(back), address_local(sender)))
            fail_msg("%s: %.*s: %.*s", senders[i], SLICE_ARG(rewritten), SLICE_ARG(back));
    }
    arena_done(&arena);
}

/* Of the parts that others read: SRS0=HASH=TT=domain=local, TT as libsrs2 writes it. */
static void test_the_form_is_the_one_that_others_know(void **state)
{
    struct srs srs = with_secret(SECRET_A);
    struct slice rewritten, again;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_true(
        srs_forward(&srs, SLICE("joe@A.example"), SLICE("b.example"), TODAY, &arena, &rewritten));
    assert_int_equal(rewritten.len, strlen("SRS0=HHHHHHHH=TT=a.example=joe@b.example"));
    assert_true(slice_starts_with_nocase(rewritten, SLICE("SRS0=")));
    /* 20779 % 1024 = 299 = 9 * 32 + 11 */
    assert_true(slice_eq(slice_skip(rewritten, 13), SLICE("=JL=a.example=joe@b.example")));
    assert_true(srs_forward(&srs, rewritten, SLICE("c.example"), TODAY, &arena, &again));
    assert_true(slice_starts_with_nocase(again, SLICE("SRS1=")));
    assert_true(slice_eq(slice_sub(again, 13, 12), SLICE("=b.example==")));
    assert_true(slice_eq(slice_sub(again, 25, rewritten.len - 5 - 10),
                         slice_sub(rewritten, 5, rewritten.len - 5 - 10)));
    arena_done(&arena);
}

static struct slice forward(const char *secret, struct slice sender, const char *domain,
                            struct arena *arena)
{
    struct srs srs = with_secret(secret);
    struct slice rewritten = SLICE_NULL;

    assert_true(srs_forward(&srs, sender, slice_from_cstr(domain), TODAY, arena, &rewritten));
    return rewritten;
}

static struct slice reverse(const char *secret, struct slice address, struct arena *arena)
{
    struct srs srs = with_secret(secret);
    struct slice back = SLICE_NULL;

    assert_int_equal(srs_reverse(&srs, address_local(address), TODAY + 3, arena, &back), SRS_OK);
    return back;
}

/* The bounce goes from the last forwarder to the first, and from there to the sender. */
static void test_many_forwarders(void **state)
{
    struct slice sender = SLICE("joe@s.example"), at_a, at_b, at_c;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    at_a = forward(SECRET_A, sender, "a.example", &arena);
    at_b = forward(SECRET_B, at_a, "b.example", &arena);
    at_c = forward(SECRET_C, at_b, "c.example", &arena);
    assert_int_equal(at_b.len, at_c.len);
    assert_true(slice_eq(reverse(SECRET_C, at_c, &arena), at_a));
    assert_true(slice_eq(reverse(SECRET_B, at_b, &arena), at_a));
    assert_true(slice_eq(reverse(SECRET_A, at_a, &arena), sender));
    /* One before us has another separator; it must get it back. */
    at_b = forward(SECRET_B, SLICE("SRS0-abcd=XY=s.example=joe@a.example"), "b.example", &arena);
    assert_true(
        slice_eq(reverse(SECRET_B, at_b, &arena), SLICE("SRS0-abcd=XY=s.example=joe@a.example")));
    arena_done(&arena);
}

static void test_case_and_separators_do_not_matter(void **state)
{
    struct srs srs = with_secret(SECRET_A);
    struct slice local, back;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    local = address_local(forward(SECRET_A, SLICE("Joe@s.example"), "a.example", &arena));
    for (const char *separator = "=+-"; *separator; separator++) {
        for (int up = 0; up < 2; up++) {
            char copy[128];
            memcpy(copy, local.ptr, local.len);
            copy[4] = *separator;
            for (size_t i = 0; i < local.len; i++) {
                bool letter = ascii_lower(copy[i]) >= 'a' && ascii_lower(copy[i]) <= 'z';
                copy[i] = up && letter ? (char)(ascii_lower(copy[i]) - 32) : ascii_lower(copy[i]);
            }
            assert_int_equal(srs_reverse(&srs, slice_from(copy, local.len), TODAY, &arena, &back),
                             SRS_OK);
            assert_true(slice_eq_nocase(back, SLICE("joe@s.example")));
        }
    }
    arena_done(&arena);
}

static void test_every_changed_byte_is_noticed(void **state)
{
    struct srs srs = with_secret(SECRET_A);
    struct slice first, kinds[2], back;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    first = forward(SECRET_A, SLICE("joe@s.example"), "a.example", &arena);
    kinds[0] = address_local(first);
    kinds[1] = address_local(forward(SECRET_A, first, "c.example", &arena));
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < kinds[k].len; i++) {
            char copy[128];
            memcpy(copy, kinds[k].ptr, kinds[k].len);
            copy[i] = copy[i] == '8' ? '9' : '8';
            assert_int_not_equal(
                srs_reverse(&srs, slice_from(copy, kinds[k].len), TODAY, &arena, &back), SRS_OK);
        }
    }
    arena_done(&arena);
}

static void test_the_age(void **state)
{
    static const struct {
        int days;
        enum srs_reverse want;
    } cases[] = {
        {-2, SRS_OLD},  {-1, SRS_OK},    {0, SRS_OK},    {21, SRS_OK},   {22, SRS_OLD},
        {100, SRS_OLD}, {1000, SRS_OLD}, {1023, SRS_OK}, {1024, SRS_OK},
    };
    struct srs srs = with_secret(SECRET_A);

    (void)state;
    for (uint32_t made = 0; made < 2200; made += 97) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct slice rewritten, back;
            struct arena arena;
            arena_init(&arena);
            assert_true(srs_forward(&srs, SLICE("joe@s.example"), SLICE("a.example"), made + 1024,
                                    &arena, &rewritten));
            if (srs_reverse(&srs, address_local(rewritten),
                            (uint32_t)((int)made + 1024 + cases[i].days), &arena,
                            &back) != cases[i].want)
                fail_msg("made on %u, %d days later", made, cases[i].days);
            arena_done(&arena);
        }
    }
}

static void test_what_is_no_srs(void **state)
{
    static const struct {
        const char *local;
        enum srs_reverse want;
    } cases[] = {
        {"joe", SRS_NO_SRS},
        {"", SRS_NO_SRS},
        {"SRS0", SRS_NO_SRS},
        {"SRS0=", SRS_NO_SRS},
        {"srs0-team", SRS_NO_SRS},
        {"SRS0=ABCDEFGH=AB=a.example", SRS_NO_SRS},
        {"SRS0=ABCDEFGH=AB=a.example=", SRS_FORGED},
        {"SRS0=ABCDEFGH=AB==joe", SRS_NO_SRS},
        {"SRS0==AB=a.example=joe", SRS_NO_SRS},
        {"SRS2=ABCDEFGH=AB=a.example=joe", SRS_NO_SRS},
        {"SRS1=ABCDEFGH=a.example", SRS_NO_SRS},
        {"SRS1=ABCDEFGH=a.example=x=y=z=w", SRS_NO_SRS},
        {"SRS1=ABCDEFGH=a.example==", SRS_NO_SRS},
        {"SRS1=ABCDEFGH=a.example==x=y=z=w", SRS_FORGED},
        {"SRS0=ABCDEFGH=AB=a.example=joe", SRS_FORGED},
        {"SRS0=ABCD=AB=a.example=joe", SRS_FORGED},
        {"SRS0=A=A=a=a", SRS_FORGED},
        {"\"SRS0=ABCDEFGH=AB=a.example=joe doe\"", SRS_FORGED},
    };
    struct srs srs = with_secret(SECRET_A), none = {.max_age_days = 21};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice back;
        if (srs_reverse(&srs, slice_from_cstr(cases[i].local), TODAY, &arena, &back) !=
            cases[i].want)
            fail_msg("%s", cases[i].local);
        assert_int_equal(srs_reverse(&none, slice_from_cstr(cases[i].local), TODAY, &arena, &back),
                         cases[i].want);
    }
    arena_done(&arena);
}

static void test_what_becomes_too_long_is_left(void **state)
{
    struct srs srs = with_secret(SECRET_A), none = {0};
    struct slice rewritten;
    struct arena arena;
    char sender[300];

    (void)state;
    arena_init(&arena);
    for (size_t local = 180; local < 240; local++) {
        size_t whole = local + strlen("SRS0=HHHHHHHH=TT=s.example=@a.example");
        memset(sender, 'x', local);
        memcpy(sender + local, "@s.example", sizeof("@s.example"));
        assert_int_equal(srs_forward(&srs, slice_from_cstr(sender), SLICE("a.example"), TODAY,
                                     &arena, &rewritten),
                         whole <= 254);
    }
    assert_false(
        srs_forward(&none, SLICE("joe@s.example"), SLICE("a.example"), TODAY, &arena, &rewritten));
    arena_done(&arena);
}

static void test_older_secrets_are_still_good(void **state)
{
    struct srs old = with_secret(SECRET_A), both, new;
    struct slice rewritten, back;
    struct arena arena;
    struct buf text;

    (void)state;
    arena_init(&arena);
    buf_init(&text, 4096);
    buf_printf(&text, "# made anew\n\nshort\n  %s%s", SECRET_B, SECRET_A);
    buf_add_char(&text, '\0');
    both = with_secret(text.ptr);
    new = with_secret(SECRET_B);
    assert_int_equal(both.n_secrets, 2);
    assert_true(
        srs_forward(&old, SLICE("joe@s.example"), SLICE("a.example"), TODAY, &arena, &rewritten));
    assert_int_equal(srs_reverse(&both, address_local(rewritten), TODAY, &arena, &back), SRS_OK);
    assert_int_equal(srs_reverse(&new, address_local(rewritten), TODAY, &arena, &back), SRS_FORGED);
    assert_true(
        srs_forward(&both, SLICE("joe@s.example"), SLICE("a.example"), TODAY, &arena, &rewritten));
    assert_int_equal(srs_reverse(&new, address_local(rewritten), TODAY, &arena, &back), SRS_OK);
    buf_reset(&text);
    for (int i = 0; i < 20; i++)
        buf_printf(&text, "passphrase number %04d\n", i);
    srs_take_secrets(&both, buf_slice(&text));
    assert_int_equal(both.n_secrets, SRS_SECRETS_MAX);
    srs_take_secrets(&both, SLICE("too short\n#a comment of some length\n"));
    assert_int_equal(both.n_secrets, 0);
    buf_done(&text);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sender_comes_back),
        cmocka_unit_test(test_the_form_is_the_one_that_others_know),
        cmocka_unit_test(test_many_forwarders),
        cmocka_unit_test(test_case_and_separators_do_not_matter),
        cmocka_unit_test(test_every_changed_byte_is_noticed),
        cmocka_unit_test(test_the_age),
        cmocka_unit_test(test_what_is_no_srs),
        cmocka_unit_test(test_what_becomes_too_long_is_left),
        cmocka_unit_test(test_older_secrets_are_still_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
