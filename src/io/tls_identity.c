/*
 * Reading pairs, and the table from host names to them: an array sorted by name and then by the
 * pair's place, searched by halves. See tls_identity.h.
 *
 * A key is never asked a passphrase for: the parent gives us keys that need none, and there is
 * nobody at our terminal.
 */
#include "io/tls_identity.h"

#include "io/tls_error.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

enum { HOST_MAX = 255, TYPES_MAX = 8 };

struct identity {
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
};

struct host {
    struct slice name;
    uint32_t identity;
};

struct tls_identities {
    struct arena arena;
    struct identity *list;
    uint32_t count;
    struct host *hosts; /* sorted */
    uint32_t n_hosts;
};

/* ---- reading -------------------------------------------------------------------------------- */

static int no_passphrase(char *to, int size, int writing, void *arg)
{
    (void)to, (void)size, (void)writing, (void)arg;
    return -1;
}

static EVP_PKEY *read_key(struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

    BIO_free(bio);
    return key;
}

/* All certificates of a text: the first into *ret_leaf, the rest onto the stack. */
static bool read_chain(struct slice pem, X509 **ret_leaf, STACK_OF(X509) * chain)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *next;

    *ret_leaf = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    while (*ret_leaf && (next = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
        if (!sk_X509_push(chain, next))
            X509_free(next);
    }
    BIO_free(bio);
    if (*ret_leaf)
        ERR_clear_error(); /* the end of the text counts as an error */
    return *ret_leaf != NULL;
}

static bool read_identity(const struct tls_pair *pair, struct identity *identity)
{
    identity->chain = sk_X509_new_null();
    if (!identity->chain || !read_chain(pair->chain, &identity->leaf, identity->chain))
        return false;
    identity->key = read_key(pair->key);
    return identity->key && X509_check_private_key(identity->leaf, identity->key) == 1;
}

static int compare_hosts(const void *a, const void *b)
{
    const struct host *left = a, *right = b;
    int order = slice_cmp(left->name, right->name);

    return order ? order : (left->identity > right->identity) - (left->identity < right->identity);
}

static void add_hosts(struct tls_identities *identities, const struct tls_material *material)
{
    size_t count = 0;

    for (uint32_t i = 0; i < material->n_pairs; i++)
        count += material->pairs[i].n_hosts;
    identities->hosts = arena_alloc(&identities->arena, count * sizeof(*identities->hosts));
    for (uint32_t i = 0; i < material->n_pairs; i++) {
        const struct tls_pair *pair = &material->pairs[i];
        for (uint32_t j = 0; j < pair->n_hosts; j++)
            identities->hosts[identities->n_hosts++] =
                (struct host){.name = arena_dup(&identities->arena, pair->hosts[j]), .identity = i};
    }
    if (count)
        qsort(identities->hosts, count, sizeof(*identities->hosts), compare_hosts);
}

struct tls_identities *tls_identities_new(const struct tls_material *material, char *why,
                                          size_t why_size)
{
    struct tls_identities *identities = xcalloc(1, sizeof(*identities));

    arena_init(&identities->arena);
    identities->list =
        arena_alloc(&identities->arena, material->n_pairs * sizeof(*identities->list));
    for (uint32_t i = 0; i < material->n_pairs; i++) {
        char reason[128];
        ERR_clear_error();
        identities->count++;
        if (read_identity(&material->pairs[i], &identities->list[i]))
            continue;
        tls_error_take(reason, sizeof(reason), "not a certificate with its key");
        snprintf(why, why_size, "certificate %.*s: %s", SLICE_ARG(material->pairs[i].name), reason);
        tls_identities_free(identities);
        return NULL;
    }
    add_hosts(identities, material);
    return identities;
}

void tls_identities_free(struct tls_identities *identities)
{
    if (!identities)
        return;
    for (uint32_t i = 0; i < identities->count; i++) {
        X509_free(identities->list[i].leaf);
        sk_X509_pop_free(identities->list[i].chain, X509_free);
        EVP_PKEY_free(identities->list[i].key);
    }
    arena_done(&identities->arena);
    free(identities);
}

/* ---- choosing ------------------------------------------------------------------------------- */

/* Key types that have been given a certificate already. */
struct taken {
    int types[TYPES_MAX];
    unsigned count;
};

/* Whether this is the first of its type, which is noted. */
static bool take_type(struct taken *taken, const struct identity *identity)
{
    int type = EVP_PKEY_get_base_id(identity->key);

    for (unsigned i = 0; i < taken->count; i++) {
        if (taken->types[i] == type)
            return false;
    }
    if (taken->count == TYPES_MAX)
        return false;
    taken->types[taken->count++] = type;
    return true;
}

int tls_identities_use_default(const struct tls_identities *identities, SSL_CTX *context, char *why,
                               size_t why_size)
{
    struct taken taken = {.count = 0};

    for (uint32_t i = 0; i < identities->count; i++) {
        const struct identity *identity = &identities->list[i];
        if (!take_type(&taken, identity))
            continue;
        ERR_clear_error();
        if (SSL_CTX_use_cert_and_key(context, identity->leaf, identity->key, identity->chain, 1) !=
            1) {
            tls_error_take(why, why_size, "OpenSSL does not take the certificate");
            return -EINVAL;
        }
    }
    return 0;
}

/* The first entry of that name, or NULL. */
static const struct host *find_host(const struct tls_identities *identities, struct slice name)
{
    uint32_t low = 0, high = identities->n_hosts;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (slice_cmp(identities->hosts[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == identities->n_hosts || !slice_eq(identities->hosts[low].name, name))
        return NULL;
    return &identities->hosts[low];
}

static const struct host *find_pairs(const struct tls_identities *identities, struct slice host)
{
    char lower[HOST_MAX];
    const struct host *found;
    struct slice name;
    ptrdiff_t dot;

    if (host.len == 0 || host.len > HOST_MAX)
        return NULL;
    for (size_t i = 0; i < host.len; i++)
        lower[i] = ascii_lower(host.ptr[i]);
    name = slice_from(lower, host.len);
    if (name.ptr[name.len - 1] == '.')
        name.len--;
    found = find_host(identities, name);
    dot = slice_find(name, '.');
    if (found || dot < 1)
        return found;
    lower[dot - 1] = '*'; /* in the place of the first label */
    return find_host(identities, slice_skip(name, (size_t)dot - 1));
}

bool tls_identities_has_host(const struct tls_identities *identities, struct slice host)
{
    return find_pairs(identities, host) != NULL;
}

bool tls_identities_use_host(const struct tls_identities *identities, struct slice host, SSL *ssl)
{
    const struct host *found = find_pairs(identities, host);
    const struct host *end = identities->hosts + identities->n_hosts;
    struct slice name;
    struct taken taken = {.count = 0};

    if (!found)
        return true;
    SSL_certs_clear(ssl);
    for (name = found->name; found < end && slice_eq(found->name, name); found++) {
        const struct identity *identity = &identities->list[found->identity];
        if (take_type(&taken, identity) &&
            SSL_use_cert_and_key(ssl, identity->leaf, identity->key, identity->chain, 1) != 1)
            return false;
    }
    return true;
}
