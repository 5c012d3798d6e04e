/*
 * What is said to Dovecot's auth-client socket and what its answers mean. See dovecot_auth.h.
 *
 * Its hello is VERSION, SPID, CUID, COOKIE, MECH lines, DONE; without "MECH PLAIN" no password
 * could be verified, so that is not the service that was meant. `secured` is always said: whether a
 * password may come in the clear was decided by our own listener. `no-penalty`: delays are our
 * throttle's business, and Dovecot would count all users as one client otherwise.
 *
 * An OK with `nologin` means that the password is right and its user may not log in all the same.
 *
 * Dovecot answers a wrong password after its auth_failure_delay of some seconds.
 */
#include "account/dovecot_auth.h"

#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, CREDENTIALS_MAX = 2048, SEEN_VERSION = 1, SEEN_PLAIN = 2 };

static struct slice hello(struct arena *arena)
{
    return arena_printf(arena, "VERSION\t1\t1\nCPID\t%ld", (long)getpid());
}

static bool is_plain(const struct dovecot_line *line)
{
    struct slice words = line->words;

    return words.ptr && slice_eq_nocase(slice_cut(&words, '\t'), SLICE("PLAIN"));
}

static enum dovecot_hello greet(const struct dovecot_line *line, unsigned *seen)
{
    if (!(*seen & SEEN_VERSION)) {
        *seen |= SEEN_VERSION;
        return dovecot_line_is_version_1(line) ? HELLO_MORE : HELLO_BAD;
    }
    if (line->word >= DOVECOT_OK)
        return HELLO_BAD;
    if (line->word == DOVECOT_MECH && is_plain(line))
        *seen |= SEEN_PLAIN;
    if (line->word != DOVECOT_DONE)
        return HELLO_MORE;
    return *seen & SEEN_PLAIN ? HELLO_READY : HELLO_BAD;
}

const struct dovecot_protocol dovecot_auth_protocol = {
    .hello = hello, .greet = greet, .patience_ms = PATIENCE_MS};

static bool is_clean(struct slice text)
{
    return slice_find(text, '\0') < 0 && slice_find(text, '\t') < 0 && slice_find(text, '\n') < 0;
}

struct slice dovecot_auth_request(struct slice account, struct slice password,
                                  struct slice client_address, char ret_text[DOVECOT_AUTH_MAX])
{
    char credentials[CREDENTIALS_MAX];
    size_t len = 2 + account.len + password.len, head;

    if (len > CREDENTIALS_MAX || client_address.len > 64 || !is_clean(client_address) ||
        slice_find(account, '\0') >= 0 || slice_find(password, '\0') >= 0)
        return SLICE_NULL;
    credentials[0] = '\0'; /* no other identity (RFC 4616) */
    memcpy(credentials + 1, account.ptr, account.len);
    credentials[1 + account.len] = '\0';
    if (password.len)
        memcpy(credentials + 2 + account.len, password.ptr, password.len);
    head = (size_t)snprintf(ret_text, DOVECOT_AUTH_MAX,
                            "PLAIN\tservice=smtp\tsecured\tno-penalty\tnologin%s%.*s\tresp=",
                            client_address.len ? "\trip=" : "", SLICE_ARG(client_address));
    head += (size_t)EVP_EncodeBlock((unsigned char *)ret_text + head,
                                    (const unsigned char *)credentials, (int)len);
    explicit_bzero(credentials, sizeof(credentials));
    return slice_from(ret_text, head);
}

enum directory_status dovecot_auth_verdict(const struct dovecot_line *line, struct arena *arena,
                                           struct slice *ret_why)
{
    *ret_why = SLICE("Dovecot cannot tell now");
    if (!line || (line->word != DOVECOT_OK && line->word != DOVECOT_FAIL))
        return DIRECTORY_LATER;
    if (line->word == DOVECOT_OK && dovecot_line_find(line, SLICE("nologin"), arena, ret_why)) {
        *ret_why = SLICE("Dovecot says that the user may not log in");
        return DIRECTORY_NONE;
    }
    if (line->word == DOVECOT_OK) {
        *ret_why = SLICE("Dovecot says yes");
        return DIRECTORY_FOUND;
    }
    if (!dovecot_line_find(line, SLICE("reason"), arena, ret_why))
        *ret_why = SLICE("Dovecot says no");
    return dovecot_line_is_temporary(line) ? DIRECTORY_LATER : DIRECTORY_NONE;
}
