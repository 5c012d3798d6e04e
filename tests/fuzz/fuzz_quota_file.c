/* A maildirsize, which the mailbox's owner and his programs write too. */
#include "local/quota_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct quota limits[] = {{.limit_bytes = 10000000, .limit_messages = 1000},
                                          {.limit_bytes = 10000000},
                                          {.limit_messages = 1000},
                                          {.limit_bytes = 0}};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct quota quota = limits[i];
        unsigned lines = 0;
        bool good = quota_file_parse(slice_from(data, size), &quota, &lines);
        if (good ? quota.bytes < 0 || quota.messages < 0 || lines == 0 || lines > size
                 : quota.bytes || quota.messages || lines)
            abort();
    }
    return 0;
}
