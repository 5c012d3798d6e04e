/*
 * nuncio account grant: addresses that are not an account's own and that it may send as.
 */
#include "control/account_actions.h"

#include "mail/address.h"

#include <jansson.h>
#include <string.h>
#include <sysexits.h>

/* An address, or "@domain" for all of a domain. */
static int read_sender(struct account_session *session, const char *text, struct slice *ret_sender)
{
    struct slice domain;

    if (text[0] != '@')
        return account_session_address(session, text, false, ret_sender);
    if (address_domain_to_ascii(&session->arena, slice_from_cstr(text + 1), &domain) < 0) {
        fprintf(stderr, "nuncio: '%s' is not a domain\n", text + 1);
        return EX_DATAERR;
    }
    *ret_sender = arena_printf(&session->arena, "@%.*s", SLICE_ARG(domain));
    return EX_OK;
}

static int change(struct account_session *session, struct slice account, const char *text, bool add)
{
    struct slice sender;
    int code = read_sender(session, text, &sender), r;

    if (code != EX_OK)
        return code;
    r = add ? store_grant_add(session->store, account, sender)
            : store_grant_remove(session->store, account, sender);
    if (r == STORE_EXISTS) {
        fprintf(stderr, "nuncio: %.*s may send as %.*s already\n", SLICE_ARG(account),
                SLICE_ARG(sender));
        return EX_CANTCREAT;
    }
    if (r == STORE_MISSING) {
        fprintf(stderr, "nuncio: %.*s was not granted; 'list' shows what is\n", SLICE_ARG(sender));
        return EX_NOUSER;
    }
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}

struct listing {
    struct account_session *session;
    struct slice account;
};

static void list_one(void *arg, struct slice account, struct slice address)
{
    struct listing *listing = arg;

    if (!slice_eq(account, listing->account))
        return;
    if (listing->session->options->json)
        account_session_print(json_pack("{s:s%, s:s%}", "address", account.ptr, account.len,
                                        "sender", address.ptr, address.len));
    else
        printf("%.*s\n", SLICE_ARG(address));
}

int account_grant(struct account_session *session, char **arguments, int n)
{
    struct listing listing = {.session = session};
    int code = account_session_account(session, arguments[0], &listing.account), r;

    if (code != EX_OK)
        return code;
    if (strcmp(arguments[1], "add") == 0 && n == 3)
        return change(session, listing.account, arguments[2], true);
    if (strcmp(arguments[1], "remove") == 0 && n == 3)
        return change(session, listing.account, arguments[2], false);
    if (strcmp(arguments[1], "list") == 0 && n == 2) {
        r = store_grant_each(session->store, list_one, &listing);
        return r < 0 ? account_session_failed(session, r) : EX_OK;
    }
    fprintf(stderr, "nuncio: say add SENDER, list, or remove SENDER\n");
    return EX_USAGE;
}
