/*
 * The bytes of headers and the names of files. See format.h for the layout.
 *
 * Pure: no disk access here. Whoever reads checks a header's crc before it believes a length in it;
 * record_header_peek() is the one exception, because the crc covers the meta and so the meta's
 * length is needed first. Its caller bounds that length by the batch.
 */
#include "spool/format.h"

#include "base/crc32c.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

static const char segment_magic[16] = "nuncio spool 01\n";
enum { SEGMENT_HEADER_SIZE = 64, BATCH_MAGIC = 0x7461424e, RECORD_MAGIC = 0x6365524e };
enum { ID_MASK = (1 << ID_SEGMENT_BITS) - 1 };

static void put_u32(unsigned char *to, uint32_t value)
{
    value = htole32(value);
    memcpy(to, &value, sizeof(value));
}

static void put_u64(unsigned char *to, uint64_t value)
{
    value = htole64(value);
    memcpy(to, &value, sizeof(value));
}

static uint32_t get_u32(const unsigned char *from)
{
    uint32_t value;

    memcpy(&value, from, sizeof(value));
    return le32toh(value);
}

static uint64_t get_u64(const unsigned char *from)
{
    uint64_t value;

    memcpy(&value, from, sizeof(value));
    return le64toh(value);
}

void segment_header_encode(const struct segment_header *header, unsigned char to[SPOOL_BLOCK])
{
    memset(to, 0, SPOOL_BLOCK);
    memcpy(to, segment_magic, sizeof(segment_magic));
    put_u32(to + 16, header->version);
    to[20] = header->writer_number;
    put_u64(to + 24, header->number);
    put_u64(to + 32, header->first_number);
    put_u64(to + 40, header->salt);
    put_u32(to + 60, crc32c(0, to, 60));
}

int segment_header_decode(const unsigned char *from, size_t len, struct segment_header *ret_header)
{
    if (len < SEGMENT_HEADER_SIZE || memcmp(from, segment_magic, 13) != 0)
        return -EBADMSG;
    if (get_u32(from + 60) != crc32c(0, from, 60))
        return -EBADMSG;
    *ret_header = (struct segment_header){
        .version = get_u32(from + 16),
        .writer_number = from[20],
        .number = get_u64(from + 24),
        .first_number = get_u64(from + 32),
        .salt = get_u64(from + 40),
    };
    return ret_header->version > SPOOL_VERSION ? -ENOTSUP : 0;
}

static uint32_t place_crc(struct spool_place place)
{
    unsigned char bytes[24];

    put_u64(bytes, place.salt);
    put_u64(bytes + 8, place.segment);
    put_u64(bytes + 16, place.offset);
    return crc32c(0, bytes, sizeof(bytes));
}

void batch_header_encode(const struct batch_header *header, struct spool_place place,
                         unsigned char to[BATCH_HEADER_SIZE])
{
    memset(to, 0, BATCH_HEADER_SIZE);
    put_u32(to, BATCH_MAGIC);
    put_u64(to + 8, header->number);
    put_u32(to + 16, header->length);
    put_u32(to + 20, header->records);
    put_u32(to + 4, crc32c(place_crc(place), to + 8, BATCH_HEADER_SIZE - 8));
}

bool batch_header_decode(const unsigned char from[BATCH_HEADER_SIZE], struct spool_place place,
                         struct batch_header *ret_header)
{
    if (get_u32(from) != BATCH_MAGIC)
        return false;
    if (get_u32(from + 4) != crc32c(place_crc(place), from + 8, BATCH_HEADER_SIZE - 8))
        return false;
    *ret_header = (struct batch_header){
        .number = get_u64(from + 8),
        .length = get_u32(from + 16),
        .records = get_u32(from + 20),
    };
    return ret_header->length >= BATCH_HEADER_SIZE;
}

static uint32_t record_crc(const unsigned char *record, uint32_t meta_length,
                           struct spool_place place)
{
    return crc32c(place_crc(place), record + 8, RECORD_HEADER_SIZE - 8 + (size_t)meta_length);
}

void record_header_encode(const struct record_header *header, struct spool_place place,
                          unsigned char *record)
{
    memset(record, 0, RECORD_HEADER_SIZE);
    put_u32(record, RECORD_MAGIC);
    record[8] = (unsigned char)header->type;
    record[9] = header->flags;
    put_u32(record + 12, header->meta_length);
    put_u64(record + 16, header->id);
    put_u64(record + 24, header->body_length);
    put_u32(record + 32, header->body_crc);
    put_u32(record + 36, header->group);
    put_u32(record + 40, header->batch);
    put_u32(record + 44, header->body_offset);
    put_u32(record + 4, record_crc(record, header->meta_length, place));
}

bool record_header_peek(const unsigned char from[RECORD_HEADER_SIZE],
                        struct record_header *ret_header)
{
    if (get_u32(from) != RECORD_MAGIC)
        return false;
    *ret_header = (struct record_header){
        .type = from[8],
        .flags = from[9],
        .meta_length = get_u32(from + 12),
        .id = get_u64(from + 16),
        .body_length = get_u64(from + 24),
        .body_crc = get_u32(from + 32),
        .group = get_u32(from + 36),
        .batch = get_u32(from + 40),
        .body_offset = get_u32(from + 44),
    };
    return ret_header->body_length <= UINT64_MAX / 2 &&
           (ret_header->body_offset == 0 || ret_header->flags & RECORD_BODY_FILE);
}

bool record_check(const unsigned char *record, const struct record_header *header,
                  struct spool_place place)
{
    return get_u32(record + 4) == record_crc(record, header->meta_length, place);
}

uint64_t record_length(const struct record_header *header)
{
    uint64_t body = header->flags & RECORD_BODY_FILE ? 0 : header->body_length;

    return RECORD_HEADER_SIZE + (uint64_t)header->meta_length + body;
}

uint64_t spool_align(uint64_t offset)
{
    return (offset + SPOOL_BLOCK - 1) / SPOOL_BLOCK * SPOOL_BLOCK;
}

uint64_t spool_id(uint8_t writer_number, uint64_t segment, uint64_t counter)
{
    return (uint64_t)writer_number << (ID_SEGMENT_BITS + ID_COUNTER_BITS) |
           (segment & ID_MASK) << ID_COUNTER_BITS | counter;
}

uint8_t spool_id_writer(uint64_t id)
{
    return (uint8_t)(id >> (ID_SEGMENT_BITS + ID_COUNTER_BITS));
}

uint64_t spool_id_segment(uint64_t id)
{
    return id >> ID_COUNTER_BITS & ID_MASK;
}

struct spool_path spool_path(const char *directory, const char *name)
{
    struct spool_path path;

    snprintf(path.text, sizeof(path.text), "%s/%s", directory, name);
    return path;
}

struct spool_path spool_segment_path(const char *directory, uint64_t number, const char *suffix)
{
    struct spool_path path;

    snprintf(path.text, sizeof(path.text), "%s/%016llx%s", directory, (unsigned long long)number,
             suffix);
    return path;
}

struct spool_path spool_body_path(const char *directory, uint64_t id)
{
    struct spool_path path;

    snprintf(path.text, sizeof(path.text), "%s/%s.body", directory, message_id_format(id).text);
    return path;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool spool_segment_name(const char *name, const char *suffix, uint64_t *ret_number)
{
    uint64_t number = 0;

    for (int i = 0; i < 16; i++) {
        int digit = hex_digit(name[i]);
        if (digit < 0)
            return false;
        number = number << 4 | (uint64_t)digit;
    }
    if (strcmp(name + 16, suffix) != 0)
        return false;
    *ret_number = number;
    return true;
}

bool spool_body_name(const char *name, uint64_t *ret_id)
{
    size_t len = strlen(name);

    if (len != MESSAGE_ID_LEN + 5 || strcmp(name + MESSAGE_ID_LEN, ".body") != 0)
        return false;
    return message_id_parse(slice_from(name, MESSAGE_ID_LEN), ret_id);
}
