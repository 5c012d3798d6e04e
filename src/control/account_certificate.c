/*
 * nuncio account certificate: client certificates that an account may log in with (EXTERNAL).
 *
 * What is kept is the SHA-256 of the whole certificate (its DER form), as `openssl x509
 * -fingerprint -sha256` prints it.
 */
#include "control/account_actions.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sysexits.h>

enum { DIGEST = 32 };

static struct slice write_hex(struct arena *arena, const unsigned char digest[DIGEST])
{
    struct buf text;
    struct slice hex;

    buf_init(&text, 2 * DIGEST + 1); /* printf ends it with a NUL */
    for (size_t i = 0; i < DIGEST; i++)
        buf_printf(&text, "%02x", digest[i]);
    hex = arena_dup(arena, buf_slice(&text));
    buf_done(&text);
    return hex;
}

/* 64 hexadecimal digits, in pairs with colons or without, in any case. */
static bool read_fingerprint(struct arena *arena, struct slice text, struct slice *ret_fingerprint)
{
    char *digits = arena_alloc(arena, 2 * DIGEST + 1);
    size_t used = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = ascii_lower(text.ptr[i]);
        if (c == ':' && used % 2 == 0)
            continue;
        if (used == 2 * DIGEST || !(ascii_is_digit(c) || (c >= 'a' && c <= 'f')))
            return false;
        digits[used++] = c;
    }
    *ret_fingerprint = slice_from(digits, used);
    return used == 2 * DIGEST;
}

static int read_file(struct account_session *session, const char *path,
                     struct slice *ret_fingerprint)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    X509 *certificate;
    int code = EX_DATAERR;

    if (!session->file) {
        fprintf(stderr, "nuncio: %s: %s, nor is it a SHA-256 fingerprint\n", path,
                log_strerror(session->file_error));
        return EX_NOINPUT;
    }
    certificate = PEM_read_X509(session->file, NULL, NULL, NULL);
    if (certificate && X509_digest(certificate, EVP_sha256(), digest, NULL) == 1) {
        *ret_fingerprint = write_hex(&session->arena, digest);
        code = EX_OK;
    } else {
        fprintf(stderr, "nuncio: %s has no certificate in PEM form (BEGIN CERTIFICATE)\n", path);
    }
    X509_free(certificate);
    return code;
}

static int add(struct account_session *session, struct slice address, const char *text)
{
    struct slice fingerprint, owner = SLICE_NULL;
    int code = EX_OK, r;

    if (!read_fingerprint(&session->arena, slice_from_cstr(text), &fingerprint))
        code = read_file(session, text, &fingerprint);
    if (code != EX_OK)
        return code;
    r = store_certificate_add(session->store, address, fingerprint, clock_wall_ms());
    if (r == STORE_EXISTS) {
        r = store_certificate_find(session->store, &session->arena, fingerprint, &owner);
        if (r >= 0) {
            fprintf(stderr, "nuncio: this certificate is %.*s's already\n", SLICE_ARG(owner));
            return EX_CANTCREAT;
        }
    }
    if (r < 0)
        return account_session_failed(session, r);
    if (session->options->json)
        account_session_print(json_pack("{s:s%, s:s%}", "address", address.ptr, address.len,
                                        "fingerprint", fingerprint.ptr, fingerprint.len));
    else
        printf("%.*s\n", SLICE_ARG(fingerprint));
    return EX_OK;
}

struct listing {
    struct account_session *session;
    struct slice account;
};

static void list_one(void *arg, struct slice account, struct slice fingerprint)
{
    struct listing *listing = arg;

    if (!slice_eq(account, listing->account))
        return;
    if (listing->session->options->json)
        account_session_print(json_pack("{s:s%, s:s%}", "address", account.ptr, account.len,
                                        "fingerprint", fingerprint.ptr, fingerprint.len));
    else
        printf("%.*s\n", SLICE_ARG(fingerprint));
}

/* Of this account, so that a slip does not take away another's. */
static int remove_certificate(struct account_session *session, struct slice address,
                              const char *text)
{
    struct slice fingerprint, owner = SLICE_NULL;
    int r;

    if (!read_fingerprint(&session->arena, slice_from_cstr(text), &fingerprint)) {
        fprintf(stderr, "nuncio: '%s' is not a SHA-256 fingerprint: 64 hexadecimal digits\n", text);
        return EX_DATAERR;
    }
    r = store_certificate_find(session->store, &session->arena, fingerprint, &owner);
    if (r == STORE_MISSING || (r == 0 && !slice_eq(owner, address))) {
        fprintf(stderr, "nuncio: %.*s has no such certificate\n", SLICE_ARG(address));
        return EX_NOUSER;
    }
    if (r == 0)
        r = store_certificate_remove(session->store, fingerprint);
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}

int account_certificate(struct account_session *session, char **arguments, int n)
{
    struct listing listing = {.session = session};
    int code = account_session_account(session, arguments[0], &listing.account), r;

    if (code != EX_OK)
        return code;
    if (strcmp(arguments[1], "add") == 0 && n == 3)
        return add(session, listing.account, arguments[2]);
    if (strcmp(arguments[1], "remove") == 0 && n == 3)
        return remove_certificate(session, listing.account, arguments[2]);
    if (strcmp(arguments[1], "list") == 0 && n == 2) {
        r = store_certificate_each(session->store, list_one, &listing);
        return r < 0 ? account_session_failed(session, r) : EX_OK;
    }
    fprintf(stderr, "nuncio: say add FILE, add FINGERPRINT, list, or remove FINGERPRINT\n");
    return EX_USAGE;
}
