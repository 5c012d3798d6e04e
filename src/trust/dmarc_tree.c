/*
 * The DNS tree walk. See dmarc_tree.h.
 *
 * From a.mail.example.com it asks for TXT records of _dmarc.a.mail.example.com, and so on down to
 * _dmarc.com, until a record says whether it is a public suffix (psd=y) or not (psd=n). Names of
 * more than eight labels are cut to seven behind the first question, so that nobody can make us ask
 * more than eight (section 4.10 step 4). Where a name has two records it has none (step 2).
 *
 * An answer that cannot be had leaves the organizational domain open. What was found up to there is
 * kept, because it may be enough: equal names are aligned whatever lies above them.
 */
#include "trust/dmarc_tree.h"

#include "trust/printable.h"

#include <errno.h>

enum { LABELS_AFTER_CUT = 7, WHY_MAX = 200 };

struct slice dmarc_plain_name(struct arena *arena, struct slice domain)
{
    char *out;

    if (domain.len && domain.ptr[domain.len - 1] == '.')
        domain.len--;
    out = arena_alloc(arena, domain.len + 1);
    for (size_t i = 0; i < domain.len; i++)
        out[i] = ascii_lower(domain.ptr[i]);
    return slice_from(out, domain.len);
}

bool dmarc_is_within(struct slice domain, struct slice above)
{
    if (above.len == 0 || domain.len < above.len ||
        !slice_eq(slice_skip(domain, domain.len - above.len), above))
        return false;
    return domain.len == above.len || domain.ptr[domain.len - above.len - 1] == '.';
}

static unsigned count_labels(struct slice domain)
{
    unsigned n = domain.len ? 1 : 0;

    for (size_t i = 0; i < domain.len; i++)
        n += domain.ptr[i] == '.';
    return n;
}

static struct slice parent_of(struct slice domain)
{
    ptrdiff_t dot = slice_find(domain, '.');

    return dot < 0 ? SLICE_NULL : slice_skip(domain, (size_t)dot + 1);
}

/* Steps 4 and 7. */
static struct slice next_target(struct slice target)
{
    unsigned labels = count_labels(target);

    target = parent_of(target);
    while (labels-- > LABELS_AFTER_CUT + 1)
        target = parent_of(target);
    return target;
}

/* Steps 2 and 6: the one policy record among the answers. */
static bool choose_record(const struct trust_answer *answer, struct arena *arena,
                          struct dmarc_found *found)
{
    unsigned n = 0;

    for (unsigned i = 0; i < answer->n_records && n < 2; i++) {
        struct dmarc_record record;
        if (!dmarc_record_read(answer->records[i].bytes, arena, &record))
            continue;
        found->record = record;
        found->text = answer->records[i].bytes;
        n++;
    }
    return n == 1;
}

static void take_failure(struct dmarc_tree *tree, struct slice target, struct slice why,
                         struct arena *arena)
{
    if (tree->failed)
        return;
    tree->failed = true;
    tree->start_failed = target.len == tree->start.len;
    tree->why = arena_printf(arena, "the TXT records of _dmarc.%.*s cannot be had now%s%.*s",
                             SLICE_ARG(target), why.len ? ": " : "",
                             SLICE_ARG(printable_text(arena, why, WHY_MAX)));
}

/* Section 4.10.2. */
static struct slice choose_organisation(const struct dmarc_tree *tree)
{
    for (unsigned i = 0; i < tree->n_found; i++) {
        const struct dmarc_found *found = &tree->found[i];
        struct slice below = tree->start;
        if (found->record.psd == 'n')
            return found->domain;
        if (found->record.psd != 'y' || found->domain.len == tree->start.len)
            continue;
        while (parent_of(below).len > found->domain.len)
            below = parent_of(below);
        return below;
    }
    return tree->n_found ? tree->found[tree->n_found - 1].domain : tree->start;
}

/* Asks for one name. 1 to stop, 0 to go on, or -EAGAIN. */
static int visit(struct slice target, const struct trust_names *names, struct arena *arena,
                 struct dmarc_tree *tree)
{
    struct dmarc_found *found = &tree->found[tree->n_found];
    const struct trust_answer *answer;
    int r =
        trust_ask(names, arena_printf(arena, "_dmarc.%.*s", SLICE_ARG(target)), TRUST_TXT, &answer);

    if (r < 0)
        return r;
    if (answer->result == TRUST_FAILED)
        take_failure(tree, target, answer->why, arena);
    if (answer->result != TRUST_FOUND || !choose_record(answer, arena, found))
        return 0;
    found->domain = target;
    tree->n_found++;
    return found->record.psd != 'u';
}

int dmarc_tree_walk(struct slice domain, const struct trust_names *names, struct arena *arena,
                    struct dmarc_tree *ret_tree)
{
    struct dmarc_tree *tree = arena_alloc(arena, sizeof(*tree));
    struct slice target;
    bool waiting = false;

    tree->start = target = dmarc_plain_name(arena, domain);
    for (unsigned i = 0; i < DMARC_QUERIES_MAX && target.len; i++) {
        int r = visit(target, names, arena, tree);
        if (r > 0)
            break;
        waiting |= r < 0;
        target = next_target(target);
    }
    if (waiting)
        return -EAGAIN;
    if (!tree->failed)
        tree->organisation = choose_organisation(tree);
    *ret_tree = *tree;
    return 0;
}

const struct dmarc_found *dmarc_tree_policy(const struct dmarc_tree *tree)
{
    const struct dmarc_found *last;

    if (tree->n_found == 0)
        return NULL;
    if (tree->found[0].domain.len == tree->start.len)
        return &tree->found[0];
    for (unsigned i = 0; i < tree->n_found; i++) {
        if (slice_eq(tree->found[i].domain, tree->organisation))
            return &tree->found[i];
    }
    /* The walk ended at a public suffix; what lies between it and the author is no policy. */
    last = &tree->found[tree->n_found - 1];
    return last->record.psd == 'y' ? last : NULL;
}
