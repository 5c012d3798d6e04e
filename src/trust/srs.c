/*
 * SRS0 and SRS1, there and back. See srs.h.
 *
 *   joe@a.example      at b.example:  SRS0=HHHHHHHH=TT=a.example=joe@b.example
 *   SRS0=x=y=z=w@b     at c.example:  SRS1=HHHHHHHH=b==x=y=z=w@c.example
 *   SRS1=h=b==x=...@c  at d.example:  SRS1=HHHHHHHH=b==x=...@d.example
 *
 * So however many forward, an address grows twice, and a bounce goes from the last of them to the
 * first, which alone knows the sender. Others write '+' or '-' where our first '=' is; that is
 * taken.
 *
 * HASH is 40 bits of HMAC-SHA-256 in base 32 over all that stands behind it, in lower case, since
 * there are servers that change the case of local parts. TT is the day, modulo 1024. An SRS1 has no
 * day of its own: the one inside is the first forwarder's to check.
 *
 * What has not the whole form is no SRS but a local part like any other: somebody may be called
 * srs0-team. What has it and does not verify is forged, whoever else may have that name.
 */
#include "trust/srs.h"

#include "base/buf.h"
#include "mail/address.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

enum {
    HASH_LEN = 8, /* characters of 5 bits */
    DAYS = 1024,  /* when TT comes round again */
    SKEW_DAYS = 1 /* two servers with one secret, one of which has midnight behind it */
};

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static int base32_value(char c)
{
    if (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')
        return ascii_lower(c) - 'a';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

void srs_take_secrets(struct srs *srs, struct slice text)
{
    OPENSSL_cleanse(srs->secrets, sizeof(srs->secrets));
    srs->n_secrets = 0;
    while (text.len && srs->n_secrets < SRS_SECRETS_MAX) {
        ptrdiff_t end = slice_find(text, '\n');
        struct slice line = slice_trim(slice_sub(text, 0, end < 0 ? text.len : (size_t)end));
        text = slice_skip(text, end < 0 ? text.len : (size_t)end + 1);
        if (line.len < SRS_PASSPHRASE_MIN || line.ptr[0] == '#')
            continue;
        SHA256((const unsigned char *)line.ptr, line.len, srs->secrets[srs->n_secrets++]);
    }
}

/* Of "srs0=" or "srs1=" and the text, in lower case. */
static void make_hash(const uint8_t *secret, char kind, struct slice text, struct arena *arena,
                      char ret_hash[HASH_LEN + 1])
{
    struct slice copy = arena_printf(arena, "srs%c=%.*s", kind, SLICE_ARG(text));
    char *bytes = (char *)(uintptr_t)copy.ptr;
    unsigned char mac[EVP_MAX_MD_SIZE] = {0};
    unsigned len = sizeof(mac);
    uint64_t bits = 0;

    for (size_t i = 0; i < copy.len; i++)
        bytes[i] = ascii_lower(bytes[i]);
    if (!HMAC(EVP_sha256(), secret, SRS_SECRET, (unsigned char *)bytes, copy.len, mac, &len))
        abort();
    for (size_t i = 0; i < HASH_LEN * 5 / 8; i++)
        bits = bits << 8 | mac[i];
    for (size_t i = 0; i < HASH_LEN; i++)
        ret_hash[i] = base32[bits >> (HASH_LEN - 1 - i) * 5 & 31];
    ret_hash[HASH_LEN] = '\0';
    OPENSSL_cleanse(mac, sizeof(mac));
}

/* All secrets are tried whatever the first ones say. */
static bool hash_is_good(const struct srs *srs, char kind, struct slice hash, struct slice text,
                         struct arena *arena)
{
    char upper[HASH_LEN], want[HASH_LEN + 1];
    bool good = false;

    if (hash.len != HASH_LEN)
        return false;
    for (size_t i = 0; i < HASH_LEN; i++) {
        int value = base32_value(hash.ptr[i]);
        upper[i] = value < 0 ? '?' : base32[value];
    }
    for (unsigned i = 0; i < srs->n_secrets; i++) {
        make_hash(srs->secrets[i], kind, text, arena, want);
        good |= CRYPTO_memcmp(upper, want, HASH_LEN) == 0;
    }
    OPENSSL_cleanse(want, sizeof(want));
    return good;
}

/* Up to the next '=', which is dropped too. False when there is none, or nothing before it. */
static bool take_field(struct slice *rest, struct slice *ret_field)
{
    ptrdiff_t end = slice_find(*rest, '=');

    if (end <= 0)
        return false;
    *ret_field = slice_sub(*rest, 0, (size_t)end);
    *rest = slice_skip(*rest, (size_t)end + 1);
    return true;
}

static bool is_separator(char c)
{
    return c == '=' || c == '+' || c == '-';
}

/* A local part without quotes, taken apart. */
struct parts {
    char kind;          /* '0', '1' */
    struct slice hash;  /* as it came */
    struct slice text;  /* that the hash is over */
    struct slice stamp; /* SRS0: TT */
    struct slice host;
    struct slice user; /* may be empty: ""@a.example is a mailbox; SRS1: with its separator, as it
                          stands behind "SRS0" at the host */
};

static bool take_apart(struct slice local, struct parts *ret_parts)
{
    struct parts parts;

    if (local.len < 6 || !is_separator(local.ptr[4]))
        return false;
    if (!slice_starts_with_nocase(local, SLICE("SRS0")) &&
        !slice_starts_with_nocase(local, SLICE("SRS1")))
        return false;
    parts = (struct parts){.kind = local.ptr[3], .text = slice_skip(local, 5)};
    if (!take_field(&parts.text, &parts.hash))
        return false;
    parts.user = parts.text;
    if (parts.kind == '0' && !take_field(&parts.user, &parts.stamp))
        return false;
    if (!take_field(&parts.user, &parts.host))
        return false;
    if (parts.kind == '1' && (parts.user.len < 2 || !is_separator(parts.user.ptr[0])))
        return false;
    *ret_parts = parts;
    return true;
}

/* ---- there --------------------------------------------------------------------------------- */

/* The mailbox, or false where the host was never one: anybody may call himself SRS1. */
static bool to_mailbox(struct slice user, struct slice host, struct arena *arena,
                       struct slice *ret_mailbox)
{
    struct address address;
    struct slice mailbox = arena_printf(
        arena, "%.*s@%.*s", SLICE_ARG(address_local_quote(arena, user)), SLICE_ARG(host));

    if (address_parse_mailbox(mailbox, ADDRESS_UTF8, &address).error != ADDRESS_OK)
        return false;
    *ret_mailbox = mailbox;
    return true;
}

/* What stands behind the hash, and of which kind it is. */
static char body_of(struct slice local, struct slice host, uint32_t days, struct arena *arena,
                    struct slice *ret_text)
{
    struct parts parts;
    bool again = take_apart(local, &parts);
    struct slice first;

    if (again && parts.kind == '1' &&
        to_mailbox(arena_printf(arena, "SRS0%.*s", SLICE_ARG(parts.user)), parts.host, arena,
                   &first)) {
        *ret_text = parts.text;
        return '1';
    }
    if (again && parts.kind == '0') {
        *ret_text =
            arena_printf(arena, "%.*s=%.*s", SLICE_ARG(host), SLICE_ARG(slice_skip(local, 4)));
        return '1';
    }
    *ret_text = arena_printf(arena, "%c%c=%.*s=%.*s", base32[days % DAYS >> 5], base32[days & 31],
                             SLICE_ARG(host), SLICE_ARG(local));
    return '0';
}

bool srs_forward(const struct srs *srs, struct slice sender, struct slice domain, uint32_t days,
                 struct arena *arena, struct slice *ret_address)
{
    struct slice local = address_local_unquote(arena, address_local(sender)), host, text;
    char hash[HASH_LEN + 1], kind;

    if (srs->n_secrets == 0)
        return false;
    if (address_domain_to_ascii(arena, address_domain(sender), &host) < 0 ||
        slice_find(host, '=') >= 0) /* in a literal of no kind that there is */
        return false;
    kind = body_of(local, host, days, arena, &text);
    make_hash(srs->secrets[0], kind, text, arena, hash);
    text = arena_printf(arena, "SRS%c=%s=%.*s", kind, hash, SLICE_ARG(text));
    text = arena_printf(arena, "%.*s@%.*s", SLICE_ARG(address_local_quote(arena, text)),
                        SLICE_ARG(domain));
    if (text.len + 2 > ADDRESS_PATH_MAX)
        return false;
    *ret_address = text;
    return true;
}

/* ---- and back ------------------------------------------------------------------------------ */

static bool is_fresh(const struct srs *srs, struct slice stamp, uint32_t days)
{
    int high = stamp.len == 2 ? base32_value(stamp.ptr[0]) : -1;
    int low = stamp.len == 2 ? base32_value(stamp.ptr[1]) : -1;
    uint32_t age;

    if (high < 0 || low < 0)
        return false;
    age = (days + SKEW_DAYS - (uint32_t)(high << 5 | low)) % DAYS;
    return age <= srs->max_age_days + SKEW_DAYS;
}

enum srs_reverse srs_reverse(const struct srs *srs, struct slice local_part, uint32_t days,
                             struct arena *arena, struct slice *ret_sender)
{
    struct slice local = address_local_unquote(arena, local_part), user;
    struct parts parts;

    if (!take_apart(local, &parts))
        return SRS_NO_SRS;
    if (!hash_is_good(srs, parts.kind, parts.hash, parts.text, arena))
        return SRS_FORGED;
    if (parts.kind == '0' && !is_fresh(srs, parts.stamp, days))
        return SRS_OLD;
    user = parts.kind == '0' ? parts.user : arena_printf(arena, "SRS0%.*s", SLICE_ARG(parts.user));
    return to_mailbox(user, parts.host, arena, ret_sender) ? SRS_OK : SRS_FORGED;
}
