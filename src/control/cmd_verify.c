/*
 * nuncio verify: the judges of src/trust for the command line, on a triple of address, HELO and
 * sender or on a message, with the DNS or with a zone file in its place.
 *
 * Nothing of the server is needed, and nobody but the DNS is asked. What the judges quote comes
 * from strangers and is printed as printable ASCII.
 */
#include "control/commands.h"

#include "control/admin_options.h"
#include "control/verify.h"

static int judge(enum verify_kind kind, const struct verify *verify, json_t **ret_told)
{
    switch (kind) {
    case VERIFY_SPF:
        return verify_spf(verify, ret_told);
    case VERIFY_DKIM:
        return verify_dkim(verify, ret_told);
    case VERIFY_DMARC:
        return verify_dmarc(verify, ret_told);
    case VERIFY_ARC:
        break;
    }
    return verify_arc(verify, ret_told);
}

static int run(enum verify_kind kind, const struct verify_options *options,
               const struct trust_names *names)
{
    struct arena arena;
    struct verify verify = {.options = options, .names = names, .arena = &arena};
    json_t *told = NULL;
    int code;

    arena_init(&arena);
    code = judge(kind, &verify, &told);
    if (told && options->json)
        admin_options_print(told);
    else if (told)
        verify_tell_print(told);
    json_decref(told);
    arena_done(&arena);
    return code;
}

int cmd_verify(int argc, char **argv)
{
    struct verify_options options;
    struct verify_world *world;
    enum verify_kind kind;
    int code;

    if (!verify_options_read(argc, argv, &kind, &options, &code))
        return code;
    world = verify_world_open(&options, &code);
    if (!world)
        return code;
    code = run(kind, &options, verify_world_names(world));
    verify_world_close(world);
    return code;
}
