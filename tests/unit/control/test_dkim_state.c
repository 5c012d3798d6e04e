#include "control/dkim_state.h"

#include "../cmocka_all.h"

#include <openssl/evp.h>

enum { NOW_S = 1000000, OVERLAP_S = 1000 };

/* In the order of the list: from the oldest to the newest. */
static void test_what_a_key_is_good_for(void **state)
{
    static const struct {
        uint64_t seen_s, retired_s;
        const char *sender;
        enum dkim_key_kind kind;
        bool broken;
        enum dkim_state expected;
        bool has_other;
    } keys[] = {
        {5, NOW_S - OVERLAP_S, "", DKIM_KEY_ED25519, false, DKIM_STATE_REMOVABLE, true},
        {5, NOW_S - OVERLAP_S + 1, "", DKIM_KEY_ED25519, false, DKIM_STATE_RETIRED, true},
        {5, 0, "", DKIM_KEY_ED25519, false, DKIM_STATE_REPLACED, true},
        {5, 0, "", DKIM_KEY_ED25519, false, DKIM_STATE_IN_USE, true},
        {0, 0, "", DKIM_KEY_ED25519, false, DKIM_STATE_UNSEEN, true},
        {5, 9, "", DKIM_KEY_RSA, false, DKIM_STATE_IN_USE, false}, /* there is no other */
        {0, 9, "", DKIM_KEY_RSA, false, DKIM_STATE_REMOVABLE, true},
        {5, 0, "joe@a.example", DKIM_KEY_RSA, false, DKIM_STATE_IN_USE, false},
        {5, 0, "", DKIM_KEY_ED25519, true, DKIM_STATE_REFUSED, false},
    };
    enum { COUNT = sizeof(keys) / sizeof(keys[0]) };
    struct key_entry entries[COUNT];
    const struct key_list list = {.entries = entries, .count = COUNT};

    (void)state;
    for (unsigned i = 0; i < COUNT; i++)
        entries[i] = (struct key_entry){
            .domain = SLICE("a.example"),
            .facts = {i + 1, keys[i].seen_s, keys[i].retired_s, slice_from_cstr(keys[i].sender)},
            .key = keys[i].broken ? NULL : key_make(keys[i].kind, 1024),
        };
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(dkim_state_of(&list, &entries[i], NOW_S, OVERLAP_S), keys[i].expected);
        assert_int_equal(dkim_state_has_other(&list, &entries[i]), keys[i].has_other);
    }
    for (unsigned i = 0; i < COUNT; i++)
        EVP_PKEY_free(entries[i].key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_key_is_good_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
