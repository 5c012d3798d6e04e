/* SPF macros: a line with the text, the rest is what every macro stands for. What passes its check
 * expands to at most a name's length, or to printable ASCII. */
#include "trust/spf_macro.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int value(void *arg, char letter, struct slice *ret_value)
{
    const struct slice *rest = arg;

    if (letter == 't')
        return -1;
    *ret_value = *rest;
    return 0;
}

static void check_name(struct slice text, struct slice *rest, struct spf_expansion *room)
{
    struct slice name;

    if (!spf_domain_spec_check(text) && spf_expand_name(text, value, rest, room, &name) == 0 &&
        (name.len > SPF_NAME_MAX || (name.len && !name.ptr)))
        abort();
}

static void check_text(struct slice text, struct slice *rest, struct spf_expansion *room)
{
    struct slice found;

    if (spf_explain_string_check(text) || spf_expand_text(text, value, rest, room, &found) != 0)
        return;
    if (found.len > SPF_EXPANSION_MAX)
        abort();
    for (size_t i = 0; i < found.len; i++) {
        if (found.ptr[i] < ' ' || found.ptr[i] > 126)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_from(data, size);
    struct slice text = slice_cut(&rest, '\n');
    struct spf_expansion room;

    check_name(text, &rest, &room);
    check_text(text, &rest, &room);
    return 0;
}
