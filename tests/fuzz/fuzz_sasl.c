/* Any responses, in any number, to any mechanism: the first byte chooses it, a byte 255 ends each
 * response. Nobody is let in who was not provided for. */
#include "account/sasl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sasl_result go_on(struct sasl *sasl, struct sasl_result result)
{
    const struct sasl_keys keys = {
        .iterations = 4096,
        .salt = SLICE("c2FsdHNhbHRzYWx0c2E="),
        .stored_key = SLICE("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        .server_key = SLICE("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")};

    if (result.event == SASL_EVENT_LOOKUP)
        result = sasl_provide(sasl, &keys);
    if (result.event == SASL_EVENT_CLAIM)
        result = sasl_refuse(sasl);
    if (result.event == SASL_EVENT_PROVED || result.event == SASL_EVENT_DONE)
        abort();
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sasl_engine *engine;
    const struct sasl_facts facts = {.binding = SLICE("0123456789abcdef0123456789abcdef"),
                                     .plus_offered = size > 1 && data[1] & 1};
    struct slice rest = slice_from(data, size);
    struct sasl_result result;
    struct sasl *sasl;

    if (!engine)
        engine = sasl_engine_new();
    if (size == 0 || !(sasl = sasl_new(engine, (enum mechanism)(1u << (data[0] % 10)), &facts)))
        return 0;
    rest = slice_skip(rest, 1);
    if (data[0] & 0x80)
        result = go_on(sasl, sasl_step(sasl, false, SLICE_NULL));
    while (rest.ptr && rest.len)
        result = go_on(sasl, sasl_step(sasl, true, slice_cut(&rest, (char)255)));
    (void)result;
    sasl_free(sasl);
    return 0;
}
