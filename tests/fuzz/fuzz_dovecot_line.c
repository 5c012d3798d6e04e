/* One line of Dovecot's auth service, in each place where one is read. */
#include "account/dovecot_auth.h"
#include "account/dovecot_userdb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dovecot_line line;
    struct directory_entry entry;
    struct arena arena;
    struct slice why, value;

    if (!dovecot_line_parse(slice_from(data, size), &line))
        return 0;
    arena_init(&arena);
    for (unsigned seen = 0; seen < 4; seen++) {
        unsigned auth = seen, userdb = seen;
        dovecot_auth_protocol.greet(&line, &auth);
        dovecot_userdb_protocol.greet(&line, &userdb);
    }
    if (dovecot_auth_verdict(&line, &arena, &why) == DIRECTORY_FOUND && line.word != DOVECOT_OK)
        abort();
    if (dovecot_userdb_verdict(&line, &entry) == DIRECTORY_FOUND && !entry.is_account)
        abort();
    if (dovecot_line_find(&line, SLICE("user"), &arena, &value) && value.len > size)
        abort();
    arena_done(&arena);
    return 0;
}
