#include "dmarc_case.h"

static bool cut_word(struct slice *rest, char separator, struct slice *ret_word)
{
    *ret_word = SLICE_NULL;
    while (rest->ptr && ret_word->len == 0)
        *ret_word = slice_trim(slice_cut(rest, separator));
    return ret_word->len > 0;
}

static enum spf_result spf_named(struct slice name)
{
    for (enum spf_result i = SPF_NONE; i < SPF_PERMERROR; i++) {
        if (slice_eq(name, slice_from_cstr(spf_result_name(i))))
            return i;
    }
    return SPF_PERMERROR;
}

static enum dkim_result dkim_named(struct slice name)
{
    for (enum dkim_result i = DKIM_NONE; i < DKIM_PERMERROR; i++) {
        if (slice_eq(name, slice_from_cstr(dkim_result_name(i))))
            return i;
    }
    return DKIM_PERMERROR;
}

void dmarc_case_make(struct dmarc_case *made, const char *authors, const char *spf,
                     const char *dkim)
{
    struct slice rest = slice_from_cstr(authors), word, name;

    *made = (struct dmarc_case){.question = {.authors = made->authors}};
    while (cut_word(&rest, ' ', &word))
        made->authors[made->question.n_authors++] = word;
    rest = slice_from_cstr(spf);
    if (cut_word(&rest, ' ', &word)) {
        made->spf.result = spf_named(word);
        made->spf.domain = slice_trim(rest);
        made->question.spf = &made->spf;
    }
    made->dkim.list = made->signatures;
    made->question.dkim = &made->dkim;
    rest = slice_from_cstr(dkim);
    while (cut_word(&rest, ';', &word)) {
        struct dkim_signature *signature = &made->signatures[made->dkim.count++];
        (void)cut_word(&word, ' ', &name);
        signature->result = dkim_named(name);
        signature->domain = slice_trim(word);
        signature->selector = SLICE("s1");
    }
}

struct slice dmarc_case_line(const struct dmarc_verdict *verdict, struct arena *arena)
{
    struct slice line = slice_from_cstr(dmarc_result_name(verdict->result));

    if (verdict->policy_domain.len)
        line = arena_printf(arena, "%.*s %s by %s, record at %.*s, organization %.*s",
                            SLICE_ARG(line), dmarc_policy_name(verdict->asked), verdict->asked_by,
                            SLICE_ARG(verdict->policy_domain), SLICE_ARG(verdict->organisation));
    return arena_printf(arena, "%.*s%s%s%s", SLICE_ARG(line),
                        verdict->author_unclear ? ", who is unclear" : "",
                        verdict->spf_aligned ? ", spf" : "", verdict->dkim_aligned ? ", dkim" : "");
}
