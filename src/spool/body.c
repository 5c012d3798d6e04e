/*
 * Message texts on their way in. See body.h.
 *
 * In memory a text is a chain of blocks that double in size, so that a small message costs little
 * and a large one is never copied to grow. When it passes inline_max, or the writer's budget is
 * used up, what is there goes to <id>.body, and from then on one block serves as write buffer. The
 * checksum is computed here, by the thread that received the bytes, while they are in its cache.
 *
 * What is put in front of a text becomes the first block of the chain, or is written into the room
 * at the beginning of the file that was kept for it; the text itself is not touched, and the
 * checksum is joined from the two.
 */
#include "spool/body.h"

#include "base/buf.h"
#include "base/crc32c.h"
#include "spool/format.h"

#include <errno.h>
#include <string.h>

enum { BLOCK_MIN = 4096, BLOCK_MAX = 256 * 1024, FILE_BUFFER = 64 * 1024 };
enum { BLOCK_HEAD = sizeof(struct body_block), IOV_PIECE = 64 };

struct spool_body *body_new(struct body_place *place, uint64_t id)
{
    struct spool_body *body = xcalloc(1, sizeof(*body));

    body->place = place;
    body->id = id;
    body->handle = -1;
    return body;
}

uint64_t spool_body_size(const struct spool_body *body)
{
    return body->size;
}

static void free_blocks(struct spool_body *body)
{
    struct body_block *block = body->first;

    while (block) {
        struct body_block *next = block->next;
        atomic_fetch_sub(&body->place->memory, block->size);
        free(block);
        block = next;
    }
    body->first = body->last = NULL;
}

static struct body_block *add_block(struct spool_body *body, size_t size)
{
    struct body_block *block = xmalloc(size);

    atomic_fetch_add(&body->place->memory, size);
    *block = (struct body_block){.size = size};
    if (body->last)
        body->last->next = block;
    else
        body->first = block;
    body->last = block;
    return block;
}

static size_t next_block_size(const struct spool_body *body)
{
    if (!body->last)
        return BLOCK_MIN;
    return body->last->size < BLOCK_MAX ? body->last->size * 2 : BLOCK_MAX;
}

static int write_blocks(struct spool_body *body)
{
    struct disk *disk = body->place->disk;
    struct body_block *block = body->first;

    while (block) {
        struct iovec iov[IOV_PIECE];
        uint64_t total = 0;
        int n = 0, result;

        for (; block && n < IOV_PIECE; block = block->next) {
            iov[n++] = (struct iovec){.iov_base = block->bytes, .iov_len = block->used};
            total += block->used;
        }
        result = disk->ops->pwritev(disk, body->handle, iov, n, body->written);
        if (result < 0)
            return result;
        body->written += total;
    }
    return 0;
}

static int move_to_file(struct spool_body *body)
{
    struct disk *disk = body->place->disk;
    struct spool_path path = spool_body_path(body->place->directory, body->id);
    int result;

    body->handle = disk->ops->open(disk, path.text, DISK_WRITE | DISK_CREATE);
    if (body->handle < 0)
        return body->handle;
    body->start = body->room;
    body->written = body->room;
    result = write_blocks(body);
    free_blocks(body);
    return result;
}

/* The block for the next bytes, with room in it. */
static int make_room(struct spool_body *body, bool within_budget, struct body_block **ret_block)
{
    struct body_block *last = body->last;
    size_t size = next_block_size(body);
    int result = 0;

    if (last && last->used < last->size - BLOCK_HEAD) {
        *ret_block = last;
        return 0;
    }
    if (body->handle < 0 && within_budget &&
        atomic_load(&body->place->memory) + size > body->place->memory_max)
        result = move_to_file(body);
    else if (body->handle >= 0 && last) {
        result = write_blocks(body);
        last->used = 0;
        *ret_block = last;
        return result;
    }
    *ret_block = add_block(body, body->handle >= 0 ? FILE_BUFFER : size);
    return result;
}

static int add(struct spool_body *body, struct slice bytes, bool within_budget)
{
    if (body->handle < 0 && body->size + bytes.len > body->place->inline_max)
        body->failed = move_to_file(body);
    while (bytes.len && body->failed == 0) {
        struct body_block *block;
        size_t n;

        body->failed = make_room(body, within_budget, &block);
        if (body->failed < 0)
            break;
        n = block->size - BLOCK_HEAD - block->used;
        if (n > bytes.len)
            n = bytes.len;
        memcpy(block->bytes + block->used, bytes.ptr, n);
        body->crc = crc32c(body->crc, block->bytes + block->used, n);
        block->used += n;
        body->size += n;
        bytes = slice_skip(bytes, n);
    }
    return body->failed;
}

int spool_body_add(struct spool_body *body, struct slice bytes)
{
    return body->failed < 0 ? body->failed : add(body, bytes, true);
}

void spool_body_keep_room(struct spool_body *body, uint32_t size)
{
    body->room = size;
}

static void put_block_in_front(struct spool_body *body, struct slice fields)
{
    struct body_block *block = xmalloc(BLOCK_HEAD + fields.len);

    *block = (struct body_block){
        .next = body->first, .size = BLOCK_HEAD + fields.len, .used = fields.len};
    memcpy(block->bytes, fields.ptr, fields.len);
    atomic_fetch_add(&body->place->memory, block->size);
    body->first = block;
    if (!body->last)
        body->last = block;
}

static int write_in_front(struct spool_body *body, struct slice fields)
{
    struct disk *disk = body->place->disk;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)fields.ptr, .iov_len = fields.len};
    int result;

    if (fields.len > body->start)
        return -EMSGSIZE;
    result = disk->ops->pwritev(disk, body->handle, &iov, 1, body->start - fields.len);
    if (result == 0)
        body->start -= (uint32_t)fields.len;
    return result;
}

int spool_body_prepend(struct spool_body *body, struct slice fields)
{
    if (body->failed < 0 || fields.len == 0)
        return body->failed;
    if (body->handle >= 0)
        body->failed = write_in_front(body, fields);
    else
        put_block_in_front(body, fields);
    if (body->failed < 0)
        return body->failed;
    body->crc = crc32c_join(crc32c(0, fields.ptr, fields.len), body->crc, body->size);
    body->size += fields.len;
    return 0;
}

int body_add_whole(struct spool_body *body, struct slice text)
{
    return body->failed < 0 ? body->failed : add(body, text, false);
}

int body_sync(struct spool_body *body)
{
    struct disk *disk = body->place->disk;

    if (body->failed == 0 && body->handle >= 0) {
        body->failed = write_blocks(body);
        free_blocks(body);
        if (body->failed == 0)
            body->failed = disk->ops->fsync(disk, body->handle);
    }
    return body->failed;
}

void body_keep(struct spool_body *body)
{
    if (body->handle >= 0)
        body->place->disk->ops->close(body->place->disk, body->handle);
    free_blocks(body);
    free(body);
}

void spool_body_free(struct spool_body *body)
{
    if (!body)
        return;
    if (body->handle >= 0) {
        struct spool_path path = spool_body_path(body->place->directory, body->id);
        body->place->disk->ops->unlink(body->place->disk, path.text);
    }
    body_keep(body);
}
