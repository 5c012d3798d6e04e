/* Names in text and on the wire. See name.h. */
#include "dns/name.h"

enum { LABEL_MAX = 63 };

static bool is_label_byte(char byte)
{
    return byte > ' ' && byte < 127 && byte != '.' && byte != '\\';
}

bool dns_name_clean(struct slice text, char ret_name[DNS_NAME_MAX + 1])
{
    char name[DNS_NAME_MAX + 1] = "";
    size_t label = 0;

    if (text.len && text.ptr[text.len - 1] == '.')
        text.len--;
    if (text.len > DNS_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.' ? label == 0 : !is_label_byte(text.ptr[i]))
            return false;
        label = text.ptr[i] == '.' ? 0 : label + 1;
        if (label > LABEL_MAX)
            return false;
        name[i] = ascii_lower(text.ptr[i]);
    }
    if (text.len && label == 0)
        return false;
    memcpy(ret_name, name, text.len + 1);
    return true;
}

/* One label with the dot before it; false: the last one was read, or the cursor has failed. */
static bool read_label(struct wire *wire, char *name, size_t *len)
{
    uint8_t size = wire_get_u8(wire);
    struct slice label = wire_get_bytes(wire, size);
    bool fits = *len + (*len > 0) + size <= DNS_NAME_MAX;

    if (size > LABEL_MAX || !fits)
        wire->failed = true; /* a compressed name, too (RFC 1035 section 4.1.4) */
    if (wire->failed || size == 0)
        return false;
    if (*len)
        name[(*len)++] = '.';
    for (size_t i = 0; i < label.len; i++) {
        wire->failed |= !is_label_byte(label.ptr[i]);
        name[(*len)++] = ascii_lower(label.ptr[i]);
    }
    return !wire->failed;
}

void dns_name_read(struct wire *wire, char ret_name[DNS_NAME_MAX + 1])
{
    size_t len = 0;

    while (read_label(wire, ret_name, &len))
        continue;
    ret_name[len] = '\0';
}

void dns_name_write(struct buf *out, const char *name)
{
    struct slice rest = slice_from_cstr(name);

    while (rest.len) {
        struct slice label = slice_cut(&rest, '.');
        buf_add_char(out, (char)label.len);
        buf_add_slice(out, label);
    }
    buf_add_char(out, '\0');
}
