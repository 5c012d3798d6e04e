/* A form that is taken to pieces asks for no more than the bounds, and its pieces lie within. */
#include "account/password.h"
#include "account/password_form.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_from(data, size);
    struct password_form form;
    struct arena arena;
    unsigned sum = 0;

    arena_init(&arena);
    if (password_form_parse(text, &arena, &form)) {
        if (form.iterations > PASSWORD_ROUNDS_MAX || form.lanes > PASSWORD_LANES_MAX ||
            form.memory_kib > PASSWORD_MEMORY_MAX / 1024 || form.data.len == 0)
            abort();
        for (size_t i = 0; i < form.data.len; i++)
            sum += (unsigned char)form.data.ptr[i];
        for (size_t i = 0; i < form.salt.len; i++)
            sum += (unsigned char)form.salt.ptr[i];
        if (size <= PASSWORD_FORM_MAX && !password_form_is_known(text))
            abort();
    }
    arena_done(&arena);
    return sum == 1 && size == 0;
}
