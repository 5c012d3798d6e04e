/*
 * Key records for publishing. See dkim_record.h.
 *
 * A character-string of the DNS has 255 bytes at most (RFC 1035 section 3.3), an RSA key of 2048
 * bits about 400: it is published as several strings of one record, which a reader puts together
 * without anything between (RFC 6376 section 3.6.2.2). Web forms of DNS providers want one string
 * and cut it themselves, so both forms are told.
 */
#include "control/dkim_record.h"

#include <jansson.h>

enum { STRING_MAX = 255, ZONE_MAX = 16 * 1024 };

const char *dkim_record_algorithm(const struct key_entry *entry)
{
    return key_kind(entry->key) == DKIM_KEY_RSA ? "rsa" : "ed25519";
}

/* A line (or several in brackets) of a zone file, strings of 255 bytes at most, ended by LF. */
static void write_zone(struct buf *out, const struct key_entry *entry)
{
    struct slice rest = entry->record;
    bool several = rest.len > STRING_MAX;

    buf_printf(out, "%.*s._domainkey.%.*s. IN TXT %s", SLICE_ARG(entry->selector),
               SLICE_ARG(entry->domain), several ? "(" : "");
    while (rest.len) {
        struct slice piece = slice_sub(rest, 0, STRING_MAX);
        buf_printf(out, "%s\"%.*s\"", several ? "\n    " : "", SLICE_ARG(piece));
        rest = slice_skip(rest, piece.len);
    }
    buf_add_cstr(out, several ? " )\n" : "\n");
}

void dkim_record_print(FILE *to, const struct key_entry *entry)
{
    struct buf zone;

    buf_init(&zone, ZONE_MAX);
    write_zone(&zone, entry);
    fprintf(to, "Name:  %.*s._domainkey.%.*s\nType:  TXT\nValue: %.*s\n\n",
            SLICE_ARG(entry->selector), SLICE_ARG(entry->domain), SLICE_ARG(entry->record));
    fprintf(to, "In a zone file:\n%.*s\n", SLICE_ARG(buf_slice(&zone)));
    buf_done(&zone);
}

json_t *dkim_record_json(const struct key_entry *entry)
{
    json_t *object, *strings = json_array();
    struct slice rest = entry->record;
    struct buf text;

    while (rest.len) {
        struct slice piece = slice_sub(rest, 0, STRING_MAX);
        json_array_append_new(strings, json_stringn(piece.ptr, piece.len));
        rest = slice_skip(rest, piece.len);
    }
    buf_init(&text, ZONE_MAX);
    buf_printf(&text, "%.*s._domainkey.%.*s", SLICE_ARG(entry->selector), SLICE_ARG(entry->domain));
    object = json_pack("{s:s%, s:s%, s:s, s:i, s:s%, s:s, s:s%, s:o}", "domain", entry->domain.ptr,
                       entry->domain.len, "selector", entry->selector.ptr, entry->selector.len,
                       "algorithm", dkim_record_algorithm(entry), "bits", (int)key_bits(entry->key),
                       "name", text.ptr, text.len, "type", "TXT", "value", entry->record.ptr,
                       entry->record.len, "strings", strings);
    buf_reset(&text);
    write_zone(&text, entry);
    json_object_set_new(object, "zone", json_stringn(text.ptr, text.len));
    buf_done(&text);
    return object;
}
