/* See publish_text.h. */
#include "control/publish_text.h"

static struct publish_finding finding(enum publish_state state, struct slice text)
{
    return (struct publish_finding){.state = state, .text = text};
}

unsigned publish_text_count(const struct dns_answer *answer, struct slice version,
                            struct arena *arena, struct slice *ret_text)
{
    unsigned count = 0;
    struct slice text;

    for (unsigned i = 0; i < answer->n_records; i++) {
        if (!dns_read_txt(answer->records[i], arena, &text) ||
            !slice_starts_with_nocase(text, version))
            continue;
        if (text.len > version.len && text.ptr[version.len] != ' ' && text.ptr[version.len] != ';')
            continue;
        if (count++ == 0)
            *ret_text = text;
    }
    return count;
}

/* The value of "tag=" in a list of tags (RFC 7489 section 6.4); NULL when there is none. */
static struct slice tag_value(struct slice text, struct slice tag)
{
    while (text.ptr) {
        struct slice value = slice_cut(&text, ';');
        struct slice name = slice_cut(&value, '=');
        if (value.ptr && slice_eq_nocase(slice_trim(name), tag))
            return slice_trim(value);
    }
    return SLICE_NULL;
}

struct publish_finding publish_text_dmarc(struct slice text, struct arena *arena)
{
    static const struct slice policies[] = {SLICE_INIT("none"), SLICE_INIT("quarantine"),
                                            SLICE_INIT("reject")};
    struct slice policy = tag_value(text, SLICE("p"));

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (policy.ptr && slice_eq_nocase(policy, policies[i]))
            return finding(PUBLISH_THERE, text);
    }
    return finding(PUBLISH_WRONG, arena_printf(arena,
                                               "p=%.*s is no policy; write p=none, p=quarantine or "
                                               "p=reject",
                                               SLICE_ARG(policy)));
}

struct publish_finding publish_text_sts(struct slice text, struct arena *arena)
{
    struct slice id = tag_value(text, SLICE("id"));
    bool good = id.len > 0 && id.len <= 32;

    (void)arena;
    for (size_t i = 0; i < id.len && good; i++)
        good = ascii_is_alnum(id.ptr[i]);
    return good ? finding(PUBLISH_THERE, text)
                : finding(PUBLISH_WRONG, SLICE("id= must be 1 to 32 letters and digits, new for "
                                               "each change of the policy"));
}

struct publish_finding publish_text_tls_rpt(struct slice text, struct arena *arena)
{
    struct slice rua = tag_value(text, SLICE("rua"));

    (void)arena;
    if (slice_starts_with_nocase(rua, SLICE("mailto:")) ||
        slice_starts_with_nocase(rua, SLICE("https:")))
        return finding(PUBLISH_THERE, text);
    return finding(PUBLISH_WRONG, SLICE("rua= must name where reports go: mailto: or https:"));
}
