/*
 * nuncio account totp|second-factor: codes of an authenticator app, and whether the password alone
 * is enough.
 */
#include "control/account_actions.h"

#include "account/otp.h"
#include "control/account_secret.h"

#include <jansson.h>
#include <string.h>
#include <sysexits.h>

static int find_factor(struct account_session *session, const char *text, struct slice *ret_address,
                       struct store_factor *ret_factor)
{
    int code = account_session_account(session, text, ret_address), r;

    *ret_factor = (struct store_factor){0};
    if (code != EX_OK)
        return code;
    r = store_factor_find(session->store, &session->arena, *ret_address, ret_factor);
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}

static int store(struct account_session *session, struct slice address,
                 const struct store_factor *factor)
{
    int r = store_factor_set(session->store, address, factor);

    return r < 0 ? account_session_failed(session, r) : EX_OK;
}

static int show(struct account_session *session, struct slice address,
                const struct store_factor *factor)
{
    struct slice key = otp_key_text(&session->arena, factor->totp_key);
    struct slice uri =
        otp_uri(&session->arena, factor->totp_key, session->config->hostname, address);

    if (factor->totp_key.len == 0) {
        fprintf(stderr, "nuncio: %.*s has no key; nuncio account totp %.*s on makes one\n",
                SLICE_ARG(address), SLICE_ARG(address));
        return EX_NOUSER;
    }
    if (session->options->json)
        account_session_print(json_pack("{s:s%, s:s%, s:s%, s:b}", "address", address.ptr,
                                        address.len, "uri", uri.ptr, uri.len, "key", key.ptr,
                                        key.len, "required", factor->required));
    else
        printf("for the app: %.*s\nor by hand:  %.*s\n", SLICE_ARG(uri), SLICE_ARG(key));
    account_secret_wipe(key);
    account_secret_wipe(uri);
    return EX_OK;
}

static int turn_on(struct account_session *session, struct slice address,
                   struct store_factor *factor)
{
    unsigned char key[OTP_KEY_BYTES];
    int code;

    if (factor->totp_key.len) {
        fprintf(stderr, "nuncio: %.*s has a key already: 'show' shows it, 'off' takes it away\n",
                SLICE_ARG(address));
        return EX_CANTCREAT;
    }
    if (otp_make_key(key) < 0)
        return EX_OSERR;
    factor->totp_key = slice_from(key, sizeof(key));
    factor->totp_last = 0;
    code = store(session, address, factor);
    if (code == EX_OK)
        code = show(session, address, factor);
    if (code == EX_OK && !factor->required && !session->options->json)
        printf("The password alone is still enough; when the app shows codes:\n"
               "  nuncio account second-factor %.*s required\n",
               SLICE_ARG(address));
    explicit_bzero(key, sizeof(key));
    return code;
}

int account_totp(struct account_session *session, char **arguments, int n)
{
    struct store_factor factor;
    struct slice address;
    int code = find_factor(session, arguments[0], &address, &factor);

    (void)n;
    if (code != EX_OK)
        return code;
    if (strcmp(arguments[1], "on") == 0) {
        code = turn_on(session, address, &factor);
    } else if (strcmp(arguments[1], "show") == 0) {
        code = show(session, address, &factor);
    } else if (strcmp(arguments[1], "off") == 0) {
        account_secret_wipe(factor.totp_key);
        factor.totp_key = SLICE_NULL;
        return store(session, address, &factor);
    } else {
        fprintf(stderr, "nuncio: '%s' is none of on, off and show\n", arguments[1]);
        code = EX_USAGE;
    }
    account_secret_wipe(factor.totp_key);
    return code;
}

/* A hint for who would lock himself out. */
static int warn(struct account_session *session, struct slice address,
                const struct store_factor *factor)
{
    struct store_app_password *apps;
    size_t count = 0;
    int r = store_app_passwords_find(session->store, &session->arena, address, &apps, &count);

    if (r < 0)
        return account_session_failed(session, r);
    if (factor->totp_key.len == 0 && count == 0)
        fprintf(stderr,
                "nuncio: %.*s has neither a key for codes nor an app password: unless a client "
                "certificate is registered, it cannot log in now\n",
                SLICE_ARG(address));
    return EX_OK;
}

int account_second_factor(struct account_session *session, char **arguments, int n)
{
    bool required = strcmp(arguments[1], "required") == 0;
    struct store_factor factor;
    struct slice address;
    int code;

    (void)n;
    if (!required && strcmp(arguments[1], "optional") != 0) {
        fprintf(stderr, "nuncio: '%s' is neither required nor optional\n", arguments[1]);
        return EX_USAGE;
    }
    code = find_factor(session, arguments[0], &address, &factor);
    if (code == EX_OK) {
        factor.required = required;
        code = store(session, address, &factor);
    }
    if (code == EX_OK && required)
        code = warn(session, address, &factor);
    account_secret_wipe(factor.totp_key);
    return code;
}
