/*
 * One function for each event that belongs to the story of a message; docs/log-events.md says what
 * their fields mean. An event without a function is told by its name and fields.
 */
#include "control/why_words.h"

#include "control/why_words_beside.h"
#include "control/why_words_checks.h"

#include <pwd.h>
#include "control/why_phrase.h"

/* ---- at the door ---------------------------------------------------------------------------- */

static void connect(struct buf *out, const struct event *event)
{
    if (event_has(event, "name")) {
        phrase_field(out, event, "", "name", " ");
        phrase_field(out, event, "[", "client", "]");
    } else {
        why_add(out, event_has(event, "client") ? event_field(event, "client")
                                                : SLICE("a program of this machine"));
    }
    phrase_field(out, event, " connected to listener ", "listener", "");
}

/* "good", or what is wrong, perhaps with the word in front that it stands behind here. */
static void add_certificate(struct buf *out, const struct event *event)
{
    struct slice text = event_field(event, "certificate"), prefix = SLICE("certificate: ");

    if (!text.len)
        return;
    buf_add_cstr(out, ", certificate: ");
    why_add(out, slice_starts_with_nocase(text, prefix) ? slice_skip(text, prefix.len) : text);
}

static void tls(struct buf *out, const struct event *event)
{
    bool outward = event_has(event, "remote");

    if (outward)
        phrase_field(out, event, "connection to ", "remote", ": ");
    phrase_field(out, event, "", "version", "");
    phrase_field(out, event, ", ", "cipher", "");
    if (outward) {
        phrase_field(out, event, " (", "rule", "");
        add_certificate(out, event);
        buf_add_char(out, ')');
    } else {
        phrase_field(out, event, ", with the certificate of ", "peer", "");
    }
}

static void no_tls(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "connection to ", "remote", ": ");
    buf_add_cstr(out, "no TLS");
    phrase_field(out, event, ", because ", "why", "");
    phrase_field(out, event, " (", "rule", ")");
}

static void tls_failed(struct buf *out, const struct event *event)
{
    buf_add_cstr(out, "TLS could not be started");
    phrase_field(out, event, ": ", "why", "");
}

static void login(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "logged in as ", "account", "");
    phrase_field(out, event, " by ", "mechanism", "");
}

static void login_refused(struct buf *out, const struct event *event)
{
    buf_add_cstr(out, "login");
    phrase_field(out, event, " as ", "account", "");
    phrase_field(out, event, " by ", "mechanism", "");
    buf_add_cstr(out, " refused");
    phrase_code(out, event);
    phrase_field(out, event, " (", "why", ")");
}

static void refused_command(struct buf *out, const struct event *event)
{
    if (event_has(event, "to"))
        phrase_path(out, event, "recipient ", "to");
    else if (slice_starts_with_nocase(event_field(event, "line"), SLICE("MAIL ")))
        phrase_path(out, event, "sender ", "from");
    else
        phrase_field(out, event, "", "line", "");
    buf_add_cstr(out, " refused");
    phrase_code(out, event);
    phrase_rule(out, event);
}

static void message_refused(struct buf *out, const struct event *event)
{
    phrase_path(out, event, "message from ", "from");
    if (event_has(event, "to"))
        phrase_path(out, event, " to ", "to");
    buf_add_cstr(out, " refused");
    phrase_code(out, event);
}

static void accepted(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "accepted as ", "message", "");
    if (slice_eq(event_field(event, "listener"), SLICE("sendmail"))) {
        buf_add_cstr(out, ", handed in by sendmail");
        phrase_field(out, event, " (", "login", ")");
    }
    phrase_path(out, event, ": from ", "from");
    phrase_path(out, event, " to ", "to");
    if (event_number(event, "recipients") > 1)
        phrase_field(out, event, " (", "recipients", " recipients)");
    phrase_field(out, event, ", ", "size", " bytes");
    phrase_field(out, event, ", Message-ID ", "header_id", "");
    phrase_field(out, event, ", held: ", "held", "");
    phrase_field(out, event, "; allowed by ", "rule", "");
}

static void session(struct buf *out, const struct event *event)
{
    bool quit = slice_eq(event_field(event, "end"), SLICE("quit"));

    buf_add_cstr(out, quit ? "the client said goodbye" : "the connection ended without QUIT");
    phrase_field(out, event, ", messages accepted: ", "messages", "");
}

static void timeout(struct buf *out, const struct event *event)
{
    (void)event;
    buf_add_cstr(out, "the client was silent for too long");
}

static void early_talker(struct buf *out, const struct event *event)
{
    (void)event;
    buf_add_cstr(out, "the client spoke before the greeting, and was sent away");
}

static void too_many(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "too many connections from this address at a time (", "limit", ")");
}

static void foreign_sender(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "the sender address ", "address", "");
    phrase_field(out, event, " is not ", "account", "'s own");
    phrase_field(out, event, " (", "where", ")");
    phrase_field(out, event, ": ", "then", "");
}

/* ---- the queue ------------------------------------------------------------------------------ */

static void add_attempt(struct buf *out, const struct event *event)
{
    if (event_number(event, "attempts") > 1)
        phrase_field(out, event, " on attempt ", "attempts", "");
}

/* " by mx.b.example[203.0.113.5]:25 over TLSv1.3 ..., after 0.21 s: 250 Ok" */
static void add_remote(struct buf *out, const struct event *event)
{
    phrase_field(out, event, " by ", "remote", "");
    phrase_field(out, event, " over ", "tls", "");
    phrase_duration(out, event);
    phrase_field(out, event, ": ", "reply", "");
}

static void add_next(struct buf *out, const struct event *event)
{
    phrase_time(out, event, "; next try at ", "next");
}

static void delivered(struct buf *out, const struct event *event)
{
    phrase_path(out, event, "delivered to ", "to");
    add_attempt(out, event);
    add_remote(out, event);
}

static void deferred(struct buf *out, const struct event *event)
{
    phrase_path(out, event, "deferred for ", "to");
    add_attempt(out, event);
    add_remote(out, event);
    phrase_field(out, event, "; ", "why", "");
    phrase_field(out, event, "; understood as ", "class", "");
    add_next(out, event);
}

static void unreachable(struct buf *out, const struct event *event)
{
    phrase_path(out, event, "no server reached for ", "to");
    add_attempt(out, event);
    add_remote(out, event);
    add_next(out, event);
}

static void not_tried(struct buf *out, const struct event *event)
{
    buf_add_cstr(out, "not tried yet");
    if (event_has(event, "to"))
        phrase_path(out, event, " for ", "to");
    phrase_field(out, event, ": ", "reply", "");
    add_next(out, event);
}

static void was_signed(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "DKIM signature made for ", "domain", "");
    phrase_field(out, event, ", selectors ", "selectors", "");
}

static void sent_unsigned(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "sent without a DKIM signature of ", "domain", "");
    phrase_field(out, event, " after waiting for one for ", "waited", " seconds");
    phrase_field(out, event, ": ", "why", "");
}

static void key_does_not_sign(struct buf *out, const struct event *event)
{
    phrase_field(out, event, "the DKIM key ", "selector", "");
    phrase_field(out, event, " of ", "domain", " does not sign");
}

static void given_up(struct buf *out, const struct event *event)
{
    phrase_path(out, event, "failed for good for ", "to");
    add_attempt(out, event);
    add_remote(out, event);
    phrase_field(out, event, "; ", "why", "");
    phrase_field(out, event, "; understood as ", "class", "");
}

static void expired(struct buf *out, const struct event *event)
{
    phrase_path(out, event, "given up for ", event_has(event, "to") ? "to" : "recipient");
    buf_add_cstr(out, ", because it has waited too long; the last answer");
    add_remote(out, event);
}

static void expanded(struct buf *out, const struct event *event)
{
    phrase_path(out, event, "", "to");
    phrase_field(out, event, " stands for ", "into", "");
    if (event_number(event, "addresses") > 1)
        phrase_field(out, event, " and others, ", "addresses", " in all");
}

static void rewritten(struct buf *out, const struct event *event)
{
    phrase_path(out, event, "forwarded to ", "to");
    phrase_path(out, event, "; its sender ", "sender");
    phrase_path(out, event, " goes out as ", "as");
}

static void not_rewritten(struct buf *out, const struct event *event)
{
    phrase_path(out, event, "forwarded to ", "to");
    phrase_path(out, event, " under its sender's own address ", "sender");
    phrase_field(out, event, ", because ", "why", "");
}

static void bounce(struct buf *out, const struct event *event)
{
    phrase_path(out, event, "notification about it sent to ", "to");
    phrase_field(out, event, ", as message ", "as", "");
}

/* "root", or "uid 1234" where the system knows no name. */
static void add_user(struct buf *out, const struct event *event)
{
    uid_t uid = (uid_t)event_number(event, "uid");
    const struct passwd *user = getpwuid(uid);

    if (!event_has(event, "uid"))
        buf_add_cstr(out, "an administrator");
    else if (user)
        why_add(out, slice_from_cstr(user->pw_name));
    else
        buf_printf(out, "uid %lu", (unsigned long)uid);
}

/* by=queue.hold uid=0 */
static void changed(struct buf *out, const struct event *event)
{
    struct slice command = event_field(event, "by");

    add_user(out, event);
    buf_add_cstr(out, " said: nuncio ");
    (void)slice_cut(&command, '.');
    buf_add_cstr(out, "queue ");
    why_add(out, command);
    phrase_field(out, event, " --to ", "route", "");
    phrase_field(out, event, ", for ", "recipients", "");
    buf_add_cstr(out, event_number(event, "recipients") == 1 ? " recipient" : " recipients");
}

static void held(struct buf *out, const struct event *event)
{
    phrase_path(out, event, "held for ", "to");
    phrase_field(out, event, ": ", "why", "");
}

/* ---- relay ---------------------------------------------------------------------------------- */

static void one_try(struct buf *out, const struct event *event)
{
    bool connected = slice_eq(event_field(event, "stage"), SLICE("ready"));

    phrase_field(out, event, connected ? "ready to send to " : "tried ", "host", "");
    phrase_field(out, event, " [", "address", "]");
    if (!connected)
        phrase_field(out, event, ", ", "stage", "");
    phrase_field(out, event, ": ", "reply", "");
    phrase_duration(out, event);
}

/* The queue tells it with more. */
static void nothing(struct buf *out, const struct event *event)
{
    (void)out;
    (void)event;
}

static const struct {
    const char *role, *name;
    void (*words)(struct buf *out, const struct event *event);
} tellers[] = {
    {"receive", "connect", connect},
    {NULL, "tls", tls},
    {NULL, "no-tls", no_tls},
    {"receive", "tls-failed", tls_failed},
    {"receive", "login", login},
    {"receive", "login-refused", login_refused},
    {"receive", "refused", refused_command},
    {"receive", "message-refused", message_refused},
    {"receive", "accepted", accepted},
    {"receive", "session", session},
    {"receive", "timeout", timeout},
    {"receive", "early-talker", early_talker},
    {"receive", "too-many-sessions", too_many},
    {"receive", "foreign-sender", foreign_sender},
    {"local", "delivered", nothing},
    {"local", "deferred", nothing},
    {"local", "refused", nothing},
    {"queue", "delivered", delivered},
    {"queue", "deferred", deferred},
    {"queue", "unreachable", unreachable},
    {"queue", "not-tried", not_tried},
    {"queue", "put-off", not_tried},
    {"queue", "refused", given_up},
    {"queue", "failed", given_up},
    {"queue", "expired", expired},
    {"queue", "expanded", expanded},
    {"queue", "rewritten", rewritten},
    {"queue", "not-rewritten", not_rewritten},
    {"queue", "bounce", bounce},
    {"queue", "changed", changed},
    {"queue", "held", held},
    {"queue", "held-by-configuration", held},
    {"relay", "try", one_try},
    {"relay", "signed", was_signed},
    {"relay", "sent-unsigned", sent_unsigned},
    {"relay", "key-does-not-sign", key_does_not_sign},
};

static void by_fields(struct buf *out, const struct event *event)
{
    why_add(out, event->name);
    for (size_t i = 0; i < event->n_fields; i++) {
        if (slice_eq(event->fields[i].key, SLICE("message")) ||
            slice_eq(event->fields[i].key, SLICE("session")))
            continue;
        buf_add_cstr(out, i ? ", " : ": ");
        why_add(out, event->fields[i].key);
        buf_add_char(out, ' ');
        why_add(out, event->fields[i].value);
    }
}

bool why_words(struct buf *out, const struct event *event)
{
    for (size_t i = 0; i < sizeof(tellers) / sizeof(tellers[0]); i++) {
        if ((tellers[i].role && !slice_eq(event->role, slice_from_cstr(tellers[i].role))) ||
            !slice_eq(event->name, slice_from_cstr(tellers[i].name)))
            continue;
        tellers[i].words(out, event);
        return tellers[i].words != nothing;
    }
    if (!why_words_checks(out, event) && !why_words_beside(out, event))
        by_fields(out, event);
    return true;
}
