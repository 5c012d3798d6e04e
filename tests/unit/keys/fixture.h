/* A folder of keys for one test. */
#ifndef NUNCIO_TESTS_KEYS_FIXTURE_H
#define NUNCIO_TESTS_KEYS_FIXTURE_H

#include "../cmocka_all.h"

#include "keys/key_store.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char fixture_path[64];
static int fixture_folder;

static int fixture_make(void **state)
{
    (void)state;
    snprintf(fixture_path, sizeof(fixture_path), "/tmp/nuncio-keys-XXXXXX");
    if (!mkdtemp(fixture_path))
        return -1;
    fixture_folder = key_store_open(fixture_path);
    return fixture_folder < 0 ? -1 : 0;
}

static int fixture_remove(void **state)
{
    char command[96];

    (void)state;
    close(fixture_folder);
    snprintf(command, sizeof(command), "rm -rf %s", fixture_path);
    return system(command);
}

static void fixture_add(const char *domain, const char *selector, uint64_t made_s,
                        enum dkim_key_kind kind)
{
    const struct key_facts facts = {.made_s = made_s};
    EVP_PKEY *key = key_make(kind, 1024);

    assert_int_equal(key_store_add(fixture_folder, slice_from_cstr(domain),
                                   slice_from_cstr(selector), key, &facts),
                     0);
    EVP_PKEY_free(key);
}

#endif
