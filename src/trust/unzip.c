/*
 * Of a zip archive (PKWARE's APPNOTE) the directory at its end is read for one entry, the first
 * that is a file: senders that write while they compress leave the sizes in front of the data empty
 * (bit 3), so those are not looked at. A library for the rest of the format would be more code to
 * trust than these hundred lines; deflate is zlib's. See unzip.h.
 */
#include "trust/unzip.h"

#include "trust/inflate.h"

#include <zlib.h>

/* Sizes of its three kinds of header without what is of variable length, and where things are. */
enum {
    END_SIZE = 22,
    END_COMMENT_MAX = 65535,
    END_DIRECTORY_AT = 16,
    ENTRY_SIZE = 46,
    LOCAL_SIZE = 30,
    STORED = 0,
    DEFLATED = 8,
    ENCRYPTED = 1,
    ENTRIES_MAX = 100,
};

struct entry {
    uint16_t flags, method;
    uint32_t crc, packed_size, size, offset;
    bool is_folder;
};

/* Callers have made sure that the bytes are there. */
static uint16_t get_u16(struct slice bytes, size_t at)
{
    const unsigned char *p = (const unsigned char *)bytes.ptr + at;
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get_u32(struct slice bytes, size_t at)
{
    return get_u16(bytes, at) | (uint32_t)get_u16(bytes, at + 2) << 16;
}

/* Where the directory begins: from the record at the end, which a comment may follow. */
static bool find_directory(struct slice zip, size_t *ret_at)
{
    size_t lowest;

    if (zip.len < END_SIZE)
        return false;
    lowest = zip.len > END_SIZE + END_COMMENT_MAX ? zip.len - END_SIZE - END_COMMENT_MAX : 0;
    for (size_t at = zip.len - END_SIZE + 1; at-- > lowest;) {
        if (!slice_eq(slice_sub(zip, at, 4), SLICE("PK\x05\x06")))
            continue;
        *ret_at = get_u32(zip, at + END_DIRECTORY_AT);
        return true;
    }
    return false;
}

/* The entry of the directory at *at, which goes on to the next. */
static bool read_entry(struct slice zip, size_t *at, struct entry *ret_entry)
{
    struct slice head = slice_sub(zip, *at, ENTRY_SIZE), name;

    if (head.len < ENTRY_SIZE || !slice_eq(slice_sub(head, 0, 4), SLICE("PK\x01\x02")))
        return false;
    *ret_entry = (struct entry){.flags = get_u16(head, 8),
                                .method = get_u16(head, 10),
                                .crc = get_u32(head, 16),
                                .packed_size = get_u32(head, 20),
                                .size = get_u32(head, 24),
                                .offset = get_u32(head, 42)};
    name = slice_sub(zip, *at + ENTRY_SIZE, get_u16(head, 28));
    ret_entry->is_folder = name.len && name.ptr[name.len - 1] == '/';
    *at += ENTRY_SIZE + (size_t)get_u16(head, 28) + get_u16(head, 30) + get_u16(head, 32);
    return true;
}

static bool find_entry(struct slice zip, struct entry *ret_entry)
{
    size_t at;

    if (!find_directory(zip, &at))
        return false;
    for (unsigned i = 0; i < ENTRIES_MAX && read_entry(zip, &at, ret_entry); i++) {
        if (!ret_entry->is_folder)
            return true;
    }
    return false;
}

static bool find_data(struct slice zip, const struct entry *entry, struct slice *ret_data)
{
    struct slice head = slice_sub(zip, entry->offset, LOCAL_SIZE);

    if (head.len < LOCAL_SIZE || !unzip_is_meant(head))
        return false;
    *ret_data =
        slice_sub(zip, (size_t)entry->offset + LOCAL_SIZE + get_u16(head, 26) + get_u16(head, 28),
                  entry->packed_size);
    return ret_data->len == entry->packed_size;
}

bool unzip_is_meant(struct slice bytes)
{
    return slice_eq(slice_sub(bytes, 0, 4), SLICE("PK\x03\x04"));
}

static bool fits(const struct buf *out, size_t before, const struct entry *entry)
{
    size_t size = out->len - before;

    return size == entry->size &&
           crc32(0, (const Bytef *)out->ptr + before, (uInt)size) == entry->crc;
}

bool unzip_first(struct buf *out, struct slice packed)
{
    size_t before = out->len;
    struct slice data;
    struct entry entry;

    if (!find_entry(packed, &entry) || entry.flags & ENCRYPTED || !find_data(packed, &entry, &data))
        return false;
    if (entry.method == STORED)
        buf_add_slice(out, data);
    else if (entry.method != DEFLATED || !inflate_bounded(out, data, INFLATE_RAW))
        return false;
    return !out->overflow && out->len > before && fits(out, before, &entry);
}
