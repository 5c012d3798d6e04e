/*
 * Writing events into the archive. See archive.h.
 *
 * Most terms and subjects were met a moment ago, so their ids are remembered; what is remembered
 * was written in this transaction or before, and a rollback forgets all of it.
 */
#include "history/archive_sql.h"

#include "base/buf.h"
#include "history/terms.h"
#include "mail/envelope.h"

#include <errno.h>

static int find_or_add_subject(struct archive *archive, enum subject_kind kind, uint64_t key,
                               uint64_t time_ms, int64_t *ret_id)
{
    sqlite3_stmt *add = archive_statement(archive, ARCHIVE_SUBJECT_ADD);
    sqlite3_stmt *find = archive_statement(archive, ARCHIVE_SUBJECT_FIND);
    int r;

    sqlite3_bind_int(add, 1, (int)kind);
    sqlite3_bind_int64(add, 2, (int64_t)key);
    sqlite3_bind_int64(add, 3, (int64_t)time_ms);
    r = archive_run(add);
    if (r < 0)
        return r;
    sqlite3_bind_int(find, 1, (int)kind);
    sqlite3_bind_int64(find, 2, (int64_t)key);
    return archive_number(find, ret_id);
}

static int subject_id(struct archive *archive, enum subject_kind kind, uint64_t key,
                      uint64_t time_ms, int64_t *ret_id)
{
    uint64_t place = (key ^ key >> 20 ^ key >> 40) * 2 + (kind == SUBJECT_SESSION);
    struct archive_subject_slot *slot = &archive->subjects[place % ARCHIVE_CACHE];
    int r;

    if (slot->id && slot->kind == kind && slot->key == key) {
        *ret_id = slot->id;
        return 0;
    }
    r = find_or_add_subject(archive, kind, key, time_ms, ret_id);
    if (r == 0)
        *slot = (struct archive_subject_slot){.id = *ret_id, .kind = kind, .key = key};
    return r;
}

static bool parse_hex(struct slice text, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'f';
        if (!digit && !letter)
            return false;
        value = value << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    *ret_value = value;
    return text.len > 0 && text.len <= 16;
}

static int link_session(struct archive *archive, int64_t message, int64_t session)
{
    sqlite3_stmt *link = archive_statement(archive, ARCHIVE_SUBJECT_LINK);

    sqlite3_bind_int64(link, 1, message);
    sqlite3_bind_int64(link, 2, session);
    return archive_run(link);
}

static int find_subject(struct archive *archive, const struct event *event, int64_t *ret_id)
{
    uint64_t message, session;
    bool has_message = message_id_parse(event_field(event, "message"), &message);
    bool has_session = parse_hex(event_field(event, "session"), &session);
    int64_t session_id = 0;
    int r = 0;

    *ret_id = 0;
    if (has_session)
        r = subject_id(archive, SUBJECT_SESSION, session, event->time_ms, &session_id);
    if (r == 0 && has_message)
        r = subject_id(archive, SUBJECT_MESSAGE, message, event->time_ms, ret_id);
    if (r == 0 && has_message && has_session)
        r = link_session(archive, *ret_id, session_id);
    if (!has_message)
        *ret_id = session_id;
    return r;
}

static int find_or_add_term(struct archive *archive, enum term_kind kind, struct slice text,
                            int64_t *ret_id)
{
    sqlite3_stmt *find = archive_statement(archive, ARCHIVE_TERM_FIND), *add;
    int r;

    sqlite3_bind_int(find, 1, (int)kind);
    archive_bind_text(find, 2, text);
    r = archive_number(find, ret_id);
    if (r < 0 || *ret_id)
        return r;
    add = archive_statement(archive, ARCHIVE_TERM_ADD);
    sqlite3_bind_int(add, 1, (int)kind);
    archive_bind_text(add, 2, text);
    r = archive_run(add);
    *ret_id = sqlite3_last_insert_rowid(archive->db);
    return r;
}

static int term_id(struct archive *archive, enum term_kind kind, struct slice text, int64_t *ret_id)
{
    struct archive_term_slot *slot =
        &archive->terms[(slice_hash(text) + (unsigned)kind) % ARCHIVE_CACHE];
    int r;

    if (slot->id && slot->kind == kind && slice_eq(slice_from_cstr(slot->text), text)) {
        *ret_id = slot->id;
        return 0;
    }
    r = find_or_add_term(archive, kind, text, ret_id);
    if (r < 0)
        return r;
    free(slot->text);
    *slot = (struct archive_term_slot){.id = *ret_id, .kind = kind, .text = xslicedup(text)};
    return 0;
}

struct mentions {
    struct archive *archive;
    int64_t subject;
    int result;
};

static void on_term(void *arg, enum term_kind kind, struct slice text)
{
    struct mentions *mentions = arg;
    sqlite3_stmt *add = archive_statement(mentions->archive, ARCHIVE_MENTION_ADD);
    int64_t term;

    if (mentions->result < 0)
        return;
    mentions->result = term_id(mentions->archive, kind, text, &term);
    if (mentions->result < 0)
        return;
    sqlite3_bind_int64(add, 1, mentions->subject);
    sqlite3_bind_int64(add, 2, term);
    mentions->result = archive_run(add);
}

static sqlite3_stmt *bind_event(struct archive *archive, enum archive_statement which,
                                const struct event *event, int64_t subject)
{
    sqlite3_stmt *statement = archive_statement(archive, which);

    sqlite3_bind_int64(statement, 1, (int64_t)event->time_ms);
    sqlite3_bind_int64(statement, 2, subject);
    sqlite3_bind_int(statement, 3, (int)event->level);
    archive_bind_text(statement, 4, event->role);
    archive_bind_text(statement, 5, event->name);
    archive_bind_text(statement, 6, event->text);
    return statement;
}

int archive_add(struct archive *archive, const struct event *event, bool unless_there)
{
    struct mentions mentions = {.archive = archive};
    int64_t same = 0;
    int r = find_subject(archive, event, &mentions.subject);

    if (r == 0 && unless_there)
        r = archive_number(bind_event(archive, ARCHIVE_EVENT_SAME, event, mentions.subject), &same);
    if (r < 0 || same)
        return r;
    r = archive_run(bind_event(archive, ARCHIVE_EVENT_ADD, event, mentions.subject));
    if (r < 0 || !mentions.subject)
        return r;
    terms_of_event(event, on_term, &mentions);
    return mentions.result;
}
