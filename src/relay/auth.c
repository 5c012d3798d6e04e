/*
 * The wire of AUTH, as a client. See auth.h.
 *
 *     AUTH mechanism [initial response]      the response goes along when the line keeps to the 512
 *     334 challenge                          octets of a command (RFC 4954 section 4), else it
 *     response                               waits for an empty challenge
 *     235
 *
 * A server that says 235 before SCRAM has proved it is not believed. Whoever gives up in the middle
 * says "*", so that the server knows it.
 */
#include "relay/auth.h"

#include "mail/encoding.h"

#include <errno.h>
#include <string.h>

enum { COMMAND_MAX = 512, ROUNDS_MAX = 8, LINE_MAX_BYTES = AUTH_BYTES_MAX * 4 / 3 + 64 };

unsigned auth_offered(const struct ehlo_offer *offer, unsigned wanted)
{
    unsigned set = 0;

    for (unsigned left = wanted; left; left &= left - 1) {
        enum mechanism mechanism = mechanism_first(left);
        if (ehlo_offers_mechanism(offer, slice_from_cstr(mechanism_name(mechanism))))
            set |= (unsigned)mechanism;
    }
    return set;
}

static void wipe(struct buf *buf)
{
    if (buf->ptr)
        explicit_bzero(buf->ptr, buf->size);
    buf_done(buf);
}

/* A line that ends in a secret, of which a trace shows the size alone; and the reply to it. */
static int say(struct client *client, const char *words, struct slice secret)
{
    struct buf line;
    size_t open;
    int r;

    buf_init(&line, LINE_MAX_BYTES);
    buf_reserve(&line, LINE_MAX_BYTES);
    buf_add_cstr(&line, words);
    open = line.len;
    base64_encode_line(&line, secret);
    buf_add_cstr(&line, "\r\n");
    r = client_send(client, buf_slice(&line), line.len - open, CLIENT_COMMAND_MS);
    wipe(&line);
    return r < 0 ? r : client_read_reply(client, CLIENT_COMMAND_MS);
}

static int begin(struct client *client, struct auth_session *session)
{
    struct slice response = SLICE_NULL;
    char words[64];

    snprintf(words, sizeof(words), "AUTH %s", mechanism_name(session->mechanism));
    if (!session->method->speaks_first)
        return say(client, words, SLICE_NULL);
    if (!auth_session_step(session, false, SLICE_NULL, &response))
        return -EPROTO;
    snprintf(words, sizeof(words), "AUTH %s ", mechanism_name(session->mechanism));
    if (strlen(words) + (response.len + 2) / 3 * 4 + 2 <= COMMAND_MAX)
        return say(client, words, response);
    words[strlen(words) - 1] = '\0';
    return say(client, words, SLICE_NULL);
}

/* The session has said its first words, but the server has not heard them yet. */
static bool was_too_long(const struct auth_session *session)
{
    return session->method->speaks_first && session->step == 1 &&
           strlen("AUTH ") + strlen(mechanism_name(session->mechanism)) + 1 +
                   (session->out.len + 2) / 3 * 4 + 2 >
               COMMAND_MAX;
}

/* The response to the challenge that was just read. False: session->why. */
static bool respond(const struct client *client, struct auth_session *session, bool repeat,
                    struct slice *ret_response)
{
    struct slice text = reply_text(&client->reply);
    struct buf challenge;
    bool fine;

    if (repeat) {
        *ret_response = buf_slice(&session->out);
        return true;
    }
    buf_init(&challenge, AUTH_BYTES_MAX);
    fine = base64_decode_strict(&challenge, slice_trim(slice_cut(&text, '\n')));
    if (!fine)
        auth_session_fail(session, "the server's challenge is not base64");
    else
        fine = auth_session_step(session, true, buf_slice(&challenge), ret_response);
    buf_done(&challenge);
    return fine;
}

static int converse(struct client *client, struct auth_session *session, unsigned *ret_steps)
{
    struct slice response = SLICE_NULL;
    int r = begin(client, session);
    bool repeat = was_too_long(session);

    for (*ret_steps = 0; r == 0 && client->reply.code == 334; ++*ret_steps) {
        if (*ret_steps == ROUNDS_MAX || !respond(client, session, repeat, &response))
            return -EPROTO;
        repeat = false;
        r = say(client, "", response);
    }
    return r;
}

/* We give up: the server is told, and its answer is of no interest. */
static void cancel(struct client *client)
{
    if (client->reply.code == 334 && !client->broken &&
        client_send(client, SLICE("*\r\n"), 0, CLIENT_COMMAND_MS) == 0)
        client_read_reply(client, CLIENT_COMMAND_MS);
}

static int judge(struct client *client, struct auth_session *session, int r,
                 struct auth_failure *failure)
{
    if (r == -EPROTO) {
        failure->why = session->why ? session->why : "the login has no end";
        cancel(client);
        return AUTH_BROKEN;
    }
    if (r < 0)
        return r;
    if (client->reply.code / 100 != 2) {
        memcpy(failure->said, session->said, sizeof(failure->said));
        return AUTH_REFUSED;
    }
    if (session->proved)
        return AUTH_DONE;
    failure->why = "the server did not prove that it knows the password: it may be somebody else";
    return AUTH_BROKEN;
}

int auth_run(struct client *client, enum mechanism mechanism, const struct auth_secrets *secrets,
             struct auth_failure *ret_failure)
{
    struct auth_session *session = auth_session_new(mechanism, secrets);
    struct auth_failure failure = {.why = NULL};
    int r = converse(client, session, &failure.steps);

    r = judge(client, session, r, &failure);
    auth_session_free(session);
    if (r != AUTH_DONE)
        *ret_failure = failure;
    return r;
}
