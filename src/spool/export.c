/*
 * `nuncio spool export`: each live message as <id>.eml, byte for byte as it is stored (CRLF), and
 * what is known of it as <id>.json.
 *
 * For moving to another server, and for looking. Nothing in the spool is changed, and no file of
 * the target is written over.
 */
#include "spool/outcome.h"
#include "spool/store.h"

#include "base/log.h"

#include <errno.h>
#include <jansson.h>

enum { CHUNK = 256 * 1024 };

struct message {
    uint64_t id;
    struct spool_location location;
    struct outcome_state state;
};

struct export
{
    struct spool_store *store;
    const char *to;
    struct message *messages;
    uint32_t n, room;
    struct live_table index; /* `segment` is the position in messages */
    struct arena arena;
    void (*tell)(void *arg, struct slice line);
    void *arg;
};

static void see_message(void *arg, const struct envelope *envelope, struct spool_location location)
{
    struct export *export = arg;

    if (export->n == export->room) {
        export->room = export->room ? export->room * 2 : 64;
        export->messages = xrealloc(export->messages, export->room * sizeof(export->messages[0]));
    }
    export->messages[export->n] = (struct message){.id = envelope->id, .location = location};
    live_table_add(&export->index, &(struct live){.id = envelope->id, .segment = export->n});
    export->n++;
}

static void see_outcome(void *arg, const struct outcome *outcome)
{
    struct export *export = arg;
    const struct live *known = live_table_find(&export->index, outcome->id);

    if (known)
        outcome_merge(&export->messages[known->segment].state, &export->arena, outcome);
}

static void see_trouble(void *arg, struct slice text)
{
    const struct export *export = arg;

    export->tell(export->arg, text);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

/* Bytes that are not UTF-8 are told as the Latin-1 characters of the same value. */
static json_t *text_json(struct slice text)
{
    json_t *json = json_stringn(text.len ? text.ptr : "", text.len);
    struct buf wide;

    if (json)
        return json;
    buf_init(&wide, SIZE_MAX);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x80)
            buf_add_char(&wide, (char)(0xc0 | c >> 6));
        buf_add_char(&wide, (char)(c < 0x80 ? c : 0x80 | (c & 0x3f)));
    }
    json = json_stringn(wide.ptr, wide.len);
    buf_done(&wide);
    return json;
}

static void put_text(json_t *object, const char *key, struct slice text)
{
    if (text.len)
        json_object_set_new(object, key, text_json(text));
}

static void put_number(json_t *object, const char *key, uint64_t number)
{
    if (number)
        json_object_set_new(object, key, json_integer((json_int_t)number));
}

static json_t *recipient_json(const struct recipient *recipient)
{
    static const char *const classes[] = {"", "local", "relay", "authorised"};
    json_t *json = json_object();

    json_object_set_new(json, "address", text_json(recipient->address));
    json_object_set_new(json, "class", json_string(classes[recipient->class]));
    put_text(json, "orcpt", recipient->orcpt);
    put_text(json, "via", recipient->via);
    put_number(json, "notify", recipient->notify);
    return json;
}

static json_t *recipients_json(const struct recipient *recipients, uint32_t n)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(array, recipient_json(&recipients[i]));
    return array;
}

static json_t *state_json(const struct outcome_state *state)
{
    static const char *const kinds[] = {"pending",  "delivered", "relayed",
                                        "expanded", "bounced",   "removed"};
    json_t *array = json_array();

    for (uint32_t i = 0; i < state->n_recipients; i++) {
        const struct outcome_recipient *from = &state->recipients[i];
        json_t *json = json_object();
        json_object_set_new(json, "index", json_integer(from->index));
        json_object_set_new(json, "state", json_string(kinds[from->kind]));
        put_number(json, "attempts", from->attempts);
        put_number(json, "due_ms", from->due_ms);
        if (from->flags & OUTCOME_HELD)
            json_object_set_new(json, "held", json_true());
        put_text(json, "reply", from->reply);
        put_text(json, "route", from->route);
        json_array_append_new(array, json);
    }
    return array;
}

static json_t *envelope_json(const struct envelope *envelope, const struct outcome_state *state)
{
    json_t *json = json_object();

    json_object_set_new(json, "id", json_string(message_id_format(envelope->id).text));
    json_object_set_new(json, "reverse_path", text_json(envelope->reverse_path));
    json_object_set_new(json, "recipients",
                        recipients_json(envelope->recipients, envelope->n_recipients));
    if (state->n_added) {
        put_number(json, "first_added", state->first_added);
        json_object_set_new(json, "added", recipients_json(state->added, state->n_added));
    }
    put_text(json, "signature", state->signature);
    if (state->n_recipients)
        json_object_set_new(json, "state", state_json(state));
    put_number(json, "received_ms", envelope->received_ms);
    put_number(json, "size", envelope->size);
    put_text(json, "envid", envelope->envid);
    if (envelope->ret)
        json_object_set_new(json, "ret", json_string(envelope->ret == RET_FULL ? "FULL" : "HDRS"));
    if (envelope->body == BODY_8BITMIME)
        json_object_set_new(json, "body", json_string("8BITMIME"));
    if (envelope->smtputf8)
        json_object_set_new(json, "smtputf8", json_true());
    if (envelope->requiretls)
        json_object_set_new(json, "requiretls", json_true());
    if (envelope->ours)
        json_object_set_new(json, "ours", json_true());
    if (envelope->priority)
        json_object_set_new(json, "priority", json_integer(envelope->priority));
    put_number(json, "hold_until_ms", envelope->hold_until_ms);
    put_number(json, "deliver_by_ms", envelope->deliver_by_ms);
    put_text(json, "auth", envelope->auth);
    put_text(json, "client_address", envelope->client_address);
    put_text(json, "client_name", envelope->client_name);
    put_text(json, "helo", envelope->helo);
    put_text(json, "login", envelope->login);
    put_text(json, "hold", envelope->hold);
    put_text(json, "listener", envelope->listener);
    return json;
}

/* ---- files --------------------------------------------------------------------------------- */

static int create(struct export *export, uint64_t id, const char *suffix)
{
    char name[SPOOL_NAME_MAX];

    snprintf(name, sizeof(name), "%s%s", message_id_format(id).text, suffix);
    return export->store->disk->ops->open(export->store->disk, spool_path(export->to, name).text,
                                          DISK_WRITE | DISK_CREATE);
}

static int write_json(struct export *export, const struct message *message)
{
    struct disk *disk = export->store->disk;
    struct envelope envelope;
    struct arena arena;
    struct iovec iov;
    json_t *json;
    int handle, result;

    arena_init(&arena);
    result = spool_store_envelope(export->store, message->location, &arena, &envelope);
    handle = result < 0 ? result : create(export, message->id, ".json");
    if (handle >= 0) {
        json = envelope_json(&envelope, &message->state);
        iov.iov_base = json_dumps(json, JSON_INDENT(2));
        iov.iov_len = strlen(iov.iov_base);
        result = disk->ops->pwritev(disk, handle, &iov, 1, 0);
        free(iov.iov_base);
        json_decref(json);
        disk->ops->close(disk, handle);
    }
    arena_done(&arena);
    return handle < 0 ? handle : result;
}

static int copy(struct disk *disk, const struct spool_text *text, int to)
{
    char *chunk = xmalloc(CHUNK);
    uint64_t done = 0;
    int result = 0;

    while (done < text->length && result == 0) {
        size_t want = text->length - done < CHUNK ? (size_t)(text->length - done) : CHUNK;
        ssize_t n = disk->ops->pread(disk, text->fd, chunk, want, text->offset + done);
        struct iovec iov = {.iov_base = chunk, .iov_len = want};
        result = n < 0 ? (int)n : (size_t)n < want ? -EBADMSG : 0;
        if (result == 0)
            result = disk->ops->pwritev(disk, to, &iov, 1, done);
        done += want;
    }
    free(chunk);
    return result;
}

static int write_text(struct export *export, const struct message *message)
{
    struct disk *disk = export->store->disk;
    struct spool_text text;
    int to, result = spool_store_text(export->store, message->location, &text);

    if (result < 0)
        return result;
    to = create(export, message->id, ".eml");
    result = to < 0 ? to : copy(disk, &text, to);
    if (to >= 0)
        disk->ops->close(disk, to);
    spool_store_text_done(export->store, &text);
    return result;
}

static void write_all(struct export *export)
{
    unsigned written = 0;

    for (uint32_t i = 0; i < export->n; i++) {
        const struct message *message = &export->messages[i];
        int result = write_json(export, message);

        if (result == 0)
            result = write_text(export, message);
        if (result == 0)
            written++;
        else
            store_trouble(export->store, "message %s cannot be exported: %s",
                          message_id_format(message->id).text, log_strerror(result));
    }
    store_notice(export->store, "%u messages written to %s", written, export->to);
}

int spool_export(struct disk *disk, const char *directory, const char *to,
                 void (*tell)(void *arg, struct slice line), void *arg)
{
    struct export export = {.to = to, .tell = tell, .arg = arg};
    const struct spool_store_events events = {
        .message = see_message, .outcome = see_outcome, .trouble = see_trouble, .arg = &export};
    int result = disk->ops->mkdir(disk, to);

    if (result < 0 && result != -EEXIST)
        return result;
    arena_init(&export.arena);
    result = store_open_offline(disk, directory, &events, &export.store);
    if (result == 0) {
        write_all(&export);
        result = export.store->findings > 0;
        store_close_offline(export.store);
    }
    live_table_done(&export.index);
    arena_done(&export.arena);
    free(export.messages);
    return result;
}
