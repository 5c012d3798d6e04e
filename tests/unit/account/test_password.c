#include "../cmocka_all.h"

#include "account/password.h"
#include "account/password_form.h"
#include "account/password_scram.h"

#include <errno.h>

/* "correct horse", by doveadm pw of Dovecot 2.3, mkpasswd of whois 5.5, openssl passwd, and
 * Python's hashlib. */
static const char *const made_by_others[] = {
    "{SHA512-CRYPT}$6$6CkCii7DZMKq903y$iza.7pzRdwkvLSYo67Q//ka11uQc4.TcR/yq9aWDMBRr1FY.wp8s9l/"
    "yGgbbaTp7cs0YBezhhH5X25ARFpvhU/",
    "{SHA256-CRYPT}$5$oTulwJhw6OKv42N7$b04Jh4DSVej5j8OlImxNwSjeJdLlEMAIgTN6sLY2KyB",
    "{BLF-CRYPT}$2y$05$zHK48mCqPcn63A17wmnBQ.ca1nKRUUV0pyZk7KEWD/70MrgepmagG",
    "{MD5-CRYPT}$1$QOgd.0KE$P5fmg8zCI5YyambGycYhz0",
    "{CRYPT}$2y$05$DYeNyOhB0.Qq6j7BJwrVEOevp/E3inbQg0dPb1l3dDBLBibZZxHMa",
    "{MD5}$1$d1QMYEvA$l/Finqm5NHYAStApr4CW3/",
    "{SHA1}L55TUjtiq8FBorTWAZ0jy6g129A=",
    "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
    "{SHA256}QQTTb42iwlQ0n4WDZ5Pr4CngyVcGOjTJHC6SAxh7VjE=",
    "{SHA512}VraY3v7bWkNbY0r+MyC7rz/"
    "c2SC2xQOkRvx7endrKY1HnRumqLYXgI6wv1ec6aldZoNHvKtxSQhayTyyeZUZew==",
    "{SSHA}WqWTExecNVl6MIIZfVNg8B1iO+9Avf86",
    "{SSHA256}6vi0otN19aCoB53k4wq7BuJVEhbcr00bxiQZDZbyfk99Inwn",
    "{SSHA512}4VAxv10wzUj+KuONVc5PrAsfUl+Laz2C2K1kUx2gcSVv1cau5nF5s/"
    "64bcG5isTauYRfZR8LG7tGWk2OJPp8tlOj45o=",
    "{SMD5}ToMigSCLyIQwfZI2h0b+XGrMDls=",
    "{PLAIN-MD5}3cb4e732631f47e6eb961f34554b7cde",
    "{LDAP-MD5}PLTnMmMfR+brlh80VUt83g==",
    "{PBKDF2}$1$mzBxAi0K/33a0fq0$5000$35c220219e63a1d8abf4951a3c27d9826d27fa87",
    "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$WiayntkFNPBmQ3WCQzXTNw$"
    "f2HmYKJugfXGi5LRL7LcaAdtxQEMFRRsV11OUiF9Ass",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$ohTFaB3CgwDA4mNEOjvcOg$"
    "jMcN64b4kUK2MGXYaWMNq0UOugpLJsmlDtRRdWSInl0",
    "{PLAIN}correct horse",
    "{CLEAR}correct horse",
    "{CLEARTEXT}correct horse",
    "{SHA512.B64}VraY3v7bWkNbY0r+MyC7rz/"
    "c2SC2xQOkRvx7endrKY1HnRumqLYXgI6wv1ec6aldZoNHvKtxSQhayTyyeZUZew==",
    "{SHA256.HEX}4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631",
    "{SSHA256.HEX}ad354b356893a67191b80e7a7742073899dd2ce4b2a8671180d2bcf0b6a178c8a3193605",
    "{PLAIN.B64}Y29ycmVjdCBob3JzZQ==",
    "{PLAIN.HEX}636f727265637420686f727365",
    "{PLAIN-MD5.B64}PLTnMmMfR+brlh80VUt83g==",
    "{LDAP-MD5.HEX}3cb4e732631f47e6eb961f34554b7cde",
    "{PBKDF2.B64}"
    "JDEkaFNzd3haZXNDSzJCbmdrSCQ1MDAwJGRhNmZlNDcyMjc2NjZmYWU2MTFjYjcwMDFhZjQ0YjQwNDllM2E3YmY=",
    "{SHA512-CRYPT.B64}"
    "JDYkdzEuUU5LOGFmVGJWbURxTSRpeU1seUZpMEYucFBjYlNRRUVkT05XTk5RYnFVRi5DU1M3d3V0QUJPOUdCMlowR3luT1"
    "BxbFRVb3pRdWhPaUtqMm9lZloxSmxOS1lscWFUNTRRTlBuMA==",
    "{SHA.HEX}2f9e53523b62abc141a2b4d6019d23cba835dbd0",
    "$y$j9T$gLh5mSHt2DswIlr7l2FHb/$2PUNIzAwFeoBQuz2KlvCwYhxisx0l7D415rPensM0E6",
    "$gy$j9T$8g9nsO19zRjL9gv9DfpIJ.$bCa4alaEJfptYhbrzYZwfq8Fwp9SMIj9mJEqtc20Y88",
    "$7$CU..../....wmOKlszOIIvdxUrfn6P7o1$zgy3ldsqmj01k/Nbxri0J536i3ZunXQxC3Qncq.Fc06",
    "$2b$05$nLB4AAGgLj1RKsq3BryvcOHGZCzrC9Rcpo8EyCAncdG39XxaZA1R.",
    "$2a$05$QU4dE3ACNZpnC.OD/JKmU.tp0ps3Fm/zTV3J2.YH4b.8bOFg52iSm",
    "$6$PUnv5UqNIlJYLipx$kVXfv..sI2/9brQShgr3UnDEIY5Cihs9yhSQD7KIBYh//"
    "gK9z83BGq6NTx5VDl7hKsQ36VSXmof4chOhUwGV2/",
    "$5$vUJtba/nKYZzTx05$YbW0SaoEFbZfIHgg.GYFqM.FkhFWwDVWcHdx0vrSLk6",
    "$md5,rounds=50645$NESsufwC$$onEx5eC0fn.4BDpCZV9tU/",
    "$1$eyWQhTVx$c6HyaEfFxGBuSHO.q.nEs0",
    "_J9..ppd75laWVZIM7Xw",
    "$3$$cfc43211ba8dc470832267827cac1407",
    "$6$kPigHJlTp0./JEwt$gk6YAQmrXYuflH.mhvbjgfPrUvsBEVuQtitKfMNJMlXtoG35njJ7kW.oo8202/"
    "nuuAq9bQCn9m6.RNFSvmcXO0",
    "$5$fOCpgiPxAvSORMmy$p4jivJ6qE1mKUE8jU9KjYmYEJqJWDTqH28TCijimRc2",
    "$1$swqzS6JZ$RRlaX4A3Ue/jAfmQCfoiE0",
    "$6$rounds=20000$abcdefgh$KW3jG25xykRkJCHDPNueAv1FqtcZAyCmPuEz6GI6pJRVDc4UMq/"
    "2qG3axWUBKfvutXwJXbn7/a6IwOVyqEidh/",
    "{sha}2f9e53523b62abc141a2b4d6019d23cba835dbd0",
    "{SSHA256.base64}n+NyCAC8BTzorAU7AQEsEfh4qDAh0HpRtPLX0dsQdApzYWx0",
};

static void test_forms_of_others_are_verified(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(made_by_others) / sizeof(made_by_others[0]); i++) {
        struct slice form = slice_from_cstr(made_by_others[i]);
        if (!password_form_is_known(form))
            fail_msg("%s is not known", made_by_others[i]);
        if (password_verify(form, SLICE("correct horse")) != PASSWORD_RIGHT)
            fail_msg("%s: not right", made_by_others[i]);
        if (password_verify(form, SLICE("correct hors")) != PASSWORD_WRONG)
            fail_msg("%s: not wrong", made_by_others[i]);
    }
}

/* The vector of RFC 6070 for 4096 rounds, in Dovecot's writing. */
static void test_pbkdf2_is_that_of_the_rfc(void **state)
{
    (void)state;
    assert_int_equal(
        password_verify(SLICE("{PBKDF2}$1$salt$4096$4b007901b765489abead49d926f721d065a429c1"),
                        SLICE("password")),
        PASSWORD_RIGHT);
}

static void test_argon2_is_that_of_its_authors(void **state)
{
    (void)state;
    assert_int_equal(password_verify(SLICE("{ARGON2I}$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ"
                                           "$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ"),
                                     SLICE("password")),
                     PASSWORD_RIGHT);
}

static void test_damaged_and_costly_forms_are_nobodys(void **state)
{
    static const char *const cases[] = {
        "",
        "*",
        "!",
        "!$6$abcdefgh$xyz",
        "secret",
        "{",
        "{}",
        "{}x",
        "{PLAIN}",
        "{PLAIN.b64}Y29ycmVjdA=",
        "{PLAIN.rot13}x",
        "{PLAIN.}x",
        "{NONE}x",
        "{SHA}short",
        "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A",
        "{SHA.hex}2f9e53523b62abc141a2b4d6019d23cba835dbdx",
        "{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=", /* without salt */
        "{PBKDF2}$1$salt$2147483647$4b007901b765489abead49d926f721d065a429c1",
        "{PBKDF2}$1$salt$0$4b007901b765489abead49d926f721d065a429c1",
        "{PBKDF2}$2$salt$4096$4b007901b765489abead49d926f721d065a429c1",
        "{PBKDF2}$1$salt$4096$4b00",
        "{PBKDF2}$1$salt$4096",
        "{PBKDF2}$1",
        "{ARGON2ID}$argon2id$v=19$m=10485760,t=3,p=1$hCQ9Ie89IVmmsGToSOFSAw$N9MvmPSP1w",
        "{ARGON2ID}$argon2id$v=19$m=65536,t=4294967295,p=1$hCQ9Ie89IVmmsGToSOFSAw$N9MvmPSP1w",
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=10000$hCQ9Ie89IVmmsGToSOFSAw$N9MvmPSP1w",
        "{ARGON2ID}$argon2id$v=19$m=8,t=3,p=2$hCQ9Ie89IVmmsGToSOFSAw$N9MvmPSP1w",
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3$hCQ9Ie89IVmmsGToSOFSAw$N9MvmPSP1w",
        "{ARGON2ID}$argon2d$v=19$m=65536,t=3,p=1$hCQ9Ie89IVmmsGToSOFSAw$N9MvmPSP1w",
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$hCQ9Ie89IVmmsGToSOFSAw",
        "{ARGON2ID}$argon2id",
        ("$6$rounds=99999999$abcdefgh$KW3jG25xykRkJCHDPNueAv1FqtcZAyCmPuEz6GI6pJRVDc4UMq/"
         "2qG3axWUBKfvutXwJXbn7/a6IwOVyqEidh/"),
        "$6$abcdefgh$KW3jG25xykRkJCHDPNueAv1FqtcZAyCmPuEz6GI6pJRVDc4UMq/2qG3axWUB",
        "$6$abcdefgh",
        "$2b$31$nLB4AAGgLj1RKsq3BryvcOHGZCzrC9Rcpo8EyCAncdG39XxaZA1R.",
        "$2b$05$nLB4AAGgLj1RKsq3BryvcO",
        /* N = 2^24, r = 32: 64 GiB */
        "$y$jLT$gLh5mSHt2DswIlr7l2FHb/$2PUNIzAwFeoBQuz2KlvCwYhxisx0l7D415rPensM0E6",
        "$y$j9T$gLh5mSHt2DswIlr7l2FHb/",
        "$y$j$gLh5mSHt2DswIlr7l2FHb/$2PUNIzAwFeoBQuz2KlvCwYhxisx0l7D415rPensM0E6",
        "$y$zzzzzzzz$gLh5mSHt2DswIlr7l2FHb/$2PUNIzAwFeoBQuz2KlvCwYhxisx0l7D415rPensM0E6",
        "$7$IU..../....wmOKlszOIIvdxUrfn6P7o1$zgy3ldsqmj01k/Nbxri0J536i3ZunXQxC3Qncq.Fc06",
        "$md5,rounds=50000000$NESsufwC$$onEx5eC0fn.4BDpCZV9tU/",
        "_zzzzppd75laWVZIM7Xw",
        "$x$abc$def",
        "wMobyOGUlMrJA:x",
        "wMobyOGUlMrJ",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (password_form_is_known(slice_from_cstr(cases[i])))
            fail_msg("%s passes for known", cases[i]);
        if (password_verify(slice_from_cstr(cases[i]), SLICE("correct horse")) !=
            PASSWORD_UNKNOWN_SCHEME)
            fail_msg("%s is verified", cases[i]);
    }
}

static void test_what_cannot_be_a_password_is_wrong(void **state)
{
    char large[PASSWORD_MAX + 2];
    struct arena arena;
    struct slice form;

    (void)state;
    arena_init(&arena);
    memset(large, 'x', sizeof(large));
    assert_int_equal(password_hash(SLICE_NULL, &arena, &form), -EINVAL);
    assert_int_equal(password_hash(SLICE("a\0b"), &arena, &form), -EINVAL);
    assert_int_equal(password_hash(slice_from(large, 512), &arena, &form), -EINVAL);
    assert_int_equal(password_hash(slice_from(large, 511), &arena, &form), 0);
    assert_int_equal(password_verify(form, slice_from(large, 511)), PASSWORD_RIGHT);
    assert_int_equal(password_verify(form, slice_from(large, 512)), PASSWORD_WRONG);
    assert_int_equal(password_verify(form, slice_from(large, sizeof(large))), PASSWORD_WRONG);
    assert_int_equal(password_hash(SLICE("a"), &arena, &form), 0);
    assert_int_equal(password_verify(form, SLICE("a\0b")), PASSWORD_WRONG);
    assert_int_equal(password_verify(form, SLICE_NULL), PASSWORD_WRONG);
    assert_int_equal(password_verify(SLICE("{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk="), SLICE_NULL),
                     PASSWORD_WRONG);
    arena_done(&arena);
}

static void test_hashes_are_yescrypt_with_fresh_salts(void **state)
{
    struct slice first, second;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(password_hash(SLICE("correct horse"), &arena, &first), 0);
    assert_int_equal(password_hash(SLICE("correct horse"), &arena, &second), 0);
    assert_false(password_is_fast(first));
    assert_true(slice_eq(slice_sub(first, 0, 7), SLICE("$y$j9T$")));
    assert_false(slice_eq(first, second));
    assert_int_equal(password_verify(second, SLICE("correct horse")), PASSWORD_RIGHT);
    assert_int_equal(password_verify(second, SLICE("Correct horse")), PASSWORD_WRONG);
    arena_done(&arena);
}

static void test_generated_passwords_have_a_fast_hash(void **state)
{
    struct slice password, first, second;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(password_generate(&arena, &password), 0);
    assert_int_equal(password_hash_generated(password, &arena, &first), 0);
    assert_int_equal(password_hash_generated(password, &arena, &second), 0);
    assert_true(slice_eq(slice_sub(first, 0, 9), SLICE("{SSHA512}")));
    assert_true(password_is_fast(first));
    assert_false(slice_eq(first, second));
    assert_int_equal(password_verify(second, password), PASSWORD_RIGHT);
    assert_int_equal(password_verify(second, SLICE("abcd-efgh-ijkm-npqr")), PASSWORD_WRONG);
    assert_int_equal(password_hash_generated(SLICE_NULL, &arena, &first), -EINVAL);
    arena_done(&arena);
}

static void test_verifying_nothing_takes_as_long(void **state)
{
    struct slice form;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(password_hash(SLICE("x"), &arena, &form), 0);
    /* The same scheme, costs and length of salt: then the time is the same. */
    assert_int_equal(form.len, 73);
    assert_true(password_form_is_known(PASSWORD_NOTHING));
    assert_true(slice_eq(slice_sub(form, 0, 7), slice_sub(PASSWORD_NOTHING, 0, 7)));
    assert_int_equal(PASSWORD_NOTHING.len, form.len);
    password_verify_nothing(SLICE("x"));
    arena_done(&arena);
}

static void assert_scram(enum password_digest digest, const char *password, const char *salt,
                         size_t salt_len, unsigned iterations, const char *want)
{
    struct arena arena;
    struct slice form;

    arena_init(&arena);
    assert_int_equal(password_scram_with(digest, slice_from_cstr(password),
                                         slice_from(salt, salt_len), iterations, &arena, &form),
                     0);
    assert_string_equal(arena_cstr(&arena, form), want);
    arena_done(&arena);
}

/* Salts and passwords of RFC 5802 section 5 and RFC 7677 section 3; verifiers by gsasl --mkpasswd.
 */
static void test_scram_verifiers_are_those_of_the_rfcs(void **state)
{
    (void)state;
    assert_scram(PASSWORD_SHA_1, "pencil", "\x41\x25\xc2\x47\xe4\x3a\xb1\xe9\x3c\x6d\xff\x76", 12,
                 4096,
                 "4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=");
    assert_scram(PASSWORD_SHA_256, "pencil",
                 "\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81", 16, 4096,
                 "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
                 "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

static void test_scram_prepares_the_password(void **state)
{
    struct slice form;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    /* A soft hyphen is mapped to nothing, Roman numeral nine to IX (RFC 4013 section 3). */
    assert_scram(PASSWORD_SHA_256, "I\xc2\xadX", "saltsalt", 8, 4096,
                 "4096,c2FsdHNhbHQ=,9Z0EoeLxUdxgC/"
                 "gc+oQWy0nrlhFRRqlula1RZqLyxcU=,gyPiwH2XQbiRcj3JfNlV662mptqvMlH86zYOF1BccXw=");
    assert_scram(PASSWORD_SHA_256, "\xe2\x85\xa8", "saltsalt", 8, 4096,
                 "4096,c2FsdHNhbHQ=,9Z0EoeLxUdxgC/"
                 "gc+oQWy0nrlhFRRqlula1RZqLyxcU=,gyPiwH2XQbiRcj3JfNlV662mptqvMlH86zYOF1BccXw=");
    assert_scram(PASSWORD_SHA_256, "IX", "saltsalt", 8, 4096,
                 "4096,c2FsdHNhbHQ=,9Z0EoeLxUdxgC/"
                 "gc+oQWy0nrlhFRRqlula1RZqLyxcU=,gyPiwH2XQbiRcj3JfNlV662mptqvMlH86zYOF1BccXw=");
    assert_int_equal(password_scram(PASSWORD_SHA_256, SLICE("\x07"), &arena, &form), -EINVAL);
    assert_int_equal(password_scram(PASSWORD_SHA_256, SLICE("\xd8\xa7\x31"), &arena, &form),
                     -EINVAL);
    assert_int_equal(password_scram(PASSWORD_SHA_256, SLICE("\xff"), &arena, &form), -EINVAL);
    assert_int_equal(password_scram(PASSWORD_SHA_256, SLICE("\xc2\xad"), &arena, &form), -EINVAL);
    assert_int_equal(password_scram(PASSWORD_SHA_256, SLICE_NULL, &arena, &form), -EINVAL);
    assert_int_equal(password_scram(PASSWORD_SHA_1, SLICE("x"), &arena, &form), 0);
    assert_true(slice_starts_with_nocase(form, SLICE("10000,")));
    arena_done(&arena);
}

static void test_generated_passwords_differ_and_are_readable(void **state)
{
    struct slice first, second;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(password_generate(&arena, &first), 0);
    assert_int_equal(password_generate(&arena, &second), 0);
    assert_int_equal(first.len, 19);
    assert_false(slice_eq(first, second));
    for (size_t i = 0; i < first.len; i++) {
        if (i % 5 == 4)
            assert_int_equal(first.ptr[i], '-');
        else
            assert_true(ascii_is_alnum(first.ptr[i]) && !strchr("01lo", first.ptr[i]));
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_of_others_are_verified),
        cmocka_unit_test(test_pbkdf2_is_that_of_the_rfc),
        cmocka_unit_test(test_argon2_is_that_of_its_authors),
        cmocka_unit_test(test_damaged_and_costly_forms_are_nobodys),
        cmocka_unit_test(test_what_cannot_be_a_password_is_wrong),
        cmocka_unit_test(test_hashes_are_yescrypt_with_fresh_salts),
        cmocka_unit_test(test_generated_passwords_have_a_fast_hash),
        cmocka_unit_test(test_verifying_nothing_takes_as_long),
        cmocka_unit_test(test_scram_verifiers_are_those_of_the_rfcs),
        cmocka_unit_test(test_scram_prepares_the_password),
        cmocka_unit_test(test_generated_passwords_differ_and_are_readable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
