/* What a key is good for. See dkim_state.h; relay decides by the same rules (relay/key_table.c). */
#include "control/dkim_state.h"

static const struct {
    const char *name, *text;
} states[] = {
    [DKIM_STATE_REFUSED] = {"refused", "refused"},
    [DKIM_STATE_UNSEEN] = {"unseen", "not in the DNS"},
    [DKIM_STATE_IN_USE] = {"in-use", "in use"},
    [DKIM_STATE_REPLACED] = {"replaced", "replaced"},
    [DKIM_STATE_RETIRED] = {"retired", "retired"},
    [DKIM_STATE_REMOVABLE] = {"removable", "may be removed"},
};

const char *dkim_state_name(enum dkim_state state)
{
    return states[state].name;
}

const char *dkim_state_text(enum dkim_state state)
{
    return states[state].text;
}

/* Are both of one domain, sender and kind? */
static bool same_scope(const struct key_entry *a, const struct key_entry *b)
{
    return a->key && b->key && slice_eq(a->domain, b->domain) &&
           slice_eq(a->facts.sender, b->facts.sender) && key_kind(a->key) == key_kind(b->key);
}

/* Would it sign rather than the other? */
static bool comes_before(const struct key_entry *a, const struct key_entry *b)
{
    bool a_retired = a->facts.retired_s != 0, b_retired = b->facts.retired_s != 0;

    return a_retired != b_retired ? b_retired : a->facts.made_s > b->facts.made_s;
}

static bool signs(const struct key_list *list, const struct key_entry *entry)
{
    if (!entry->key || !entry->facts.seen_s)
        return false;
    for (unsigned i = 0; i < list->count; i++) {
        const struct key_entry *other = &list->entries[i];
        if (other != entry && same_scope(entry, other) && other->facts.seen_s &&
            comes_before(other, entry))
            return false;
    }
    return true;
}

bool dkim_state_has_other(const struct key_list *list, const struct key_entry *entry)
{
    for (unsigned i = 0; i < list->count; i++) {
        const struct key_entry *other = &list->entries[i];
        if (other != entry && same_scope(entry, other) && other->facts.seen_s)
            return true;
    }
    return false;
}

enum dkim_state dkim_state_of(const struct key_list *list, const struct key_entry *entry,
                              uint64_t now_s, uint64_t overlap_s)
{
    if (!entry->key)
        return DKIM_STATE_REFUSED;
    if (signs(list, entry))
        return DKIM_STATE_IN_USE;
    if (entry->facts.retired_s)
        return entry->facts.retired_s + overlap_s <= now_s ? DKIM_STATE_REMOVABLE
                                                           : DKIM_STATE_RETIRED;
    return entry->facts.seen_s ? DKIM_STATE_REPLACED : DKIM_STATE_UNSEEN;
}
