/* See fake_spool.h. One thread. */
#include "fake_spool.h"

#include <assert.h>
#include <errno.h>

struct spool_body {
    struct buf text;
};

static struct {
    int ready, commit;
    uint64_t last_id;
    unsigned count, bodies;
    struct buf submitted, last;
    spool_done *done;
    void *arg;
} fake;

void fake_spool_reset(void)
{
    buf_done(&fake.submitted);
    buf_done(&fake.last);
    memset(&fake, 0, sizeof(fake));
    buf_init(&fake.submitted, SIZE_MAX);
    buf_init(&fake.last, SIZE_MAX);
}

void fake_spool_set_ready(int result)
{
    fake.ready = result;
}

void fake_spool_set_commit(int result)
{
    fake.commit = result;
}

unsigned fake_spool_count(void)
{
    return fake.count;
}

unsigned fake_spool_bodies(void)
{
    return fake.bodies;
}

struct slice fake_spool_last(void)
{
    return buf_slice(&fake.last);
}

bool fake_spool_commit(void)
{
    spool_done *done = fake.done;

    if (!done)
        return false;
    fake.done = NULL;
    if (fake.commit == 0) {
        fake.count++;
        buf_reset(&fake.last);
        buf_add_slice(&fake.last, buf_slice(&fake.submitted));
    }
    done(fake.arg, fake.commit);
    return true;
}

/* ---- what src/receive calls ----------------------------------------------------------------- */

uint64_t spool_writer_next_id(struct spool_writer *writer)
{
    (void)writer;
    return ++fake.last_id;
}

int spool_writer_ready(struct spool_writer *writer)
{
    (void)writer;
    return fake.ready;
}

struct spool_body *spool_body_new(struct spool_writer *writer, uint64_t id)
{
    struct spool_body *body = xcalloc(1, sizeof(*body));

    (void)writer, (void)id;
    buf_init(&body->text, SIZE_MAX);
    fake.bodies++;
    return body;
}

int spool_body_add(struct spool_body *body, struct slice bytes)
{
    buf_add_slice(&body->text, bytes);
    return 0;
}

void spool_body_keep_room(struct spool_body *body, uint32_t size)
{
    (void)body, (void)size;
}

int spool_body_prepend(struct spool_body *body, struct slice fields)
{
    struct buf text;

    buf_init(&text, SIZE_MAX);
    buf_add_slice(&text, fields);
    buf_add_slice(&text, buf_slice(&body->text));
    buf_done(&body->text);
    body->text = text;
    return 0;
}

uint64_t spool_body_size(const struct spool_body *body)
{
    return body->text.len;
}

void spool_body_free(struct spool_body *body)
{
    if (!body)
        return;
    fake.bodies--;
    buf_done(&body->text);
    free(body);
}

static void describe(const struct envelope *envelope)
{
    static const char *const classes[] = {"?", "local", "relay", "authorised"};

    buf_reset(&fake.submitted);
    buf_printf(&fake.submitted,
               "from=<%.*s> body=%d smtputf8=%d ret=%d envid=%.*s client=%.*s helo=%.*s size=%llu "
               "login=%.*s auth=%.*s hold=%.*s priority=%d encrypted=%d ours=%d\n",
               SLICE_ARG(envelope->reverse_path), envelope->body, envelope->smtputf8, envelope->ret,
               SLICE_ARG(envelope->envid), SLICE_ARG(envelope->client_address),
               SLICE_ARG(envelope->helo), (unsigned long long)envelope->size,
               SLICE_ARG(envelope->login), SLICE_ARG(envelope->auth), SLICE_ARG(envelope->hold),
               envelope->priority, envelope->requiretls, envelope->ours);
    for (uint32_t i = 0; i < envelope->n_recipients; i++) {
        const struct recipient *recipient = &envelope->recipients[i];
        buf_printf(&fake.submitted, "to=<%.*s> class=%s notify=%u orcpt=%.*s\n",
                   SLICE_ARG(recipient->address), classes[recipient->class], recipient->notify,
                   SLICE_ARG(recipient->orcpt));
    }
    buf_printf(&fake.submitted, "verdicts=%.*s\n", SLICE_ARG(envelope->verdicts));
}

void spool_submit(struct spool_writer *writer, const struct envelope *envelope,
                  struct spool_body *body, spool_done *done, void *arg)
{
    (void)writer;
    assert(!fake.done && envelope->id == fake.last_id);
    describe(envelope);
    buf_add_slice(&fake.submitted, buf_slice(&body->text));
    spool_body_free(body);
    fake.done = done;
    fake.arg = arg;
}
