/* Whose mail is rewritten, and with which secret. See forward.h. */
#include "queue/forward.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/files.h"
#include "mail/address.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static bool is_local(const struct config *config, struct slice domain)
{
    const struct config_domain *found = config_find_domain(config, domain);

    return found && found->local;
}

struct slice forward_domain(struct queue *queue, const struct envelope *envelope,
                            const struct recipient *recipient)
{
    const struct config *config = queue->config;
    struct slice to = address_domain(recipient->address), by = address_domain(recipient->via);
    const struct config_domain *domain;

    if (!config->srs.on || !recipient->via.len || !envelope->reverse_path.len || !to.len)
        return SLICE_NULL;
    if (config_find_domain(config, to) || is_local(config, address_domain(envelope->reverse_path)))
        return SLICE_NULL;
    if (config->srs.domain.len)
        return config->srs.domain;
    domain = config_find_domain(config, by);
    return domain && domain->local ? domain->name : SLICE_NULL;
}

/* False: it should be rewritten, and cannot be. */
static bool rewrite(struct queue *queue, const struct envelope *envelope,
                    const struct recipient *recipient, struct slice *ret_reverse_path)
{
    struct slice domain = forward_domain(queue, envelope, recipient);
    uint32_t days = (uint32_t)(clock_wall_ms() / DAY_MS);

    *ret_reverse_path = envelope->reverse_path;
    return !domain.len || srs_forward(&queue->srs, envelope->reverse_path, domain, days,
                                      &queue->scratch, ret_reverse_path);
}

struct slice forward_reverse_path(struct queue *queue, const struct envelope *envelope,
                                  const struct recipient *recipient)
{
    struct slice reverse_path;

    rewrite(queue, envelope, recipient, &reverse_path);
    return reverse_path;
}

struct slice forward_send(struct queue *queue, const struct message *message,
                          const struct envelope *envelope, const struct recipient *recipient)
{
    struct message_id_text id = message_id_format(message->id);
    struct slice reverse_path;

    if (!rewrite(queue, envelope, recipient, &reverse_path))
        log_warn(NULL, "not-rewritten", LOG_STR("message", id.text),
                 LOG_SLICE("to", recipient->address), LOG_SLICE("sender", envelope->reverse_path),
                 LOG_STR("why", queue->srs.n_secrets ? "its address would be too long"
                                                     : "the secret of SRS cannot be read"));
    else if (!slice_eq(reverse_path, envelope->reverse_path))
        log_info(NULL, "rewritten", LOG_STR("message", id.text),
                 LOG_SLICE("to", recipient->address), LOG_SLICE("sender", envelope->reverse_path),
                 LOG_SLICE("as", reverse_path));
    return reverse_path;
}

static void take_secrets(struct queue *queue, const struct msg_file *file, int fd)
{
    struct files *files = files_new();
    struct files_file found;
    int r = files_take(files, file, fd);

    if (r < 0)
        log_error(NULL, "file-not-taken", LOG_ERRNO(r));
    else if (files_find(files, SLICE(SRS_SECRET_FILE), &found))
        srs_take_secrets(&queue->srs, found.readable ? found.text : SLICE_NULL);
    files_free(files);
}

void forward_take_file(struct queue *queue, struct channel_message *message)
{
    struct msg_file file;

    arena_reset(&queue->scratch);
    if (msg_file_decode(message->payload, &queue->scratch, &file) == 0)
        take_secrets(queue, &file, message->n_fds ? message->fds[0] : -1);
}

void forward_forget_secrets(struct queue *queue)
{
    srs_take_secrets(&queue->srs, SLICE_NULL);
}
