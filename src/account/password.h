/*
 * Password hashes: making and verifying. Every call here takes as long as the hash wants (yescrypt:
 * tens of milliseconds and some MiB): never on a thread that others wait for.
 *
 * A stored form is what crypt(3) makes ("$y$...", "$6$...", "$2b$..."), or a scheme of a Dovecot
 * table in braces, perhaps with an encoding: {SHA512-CRYPT}, {BLF-CRYPT}, {CRYPT}, {SSHA},
 * {SSHA256}, {SSHA512}, {SHA}, {SHA256}, {SHA512}, {PBKDF2}, {ARGON2I}, {ARGON2ID}, {PLAIN},
 * {CLEARTEXT}, {SMD5}, {PLAIN-MD5}, {LDAP-MD5}; ".b64", ".base64" and ".hex" behind the name.
 */
#ifndef NUNCIO_ACCOUNT_PASSWORD_H
#define NUNCIO_ACCOUNT_PASSWORD_H

#include "base/arena.h"
#include "base/buf.h"

enum password_verdict {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_UNKNOWN_SCHEME, /* or a damaged form: nobody can log in with it */
};

enum { PASSWORD_MAX = 1024 /* bytes of a password */, PASSWORD_FORM_MAX = 4096 };

enum password_verdict password_verify(struct slice form, struct slice password);
/* As long as a yescrypt verification takes, for accounts that do not exist. */
void password_verify_nothing(struct slice password);

/* yescrypt with a fresh salt. 0 or -errno. */
int password_hash(struct slice password, struct arena *arena, struct slice *ret_form);
/* {SSHA512} with a fresh salt, for what password_generate() made and for nothing that a person has
 * chosen: nobody finds 80 random bits by trying, however fast. 0 or -errno. */
int password_hash_generated(struct slice password, struct arena *arena, struct slice *ret_form);
/* Does it take microseconds to verify the form (or to see that it is damaged)? */
bool password_is_fast(struct slice form);

/* The SCRAM verifier (RFC 5802 section 3) in its stored form
 * "iterations,salt,stored-key,server-key" with base64 in the fields, for SHA-256 or SHA-1. The
 * password is prepared by SASLprep (RFC 4013); -EINVAL when it cannot be. */
enum password_digest { PASSWORD_SHA_256, PASSWORD_SHA_1 };
enum { PASSWORD_SCRAM_ITERATIONS = 10000 };
int password_scram(enum password_digest digest, struct slice password, struct arena *arena,
                   struct slice *ret_form);

/* Is a stored form one that password_verify() knows? For tables that are moved over. */
bool password_form_is_known(struct slice form);

/* A password that nobody has to remember: 4 groups of 4 letters and digits without look-alikes
 * (80 bits). Or -errno. */
int password_generate(struct arena *arena, struct slice *ret_password);

#endif
