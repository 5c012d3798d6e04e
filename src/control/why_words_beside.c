/* See why_words_beside.h. One function for each event; docs/log-events.md has their fields. */
#include "control/why_words_beside.h"

#include "control/why_phrase.h"

static void login_blocked(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "logins of ", "subject", "");
    phrase_field(out, event, " blocked for ", "seconds", " seconds");
    phrase_field(out, event, ", after ", "failures", " failures (nuncio account blocked)");
}

static void login_block_lifted(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "logins of ", "subject", " are no longer blocked");
}

static void frozen(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "account ", "account", " frozen, its mail is held");
    phrase_field(out, event, ": ", "why", "");
}

static void source_suspended(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "our address ", "source", " not used");
    phrase_field(out, event, " towards ", "site", "");
    phrase_field(out, event, " for ", "seconds", " seconds");
    phrase_field(out, event, ", because it said: ", "reply", "");
}

static void slowed(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "less at a time to ", "site", "");
    phrase_field(out, event, ", as ", "remote", " asks");
    phrase_field(out, event, ": ", "reply", "");
}

static void suspended(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "", "kind", "");
    phrase_field(out, event, " ", "what", " suspended");
    phrase_field(out, event, " by ", "by", "");
    phrase_field(out, event, ": ", "reason", "");
}

static void resumed(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "", "kind", " ");
    phrase_field(out, event, "", "what", " ");
    phrase_field(out, event, "", "suspensions", " suspensions ");
    buf_add_cstr(out, "resumed");
    phrase_field(out, event, ": ", "why", "");
}

static void login_failed(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "", "remote", " did not take");
    phrase_field(out, event, " the login of ", "user", "");
    phrase_field(out, event, " by ", "mechanism", "");
    phrase_field(out, event, ": ", "why", "");
    phrase_field(out, event, "; again in ", "next_s", " seconds");
    phrase_rule(out, event);
}

static void sts_policy(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "MTA-STS policy of ", "domain", "");
    phrase_field(out, event, ": mode ", "mode", "");
}

static void sts_failed(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "no MTA-STS policy of ", "domain", "");
    phrase_field(out, event, ": ", "why", "");
}

static void dropped(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "", "events", " events were not written down here, so this may lack ");
    buf_add_cstr(out, "something; they stand in the log (nuncio why --rebuild LOGFILE)");
}

bool why_words_beside(struct buf *out, const struct event *event)
{
    static const struct {
        const char *name;
        void (*words)(struct buf *out, const struct event *event);
    } tellers[] = {
        {"login-blocked", login_blocked},
        {"login-block-lifted", login_block_lifted},
        {"account-frozen", frozen},
        {"source-suspended", source_suspended},
        {"slowed", slowed},
        {"suspended", suspended},
        {"resumed", resumed},
        {"login-failed", login_failed},
        {"sts-policy", sts_policy},
        {"sts-failed", sts_failed},
        {"history-dropped", dropped},
    };

    for (size_t i = 0; i < sizeof(tellers) / sizeof(tellers[0]); i++) {
        if (!slice_eq(event->name, slice_from_cstr(tellers[i].name)))
            continue;
        tellers[i].words(out, event);
        return true;
    }
    return false;
}
