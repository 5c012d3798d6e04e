/*
 * Names on disk. See name.h.
 *
 * Pure. The mapping of accounts is one to one ('%' is itself escaped), so that two accounts never
 * share a Maildir. What a name may hold is checked here once; everybody behind uses components as
 * they are, with openat() and one component at a time.
 */
#include "local/name.h"

#include <errno.h>
#include <inttypes.h>

enum { HOST_MAX = 100 };

static bool byte_is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != 0x7f && c != '/' && c != '%';
}

static int escape_component(struct slice from, char *to)
{
    static const char hex[] = "0123456789ABCDEF";
    bool dots = slice_eq(from, SLICE(".")) || slice_eq(from, SLICE(".."));
    size_t len = 0;

    if (from.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < from.len; i++) {
        unsigned char c = (unsigned char)from.ptr[i];
        bool plain = byte_is_plain(from.ptr[i]) && !dots;
        if (len + (plain ? 1 : 3) >= NAME_SIZE)
            return -ENAMETOOLONG;
        if (plain) {
            to[len++] = ascii_lower(from.ptr[i]);
        } else {
            to[len++] = '%';
            to[len++] = hex[c >> 4];
            to[len++] = hex[c & 15];
        }
    }
    to[len] = '\0';
    return 0;
}

int name_account(struct slice account, struct account_path *ret_path)
{
    struct account_path path = {.domain = ""};
    ptrdiff_t at = slice_find_last(account, '@');
    int r;

    if (at < 0) {
        if (!slice_eq_nocase(account, SLICE("postmaster")))
            return -EINVAL;
        *ret_path = path;
        return 0;
    }
    r = escape_component(slice_skip(account, (size_t)at + 1), path.domain);
    if (r == 0)
        r = escape_component(slice_sub(account, 0, (size_t)at), path.user);
    if (r == 0)
        *ret_path = path;
    return r;
}

void name_file_base(const struct file_key *key, char *to)
{
    char host[HOST_MAX + 1];
    size_t len = key->host.len < HOST_MAX ? key->host.len : HOST_MAX;

    for (size_t i = 0; i < len; i++) {
        char c = key->host.ptr[i];
        host[i] = !byte_is_plain(c) || c == ':' || c == ',' ? '_' : c;
    }
    host[len] = '\0';
    snprintf(to, NAME_SIZE, "%" PRIu64 ".N%s_%" PRIu32 ".%s", key->received_ms / 1000,
             message_id_format(key->message_id).text, key->recipient, host);
}

void name_file(const struct file_key *key, uint64_t size, uint64_t size_crlf, char *to)
{
    size_t len;

    name_file_base(key, to);
    len = strlen(to);
    snprintf(to + len, NAME_SIZE - len, ",S=%" PRIu64 ",W=%" PRIu64, size, size_crlf);
}

bool name_file_parse(struct slice name, uint64_t *ret_message_id, uint32_t *ret_recipient)
{
    struct slice rest = name;
    struct slice seconds = slice_cut(&rest, '.');
    struct slice unique = slice_cut(&rest, '.');
    uint64_t ignored, id, recipient;

    if (!rest.ptr || !slice_parse_u64(seconds, UINT64_MAX, &ignored))
        return false;
    if (unique.len < MESSAGE_ID_LEN + 3 || unique.ptr[0] != 'N' ||
        unique.ptr[1 + MESSAGE_ID_LEN] != '_')
        return false;
    if (!message_id_parse(slice_sub(unique, 1, MESSAGE_ID_LEN), &id) ||
        !slice_parse_u64(slice_skip(unique, MESSAGE_ID_LEN + 2), UINT32_MAX, &recipient))
        return false;
    *ret_message_id = id;
    *ret_recipient = (uint32_t)recipient;
    return true;
}

bool name_file_size(struct slice name, uint64_t *ret_size)
{
    struct slice rest = name;
    ptrdiff_t colon = slice_find(rest, ':');

    if (colon >= 0)
        rest = slice_sub(rest, 0, (size_t)colon);
    while (rest.ptr) {
        struct slice part = slice_cut(&rest, ',');
        if (part.len > 2 && part.ptr[0] == 'S' && part.ptr[1] == '=')
            return slice_parse_u64(slice_skip(part, 2), UINT64_MAX, ret_size);
    }
    return false;
}
