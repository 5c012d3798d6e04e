/*
 * Finding subjects. See why_find.h.
 *
 * A text may mean several things: what has an @ is an address or a Message-ID, a name is a domain,
 * a host, a route or a site. All of them are looked up, and what is found is put together. A
 * session is left out where a message that it brought is found.
 */
#include "control/why_find.h"

#include "history/terms.h"
#include "mail/envelope.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sysexits.h>

#define SESSION_PREFIX "session:"

struct finder {
    struct why_place *place;
    struct why_question *question;
    struct why_found *found;
};

static bool on_subject(void *arg, const struct subject *subject)
{
    struct finder *finder = arg;
    struct why_found *found = finder->found;

    if (subject->time_ms < finder->question->since_ms ||
        subject->time_ms >= finder->question->until_ms)
        return true;
    for (size_t i = 0; i < found->count; i++) {
        if (found->list[i].id == subject->id)
            return true;
    }
    found->more = found->count == WHY_FOUND_MAX;
    if (!found->more)
        found->list[found->count++] = *subject;
    return !found->more;
}

static int compare(const void *a, const void *b)
{
    const struct subject *left = a, *right = b;

    if (left->time_ms != right->time_ms)
        return left->time_ms > right->time_ms ? -1 : 1;
    return left->id > right->id ? -1 : left->id < right->id;
}

static bool has_message_of(const struct why_found *found, int64_t session)
{
    for (size_t i = 0; i < found->count; i++) {
        if (found->list[i].session == session)
            return true;
    }
    return false;
}

static void drop_sessions_told_elsewhere(struct why_found *found)
{
    size_t kept = 0;

    for (size_t i = 0; i < found->count; i++) {
        if (found->list[i].kind == SUBJECT_MESSAGE || !has_message_of(found, found->list[i].id))
            found->list[kept++] = found->list[i];
    }
    found->count = kept;
}

static void add_term(struct why_question *question, enum term_kind kind, struct slice text)
{
    struct why_term *term = &question->terms[question->n_terms];

    if (question->n_terms == WHY_TERMS_MAX || !text.len || text.len > TERM_MAX)
        return;
    *term = (struct why_term){.kind = kind, .len = text.len};
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        term->text[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    question->n_terms++;
}

/* Who guesses passwords over IPv6 is blocked with the whole /64. */
static void add_network(struct why_question *question, const char *ip)
{
    char text[INET6_ADDRSTRLEN + 4];
    struct in6_addr address;

    if (inet_pton(AF_INET6, ip, &address) != 1)
        return;
    memset(address.s6_addr + 8, 0, 8);
    (void)inet_ntop(AF_INET6, &address, text, INET6_ADDRSTRLEN);
    memcpy(text + strlen(text), "/64", sizeof("/64"));
    add_term(question, TERM_IP, slice_from_cstr(text));
}

static void read_terms(struct why_question *question, struct slice text)
{
    char ip[INET6_ADDRSTRLEN];
    bool brackets = text.len > 2 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>';

    if (terms_normalise_ip(text, ip, sizeof(ip))) {
        add_term(question, TERM_IP, slice_from_cstr(ip));
        add_network(question, ip);
        return;
    }
    if (brackets)
        text = slice_sub(text, 1, text.len - 2);
    add_term(question, TERM_HEADER_ID, text);
    if (slice_find(text, '@') > 0) {
        add_term(question, TERM_ADDRESS, text);
        return;
    }
    add_term(question, TERM_DOMAIN, text);
    add_term(question, TERM_LANE, text);
}

struct naming {
    const struct why_question *question;
    bool matches;
};

static void on_term(void *arg, enum term_kind kind, struct slice text)
{
    struct naming *naming = arg;

    for (size_t i = 0; i < naming->question->n_terms; i++) {
        const struct why_term *term = &naming->question->terms[i];
        if (term->kind == kind && slice_eq(slice_from(term->text, term->len), text))
            naming->matches = true;
    }
}

bool why_names(const struct why_question *question, const struct event *event)
{
    struct naming naming = {.question = question};

    terms_of_event(event, on_term, &naming);
    return naming.matches;
}

static int find_terms(struct finder *finder)
{
    const struct why_question *question = finder->question;
    int r = 0;

    for (size_t i = 0; i < question->n_terms && r == 0; i++)
        r = archive_each_by_term(finder->place->archive, question->terms[i].kind,
                                 slice_from(question->terms[i].text, question->terms[i].len),
                                 on_subject, finder);
    return r;
}

static int find_one(struct finder *finder, enum subject_kind kind, uint64_t key)
{
    struct subject subject;
    int r = archive_find_subject(finder->place->archive, kind, key, &subject);

    if (r == 1)
        on_subject(finder, &subject);
    return r < 0 ? r : 0;
}

static void on_waiting(void *arg, const json_t *answer)
{
    const json_t *message = json_object_get(answer, "message");
    const char *id = json_string_value(json_object_get(message, "id"));
    uint64_t key;

    if (id && message_id_parse(slice_from_cstr(id), &key))
        (void)find_one(arg, SUBJECT_MESSAGE, key);
}

/* What waits in the queue now. */
static int find_waiting(struct finder *finder)
{
    if (!finder->place->client)
        return -ENOTCONN;
    return client_ask(finder->place->client, json_pack("{s:s}", "command", "queue.list"),
                      on_waiting, finder) == EX_OK
               ? 0
               : -ENOTCONN;
}

static bool parse_session(struct slice text, uint64_t *ret_session)
{
    char copy[20], *end;
    struct slice number = slice_skip(text, sizeof(SESSION_PREFIX) - 1);

    if (!slice_starts_with_nocase(text, SLICE(SESSION_PREFIX)) || !number.len ||
        number.len >= sizeof(copy))
        return false;
    memcpy(copy, number.ptr, number.len);
    copy[number.len] = '\0';
    *ret_session = strtoull(copy, &end, 16);
    return *end == '\0';
}

static int find_text(struct finder *finder, struct slice text)
{
    uint64_t key;

    if (message_id_parse(text, &key))
        return find_one(finder, SUBJECT_MESSAGE, key);
    if (parse_session(text, &key))
        return find_one(finder, SUBJECT_SESSION, key);
    if (slice_eq(text, SLICE("queue")))
        return find_waiting(finder);
    read_terms(finder->question, text);
    return find_terms(finder);
}

int why_find(struct why_place *place, struct why_question *question, struct why_found *ret_found)
{
    struct finder finder = {place, question, ret_found};
    int r;

    ret_found->count = 0;
    ret_found->more = false;
    r = question->text ? find_text(&finder, slice_trim(slice_from_cstr(question->text)))
                       : archive_each_by_time(place->archive, question->since_ms,
                                              question->until_ms, on_subject, &finder);
    if (r < 0)
        return r;
    qsort(ret_found->list, ret_found->count, sizeof(ret_found->list[0]), compare);
    drop_sessions_told_elsewhere(ret_found);
    return 0;
}
