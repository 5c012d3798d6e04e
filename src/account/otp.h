/*
 * One-time codes of the time, as authenticator apps make them (RFC 6238): HMAC-SHA-1, 6 digits, a
 * new one each 30 seconds. Pure but for otp_make_key().
 *
 * That a code counts once is the caller's part, by the time step: store_factor_use().
 */
#ifndef NUNCIO_ACCOUNT_OTP_H
#define NUNCIO_ACCOUNT_OTP_H

#include "base/arena.h"

enum { OTP_KEY_BYTES = 20, OTP_DIGITS = 6, OTP_STEP_SECONDS = 30 };

/* Random. 0 or -EIO. */
int otp_make_key(unsigned char ret_key[OTP_KEY_BYTES]);

/* In base32 without padding, as people type it into an app. Empty when memory is out. */
struct slice otp_key_text(struct arena *arena, struct slice key);
/* "otpauth://totp/issuer:account?secret=...&issuer=...": what a QR code for an app holds. */
struct slice otp_uri(struct arena *arena, struct slice key, struct slice issuer,
                     struct slice account);

/* Is it the code of now, or of the step before or after (a clock that is off, a slow typist)?
 * *ret_step is the step that it belongs to, never 0. `now_s` is Unix time. */
bool otp_verify(struct slice key, struct slice code, uint64_t now_s, uint64_t *ret_step);

#endif
