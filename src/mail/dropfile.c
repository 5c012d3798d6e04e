/*
 * The head of a file in the maildrop. See dropfile.h.
 *
 * All numbers have fixed width, so that the head can be written last, in the place that was kept
 * for it.
 */
#include "mail/dropfile.h"

#include <errno.h>
#include <inttypes.h>

enum { NAME_DIGITS = 32 };

static const struct slice magic = SLICE_INIT("nuncio-drop ");

void dropfile_head_format(const struct dropfile_head *head, char *to)
{
    char text[DROPFILE_HEAD_LEN + 1];
    int len =
        snprintf(text, sizeof(text), "nuncio-drop 1 %010" PRIu64 " %020" PRIu64 " %010" PRIu32,
                 head->envelope_length, head->text_length, head->crc);

    memset(to, ' ', DROPFILE_HEAD_LEN);
    memcpy(to, text, (size_t)len);
    to[DROPFILE_HEAD_LEN - 1] = '\n';
}

int dropfile_head_parse(struct slice start, uint64_t file_size, struct dropfile_head *ret_head)
{
    struct slice line = slice_sub(start, 0, DROPFILE_HEAD_LEN);
    struct dropfile_head head;
    uint64_t version, crc;

    if (line.len < DROPFILE_HEAD_LEN || line.ptr[DROPFILE_HEAD_LEN - 1] != '\n' ||
        !slice_eq(slice_sub(line, 0, magic.len), magic))
        return -EBADMSG;
    line = slice_trim(slice_skip(line, magic.len));
    if (!slice_parse_u64(slice_cut(&line, ' '), UINT32_MAX, &version))
        return -EBADMSG;
    if (version != 1)
        return -ENOTSUP;
    if (!slice_parse_u64(slice_cut(&line, ' '), DROPFILE_ENVELOPE_MAX, &head.envelope_length) ||
        !slice_parse_u64(slice_cut(&line, ' '), INT64_MAX, &head.text_length) ||
        !slice_parse_u64(slice_cut(&line, ' '), UINT32_MAX, &crc) || line.ptr)
        return -EBADMSG;
    if (file_size != DROPFILE_HEAD_LEN + head.envelope_length + head.text_length)
        return -EBADMSG;
    head.crc = (uint32_t)crc;
    *ret_head = head;
    return 0;
}

bool dropfile_name_is_good(struct slice name)
{
    if (name.len != NAME_DIGITS + sizeof(DROPFILE_SUFFIX) - 1 ||
        !slice_eq(slice_skip(name, NAME_DIGITS), SLICE(DROPFILE_SUFFIX)))
        return false;
    for (size_t i = 0; i < NAME_DIGITS; i++) {
        char c = name.ptr[i];
        if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}
