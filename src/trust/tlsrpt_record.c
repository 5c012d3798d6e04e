/*
 * "v=TLSRPTv1; rua=mailto:reports@example.com,https://report.example.com/tlsrpt". See
 * tlsrpt_record.h.
 *
 * A mailto URI is read for its one address (RFC 6068): header fields behind "?" are the receiver's
 * wish and of no use to us, and an address that SMTP could not carry is passed over. In the URIs
 * "," "!" and ";" are percent-encoded by the RFC, so that cutting at them is safe.
 */
#include "trust/tlsrpt_record.h"

#include "base/buf.h"
#include "mail/address.h"

static int hex_digit(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool percent_decode(struct slice text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        int high, low;
        if (text.ptr[i] != '%') {
            buf_add_char(out, text.ptr[i]);
            continue;
        }
        if (text.len - i < 3)
            return false;
        high = hex_digit(text.ptr[i + 1]);
        low = hex_digit(text.ptr[i + 2]);
        if (high < 0 || low < 0)
            return false;
        buf_add_char(out, (char)(high << 4 | low));
        i += 2;
    }
    return !out->overflow;
}

static bool take_mailto(struct slice uri, struct arena *arena, struct slice *ret_address)
{
    struct slice encoded = slice_cut(&uri, '?');
    struct address address;
    struct buf decoded;
    bool good;

    buf_init(&decoded, ADDRESS_PATH_MAX);
    good = percent_decode(encoded, &decoded) &&
           address_parse_mailbox(buf_slice(&decoded), 0, &address).error == ADDRESS_OK &&
           address.kind == ADDRESS_DOMAIN;
    if (good)
        *ret_address = arena_dup(arena, buf_slice(&decoded));
    buf_done(&decoded);
    return good;
}

/* It goes into a request as it stands, so nothing but printable ASCII. */
static bool is_clean(struct slice uri)
{
    for (size_t i = 0; i < uri.len; i++) {
        if (uri.ptr[i] <= ' ' || uri.ptr[i] > '~')
            return false;
    }
    return true;
}

static void take_uri(struct slice uri, struct arena *arena, struct tlsrpt_record *record)
{
    struct tlsrpt_rua rua = {.https = slice_starts_with_nocase(uri, SLICE("https://"))};

    if (record->n_rua == TLSRPT_RUA_MAX || uri.len > TLSRPT_URI_MAX || !is_clean(uri))
        return;
    if (rua.https)
        rua.where = arena_dup(arena, uri);
    else if (!slice_starts_with_nocase(uri, SLICE("mailto:")) ||
             !take_mailto(slice_skip(uri, 7), arena, &rua.where))
        return;
    record->rua[record->n_rua++] = rua;
}

static void take_record(struct slice text, struct arena *arena, struct tlsrpt_record *record)
{
    while (text.ptr) {
        struct slice value = slice_cut(&text, ';');
        struct slice key = slice_trim(slice_cut(&value, '='));
        if (!slice_eq(key, SLICE("rua")))
            continue;
        while (value.ptr)
            take_uri(slice_trim(slice_cut(&value, ',')), arena, record);
        return;
    }
}

static bool is_meant(struct slice text)
{
    return slice_eq(slice_trim(slice_cut(&text, ';')), SLICE("v=TLSRPTv1"));
}

bool tlsrpt_record_find(const struct slice *texts, unsigned n_texts, struct arena *arena,
                        struct tlsrpt_record *ret_record)
{
    struct tlsrpt_record record = {.n_rua = 0};
    const struct slice *meant = NULL;

    for (unsigned i = 0; i < n_texts; i++) {
        if (!is_meant(texts[i]))
            continue;
        if (meant)
            return false;
        meant = &texts[i];
    }
    if (!meant)
        return false;
    take_record(*meant, arena, &record);
    if (record.n_rua == 0)
        return false;
    *ret_record = record;
    return true;
}
