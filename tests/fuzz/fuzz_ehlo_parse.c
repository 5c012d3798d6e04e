/* Any reply to EHLO is read, whatever it says; and saying it twice changes nothing. */
#include "base/buf.h"
#include "smtp/ehlo_parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ehlo_offer once = ehlo_parse(slice_from(data, size));
    struct ehlo_offer twice;
    struct buf text;

    buf_init(&text, 2 * size + 1);
    buf_add(&text, data, size);
    buf_add_char(&text, '\n');
    buf_add(&text, data, size);
    twice = ehlo_parse(buf_slice(&text));
    /* The second copy's first line is read as a keyword, so there may be more, never less. */
    if (once.pipelining > twice.pipelining || once.size > twice.size ||
        once.chunking > twice.chunking || once.mail_max > 999999 || once.rcpt_max > 999999)
        abort();
    buf_done(&text);
    return 0;
}
