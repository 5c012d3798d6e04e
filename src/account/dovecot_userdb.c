/*
 * What is said to Dovecot's auth-userdb socket and what its answers mean. See dovecot_userdb.h.
 *
 * Its hello is VERSION and SPID. FAIL is always its own trouble (a database that is down, a mistake
 * in its configuration), so it is "later". Of the fields of a user only the quota is ours.
 */
#include "account/dovecot_userdb.h"

#include "account/quota_rule.h"

enum { PATIENCE_MS = 4000, SEEN_VERSION = 1 };

static struct slice hello(struct arena *arena)
{
    (void)arena;
    return SLICE("VERSION\t1\t0");
}

static enum dovecot_hello greet(const struct dovecot_line *line, unsigned *seen)
{
    if (!(*seen & SEEN_VERSION)) {
        *seen |= SEEN_VERSION;
        return dovecot_line_is_version_1(line) ? HELLO_MORE : HELLO_BAD;
    }
    if (line->word >= DOVECOT_OK)
        return HELLO_BAD;
    return line->word == DOVECOT_SPID ? HELLO_READY : HELLO_MORE;
}

const struct dovecot_protocol dovecot_userdb_protocol = {
    .hello = hello, .greet = greet, .patience_ms = PATIENCE_MS};

struct slice dovecot_userdb_request(struct slice address, struct arena *arena)
{
    for (size_t i = 0; i < address.len; i++) {
        if ((unsigned char)address.ptr[i] < ' ')
            return SLICE_NULL;
    }
    return arena_printf(arena, "%.*s\tservice=smtp", SLICE_ARG(address));
}

static void take_quota(const struct dovecot_line *line, struct directory_entry *entry)
{
    struct slice rest = line->words;
    struct quota_rule quota;

    while (rest.ptr) {
        if (!quota_rule_parse_field(slice_cut(&rest, '\t'), SLICE_NULL, &quota))
            continue;
        entry->own_quota = true;
        entry->quota_bytes = quota.bytes;
        entry->quota_messages = quota.messages;
    }
}

enum directory_status dovecot_userdb_verdict(const struct dovecot_line *line,
                                             struct directory_entry *ret_entry)
{
    if (line && line->word == DOVECOT_NOTFOUND)
        return DIRECTORY_NONE;
    if (!line || line->word != DOVECOT_USER)
        return DIRECTORY_LATER;
    *ret_entry = (struct directory_entry){.is_account = true, .enabled = true};
    take_quota(line, ret_entry);
    return DIRECTORY_FOUND;
}
