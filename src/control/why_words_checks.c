/*
 * See why_words_checks.h. A sentence says the result as the RFCs call it, what it means, and the
 * record that decided, so that whoever published it can be told what to change.
 */
#include "control/why_words_checks.h"

#include "control/why_phrase.h"

struct meaning {
    const char *result, *words;
};

/* "fail: ...", or the result alone. */
static void add_result(struct buf *out, const struct event *event, const struct meaning *meanings,
                       size_t n)
{
    struct slice result = event_field(event, "result");

    why_add(out, result);
    for (size_t i = 0; i < n; i++) {
        if (slice_eq(result, slice_from_cstr(meanings[i].result)))
            buf_printf(out, ": %s", meanings[i].words);
    }
}

#define ADD_RESULT(out, event, meanings)                                                           \
    add_result(out, event, meanings, sizeof(meanings) / sizeof((meanings)[0]))

static void add_evidence(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "; ", "problem", "");
    phrase_field(out, event, "; record \"", "record", "\"");
}

static void spf(struct buf *out, const struct event *event)
{
    static const struct meaning meanings[] = {{"pass", "this address may send for it"},
                                              {"fail", "this address may not send for it"},
                                              {"softfail", "this address should not send for it"},
                                              {"neutral", "the domain does not say whether it may"},
                                              {"none", "the domain publishes nothing about it"},
                                              {"temperror", "the DNS did not answer"},
                                              {"permerror", "the record is wrong"}};
    bool helo = slice_eq(event_field(event, "identity"), SLICE("helo"));

    phrase_field(out, event, helo ? "SPF of the server's name " : "SPF of the sender's domain ",
                 "domain", ": ");
    ADD_RESULT(out, event, meanings);
    phrase_field(out, event, ", by \"", "term", "\"");
    add_evidence(out, event);
}

static void dkim(struct buf *out, const struct event *event)
{
    static const struct meaning meanings[] = {
        {"pass", "the signature fits"},
        {"fail", "the message was changed, or another key has signed it"},
        {"policy", "the signature fits, but is too weak to count"},
        {"neutral", "the signature cannot be understood"},
        {"temperror", "the DNS did not give the key"},
        {"permerror", "there is no usable key for it"}};

    phrase_field(out, event, "DKIM signature of ", "domain", "");
    phrase_field(out, event, ", selector ", "selector", "");
    phrase_field(out, event, ", ", "algorithm", "");
    buf_add_cstr(out, ": ");
    ADD_RESULT(out, event, meanings);
    if (event_has(event, "testing"))
        buf_add_cstr(out, " (the domain is only testing)");
    add_evidence(out, event);
}

static void arc(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "ARC, ", "sets", "");
    buf_add_cstr(out, event_number(event, "sets") == 1 ? " set" : " sets");
    phrase_field(out, event, ", the last by ", "sealer", "");
    phrase_field(out, event, ": ", "result", "");
    phrase_field(out, event, "; ", "saved_by", " is trusted and vouches for it");
    phrase_field(out, event, "; ", "problem", "");
}

static void dmarc(struct buf *out, const struct event *event)
{
    static const struct meaning meanings[] = {{"pass", "the author's domain is backed"},
                                              {"fail", "nothing backs the author's domain"},
                                              {"none", "the domain asks for nothing"},
                                              {"temperror", "the DNS did not answer"},
                                              {"permerror", "it cannot be judged"}};

    phrase_field(out, event, "DMARC of ", "author", ": ");
    ADD_RESULT(out, event, meanings);
    if (event_has(event, "spf"))
        buf_add_cstr(out, " by SPF");
    phrase_field(out, event, event_has(event, "spf") ? " and by DKIM of " : " by DKIM of ", "dkim",
                 "");
    phrase_field(out, event, "; ", "problem", "");
    phrase_field(out, event, "; asked for: ", "asked", "");
    phrase_field(out, event, ", at ", "at", "");
    phrase_field(out, event, " \"", "record", "\"");
}

static void iprev(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "the address ", "client", " has no name that leads back to it");
    phrase_field(out, event, " (iprev ", "result", ")");
    phrase_field(out, event, "; it is called ", "name", "");
    phrase_field(out, event, "; ", "problem", "");
}

static void helo(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "the server introduced itself as ", "name", ", which is not right");
    phrase_field(out, event, " (HELO ", "result", ")");
    phrase_field(out, event, "; ", "problem", "");
}

static void decision(struct buf *out, const struct event *event)
{
    struct slice action = event_field(event, "action");

    if (slice_eq(action, SLICE("junk")))
        buf_add_cstr(out, "marked as junk");
    else if (slice_eq(action, SLICE("refuse")))
        buf_add_cstr(out, "refused");
    else if (slice_eq(action, SLICE("defer")))
        buf_add_cstr(out, "put off");
    else
        buf_add_cstr(out, "let through");
    phrase_field(out, event, " because of ", "check", "");
    if (event_has(event, "saved"))
        buf_add_cstr(out, ", since a trusted forwarder vouches for it");
    if (event_has(event, "waited"))
        buf_add_cstr(out, ", since it has been put off for long enough");
    phrase_field(out, event, ": ", "text", "");
    phrase_rule(out, event);
}

static void forged_results(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "a forged Authentication-Results in our name was taken out: ", "value",
                 "");
}

bool why_words_checks(struct buf *out, const struct event *event)
{
    static const struct {
        const char *name;
        void (*words)(struct buf *out, const struct event *event);
    } tellers[] = {
        {"spf", spf},           {"dkim", dkim},
        {"arc", arc},           {"dmarc", dmarc},
        {"iprev", iprev},       {"helo", helo},
        {"decision", decision}, {"forged-results", forged_results},
    };

    if (!slice_eq(event->role, SLICE("receive")))
        return false;
    for (size_t i = 0; i < sizeof(tellers) / sizeof(tellers[0]); i++) {
        if (!slice_eq(event->name, slice_from_cstr(tellers[i].name)))
            continue;
        tellers[i].words(out, event);
        return true;
    }
    return false;
}
