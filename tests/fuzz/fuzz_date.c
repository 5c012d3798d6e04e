/* A date that is read is written again as the same one. */
#include "mail/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t seconds;
    int64_t again;

    if (!date_parse(slice_from(data, size), &seconds))
        return 0;
    /* A zone may carry it out of the years that can be written. */
    if (seconds < -62167219200 || seconds > 253402300799)
        return 0;
    if (!date_parse(slice_from_cstr(date_format(seconds, 0).text), &again) || again != seconds)
        abort();
    return 0;
}
