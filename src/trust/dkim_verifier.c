/*
 * The verifier while the text goes by. See dkim.h; what comes of it is dkim_judge.c.
 *
 * The header section is kept as it comes. When its empty line is there the fields that carry
 * signatures are read for what they want to know of the body; only those hashes are made, and when
 * there are none the body is not looked at. Nothing depends on the size of pieces.
 *
 * The end of the section is found as mail/header.h finds it: the first empty line, with or without
 * CR.
 */
#include "trust/dkim_verifier.h"

#include "trust/dkim_stamp.h"

#include <stdlib.h>
#include <string.h>

struct dkim_verifier *dkim_verifier_new(void)
{
    struct dkim_verifier *verifier = xcalloc(1, sizeof(*verifier));

    dkim_section_init(&verifier->section);
    verifier->body = dkim_body_new();
    arena_init(&verifier->arena);
    return verifier;
}

void dkim_verifier_free(struct dkim_verifier *verifier)
{
    if (!verifier)
        return;
    dkim_section_done(&verifier->section);
    dkim_fields_free(verifier->fields);
    dkim_body_free(verifier->body);
    arena_done(&verifier->arena);
    free(verifier);
}

bool dkim_form_of(struct slice name, enum dkim_form *ret_form)
{
    if (slice_eq_nocase(name, SLICE("DKIM-Signature")))
        *ret_form = DKIM_FORM_SIGNATURE;
    else if (slice_eq_nocase(name, SLICE("ARC-Message-Signature")))
        *ret_form = DKIM_FORM_ARC_MESSAGE;
    else if (slice_eq_nocase(name, SLICE("ARC-Seal")))
        *ret_form = DKIM_FORM_ARC_SEAL;
    else
        return false;
    return true;
}

/* A signature is kept as it was read; of ARC's only what it wants of the body is noted. */
static void take_field(struct dkim_verifier *verifier, unsigned at)
{
    struct header_field field = dkim_fields_at(verifier->fields, at);
    struct dkim_stamp read, *stamp = &read;
    enum dkim_form form;
    struct arena arena;

    if (!dkim_form_of(field.name, &form) || form == DKIM_FORM_ARC_SEAL)
        return;
    if (form == DKIM_FORM_SIGNATURE && verifier->n_signatures++ >= DKIM_SIGNATURES_MAX)
        return;
    arena_init(&arena);
    if (form == DKIM_FORM_SIGNATURE) {
        struct dkim_found *found = &verifier->found[verifier->n_signatures - 1];
        found->field = at;
        stamp = &found->stamp;
    }
    dkim_stamp_read(form, field.value, form == DKIM_FORM_SIGNATURE ? &verifier->arena : &arena,
                    stamp);
    if (stamp->usable)
        dkim_body_want(verifier->body, stamp->body_canon, stamp->length);
    arena_done(&arena);
}

static void take_header(struct dkim_verifier *verifier)
{
    unsigned n;

    if (verifier->fields || verifier->section.text.overflow)
        return;
    verifier->fields = dkim_fields_new(dkim_verifier_header(verifier));
    n = dkim_fields_count_of(verifier->fields, SLICE("DKIM-Signature"));
    n = n < DKIM_SIGNATURES_MAX ? n : DKIM_SIGNATURES_MAX;
    verifier->found = arena_alloc(&verifier->arena, (n + 1) * sizeof(*verifier->found));
    for (unsigned i = 0; i < dkim_fields_count(verifier->fields); i++)
        take_field(verifier, i);
}

void dkim_verifier_feed(struct dkim_verifier *verifier, struct slice piece)
{
    if (!verifier->section.whole) {
        piece = dkim_section_feed(&verifier->section, piece);
        if (!verifier->section.whole)
            return;
        take_header(verifier);
    }
    dkim_body_feed(verifier->body, piece);
}

void dkim_verifier_end(struct dkim_verifier *verifier)
{
    verifier->section.whole = true;
    take_header(verifier);
    dkim_body_end(verifier->body);
}

bool dkim_verifier_has_header(const struct dkim_verifier *verifier)
{
    return verifier->section.whole;
}

struct slice dkim_verifier_header(const struct dkim_verifier *verifier)
{
    return verifier->section.whole ? buf_slice(&verifier->section.text) : SLICE_NULL;
}

const struct dkim_fields *dkim_verifier_fields(const struct dkim_verifier *verifier)
{
    return verifier->fields;
}
