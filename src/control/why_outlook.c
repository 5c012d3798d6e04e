/* The state of recipients, from their events. See why_outlook.h. */
#include "control/why_outlook.h"

#include "control/why_phrase.h"
#include "control/why_words.h"
#include "mail/envelope.h"

#include <sysexits.h>
#include <time.h>

static const struct {
    const char *event, *state;
} states[] = {
    {"delivered", "delivered"},
    {"deferred", "waiting"},
    {"unreachable", "waiting"},
    {"not-tried", "waiting"},
    {"put-off", "waiting"},
    {"refused", "failed for good"},
    {"failed", "failed for good"},
    {"expired", "failed for good"},
    {"held", "held"},
    {"held-by-configuration", "held"},
    {"expanded", "expanded"},
};

void outlook_init(struct outlook *outlook)
{
    *outlook = (struct outlook){0};
    arena_init(&outlook->arena);
}

void outlook_done(struct outlook *outlook)
{
    arena_done(&outlook->arena);
}

static struct outlook_recipient *find(struct outlook *outlook, struct slice address)
{
    struct outlook_recipient *recipient;

    for (size_t i = 0; i < outlook->count; i++) {
        if (slice_eq(outlook->list[i].address, address))
            return &outlook->list[i];
    }
    if (outlook->count == OUTLOOK_RECIPIENTS_MAX)
        return NULL;
    recipient = &outlook->list[outlook->count++];
    *recipient = (struct outlook_recipient){.address = arena_dup(&outlook->arena, address),
                                            .state = "waiting"};
    return recipient;
}

static void note_accepted(struct outlook *outlook, const struct event *event)
{
    struct slice list = event_field(event, "to");

    outlook->from = arena_dup(&outlook->arena, event_field(event, "from"));
    while (list.ptr && list.len)
        (void)find(outlook, slice_cut(&list, ','));
}

static void note_queue(struct outlook *outlook, const struct event *event)
{
    struct outlook_recipient *recipient;

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (!slice_eq(event->name, slice_from_cstr(states[i].event)) || !event_has(event, "to"))
            continue;
        recipient = find(outlook, event_field(event, "to"));
        if (!recipient)
            return;
        recipient->state = states[i].state;
        recipient->next_ms = 0;
        (void)event_read_time(event_field(event, "next"), &recipient->next_ms);
    }
}

void outlook_note(struct outlook *outlook, const struct event *event)
{
    struct buf words;

    if (event_has(event, "client") && !outlook->client.len)
        outlook->client = arena_dup(&outlook->arena, event_field(event, "client"));
    if (slice_eq(event->role, SLICE("queue")))
        note_queue(outlook, event);
    else if (slice_eq(event->name, SLICE("accepted")))
        note_accepted(outlook, event);
    if (!slice_eq(event->role, SLICE("receive")) ||
        (!slice_ends_with_nocase(event->name, SLICE("refused")) &&
         !slice_ends_with_nocase(event->name, SLICE("failed"))))
        return;
    buf_init(&words, 1024);
    if (why_words(&words, event))
        outlook->last_refusal = arena_dup(&outlook->arena, buf_slice(&words));
    buf_done(&words);
}

static void print_next(uint64_t next_ms)
{
    time_t seconds = (time_t)(next_ms / 1000);
    struct tm moment;
    char text[40];

    localtime_r(&seconds, &moment);
    (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &moment);
    printf(", the next try is at %s", text);
}

static void print_clean(struct slice text)
{
    struct buf out;

    buf_init(&out, 4096);
    why_add(&out, text);
    printf("%.*s", SLICE_ARG(buf_slice(&out)));
    buf_done(&out);
}

/* A recipient as the queue has it now. */
static void on_answer(void *arg, const json_t *answer)
{
    const json_t *recipient = json_object_get(answer, "recipient");
    const char *address = json_string_value(json_object_get(recipient, "address"));
    const char *state = json_string_value(json_object_get(recipient, "state"));
    const json_t *next = json_object_get(recipient, "next_ms");

    (void)arg;
    if (!address || !state)
        return;
    printf("  Now: <");
    print_clean(slice_from_cstr(address));
    printf("> is %s", state);
    if (json_is_integer(next) && strcmp(state, "held") != 0)
        print_next((uint64_t)json_integer_value(next));
    puts(".");
}

static bool all_over(const struct outlook *outlook)
{
    for (size_t i = 0; i < outlook->count; i++) {
        const char *state = outlook->list[i].state;
        if (strcmp(state, "waiting") == 0 || strcmp(state, "held") == 0)
            return false;
    }
    return outlook->count > 0;
}

/* True: the queue has told how it stands. */
static bool ask_queue(struct client *client, uint64_t message)
{
    struct message_id_text id = message_id_format(message);
    int code;

    if (!client) {
        puts("  No server answers now; this is what was written down last:");
        return false;
    }
    code = client_ask_silently(
        client, json_pack("{s:s,s:s}", "command", "queue.show", "id", id.text), on_answer, NULL);
    if (code == EX_DATAERR)
        puts("  The queue does not have this message any more: it was settled a moment ago, or the "
             "history lacks\n  its end, which the log has. Written down last:");
    return code == EX_OK;
}

void outlook_print(const struct outlook *outlook, struct client *client, uint64_t message)
{
    if (!all_over(outlook) && ask_queue(client, message))
        return;
    for (size_t i = 0; i < outlook->count; i++) {
        const struct outlook_recipient *recipient = &outlook->list[i];
        printf("  Last: <");
        print_clean(recipient->address);
        printf("> %s", recipient->state);
        if (recipient->next_ms)
            print_next(recipient->next_ms);
        puts(".");
    }
}

void outlook_add_line(const struct outlook *outlook, struct buf *out)
{
    if (!outlook->count && !outlook->from.len) {
        why_add(out, outlook->client);
        buf_add_cstr(out, outlook->client.len ? ": " : "");
        why_add(out, outlook->last_refusal.len ? outlook->last_refusal : SLICE("brought nothing"));
        return;
    }
    buf_add_cstr(out, "from <");
    why_add(out, outlook->from);
    buf_add_cstr(out, ">");
    for (size_t i = 0; i < outlook->count && i < 3; i++) {
        buf_add_cstr(out, i ? ", <" : " to <");
        why_add(out, outlook->list[i].address);
        buf_printf(out, ">: %s", outlook->list[i].state);
    }
    if (outlook->count > 3)
        buf_printf(out, " and %zu others", outlook->count - 3);
}
