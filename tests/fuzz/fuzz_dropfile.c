/* A file of the maildrop: its head never promises more than the file has, and no envelope behind
 * it does harm. */
#include "mail/dropfile.h"
#include "mail/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_from(data, size);
    struct dropfile_head head;
    struct envelope envelope;
    struct arena arena;

    (void)dropfile_name_is_good(input);
    if (dropfile_head_parse(input, size, &head) < 0)
        return 0;
    if (head.envelope_length + head.text_length + DROPFILE_HEAD_LEN != size)
        abort();
    arena_init(&arena);
    (void)envelope_decode(slice_sub(input, DROPFILE_HEAD_LEN, (size_t)head.envelope_length), &arena,
                          &envelope);
    arena_done(&arena);
    return 0;
}
