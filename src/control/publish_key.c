/*
 * Records of DKIM's keys as they are found: does the world see the key that we sign with, and may
 * it be used for mail? See publish_sender.h.
 */
#include "control/publish_sender.h"

#include "trust/dkim_key.h"

static struct publish_finding finding(enum publish_state state, struct slice text)
{
    return (struct publish_finding){.state = state, .text = text};
}

/* The record is of our key: may verifiers use it? */
static struct publish_finding judge_use(const struct publish_record *record,
                                        const struct dkim_key *key)
{
    if (!key->sha256)
        return finding(PUBLISH_WRONG, SLICE("h= in it forbids SHA-256, with which we sign"));
    if (!key->email)
        return finding(PUBLISH_WRONG, SLICE("s= in it forbids to use the key for mail"));
    if (key->testing)
        return finding(PUBLISH_ADVISED, SLICE("fits the key; t=y in it makes others treat signed "
                                              "mail as unsigned: take it out after your tests"));
    return finding(PUBLISH_THERE, record->note);
}

/* Why the only texts that are there do not fit. */
static struct publish_finding judge_other(struct slice text, struct arena *arena)
{
    struct dkim_key key;
    const char *problem = dkim_key_read(text, arena, &key);

    if (problem)
        return finding(PUBLISH_WRONG,
                       arena_printf(arena, "others cannot read the record: %s", problem));
    if (key.data.len == 0)
        return finding(PUBLISH_WRONG, SLICE("the record revokes the key (p= is empty)"));
    return finding(PUBLISH_WRONG, SLICE("the record is of another key than ours: what this key has "
                                        "signed fails"));
}

struct publish_finding publish_sender_dkim(const struct publish_record *record,
                                           const struct dns_answer *answer, struct arena *arena)
{
    struct slice text, last = SLICE_NULL;
    struct publish_finding fits = {.state = PUBLISH_MISSING};
    struct dkim_key key;
    unsigned n = 0;

    for (unsigned i = 0; i < answer->n_records; i++) {
        if (!dns_read_txt(answer->records[i], arena, &text))
            continue;
        n++;
        last = text;
        if (dkim_key_matches(text, record->key) && !dkim_key_read(text, arena, &key))
            fits = judge_use(record, &key);
    }
    if (n == 0)
        return finding(PUBLISH_MISSING, SLICE("nothing is signed with this key until it is there"));
    if (n > 1)
        return finding(PUBLISH_WRONG, arena_printf(arena,
                                                   "%u records are at this name, and others may "
                                                   "take the wrong one; keep one",
                                                   n));
    return fits.state == PUBLISH_MISSING ? judge_other(last, arena) : fits;
}
