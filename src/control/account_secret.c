/*
 * Passwords at the command line. See account_secret.h.
 *
 * Never from an argument, which every user of the machine could read. What was typed is wiped.
 */
#include "control/account_secret.h"

#include "account/password.h"
#include "base/log.h"
#include "mail/address.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

enum { LENGTH_MIN = 8 };

static int complain(const char *what)
{
    fprintf(stderr, "nuncio: %s\n", what);
    return EX_DATAERR;
}

/* A line of standard input without its end, unbuffered, so that what follows stays there. */
static int read_line(struct arena *arena, struct slice *ret_line)
{
    char line[PASSWORD_MAX + 1];
    size_t used = 0;
    ssize_t n;
    int code = EX_OK;

    while ((n = read(STDIN_FILENO, line + used, 1)) == 1 && line[used] != '\n') {
        if (++used == sizeof(line)) {
            code = complain("the password is longer than 1024 bytes");
            break;
        }
    }
    if (n < 0)
        code = complain(log_strerror(errno));
    if (code == EX_OK) {
        if (used > 0 && line[used - 1] == '\r')
            used--;
        *ret_line = arena_dup(arena, slice_from(line, used));
    }
    explicit_bzero(line, sizeof(line));
    return code;
}

static int ask(struct arena *arena, const char *prompt, struct slice *ret_line)
{
    struct termios before, silent;
    int code;

    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return complain(log_strerror(errno));
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fputs(prompt, stderr);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) < 0)
        return complain(log_strerror(errno));
    code = read_line(arena, ret_line);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return code;
}

int account_secret_read(struct account_session *session, bool twice, struct slice *ret_password)
{
    struct slice again = SLICE_NULL;
    int code;

    if (session->options->given[OPTION_STDIN])
        return read_line(&session->arena, ret_password);
    if (!isatty(STDIN_FILENO)) {
        fputs("nuncio: this is no terminal to ask for a password; give it with --stdin\n", stderr);
        return EX_USAGE;
    }
    code = ask(&session->arena, "Password: ", ret_password);
    if (code == EX_OK && twice && ret_password->len)
        code = ask(&session->arena, "Once more: ", &again);
    if (code == EX_OK && twice && !slice_eq(*ret_password, again))
        code = complain("these are two different passwords; nothing was changed");
    account_secret_wipe(again);
    return code;
}

void account_secret_wipe(struct slice password)
{
    if (password.len)
        explicit_bzero((char *)(uintptr_t)password.ptr, password.len);
}

/* Those of eight characters and more that lists of stolen passwords begin with. */
static bool is_common(struct slice password)
{
    static const char *const common[] = {
        "password",  "password1", "passw0rd",   "p@ssw0rd",      "password123",    "12345678",
        "123456789", "87654321",  "1234567890", "123123123",     "11223344",       "qwertyuiop",
        "qwerty123", "1q2w3e4r",  "1qaz2wsx",   "zaq12wsx",      "asdfghjkl",      "abcd1234",
        "a1b2c3d4",  "iloveyou",  "sunshine",   "princess",      "football",       "baseball",
        "superman",  "trustno1",  "starwars",   "computer",      "whatever",       "internet",
        "welcome1",  "letmein1",  "changeme",   "administrator", "administrator1", "qwertzuiop",
    };

    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        if (slice_eq_nocase(password, slice_from_cstr(common[i])))
            return true;
    }
    return false;
}

/* Of UTF-8: what is not a continuation. */
static size_t count_characters(struct slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

static bool is_one_character(struct slice text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] != text.ptr[0])
            return false;
    }
    return true;
}

int account_secret_check(struct account_session *session, struct slice address,
                         struct slice password)
{
    struct slice local = address_local_unquote(&session->arena, address_local(address));

    if (password.len == 0)
        return complain("an empty password is none; --none takes it away");
    if (session->options->given[OPTION_FORCE])
        return EX_OK;
    if (count_characters(password) < LENGTH_MIN)
        return complain("the password has less than 8 characters, and would soon be guessed; take "
                        "a longer one, --generate one, or --force it");
    if (slice_eq_nocase(password, local) || slice_eq_nocase(password, address))
        return complain("the password is the account's name, which is tried first; take another, "
                        "--generate one, or --force it");
    if (is_common(password) || is_one_character(password))
        return complain("the password is one of those that everybody tries; take another, "
                        "--generate one, or --force it");
    return EX_OK;
}

int account_secret_hash(struct account_session *session, struct slice password, bool cram,
                        struct store_passwords *ret_passwords)
{
    static const unsigned sha_1 = MECHANISM_SCRAM_SHA_1 | MECHANISM_SCRAM_SHA_1_PLUS;
    struct store_passwords made = {.cram_secret = cram ? password : SLICE_NULL};
    int r = password_hash(password, &session->arena, &made.password);

    if (r == -EINVAL)
        return complain("a password has 1 to 511 bytes, none of them NUL");
    if (r == 0)
        r = password_scram(PASSWORD_SHA_256, password, &session->arena, &made.scram_sha_256);
    if (r == 0 && session->config->auth.mechanisms & sha_1)
        r = password_scram(PASSWORD_SHA_1, password, &session->arena, &made.scram_sha_1);
    if (r == -EINVAL)
        return complain("the password has characters that programs may not send alike (RFC 4013); "
                        "take letters, digits and signs");
    if (r < 0) {
        complain("cannot compute a hash of the password");
        return EX_OSERR;
    }
    *ret_passwords = made;
    return EX_OK;
}
