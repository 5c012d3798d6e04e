/*
 * Requests under way, in the order in which they were made, which is that of their deadlines. See
 * dovecot_client.h.
 *
 * A request whose time is over is answered "later", and its late reply is passed over. When Dovecot
 * has said nothing at all since the request was sent, the connection is taken for dead as well: a
 * process that hangs holds its socket open.
 *
 * An answer may lead to new requests, and to cancelling others; so a request leaves the list before
 * it is answered, and no walk over the list goes on behind an answer.
 */
#include "account/dovecot_client.h"

#include "account/dovecot_link.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct request {
    struct request *prev, *next;
    uint32_t id;
    char *text; /* to be sent; NULL: it was */
    size_t len;
    uint64_t deadline_ms;
    uint64_t sent_ms;
    dovecot_on_answer *on_answer;
    void *arg;
};

struct dovecot_client {
    const struct dovecot_protocol *protocol;
    struct dovecot_link *link;
    struct loop_timer *deadline;
    struct request *requests;
    unsigned count;
    uint32_t last_id;
    bool ready;    /* Dovecot has said its hello */
    unsigned seen; /* of the hello */
    uint64_t heard_ms;
};

static void take_out(struct dovecot_client *client, struct request *request)
{
    DL_DELETE(client->requests, request);
    client->count--;
}

static void free_request(struct request *request)
{
    if (request->text)
        explicit_bzero(request->text, request->len);
    free(request->text);
    free(request);
}

static void answer(struct dovecot_client *client, struct request *request,
                   const struct dovecot_line *line)
{
    take_out(client, request);
    request->on_answer(request->arg, line);
    free_request(request);
}

/* The connection may break over it: the request is answered then, and gone. */
static void send_request(struct dovecot_client *client, struct request *request)
{
    char *text = request->text;
    size_t len = request->len;

    request->text = NULL;
    request->sent_ms = clock_mono_ms();
    dovecot_link_say(client->link, slice_from(text, len));
    explicit_bzero(text, len);
    free(text);
}

static void on_up(void *arg)
{
    struct dovecot_client *client = arg;
    struct arena arena;

    client->ready = false;
    client->seen = 0;
    arena_init(&arena);
    dovecot_link_say(client->link, client->protocol->hello(&arena));
    arena_done(&arena);
}

static void on_down(void *arg)
{
    struct dovecot_client *client = arg;

    client->ready = false;
    /* Only those of now: an answer may lead to a new request. */
    for (unsigned n = client->count; n && client->requests; n--)
        answer(client, client->requests, NULL);
}

static void become_ready(struct dovecot_client *client)
{
    struct request *request, *next;
    uint32_t last = client->last_id;

    client->ready = true;
    dovecot_link_is_good(client->link);
    DL_FOREACH_SAFE(client->requests, request, next)
    {
        bool is_last = request->id == last;
        if (request->text)
            send_request(client, request);
        if (!client->ready || is_last)
            break;
    }
}

static bool on_line(void *arg, struct slice text)
{
    struct dovecot_client *client = arg;
    struct request *request;
    struct dovecot_line line;

    client->heard_ms = clock_mono_ms();
    if (!dovecot_line_parse(text, &line))
        return false;
    if (!client->ready) {
        enum dovecot_hello hello = client->protocol->greet(&line, &client->seen);
        if (hello == HELLO_READY)
            become_ready(client);
        return hello != HELLO_BAD;
    }
    if (line.word < DOVECOT_OK)
        return true;
    DL_SEARCH_SCALAR(client->requests, request, id, line.id);
    if (request)
        answer(client, request, &line);
    return true;
}

static void on_deadline(void *arg)
{
    struct dovecot_client *client = arg;
    uint64_t now_ms = clock_mono_ms();
    bool silent = false;

    for (unsigned n = client->count;
         n && client->requests && client->requests->deadline_ms <= now_ms; n--) {
        struct request *request = client->requests;
        silent |= request->text || client->heard_ms < request->sent_ms;
        answer(client, request, NULL);
    }
    if (client->requests)
        loop_timer_arm(client->deadline, client->requests->deadline_ms);
    if (silent)
        dovecot_link_drop(client->link, "it does not answer");
}

struct dovecot_client *dovecot_client_new(struct loop *loop, struct slice path,
                                          const struct dovecot_protocol *protocol)
{
    static const struct dovecot_link_events events = {on_up, on_line, on_down};
    struct dovecot_client *client = xcalloc(1, sizeof(*client));

    client->protocol = protocol;
    client->link = dovecot_link_new(loop, path, &events, client);
    client->deadline = loop_timer(loop, on_deadline, client);
    return client;
}

void dovecot_client_free(struct dovecot_client *client)
{
    on_down(client);
    dovecot_link_free(client->link);
    loop_timer_free(client->deadline);
    free(client);
}

static char *make_text(const char *verb, uint32_t id, struct slice rest, size_t *ret_len)
{
    size_t size = strlen(verb) + rest.len + 16;
    char *text = xmalloc(size);
    int head = snprintf(text, size, "%s\t%u\t", verb, id);

    memcpy(text + head, rest.ptr, rest.len);
    *ret_len = (size_t)head + rest.len;
    return text;
}

void dovecot_client_ask(struct dovecot_client *client, const char *verb, struct slice rest,
                        dovecot_on_answer *on_answer, void *arg)
{
    struct request *request;

    if (client->count >= DOVECOT_REQUESTS_MAX || !dovecot_link_want(client->link)) {
        on_answer(arg, NULL);
        return;
    }
    request = xcalloc(1, sizeof(*request));
    request->id = ++client->last_id;
    request->text = make_text(verb, request->id, rest, &request->len);
    request->deadline_ms = clock_mono_ms() + client->protocol->patience_ms;
    request->on_answer = on_answer;
    request->arg = arg;
    DL_APPEND(client->requests, request);
    client->count++;
    if (client->count == 1)
        loop_timer_arm(client->deadline, request->deadline_ms);
    if (client->ready)
        send_request(client, request);
}

void dovecot_client_cancel(struct dovecot_client *client, const void *arg)
{
    struct request *request, *next;

    DL_FOREACH_SAFE(client->requests, request, next)
    {
        if (request->arg != arg)
            continue;
        take_out(client, request);
        free_request(request);
    }
}
