/*
 * Steps 1 to 3 of RFC 8617 section 5.2: which fields of ARC there are, to which set each belongs,
 * and whether they make a chain, 1 to N with exactly three fields each and the right cv=.
 *
 * A field without a readable instance belongs to no set, so there is no chain. More than fifty sets
 * are refused by the number of their fields, before any of them is read.
 */
#include "trust/arc_sets.h"

#include "trust/cfws.h"

enum part { SEAL, SIGNATURE, RESULTS, PARTS };

static const struct slice part_names[PARTS] = {
    SLICE_INIT("ARC-Seal"),
    SLICE_INIT("ARC-Message-Signature"),
    SLICE_INIT("ARC-Authentication-Results"),
};

struct gathering {
    struct arc_parts list[ARC_SETS_MAX];
    bool there[ARC_SETS_MAX][PARTS];
    unsigned highest;
};

static bool is_part(struct slice name, enum part *ret_part)
{
    for (enum part part = SEAL; part < PARTS; part++) {
        if (slice_eq_nocase(name, part_names[part])) {
            *ret_part = part;
            return true;
        }
    }
    return false;
}

/* "position": one or two digits, 1 to 50. */
static unsigned read_position(struct slice digits)
{
    uint64_t position;

    return digits.len <= 2 && slice_parse_u64(digits, ARC_SETS_MAX, &position) ? (unsigned)position
                                                                               : 0;
}

/* 0 when it has none; white space and comments around it are fine. */
static unsigned instance_in_tags(const struct dkim_tags *tags)
{
    const struct dkim_tag *tag = dkim_tags_find(tags, "i");
    struct cfws_cursor c = {.rest = tag ? tag->value : SLICE_NULL};
    struct slice digits;

    cfws_skip(&c);
    digits = cfws_run(&c, SLICE("("));
    cfws_skip(&c);
    return c.bad || c.rest.len ? 0 : read_position(digits);
}

/* instance [CFWS] ";" authres-payload */
static unsigned instance_of_results(struct slice value, struct slice *ret_payload)
{
    struct cfws_cursor c = {.rest = value};
    struct slice digits;

    cfws_skip(&c);
    cfws_expect(&c, 'i');
    cfws_expect(&c, '=');
    digits = cfws_run(&c, SLICE("(;"));
    cfws_skip(&c);
    c.bad |= !cfws_take(&c, ';');
    *ret_payload = c.rest;
    return c.bad ? 0 : read_position(digits);
}

static struct slice wrong(struct arena *arena, const char *what, enum part part)
{
    return arena_printf(arena, what, SLICE_ARG(part_names[part]));
}

/* Puts a field in its place; empty, or what is wrong. */
static struct slice take_field(const struct dkim_fields *fields, unsigned number, enum part part,
                               struct arena *arena, struct gathering *all)
{
    struct header_field field = dkim_fields_at(fields, number);
    struct arc_field found = {.number = number, .raw = field.raw};
    struct slice payload = SLICE_NULL;
    unsigned instance;

    if (part == RESULTS) {
        instance = instance_of_results(field.value, &payload);
    } else {
        found.stamp = arena_alloc(arena, sizeof(*found.stamp));
        dkim_stamp_read(part == SEAL ? DKIM_FORM_ARC_SEAL : DKIM_FORM_ARC_MESSAGE, field.value,
                        arena, found.stamp);
        instance = instance_in_tags(&found.stamp->tags);
    }
    if (instance == 0)
        return wrong(arena, "an %.*s field has no instance from 1 to 50", part);
    if (all->there[instance - 1][part])
        return arena_printf(arena, "set %u has more than one %.*s", instance,
                            SLICE_ARG(part_names[part]));
    all->there[instance - 1][part] = true;
    if (instance > all->highest)
        all->highest = instance;
    if (part == SEAL)
        all->list[instance - 1].seal = found;
    else if (part == SIGNATURE)
        all->list[instance - 1].signature = found;
    else {
        all->list[instance - 1].results = found;
        all->list[instance - 1].payload = payload;
    }
    return SLICE_NULL;
}

/* ---- is it a chain? ------------------------------------------------------------------------- */

static struct slice missing_part(const struct gathering *all, struct arena *arena)
{
    for (unsigned i = 0; i < all->highest; i++) {
        for (enum part part = SEAL; part < PARTS; part++) {
            if (!all->there[i][part])
                return arena_printf(arena, "set %u of %u has no %.*s", i + 1, all->highest,
                                    SLICE_ARG(part_names[part]));
        }
    }
    return SLICE_NULL;
}

static struct slice status_of(const struct arc_parts *parts)
{
    const struct dkim_tag *tag = dkim_tags_find(&parts->seal.stamp->tags, "cv");

    return tag ? tag->value : SLICE_NULL;
}

static struct slice wrong_status(const struct gathering *all, struct arena *arena)
{
    for (unsigned i = all->highest; i-- > 0;) {
        struct slice status = status_of(&all->list[i]);
        if (slice_eq_nocase(status, SLICE("fail")))
            return arena_printf(arena, "the seal of set %u says that the chain was broken before",
                                i + 1);
        if (!slice_eq_nocase(status, i == 0 ? SLICE("none") : SLICE("pass")))
            return arena_printf(arena, "the seal of set %u does not say cv=%s", i + 1,
                                i == 0 ? "none" : "pass");
        /* Section 4.1.3. */
        if (dkim_tags_find(&all->list[i].seal.stamp->tags, "h"))
            return arena_printf(arena, "the seal of set %u has h=", i + 1);
    }
    return SLICE_NULL;
}

/* Step 2 comes before the others: a chain that its last sealer called broken need not be one. */
static bool is_given_up(const struct gathering *all)
{
    unsigned last = all->highest - 1;

    return all->highest && all->there[last][SEAL] &&
           slice_eq_nocase(status_of(&all->list[last]), SLICE("fail"));
}

static struct slice read_all(const struct dkim_fields *fields, struct arena *arena,
                             struct gathering *all)
{
    struct slice problem = SLICE_NULL;
    unsigned n = dkim_fields_count(fields);

    for (enum part part = SEAL; part < PARTS; part++) {
        if (dkim_fields_count_of(fields, part_names[part]) > ARC_SETS_MAX)
            return wrong(arena, "there are more than 50 %.*s fields", part);
    }
    for (unsigned i = 0; i < n; i++) {
        struct slice found = SLICE_NULL;
        enum part part;
        if (is_part(dkim_fields_at(fields, i).name, &part))
            found = take_field(fields, i, part, arena, all);
        if (problem.len == 0)
            problem = found;
    }
    if (is_given_up(all))
        return arena_printf(arena, "the seal of set %u says that the chain was broken before",
                            all->highest);
    if (problem.len == 0)
        problem = missing_part(all, arena);
    return problem.len ? problem : wrong_status(all, arena);
}

void arc_sets_gather(const struct dkim_fields *fields, struct arena *arena,
                     struct arc_sets *ret_sets)
{
    struct gathering *all = arena_alloc(arena, sizeof(*all));

    *ret_sets = (struct arc_sets){.list = all->list};
    ret_sets->problem = read_all(fields, arena, all);
    ret_sets->count = all->highest;
}
