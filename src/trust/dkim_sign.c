/*
 * Signing, up to the digest. See dkim_sign.h.
 *
 * Which fields are signed is a table after RFC 6376 section 5.4.1. What a reader is shown of a
 * message (From, To, Subject and so on) and what makes of its body another one (Content-Type) is
 * named once more than it is there, so that nobody can add one without breaking the signature.
 * Sender and the fields of mailing lists are not: a list that only adds those leaves the signature
 * whole.
 *
 * Trace fields, Return-Path, Bcc and what is not known are not signed.
 */
#include "trust/dkim_sign.h"

#include "mail/addrlist.h"
#include "mail/encoding.h"
#include "trust/dkim.h"
#include "trust/dkim_body.h"
#include "trust/dkim_fields.h"
#include "trust/dkim_hash.h"
#include "trust/dkim_section.h"
#include "trust/dkim_tags.h"

#include <stdlib.h>

enum {
    NAMES_MAX = 500, /* of h=; more fields than this no honest message has */
    FOLD_COLUMN = 72,
};

static const struct {
    struct slice name;
    bool oversign;
} signed_fields[] = {
    {SLICE_INIT("from"), true},
    {SLICE_INIT("sender"), false},
    {SLICE_INIT("reply-to"), true},
    {SLICE_INIT("subject"), true},
    {SLICE_INIT("date"), true},
    {SLICE_INIT("message-id"), true},
    {SLICE_INIT("to"), true},
    {SLICE_INIT("cc"), true},
    {SLICE_INIT("mime-version"), true},
    {SLICE_INIT("content-type"), true},
    {SLICE_INIT("content-transfer-encoding"), true},
    {SLICE_INIT("content-id"), false},
    {SLICE_INIT("content-description"), false},
    {SLICE_INIT("in-reply-to"), true},
    {SLICE_INIT("references"), true},
    {SLICE_INIT("resent-date"), false},
    {SLICE_INIT("resent-from"), false},
    {SLICE_INIT("resent-sender"), false},
    {SLICE_INIT("resent-to"), false},
    {SLICE_INIT("resent-cc"), false},
    {SLICE_INIT("resent-message-id"), false},
    {SLICE_INIT("list-id"), false},
    {SLICE_INIT("list-help"), false},
    {SLICE_INIT("list-unsubscribe"), false},
    {SLICE_INIT("list-unsubscribe-post"), false},
    {SLICE_INIT("list-subscribe"), false},
    {SLICE_INIT("list-post"), false},
    {SLICE_INIT("list-owner"), false},
    {SLICE_INIT("list-archive"), false},
    {SLICE_INIT("autocrypt"), false},
    {SLICE_INIT("tls-required"), false},
    {SLICE_INIT("tls-report-domain"), false},
    {SLICE_INIT("tls-report-submitter"), false},
};

struct dkim_signer {
    struct dkim_section section;
    struct dkim_fields *fields;
    struct dkim_body *body;
    struct buf names; /* h=, folded */
    struct arena arena;
    struct slice author;
};

struct dkim_signer *dkim_signer_new(void)
{
    struct dkim_signer *signer = xcalloc(1, sizeof(*signer));

    dkim_section_init(&signer->section);
    signer->body = dkim_body_new();
    dkim_body_want(signer->body, DKIM_RELAXED, DKIM_WHOLE);
    buf_init(&signer->names, DKIM_HEADER_MAX);
    arena_init(&signer->arena);
    return signer;
}

void dkim_signer_free(struct dkim_signer *signer)
{
    if (!signer)
        return;
    dkim_section_done(&signer->section);
    dkim_fields_free(signer->fields);
    dkim_body_free(signer->body);
    buf_done(&signer->names);
    arena_done(&signer->arena);
    free(signer);
}

void dkim_signer_feed(struct dkim_signer *signer, struct slice piece)
{
    if (!signer->section.whole)
        piece = dkim_section_feed(&signer->section, piece);
    if (signer->section.whole)
        dkim_body_feed(signer->body, piece);
}

/* One more name, on a new line when this one is full. */
static void add_name(struct buf *names, struct slice name, size_t *column)
{
    if (names->len)
        buf_add_char(names, ':');
    *column += name.len + 1;
    if (*column > FOLD_COLUMN) {
        buf_add_cstr(names, "\r\n\t ");
        *column = name.len + 2;
    }
    buf_add_slice(names, name);
}

/* False: there are too many. */
static bool choose_names(struct dkim_signer *signer)
{
    size_t column = 4, total = 0;

    for (size_t i = 0; i < sizeof(signed_fields) / sizeof(signed_fields[0]); i++) {
        unsigned n = dkim_fields_count_of(signer->fields, signed_fields[i].name);
        n += signed_fields[i].oversign;
        total += n;
        if (total > NAMES_MAX)
            return false;
        while (n--)
            add_name(&signer->names, signed_fields[i].name, &column);
    }
    return true;
}

/* The first address in the only From field. */
static bool find_author(struct dkim_signer *signer)
{
    struct header_field field;
    struct addrlist list;
    struct slice value;

    if (dkim_fields_count_of(signer->fields, SLICE("from")) != 1 ||
        !header_find(buf_slice(&signer->section.text), SLICE("from"), &field))
        return false;
    value = header_unfold(&signer->arena, field.value);
    if (addrlist_parse(value, ADDRESS_UTF8, &signer->arena, &list).error != ADDRESS_OK ||
        list.n == 0)
        return false;
    signer->author = list.entries[0].mailbox;
    return true;
}

bool dkim_signer_end(struct dkim_signer *signer)
{
    dkim_body_end(signer->body);
    if (signer->section.text.overflow)
        return false;
    signer->fields = dkim_fields_new(buf_slice(&signer->section.text));
    return find_author(signer) && choose_names(signer);
}

struct slice dkim_signer_author(const struct dkim_signer *signer)
{
    return signer->author;
}

static void write_field(const struct dkim_signer *signer, const struct dkim_signing *signing,
                        struct buf *field)
{
    const uint8_t *hash = dkim_body_hash(signer->body, DKIM_RELAXED, DKIM_WHOLE);

    buf_printf(
        field, "DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\r\n\td=%.*s;\r\n\ts=%.*s; t=%lld;",
        signing->kind == DKIM_KEY_RSA ? "rsa-sha256" : "ed25519-sha256", SLICE_ARG(signing->domain),
        SLICE_ARG(signing->selector), (long long)signing->seconds);
    buf_add_cstr(field, "\r\n\th=");
    buf_add_slice(field, buf_slice(&signer->names));
    buf_add_cstr(field, ";\r\n\tbh=");
    base64_encode_line(field, slice_from(hash, DKIM_HASH));
    buf_add_cstr(field, ";\r\n\tb=");
}

void dkim_signer_field(const struct dkim_signer *signer, const struct dkim_signing *signing,
                       struct buf *ret_field, uint8_t ret_digest[DKIM_DIGEST])
{
    struct buf text;

    buf_reset(ret_field);
    write_field(signer, signing, ret_field);
    buf_init(&text, 4 * (size_t)DKIM_HEADER_MAX);
    dkim_fields_select(signer->fields, buf_slice(&signer->names), DKIM_NO_FIELD, DKIM_RELAXED,
                       &text);
    dkim_fields_add_self(DKIM_RELAXED, buf_slice(ret_field), SLICE_NULL, &text);
    dkim_hash_of(buf_slice(&text), ret_digest);
    buf_done(&text);
}

void dkim_signer_finish(struct buf *field, struct slice signature)
{
    struct buf digits;

    buf_init(&digits, 2 * signature.len + 4);
    base64_encode_line(&digits, signature);
    for (size_t at = 0; at < digits.len; at += FOLD_COLUMN) {
        if (at)
            buf_add_cstr(field, "\r\n\t ");
        buf_add_slice(field, slice_sub(buf_slice(&digits), at, FOLD_COLUMN));
    }
    buf_add_cstr(field, "\r\n");
    buf_done(&digits);
}
