/*
 * PLAIN and LOGIN: a name and a password, verified against the account's own password, its app
 * passwords, and the second factor where it demands one.
 *
 * The password that arrives is tried as it is, after SASLprep where that changes it (a hash that
 * was moved over may be of either), and without the six digits at its end where the account has a
 * TOTP key. All of it is one job of the hasher. For a name that is nobody's, an account without a
 * password, one without a TOTP key and one with app passwords the job of a wrong password has as
 * many slow hashes in it; those of app passwords are fast (password.h).
 *
 * Who has the right password of an account that demands a second factor is told so, since he cannot
 * know what to do otherwise; he is the owner, or has the password already. A code is only looked at
 * behind the right password, and counts once: the store keeps the step of the last one, on disk
 * before the login succeeds.
 */
#include "account/login_inside.h"

#include "account/login_name.h"
#include "account/otp.h"
#include "account/password.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "config/value.h"
#include "io/socket_address.h"

#include <errno.h>
#include <string.h>

enum { TAG_OWN, TAG_WITH_CODE, TAG_APP };
/* An app password's last use is written down at most so often. */
enum { USED_EACH_MS = 60 * 1000, OWN_TRIED_MAX = 4 };
_Static_assert(STORE_APP_PASSWORDS_MAX + OWN_TRIED_MAX <= HASHER_CANDIDATES_MAX, "one job");

struct candidates {
    struct hash_candidate list[HASHER_CANDIDATES_MAX];
    size_t count;
};

/* A password with a code right behind it. False: there is no code, or nothing before it. */
static bool split_code(struct slice input, struct slice *ret_password, struct slice *ret_code)
{
    if (input.len <= OTP_DIGITS)
        return false;
    for (size_t i = input.len - OTP_DIGITS; i < input.len; i++) {
        if (!ascii_is_digit(input.ptr[i]))
            return false;
    }
    *ret_password = slice_sub(input, 0, input.len - OTP_DIGITS);
    *ret_code = slice_skip(input, input.len - OTP_DIGITS);
    return true;
}

static void add(struct candidates *candidates, struct slice form, struct slice password, int tag)
{
    candidates->list[candidates->count++] =
        (struct hash_candidate){.form = form, .password = password, .tag = tag};
}

/* The form (empty: it costs its time all the same) with the password, and with the password as
 * SASLprep has it. */
static void add_both(struct candidates *candidates, struct arena *arena, struct slice form,
                     struct slice password, int tag)
{
    struct slice prepared;

    add(candidates, form, password, tag);
    if (!utf8_is_ascii(password) && login_name_prepare(password, arena, &prepared))
        add(candidates, form, prepared, tag);
}

/* Of the others the conversation wipes its copy. */
static void wipe_prepared(const struct candidates *candidates, struct slice secret)
{
    for (size_t i = 0; i < candidates->count; i++) {
        struct slice password = candidates->list[i].password;
        if (password.ptr < secret.ptr || password.ptr >= secret.ptr + secret.len)
            explicit_bzero((char *)(uintptr_t)password.ptr, password.len);
    }
}

/* The account's own password, which is perhaps none. */
static void add_own(struct conversation *c, struct candidates *candidates, struct slice secret)
{
    struct slice password, code;
    bool with_code = split_code(secret, &password, &code);

    if (with_code && c->factor.totp_key.len)
        add_both(candidates, &c->arena, c->form, password, TAG_WITH_CODE);
    add_both(candidates, &c->arena, c->form, secret, TAG_OWN);
    if (with_code && !c->factor.totp_key.len)
        add_both(candidates, &c->arena, SLICE_NULL, password, TAG_WITH_CODE);
}

static void add_apps(struct conversation *c, struct candidates *candidates, struct slice secret,
                     bool fast)
{
    for (size_t i = 0; i < c->n_apps && i < STORE_APP_PASSWORDS_MAX; i++) {
        if (password_is_fast(c->apps[i].password) == fast)
            add(candidates, c->apps[i].password, secret, TAG_APP + (int)i);
    }
}

/* Those with slow hashes were made before there were fast ones. */
static void hash(struct conversation *c)
{
    struct slice secret = sasl_claim(c->sasl)->secret;
    struct candidates candidates = {.count = 0};
    int r;

    add_apps(c, &candidates, secret, true);
    if (!c->checks_itself)
        add_own(c, &candidates, secret);
    add_apps(c, &candidates, secret, false);
    r = hasher_add(c->login->hasher, c->job,
                   login_blocks_knows(c->login->blocks, c->client.address, c->account),
                   candidates.list, candidates.count);
    wipe_prepared(&candidates, secret);
    if (r < 0)
        conversation_fail(c, FAILURE_BUSY, "too many passwords wait to be verified");
}

/* What the store knows beside the password. */
static bool read_factors(struct conversation *c)
{
    struct store *store = conversation_store(c);

    return store &&
           conversation_read(c, store_factor_find(store, &c->arena, c->account, &c->factor)) &&
           conversation_read(
               c, store_app_passwords_find(store, &c->arena, c->account, &c->apps, &c->n_apps));
}

static void on_check(void *arg, enum directory_status status, struct slice why);

/* The directory verifies by itself. */
static void ask_directory(struct conversation *c)
{
    struct directory *directory = c->login->host.directory_of(c->login->host.arg, c->account);
    struct slice password = sasl_claim(c->sasl)->secret, front, code;
    uint64_t step;

    if (!directory || !directory->methods->check) {
        conversation_fail(c, FAILURE_LATER, "the accounts are kept elsewhere since");
        return;
    }
    c->with_code = c->factor.totp_key.len && split_code(password, &front, &code) &&
                   otp_verify(c->factor.totp_key, code, clock_wall_ms() / 1000, &step);
    c->directory = directory;
    directory->methods->check(directory, c->account, c->with_code ? front : password,
                              c->client.address, on_check, c);
}

static void on_login(void *arg, enum directory_status status, const struct directory_login *login)
{
    struct conversation *c = arg;

    c->directory = NULL;
    if (status == DIRECTORY_LATER) {
        conversation_fail(c, FAILURE_LATER, "the accounts cannot be asked now");
        return;
    }
    if (status == DIRECTORY_FOUND) {
        c->known = true;
        c->enabled = login->enabled;
        c->checks_itself = login->checks_itself;
        c->form = arena_dup(&c->arena, login->passwords.password);
        if (!read_factors(c))
            return;
    }
    if (c->checks_itself && c->n_apps == 0)
        ask_directory(c);
    else
        hash(c);
}

void login_password_claim(struct conversation *c)
{
    struct directory *directory;

    if (!conversation_name(c, sasl_claim(c->sasl)->name))
        return;
    directory = c->account.len ? c->login->host.directory_of(c->login->host.arg, c->account) : NULL;
    if (!directory) {
        hash(c);
        return;
    }
    c->directory = directory;
    directory->methods->login(directory, c->account, on_login, c);
}

/* Whether the client is in one of the networks, separated by blanks; empty: any. */
static bool is_in(struct slice networks, struct slice client)
{
    struct socket_address address;

    if (networks.len == 0)
        return true;
    if (!socket_address_parse(client, 0, &address))
        return false;
    while (networks.ptr) {
        struct slice text = slice_cut(&networks, ' ');
        struct config_network network;
        struct config_networks one = {.list = &network, .count = 1};
        struct value_hint hint;
        const char *why;
        if (value_parse_network(text, &network, &why, &hint) &&
            config_find_network(&one, &address.socket.any))
            return true;
    }
    return false;
}

static void note_use(struct conversation *c, const struct store_app_password *app)
{
    struct store *store = c->login->host.store(c->login->host.arg);
    uint64_t now = clock_wall_ms();
    int r;

    if (!store || (app->used_ms <= now && now - app->used_ms < USED_EACH_MS))
        return;
    r = store_app_password_used(store, c->account, app->name, now, c->client.address);
    c->login->host.store_note(c->login->host.arg, r);
    if (r < 0)
        log_warn(NULL, "app-password-use-not-stored", LOG_SLICE("account", c->account),
                 LOG_ERRNO(r));
}

static void judge_app(struct conversation *c, const struct store_app_password *app)
{
    struct slice why;

    if (!is_in(app->networks, c->client.address)) {
        why = arena_printf(&c->arena, "app password %.*s is not for this network",
                           SLICE_ARG(app->name));
        conversation_fail(c, FAILURE_WRONG, arena_cstr(&c->arena, why));
        return;
    }
    note_use(c, app);
    why = arena_printf(&c->arena, "app password %.*s", SLICE_ARG(app->name));
    conversation_accept(c, arena_cstr(&c->arena, why));
}

static void judge_code(struct conversation *c)
{
    struct slice password, code;
    struct store *store;
    uint64_t step = 0;
    int r;

    if (!split_code(sasl_claim(c->sasl)->secret, &password, &code) ||
        !otp_verify(c->factor.totp_key, code, clock_wall_ms() / 1000, &step)) {
        conversation_fail(c, FAILURE_CODE, "the password is right, the code is wrong");
        return;
    }
    store = conversation_store(c);
    if (!store)
        return;
    r = store_factor_use(store, c->account, step);
    if (r == STORE_EXISTS)
        conversation_fail(c, FAILURE_CODE_USED, "the code was used already");
    else if (r == STORE_MISSING)
        conversation_fail(c, FAILURE_WRONG, "the TOTP key was removed meanwhile");
    else if (conversation_read(c, r))
        conversation_accept(c, "password and code");
}

static void judge_own(struct conversation *c)
{
    int r;

    if (!c->factor.required) {
        conversation_accept(c, "password");
        return;
    }
    r = conversation_certificate(c);
    if (r < 0)
        conversation_read(c, r);
    else if (r > 0)
        conversation_accept(c, "password and certificate");
    else
        conversation_fail(c, FAILURE_FACTOR, "the password is right, the second factor is missing");
}

/* What was guessed meanwhile counts: of many guesses at once only the first few are answered. */
static void judge(struct conversation *c, int tag)
{
    if (!conversation_may_try(c))
        return;
    if (tag == HASHER_NONE)
        conversation_fail(c, FAILURE_WRONG, c->known ? "wrong password" : "no such account");
    else if (!c->enabled)
        conversation_fail(c, FAILURE_WRONG, "the account is disabled");
    else if (tag == TAG_OWN)
        judge_own(c);
    else if (tag == TAG_WITH_CODE)
        judge_code(c);
    else
        judge_app(c, &c->apps[tag - TAG_APP]);
}

void login_password_hashed(struct conversation *c, int tag)
{
    if (tag == HASHER_NONE && c->checks_itself)
        ask_directory(c);
    else
        judge(c, tag);
}

static void on_check(void *arg, enum directory_status status, struct slice why)
{
    struct conversation *c = arg;

    c->directory = NULL;
    if (status == DIRECTORY_LATER)
        conversation_fail(c, FAILURE_LATER, arena_cstr(&c->arena, why));
    else if (status == DIRECTORY_NONE)
        judge(c, HASHER_NONE);
    else
        judge(c, c->with_code ? TAG_WITH_CODE : TAG_OWN);
}
