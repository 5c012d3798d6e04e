/*
 * The stored form of a password, taken apart: which scheme, and what it needs. Pure.
 *
 * A form that asks for more than an honest one would is refused here, before anything is computed:
 * tables come from elsewhere, and a login must not cost 10 GiB or an hour.
 */
#ifndef NUNCIO_ACCOUNT_PASSWORD_FORM_H
#define NUNCIO_ACCOUNT_PASSWORD_FORM_H

#include "base/arena.h"

/* Rounds of crypt(3) schemes and PBKDF2; memory of yescrypt, scrypt and Argon2; 2^n of bcrypt;
 * lanes and passes. */
enum {
    PASSWORD_ROUNDS_MAX = 5000000,
    PASSWORD_MEMORY_MAX = 256 * 1024 * 1024,
    PASSWORD_BCRYPT_MAX = 16,
    PASSWORD_LANES_MAX = 16,
    PASSWORD_PASSES_MAX = 32,
};

/* As libxcrypt makes yescrypt by default: what is verified for accounts that do not exist. Of a
 * password that nobody knows. */
#define PASSWORD_NOTHING                                                                           \
    SLICE("$y$j9T$cvDJV3X4oRUz1Q/bdIrzx/$njueB9tg/0Y.R4DPRePaZHeYxfDOkeObs9WCE53/We7")

enum password_scheme {
    PASSWORD_SCHEME_CRYPT,  /* data: what crypt(3) made */
    PASSWORD_SCHEME_PLAIN,  /* data: the password */
    PASSWORD_SCHEME_DIGEST, /* data: the digest; salt: what is digested behind the password */
    PASSWORD_SCHEME_PBKDF2, /* data, salt, iterations; HMAC-SHA-1 */
    PASSWORD_SCHEME_ARGON2, /* data, salt, iterations, memory, lanes, version, is_id */
};

struct password_form {
    enum password_scheme scheme;
    const char *digest; /* OpenSSL's name for it */
    struct slice data, salt;
    uint32_t iterations;
    uint32_t memory_kib, lanes, version;
    bool is_id;  /* Argon2id, else Argon2i */
    bool secret; /* data is a copy of the password in the arena: to be wiped */
};

/* False: unknown, damaged or too costly. Slices point into `text` or the arena. */
bool password_form_parse(struct slice text, struct arena *arena, struct password_form *ret_form);

/* One of crypt(3)'s: whole, and not too costly. */
bool password_crypt_is_sound(struct slice text);

#endif
