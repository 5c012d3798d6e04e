/* The field is looked for by whoever sends the message on, so that it counts wherever the message
 * came from. See tls_required.h. */
#include "relay/tls_required.h"

#include "mail/header.h"

bool tls_required_is_no(struct slice text)
{
    struct header_iter iter = header_iterate(text);
    struct header_field field;
    unsigned count = 0;
    bool no = false;

    while (header_next(&iter, &field)) {
        if (!slice_eq_nocase(field.name, SLICE("TLS-Required")))
            continue;
        no = slice_eq_nocase(slice_trim(field.value), SLICE("No"));
        count++;
    }
    return no && count == 1;
}
