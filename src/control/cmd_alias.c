/*
 * nuncio alias add|list|remove: addresses that stand for others.
 */
#include "control/commands.h"

#include "control/account_session.h"
#include "mail/address.h"

#include <jansson.h>
#include <sysexits.h>

static const char help[] =
    "usage: nuncio alias add ADDRESS TARGET...\n"
    "       nuncio alias list [ADDRESS]\n"
    "       nuncio alias remove ADDRESS [TARGET...]\n\n"
    "Mail for ADDRESS goes to its targets: addresses here or elsewhere, or program:NAME for a\n"
    "program of the configuration. ADDRESS among its own targets means its own mailbox, to keep\n"
    "a copy. add adds to what is there; remove without TARGET removes the alias. A running\n"
    "server sees a change within seconds.\n\n"
    "  -c, --config FILE  the configuration, otherwise $NUNCIO_CONFIG or the system's\n"
    "      --state DIR    the state folder, otherwise that of the configuration\n"
    "      --json         one JSON object a line\n\n"
    "Example: nuncio alias add sales@example.org joe@example.org ann@example.net\n";

static int check_program(struct account_session *session, struct slice name)
{
    if (config_find_program(session->config, name))
        return EX_OK;
    fprintf(stderr, "nuncio: there is no program %.*s; make a section for it in %s\n",
            SLICE_ARG(name), session->config_path);
    return EX_DATAERR;
}

/* A target in the form in which it is stored: local parts of others keep their case. A new one
 * must make sense now. */
static int read_target(struct account_session *session, const char *text, bool new,
                       struct slice *ret_target)
{
    struct slice target = slice_from_cstr(text);
    struct address address;
    struct address_result result;

    if (slice_starts_with_nocase(target, SLICE("program:"))) {
        struct slice name = slice_skip(target, 8);
        *ret_target = arena_printf(&session->arena, "program:%.*s", SLICE_ARG(name));
        return new ? check_program(session, name) : EX_OK;
    }
    result = address_parse_mailbox(target, ADDRESS_UTF8, &address);
    if (result.error != ADDRESS_OK) {
        fprintf(stderr,
                "nuncio: '%s' is neither an address like joe@example.org nor program:NAME: %s\n",
                text, address_error_text(result.error));
        return EX_DATAERR;
    }
    *ret_target = target;
    if (config_find_domain(session->config, address.domain))
        *ret_target = address_key(&session->arena, target);
    return EX_OK;
}

/* ADDRESS and its targets from the arguments. */
static int read_arguments(struct account_session *session, char **arguments, int n, bool new,
                          struct slice *ret_address, struct slice **ret_targets)
{
    struct slice *targets = arena_alloc(&session->arena, (size_t)n * sizeof(*targets));
    int code = account_session_address(session, arguments[0], new, ret_address);

    for (int i = 1; code == EX_OK && i < n; i++)
        code = read_target(session, arguments[i], new, &targets[i - 1]);
    *ret_targets = targets;
    return code;
}

struct listing {
    struct account_session *session;
    struct slice only;  /* this address alone, or empty: all */
    struct slice *open; /* the address whose targets come, or NULL */
    json_t *targets;    /* JSON: so far */
    unsigned shown;
};

/* Ends the alias that was begun, if any. */
static void end_alias(struct listing *listing)
{
    if (!listing->open)
        return;
    if (listing->targets)
        account_session_print(json_pack("{s:s%, s:o}", "address", listing->open->ptr,
                                        listing->open->len, "targets", listing->targets));
    else
        putchar('\n');
    listing->open = NULL;
    listing->targets = NULL;
}

static void begin_alias(struct listing *listing, struct slice address)
{
    struct arena *arena = &listing->session->arena;

    listing->open = arena_alloc(arena, sizeof(*listing->open));
    *listing->open = arena_dup(arena, address);
    listing->shown++;
    if (listing->session->options->json)
        listing->targets = json_array();
    else
        printf("%.*s ", SLICE_ARG(address));
}

static void list_target(void *arg, struct slice address, struct slice target)
{
    struct listing *listing = arg;

    if (listing->only.len && !slice_eq(listing->only, address))
        return;
    if (!listing->open || !slice_eq(*listing->open, address)) {
        end_alias(listing);
        begin_alias(listing, address);
    }
    if (listing->targets)
        json_array_append_new(listing->targets, json_stringn(target.ptr, target.len));
    else
        printf(" %.*s", SLICE_ARG(target));
}

static int no_such_alias(struct slice address)
{
    fprintf(stderr, "nuncio: there is no alias %.*s; nuncio alias list shows them\n",
            SLICE_ARG(address));
    return EX_NOUSER;
}

static int show(struct account_session *session, struct slice only)
{
    struct listing listing = {.session = session, .only = only};
    int r = store_alias_each(session->store, list_target, &listing);

    end_alias(&listing);
    if (r < 0)
        return account_session_failed(session, r);
    return only.len && !listing.shown ? no_such_alias(only) : EX_OK;
}

static int add(struct account_session *session, char **arguments, int n)
{
    struct slice address, *targets;
    int code = read_arguments(session, arguments, n, true, &address, &targets), r;

    if (code == EX_OK)
        code = account_session_counts(session, address, true);
    if (code != EX_OK)
        return code;
    r = store_alias_add(session->store, address, targets, (size_t)n - 1);
    if (r == STORE_TOO_LARGE) {
        fprintf(stderr,
                "nuncio: %.*s would have more than %d targets or %d KiB of them; make aliases of "
                "aliases, or use a list manager\n",
                SLICE_ARG(address), STORE_TARGETS_MAX, STORE_TARGETS_BYTES_MAX / 1024);
        return EX_DATAERR;
    }
    return r < 0 ? account_session_failed(session, r) : show(session, address);
}

static int list(struct account_session *session, char **arguments, int n)
{
    struct slice address = SLICE_NULL;
    int code = n ? account_session_address(session, arguments[0], false, &address) : EX_OK;

    return code == EX_OK ? show(session, address) : code;
}

static int remove_alias(struct account_session *session, char **arguments, int n)
{
    struct slice address, *targets;
    int code = read_arguments(session, arguments, n, false, &address, &targets), r = 0;

    if (code != EX_OK)
        return code;
    if (n == 1)
        r = store_alias_remove(session->store, address, SLICE_NULL);
    for (int i = 0; r == 0 && i < n - 1; i++)
        r = store_alias_remove(session->store, address, targets[i]);
    if (r == STORE_MISSING)
        return no_such_alias(address);
    return r < 0 ? account_session_failed(session, r) : EX_OK;
}

static const struct account_action actions[] = {
    {"add", add, 2, 1 + STORE_TARGETS_MAX, 0, 0, NULL},
    {"list", list, 0, 1, 0, 0, NULL},
    {"remove", remove_alias, 1, 1 + STORE_TARGETS_MAX, 0, 0, NULL},
};

int cmd_alias(int argc, char **argv)
{
    return account_session_run(argc, argv, help, actions, sizeof(actions) / sizeof(actions[0]));
}
