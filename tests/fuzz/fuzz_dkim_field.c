/* Fields that carry signatures: whatever is in them, what is read of them is in its bounds, and a
 * usable one has all that verifying needs. */
#include "trust/dkim_body.h"
#include "trust/dkim_stamp.h"
#include "trust/names.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum dkim_form form, struct slice value)
{
    struct dkim_stamp stamp;
    struct arena arena;

    arena_init(&arena);
    dkim_stamp_read(form, value, &arena, &stamp);
    if (!stamp.usable && !stamp.problem)
        abort();
    if (stamp.b_place.ptr && (stamp.b_place.ptr < value.ptr ||
                              stamp.b_place.ptr + stamp.b_place.len > value.ptr + value.len))
        abort();
    if (stamp.usable && (stamp.key_name.len == 0 || stamp.key_name.len > TRUST_NAME_MAX ||
                         stamp.signature.len == 0 || stamp.domain.len == 0 || stamp.sha1))
        abort();
    if (stamp.usable && form != DKIM_FORM_ARC_SEAL &&
        (stamp.headers.len == 0 || stamp.body_hash.len == 0))
        abort();
    if (stamp.timestamp < 0 || stamp.expiry < 0)
        abort();
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(DKIM_FORM_SIGNATURE, slice_from(data, size));
    check(DKIM_FORM_ARC_MESSAGE, slice_from(data, size));
    check(DKIM_FORM_ARC_SEAL, slice_from(data, size));
    return 0;
}
