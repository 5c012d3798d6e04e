/*
 * See authentication_words.h. Who reads this is a person whose mail came back: so it says what
 * failed, of which name, and what to do about it; no link, which would look like the fraud that it
 * is about.
 *
 * Codes are those of RFC 7372 (X.7.20 to X.7.25); for DMARC X.7.1, as a policy of the recipient's
 * side. Verdicts are printable already; their pieces are cut, since names and records are as long
 * as a stranger likes.
 */
#include "policy/authentication_words.h"

enum { PIECE_MAX = 300 };

static struct slice piece(struct slice text)
{
    return slice_sub(text, 0, PIECE_MAX);
}

static void say(struct authentication *result, uint16_t detail, struct slice text)
{
    bool later = result->action == AUTHENTICATION_DEFER;

    result->code = later ? 451 : 550;
    result->status = STATUS(later ? 4 : 5, 7, detail);
    result->text = text;
}

static struct slice or_else(struct slice text, const char *instead)
{
    return text.len ? piece(text) : slice_from_cstr(instead);
}

static struct slice say_spf(const struct trust_verdicts *verdicts, const struct spf_verdict *spf,
                            struct arena *arena)
{
    return arena_printf(
        arena,
        "SPF: %.*s may not send mail for %.*s (%s)%s%.*s\n"
        "Send by a server that this domain names, or ask its administrator to name this one",
        SLICE_ARG(verdicts->client), SLICE_ARG(piece(spf->domain)), spf_result_name(spf->result),
        spf->explanation.len ? ", which says: " : "", SLICE_ARG(piece(spf->explanation)));
}

static struct slice spf_text(const struct trust_verdicts *verdicts, struct arena *arena)
{
    return say_spf(verdicts, verdicts->spf_mailfrom, arena);
}

static struct slice dkim_text(const struct trust_verdicts *verdicts, struct arena *arena)
{
    const struct dkim_signature *first = &verdicts->dkim->list[0];

    return arena_printf(arena,
                        "no DKIM signature of this message passes; that of %.*s: %s (%.*s)\n"
                        "It was changed on its way, or its sender's key is not published as it "
                        "should be",
                        SLICE_ARG(piece(first->domain)), dkim_result_name(first->result),
                        SLICE_ARG(piece(first->problem)));
}

static struct slice dmarc_text(const struct trust_verdicts *verdicts, struct arena *arena)
{
    const struct dmarc_verdict *dmarc = verdicts->dmarc;
    struct slice author = piece(dmarc->author);

    if (dmarc->author_unclear)
        return arena_printf(arena, "who has written this cannot be told: %.*s\nName one author",
                            SLICE_ARG(piece(dmarc->problem)));
    return arena_printf(arena,
                        "%.*s asks to %s mail that neither SPF nor DKIM backs: %.*s\n"
                        "Send it by a server of %.*s, or let that one sign it with DKIM",
                        SLICE_ARG(author), dmarc_policy_name(dmarc->asked),
                        SLICE_ARG(or_else(dmarc->problem, "nothing was found")), SLICE_ARG(author));
}

static struct slice iprev_text(const struct trust_verdicts *verdicts, struct arena *arena)
{
    return arena_printf(arena,
                        "your address %.*s has no name that leads back to it: %.*s\n"
                        "Ask who gives you the address for a PTR record that fits",
                        SLICE_ARG(verdicts->client),
                        SLICE_ARG(or_else(verdicts->iprev->problem, "no PTR record")));
}

static struct slice helo_text(const struct trust_verdicts *verdicts, struct arena *arena)
{
    if (verdicts->helo_check->result != HELO_FAIL)
        return say_spf(verdicts, verdicts->spf_helo, arena);
    return arena_printf(arena,
                        "your server introduces itself as \"%.*s\": %.*s\n"
                        "EHLO must say a name that the DNS knows",
                        SLICE_ARG(piece(verdicts->helo)),
                        SLICE_ARG(or_else(verdicts->helo_check->problem, "that is no name")));
}

static struct slice later_text(const struct trust_verdicts *verdicts, enum config_check_kind check,
                               struct arena *arena)
{
    const char *name = authentication_check_name(check);
    struct slice why = SLICE_NULL;

    if ((check == CHECKED_SPF || check == CHECKED_SOFTFAIL) && verdicts->spf_mailfrom)
        why = verdicts->spf_mailfrom->problem;
    else if (check == CHECKED_DMARC && verdicts->dmarc)
        why = verdicts->dmarc->problem;
    else if (check == CHECKED_ARC && verdicts->arc)
        why = verdicts->arc->problem;
    else if (check == CHECKED_IPREV && verdicts->iprev)
        why = verdicts->iprev->problem;
    else if (check == CHECKED_HELO && verdicts->helo_check)
        why = verdicts->helo_check->problem;
    return arena_printf(arena, "cannot check %s now, because the DNS does not answer%s%.*s; %s",
                        name, why.len ? ": " : "", SLICE_ARG(piece(why)), "try again later");
}

void authentication_words(const struct trust_verdicts *verdicts, struct arena *arena,
                          struct authentication *result)
{
    static const uint16_t details[CHECKED_KINDS] = {
        [CHECKED_SPF] = 23, [CHECKED_SOFTFAIL] = 23, [CHECKED_DKIM] = 20, [CHECKED_DMARC] = 1,
        [CHECKED_ARC] = 1,  [CHECKED_IPREV] = 25,    [CHECKED_HELO] = 1};
    static struct slice (*const texts[CHECKED_KINDS])(const struct trust_verdicts *,
                                                      struct arena *) = {
        [CHECKED_SPF] = spf_text,     [CHECKED_SOFTFAIL] = spf_text, [CHECKED_DKIM] = dkim_text,
        [CHECKED_DMARC] = dmarc_text, [CHECKED_IPREV] = iprev_text,  [CHECKED_HELO] = helo_text};
    uint16_t detail = details[result->check];

    if (result->action == AUTHENTICATION_DEFER) {
        bool spf = result->check == CHECKED_SPF || result->check == CHECKED_SOFTFAIL;
        say(result,
            spf            ? 24
            : detail == 20 ? 1
                           : detail,
            later_text(verdicts, result->check, arena));
        return;
    }
    if (texts[result->check])
        say(result, detail, texts[result->check](verdicts, arena));
}

const char *authentication_action_name(enum authentication_action action)
{
    static const char *const names[] = {"accept", "junk", "defer", "refuse"};

    return names[action];
}

const char *authentication_check_name(enum config_check_kind check)
{
    static const char *const names[CHECKED_KINDS] = {"spf", "softfail", "dkim", "dmarc",
                                                     "arc", "iprev",    "helo"};

    return names[check];
}
