/*
 * Making and keeping our own certificate. See self_signed.h.
 *
 * It lives for ten years: whoever accepted it by hand in a mail program should not be asked again
 * soon, and its value does not come from its age. A temporary file, fsync, rename, fsync of the
 * folder: after a crash there is the old one or the new one.
 */
#include "daemon/self_signed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS (UINT64_C(24) * 3600 * 1000)

/* RFC 5280: a common name has at most 64 bytes; a longer host name stands in the SAN alone. */
enum { COMMON_NAME_MAX = 64 };

bool self_signed_will_do(const struct key_pair *pair, struct slice hostname, uint64_t now_ms)
{
    return pair->n_hosts == 1 && slice_eq_nocase(pair->hosts[0], hostname) &&
           pair->not_before <= now_ms + DAY_MS &&
           pair->not_after > now_ms + SELF_SIGNED_RENEW_DAYS * DAY_MS;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool good;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    good = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

static bool set_names(X509 *certificate, struct slice hostname)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    char san[300];

    snprintf(san, sizeof(san), "DNS:%.*s", SLICE_ARG(hostname));
    if (hostname.len <= COMMON_NAME_MAX &&
        !X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
                                    (const unsigned char *)hostname.ptr, (int)hostname.len, -1, 0))
        return false;
    return X509_set_issuer_name(certificate, name) &&
           add_extension(certificate, NID_subject_alt_name, san) &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth");
}

static bool set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool good = number && BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));

    BN_free(number);
    return good;
}

static X509 *make_certificate(EVP_PKEY *key, struct slice hostname, uint64_t now_ms)
{
    /* A day ago, for clients whose clock is behind. */
    time_t from = (time_t)((now_ms - DAY_MS) / 1000);
    X509 *certificate = X509_new();

    if (certificate && X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
        ASN1_TIME_set(X509_getm_notBefore(certificate), from) &&
        ASN1_TIME_adj(X509_getm_notAfter(certificate), from, SELF_SIGNED_DAYS, 0) &&
        X509_set_pubkey(certificate, key) && set_names(certificate, hostname) &&
        X509_sign(certificate, key, EVP_sha256()))
        return certificate;
    X509_free(certificate);
    return NULL;
}

static int make_pem(struct slice hostname, uint64_t now_ms, struct arena *arena,
                    struct slice *ret_pem)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key ? make_certificate(key, hostname, now_ms) : NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes;
    int r = -EIO;

    if (certificate && bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) &&
        PEM_write_bio_X509(bio, certificate)) {
        long len = BIO_get_mem_data(bio, &bytes);
        *ret_pem = arena_dup(arena, slice_from(bytes, (size_t)len));
        explicit_bzero(bytes, (size_t)len);
        r = 0;
    }
    BIO_free(bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return r;
}

static int write_file(const char *path, struct slice text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r = 0;

    if (fd < 0)
        return -errno;
    if (fchmod(fd, 0600) < 0)
        r = -errno;
    while (r == 0 && text.len) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno != EINTR)
            r = -errno;
        text = slice_skip(text, n > 0 ? (size_t)n : 0);
    }
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    return r;
}

static int sync_folder(const char *path)
{
    char folder[PATH_MAX];
    int fd, r;

    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return r;
}

int self_signed_make(const char *path, struct slice hostname, uint64_t now_ms, struct arena *arena,
                     struct slice *ret_pem)
{
    char temporary[PATH_MAX];
    struct slice pem;
    int r;

    if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    r = make_pem(hostname, now_ms, arena, &pem);
    if (r == 0)
        r = write_file(temporary, pem);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r == 0)
        r = sync_folder(path);
    if (r == 0)
        *ret_pem = pem;
    return r;
}
