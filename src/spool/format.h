/*
 * How the spool looks on disk. Everything is little-endian.
 *
 * A segment is a header block of 4 KiB and then batches, each of which starts on a 4 KiB border:
 *
 *   batch   magic u32, crc u32, number u64, length u32, records u32, 8 bytes of zero
 *   record  magic u32, crc u32, type u8, flags u8, zero u16, meta length u32, id u64,
 *           body length u64, body crc u32, group u32, batch u32, body offset u32; then meta; then
 * the body
 *
 * A batch's length counts its header and records, not the zeros up to the next border. Batches of a
 * segment are numbered from 1 without gaps, and the next one is written only after this one was
 * synced: so only the last can be torn. The crc of a batch header or record covers the header with
 * the batch number, the meta, and the place: the segment's salt and number, and the offset. The
 * salt is random, so that nobody can send a text that looks like a batch. The body has a crc of its
 * own, computed while it came in and covered by the record's. In a file of its own it may begin
 * behind some room that was kept for fields in front of it; the record says where.
 *
 * Message ids: writer number (4 bits), segment number (30), counter (30). Segment numbers are never
 * used twice in a directory, so neither are ids.
 */
#ifndef NUNCIO_SPOOL_FORMAT_H
#define NUNCIO_SPOOL_FORMAT_H

#include "mail/envelope.h"

enum {
    SPOOL_VERSION = 2, /* 1: no body offset */
    SPOOL_BLOCK = 4096,
    BATCH_HEADER_SIZE = 32,
    RECORD_HEADER_SIZE = 48,
    ID_COUNTER_BITS = 30,
    ID_SEGMENT_BITS = 30,
    SPOOL_NAME_MAX = 32,
    SPOOL_PATH_MAX = 4096,
};

struct segment_header {
    uint32_t version;
    uint8_t writer_number;
    uint64_t number;
    uint64_t first_number; /* of the first segment that this writer process made */
    uint64_t salt;
};

/* Writes a whole block. */
void segment_header_encode(const struct segment_header *header, unsigned char to[SPOOL_BLOCK]);
/* 0, -EBADMSG, or -ENOTSUP with the version filled in: made by a newer program. */
int segment_header_decode(const unsigned char *from, size_t len, struct segment_header *ret_header);

/* Where something lies; mixed into its crc. */
struct spool_place {
    uint64_t salt;
    uint64_t segment;
    uint64_t offset;
};

struct batch_header {
    uint64_t number;
    uint32_t length;
    uint32_t records;
};

void batch_header_encode(const struct batch_header *header, struct spool_place place,
                         unsigned char to[BATCH_HEADER_SIZE]);
bool batch_header_decode(const unsigned char from[BATCH_HEADER_SIZE], struct spool_place place,
                         struct batch_header *ret_header);

enum record_type {
    RECORD_MESSAGE = 1, /* meta is an envelope */
    RECORD_OUTCOME = 2, /* meta is an outcome; id is the message's */
    RECORD_SEAL = 3,    /* the segment ends here, and all of it was synced */
};

enum record_flags {
    RECORD_BODY_FILE = 1, /* the text is in <id>.body, not behind the meta */
    RECORD_MOVED = 2,     /* a copy: means something only while the message is live */
};

struct record_header {
    enum record_type type;
    uint8_t flags;
    uint32_t meta_length;
    uint64_t id;
    uint64_t body_length;
    uint32_t body_crc;
    uint32_t batch;
    uint32_t body_offset; /* in the file of RECORD_BODY_FILE */
    uint32_t group;       /* so many records before this one belong to it (an outcome's DSNs) */
};

/* `record` holds the header's room and then the meta. */
void record_header_encode(const struct record_header *header, struct spool_place place,
                          unsigned char *record);
/* Reads without checking the crc; false when it cannot be a record. */
bool record_header_peek(const unsigned char from[RECORD_HEADER_SIZE],
                        struct record_header *ret_header);
/* Checks header and meta behind it. */
bool record_check(const unsigned char *record, const struct record_header *header,
                  struct spool_place place);
/* Bytes in the segment. */
uint64_t record_length(const struct record_header *header);

uint64_t spool_align(uint64_t offset); /* up to the next 4 KiB border */

uint64_t spool_id(uint8_t writer_number, uint64_t segment, uint64_t counter);
uint8_t spool_id_writer(uint64_t id);
uint64_t spool_id_segment(uint64_t id);

/* Names of files. */
struct spool_path {
    char text[SPOOL_PATH_MAX];
};
/* directory "/" name; a path too long is cut, and so not found. */
struct spool_path spool_path(const char *directory, const char *name);
struct spool_path spool_segment_path(const char *directory, uint64_t number, const char *suffix);
struct spool_path spool_body_path(const char *directory, uint64_t id);
/* "<16 hex digits>" + suffix */
bool spool_segment_name(const char *name, const char *suffix, uint64_t *ret_number);
bool spool_body_name(const char *name, uint64_t *ret_id);

#endif
