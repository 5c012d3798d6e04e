/*
 * One function for each event that belongs to the story of a message; docs/log-events.md says what
 * their fields mean. An event without a function is told by its name and fields.
 */
#include "control/why_words.h"

#include "base/utf8.h"

void why_add(struct buf *out, struct slice text)
{
    while (text.len) {
        unsigned char c = (unsigned char)text.ptr[0];
        size_t len = utf8_char_len(text);
        /* U+0080 to U+009F are control characters, too. */
        bool control = len == 2 && c == 0xc2 && (unsigned char)text.ptr[1] < 0xa0;

        if (len == 0 || c < 0x20 || c == 0x7f || control)
            buf_printf(out, "\\x%02x", c);
        else
            buf_add(out, text.ptr, len);
        text = slice_skip(text, len == 0 || control ? 1 : len);
    }
}

static void add_field(struct buf *out, const struct event *event, const char *before,
                      const char *key, const char *after)
{
    struct slice value = event_field(event, key);

    if (!value.len)
        return;
    buf_add_cstr(out, before);
    why_add(out, value);
    buf_add_cstr(out, after);
}

static void add_path(struct buf *out, const struct event *event, const char *before,
                     const char *key)
{
    buf_add_cstr(out, before);
    buf_add_char(out, '<');
    why_add(out, event_field(event, key));
    buf_add_char(out, '>');
}

/* " after 0.21 s" */
static void add_duration(struct buf *out, const struct event *event)
{
    uint64_t ms = event_number(event, "ms");

    if (event_has(event, "ms"))
        buf_printf(out, " after %llu.%02llu s", (unsigned long long)(ms / 1000),
                   (unsigned long long)(ms % 1000 / 10));
}

static void add_code(struct buf *out, const struct event *event)
{
    add_field(out, event, ": ", "code", "");
    add_field(out, event, " ", "status", "");
    add_field(out, event, " ", "text", "");
}

static void add_rule(struct buf *out, const struct event *event)
{
    add_field(out, event, ", because of ", "rule", "");
}

/* ---- at the door ---------------------------------------------------------------------------- */

static void connect(struct buf *out, const struct event *event)
{
    if (event_has(event, "name")) {
        add_field(out, event, "", "name", " ");
        add_field(out, event, "[", "client", "]");
    } else {
        why_add(out, event_has(event, "client") ? event_field(event, "client")
                                                : SLICE("a program of this machine"));
    }
    add_field(out, event, " connected to listener ", "listener", "");
}

static void tls(struct buf *out, const struct event *event)
{
    bool outward = event_has(event, "remote");

    if (outward)
        add_field(out, event, "connection to ", "remote", ": ");
    add_field(out, event, "", "version", "");
    add_field(out, event, ", ", "cipher", "");
    if (outward) {
        add_field(out, event, ", certificate ", "certificate", "");
        add_field(out, event, " (", "rule", ")");
    } else {
        add_field(out, event, ", with the certificate of ", "peer", "");
    }
}

static void no_tls(struct buf *out, const struct event *event)
{
    add_field(out, event, "connection to ", "remote", ": ");
    buf_add_cstr(out, "no TLS");
    add_field(out, event, ", because ", "why", "");
    add_field(out, event, " (", "rule", ")");
}

static void tls_failed(struct buf *out, const struct event *event)
{
    buf_add_cstr(out, "TLS did not begin");
    add_field(out, event, ": ", "why", "");
}

static void login(struct buf *out, const struct event *event)
{
    add_field(out, event, "logged in as ", "account", "");
    add_field(out, event, " by ", "mechanism", "");
}

static void login_refused(struct buf *out, const struct event *event)
{
    buf_add_cstr(out, "login");
    add_field(out, event, " as ", "account", "");
    add_field(out, event, " by ", "mechanism", "");
    buf_add_cstr(out, " refused");
    add_code(out, event);
    add_field(out, event, ", because ", "why", "");
}

static void refused_command(struct buf *out, const struct event *event)
{
    if (event_has(event, "to"))
        add_path(out, event, "recipient ", "to");
    else if (slice_starts_with_nocase(event_field(event, "line"), SLICE("MAIL ")))
        add_path(out, event, "sender ", "from");
    else
        add_field(out, event, "", "line", "");
    buf_add_cstr(out, " refused");
    add_code(out, event);
    add_rule(out, event);
}

static void message_refused(struct buf *out, const struct event *event)
{
    add_path(out, event, "message from ", "from");
    if (event_has(event, "to"))
        add_path(out, event, " to ", "to");
    buf_add_cstr(out, " refused");
    add_code(out, event);
}

static void accepted(struct buf *out, const struct event *event)
{
    add_field(out, event, "accepted as ", "message", "");
    add_path(out, event, ": from ", "from");
    add_path(out, event, " to ", "to");
    if (event_number(event, "recipients") > 1)
        add_field(out, event, " (", "recipients", " recipients)");
    add_field(out, event, ", ", "size", " bytes");
    add_field(out, event, ", Message-ID ", "header_id", "");
    add_field(out, event, ", held: ", "held", "");
    add_field(out, event, "; allowed by ", "rule", "");
}

static void session(struct buf *out, const struct event *event)
{
    bool quit = slice_eq(event_field(event, "end"), SLICE("quit"));

    buf_add_cstr(out, quit ? "the client said goodbye" : "the connection ended without QUIT");
    add_field(out, event, ", ", "messages", " messages accepted");
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
    add_field(out, event, "too many connections from this address at a time (", "limit", ")");
}

static void foreign_sender(struct buf *out, const struct event *event)
{
    add_field(out, event, "the sender address ", "address", "");
    add_field(out, event, " is not ", "account", "'s own");
    add_field(out, event, " (", "where", ")");
    add_field(out, event, ": ", "then", "");
}

/* ---- the queue ------------------------------------------------------------------------------ */

static void add_attempt(struct buf *out, const struct event *event)
{
    if (event_number(event, "attempts") > 1)
        add_field(out, event, ", attempt ", "attempts", "");
}

/* ", by mx.b.example[203.0.113.5]:25 over TLSv1.3 ...: 250 Ok after 0.21 s" */
static void add_remote(struct buf *out, const struct event *event)
{
    add_field(out, event, " by ", "remote", "");
    add_field(out, event, " over ", "tls", "");
    add_field(out, event, ": ", "reply", "");
    add_duration(out, event);
}

static void delivered(struct buf *out, const struct event *event)
{
    add_path(out, event, "delivered to ", "to");
    add_attempt(out, event);
    add_remote(out, event);
}

static void deferred(struct buf *out, const struct event *event)
{
    add_path(out, event, "put off for ", "to");
    add_attempt(out, event);
    add_remote(out, event);
    add_field(out, event, "; ", "why", "");
    add_field(out, event, "; taken for: ", "class", "");
    add_field(out, event, "; next try ", "next", "");
}

static void unreachable(struct buf *out, const struct event *event)
{
    add_path(out, event, "no server reached for ", "to");
    add_attempt(out, event);
    add_remote(out, event);
    add_field(out, event, "; next try ", "next", "");
}

static void not_tried(struct buf *out, const struct event *event)
{
    buf_add_cstr(out, "not tried yet");
    if (event_has(event, "to"))
        add_path(out, event, " for ", "to");
    add_field(out, event, ": ", "reply", "");
    add_field(out, event, "; next try ", "next", "");
}

static void given_up(struct buf *out, const struct event *event)
{
    add_path(out, event, "given up for ", "to");
    add_attempt(out, event);
    add_remote(out, event);
    add_field(out, event, "; ", "why", "");
    add_field(out, event, "; taken for: ", "class", "");
}

static void expired(struct buf *out, const struct event *event)
{
    add_path(out, event, "given up for ", "to");
    buf_add_cstr(out, ", since it has waited too long; the last answer");
    add_remote(out, event);
}

static void expanded(struct buf *out, const struct event *event)
{
    add_path(out, event, "", "to");
    add_field(out, event, " stands for ", "into", "");
    if (event_number(event, "addresses") > 1)
        add_field(out, event, " and others, ", "addresses", " in all");
}

static void bounce(struct buf *out, const struct event *event)
{
    add_path(out, event, "told ", "to");
    add_field(out, event, " about it in message ", "as", "");
}

static void changed(struct buf *out, const struct event *event)
{
    add_field(out, event, "", "who", "");
    if (!event_has(event, "who"))
        buf_add_cstr(out, "an administrator");
    add_field(out, event, " said ", "by", "");
    add_field(out, event, ", for ", "recipients", " of its recipients");
}

static void held(struct buf *out, const struct event *event)
{
    add_path(out, event, "held for ", "to");
    add_field(out, event, ": ", "why", "");
}

/* ---- relay ---------------------------------------------------------------------------------- */

static void one_try(struct buf *out, const struct event *event)
{
    bool connected = slice_eq(event_field(event, "stage"), SLICE("ready"));

    add_field(out, event, connected ? "connected to " : "tried ", "host", "");
    add_field(out, event, " [", "address", "]");
    if (!connected)
        add_field(out, event, ", ", "stage", "");
    add_field(out, event, ": ", "reply", "");
    add_duration(out, event);
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
    {"queue", "bounce", bounce},
    {"queue", "changed", changed},
    {"queue", "held", held},
    {"queue", "held-by-configuration", held},
    {"relay", "try", one_try},
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
    by_fields(out, event);
    return true;
}
