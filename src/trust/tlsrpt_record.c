/*
 * "v=TLSRPTv1; rua=mailto:reports@example.com,https://report.example.com/tlsrpt". See
 * tlsrpt_record.h.
 *
 * A URI with an address that SMTP could not carry is passed over, like those of other schemes. In
 * the URIs "," "!" and ";" are percent-encoded by the RFC, so that cutting at them is safe.
 */
#include "trust/tlsrpt_record.h"

#include "trust/mailto.h"

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
    else if (!mailto_read(uri, arena, &rua.where))
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
