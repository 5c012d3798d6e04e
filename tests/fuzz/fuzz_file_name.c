/* The name of a file in a Maildir, which any program may have put there. */
#include "local/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice name = slice_from(data, size);
    struct account_path path;
    uint64_t number;
    uint32_t recipient;

    (void)name_file_parse(name, &number, &recipient);
    (void)name_file_size(name, &number);
    /* A mailbox never lies outside of the mail store. */
    if (name_account(name, &path) == 0 && (slice_find(slice_from_cstr(path.user), '/') >= 0 ||
                                           slice_find(slice_from_cstr(path.domain), '/') >= 0 ||
                                           slice_eq(slice_from_cstr(path.user), SLICE("..")) ||
                                           slice_eq(slice_from_cstr(path.domain), SLICE(".."))))
        abort();
    return 0;
}
