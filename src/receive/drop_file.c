/*
 * See drop_file.h.
 *
 * Links are not followed; a FIFO does not make us wait; a file with a second name, one that is no
 * file at all, or one that is too large is bad. The owner of the file is who sends, whatever the
 * envelope says; the envelope says only what a client could say in SMTP. Lines of the text may end
 * in LF alone: nobody can smuggle anything here, since the file is one message.
 */
#include "receive/drop_file.h"

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "mail/address.h"
#include "mail/dropfile.h"
#include "policy/relay.h"
#include "receive/intake.h"
#include "receive/pressure.h"
#include "receive/recipients.h"
#include "receive/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct drop_file {
    struct server *server;
    const struct config *config;
    struct task_scratch *scratch;
    int fd;
    uid_t owner;
    struct dropfile_head head;
    struct envelope claimed; /* as the file says */
    uint32_t crc;
    const char *why;
};

static enum drop_verdict bad(struct drop_file *file, const char *why)
{
    file->why = why;
    return DROP_BAD;
}

static enum drop_verdict open_file(struct drop_file *file, int folder, const char *name,
                                   uint64_t *ret_size)
{
    uint64_t most = file->config->limits.message_size + DROPFILE_ENVELOPE_MAX + DROPFILE_HEAD_LEN;
    struct stat status;

    file->fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file->fd < 0) {
        bool ours = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOENT;
        return ours ? DROP_LATER : bad(file, "cannot be opened");
    }
    if (fstat(file->fd, &status) < 0 || !S_ISREG(status.st_mode))
        return bad(file, "is not a regular file");
    if (status.st_nlink != 1)
        return bad(file, "has a second name");
    if ((uint64_t)status.st_size > most)
        return bad(file, "is too large");
    file->owner = status.st_uid;
    *ret_size = (uint64_t)status.st_size;
    return DROP_SUBMITTED;
}

static bool read_exactly(struct drop_file *file, char *to, size_t len, uint64_t offset)
{
    while (len) {
        ssize_t n = pread(file->fd, to, len, (off_t)offset);
        if (n <= 0)
            return false;
        to += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

static enum drop_verdict read_envelope(struct drop_file *file, uint64_t size)
{
    char start[DROPFILE_HEAD_LEN];
    size_t len;
    char *bytes;

    if (size < sizeof(start) || !read_exactly(file, start, sizeof(start), 0) ||
        dropfile_head_parse(slice_from(start, sizeof(start)), size, &file->head) < 0)
        return bad(file, "does not begin like a message of sendmail");
    len = (size_t)file->head.envelope_length;
    bytes = arena_alloc(&file->scratch->arena, len + 1);
    if (!read_exactly(file, bytes, len, DROPFILE_HEAD_LEN))
        return bad(file, "cannot be read");
    file->crc = crc32c(0, bytes, len);
    if (envelope_decode(slice_from(bytes, len), &file->scratch->arena, &file->claimed) < 0)
        return bad(file, "has a damaged envelope");
    return DROP_SUBMITTED;
}

static bool good_mailbox(struct slice mailbox)
{
    struct address address;

    return address_parse_mailbox(mailbox, ADDRESS_UTF8, &address).error == ADDRESS_OK;
}

/* The recipients with the classes that a local user's mail gets. Where there is no route, the
 * queue will say so in a bounce. */
static enum drop_verdict take_recipients(struct drop_file *file, struct envelope *envelope)
{
    struct policy_sender sender = policy_sender_local_user();
    struct recipients recipients = {.count = 0};

    for (uint32_t i = 0; i < file->claimed.n_recipients; i++) {
        const struct recipient *claimed = &file->claimed.recipients[i];
        struct policy_verdict verdict;
        struct recipient recipient = {
            .address = claimed->address, .orcpt = claimed->orcpt, .notify = claimed->notify};
        if (!good_mailbox(claimed->address))
            return bad(file, "has a bad recipient");
        verdict = policy_relay(file->config, &sender, address_domain(claimed->address));
        recipient.class = verdict.class;
        (void)recipients_add(&recipients, &file->scratch->arena, &recipient);
    }
    envelope->recipients = recipients.list;
    envelope->n_recipients = recipients.count;
    return recipients.count ? DROP_SUBMITTED : bad(file, "has no recipient");
}

static enum drop_verdict make_envelope(struct drop_file *file, struct envelope *ret_envelope)
{
    const struct envelope *claimed = &file->claimed;
    struct envelope envelope = {.id = spool_writer_next_id(file->server->spool),
                                .received_ms = clock_wall_ms(),
                                .reverse_path = claimed->reverse_path,
                                .envid = claimed->envid,
                                .ret = claimed->ret,
                                .body = claimed->body,
                                .smtputf8 = claimed->smtputf8,
                                .ours = true,
                                .listener = SLICE("sendmail")};

    if (claimed->reverse_path.len && !good_mailbox(claimed->reverse_path))
        return bad(file, "has a bad sender");
    envelope.login = arena_printf(&file->scratch->arena, "userid %lu", (unsigned long)file->owner);
    *ret_envelope = envelope;
    return take_recipients(file, ret_envelope);
}

static void start_intake(struct drop_file *file, const struct envelope *envelope,
                         struct intake *intake)
{
    struct trace trace = {.hostname = file->config->hostname,
                          .id = envelope->id,
                          .seconds = (int64_t)(clock_wall_ms() / 1000)};
    struct intake_options options = {.spool = file->server->spool,
                                     .config = file->config,
                                     .id = envelope->id,
                                     .convert = true,
                                     .repair = true,
                                     .sender = envelope->reverse_path,
                                     .seconds = trace.seconds};

    trace.comment = arena_printf(&file->scratch->arena, "from %.*s", SLICE_ARG(envelope->login));
    if (envelope->n_recipients == 1)
        trace.recipient = envelope->recipients[0].address;
    buf_reset(&file->scratch->out);
    trace_write(&file->scratch->out, &trace);
    options.trace = buf_slice(&file->scratch->out);
    intake_init(intake, &options);
}

static enum drop_verdict feed_text(struct drop_file *file, struct intake *intake)
{
    uint64_t at = DROPFILE_HEAD_LEN + file->head.envelope_length;
    uint64_t left = file->head.text_length;

    while (left) {
        size_t len = left < file->scratch->size ? (size_t)left : file->scratch->size;
        struct slice input = slice_from(file->scratch->bytes, len);
        if (!read_exactly(file, file->scratch->bytes, len, at))
            return bad(file, "cannot be read");
        file->crc = crc32c(file->crc, input.ptr, len);
        (void)intake_feed(intake, &input);
        at += len;
        left -= len;
    }
    return file->crc == file->head.crc ? DROP_SUBMITTED : bad(file, "is torn");
}

static enum drop_verdict submit(struct drop_file *file, struct intake *intake,
                                struct envelope *envelope, spool_done *done, void *arg)
{
    struct smtp_reply fault;
    struct spool_body *body = intake_finish(intake, &fault);

    if (!body && fault.code < 500)
        return DROP_LATER;
    if (!body)
        return bad(file, fault.text.ptr); /* a literal */
    if (intake->text.eight_bit)
        envelope->body = BODY_8BITMIME;
    envelope->size = spool_body_size(body);
    spool_submit(file->server->spool, envelope, body, done, arg);
    return DROP_SUBMITTED;
}

static enum drop_verdict take(struct drop_file *file, int folder, const char *name,
                              spool_done *done, void *arg)
{
    struct envelope envelope;
    struct intake intake;
    struct slice header_id;
    uint64_t size;
    enum drop_verdict verdict = open_file(file, folder, name, &size);

    if (verdict == DROP_SUBMITTED)
        verdict = read_envelope(file, size);
    if (verdict == DROP_SUBMITTED)
        verdict = make_envelope(file, &envelope);
    if (verdict != DROP_SUBMITTED)
        return verdict;
    if (spool_writer_ready(file->server->spool) < 0 ||
        pressure_refuses(atomic_load(&file->server->unread)))
        return DROP_LATER;
    start_intake(file, &envelope, &intake);
    verdict = feed_text(file, &intake);
    if (verdict == DROP_SUBMITTED)
        verdict = submit(file, &intake, &envelope, done, arg);
    header_id = intake_header_id(&intake, &file->scratch->arena);
    intake_done(&intake);
    if (verdict == DROP_SUBMITTED)
        log_info(NULL, "accepted", LOG_STR("message", message_id_format(envelope.id).text),
                 LOG_STR("listener", "sendmail"), LOG_SLICE("login", envelope.login),
                 LOG_SLICE("from", envelope.reverse_path),
                 LOG_SLICE("to", envelope.recipients[0].address), LOG_SLICE("header_id", header_id),
                 LOG_INT("recipients", envelope.n_recipients), LOG_INT("size", envelope.size));
    return verdict;
}

enum drop_verdict drop_file_submit(struct server *server, const struct config *config, int folder,
                                   const char *name, struct task_scratch *scratch, spool_done *done,
                                   void *arg, const char **ret_why)
{
    struct drop_file file = {.server = server, .config = config, .scratch = scratch, .fd = -1};
    enum drop_verdict verdict = take(&file, folder, name, done, arg);

    if (file.fd >= 0)
        close(file.fd);
    if (verdict == DROP_BAD)
        *ret_why = file.why;
    return verdict;
}
