/* See advice.h. */
#include "queue/advice.h"

#include "base/clock.h"
#include "base/log.h"
#include "queue/bounce.h"
#include "queue/own_mail.h"
#include "queue/postmaster_mail.h"
#include "queue/route.h"

enum { MAIL_MAX = 16 * 1024 };

/* Lines of text, for people who have not heard of it. */
struct lines {
    const char *subject;
    const char *means;
    const char *todo;
};

static const struct lines texts[ANSWER_CLASSES] = {
    [ANSWER_BLOCKLISTED] =
        {"Our address is on a block list",
         "The other side says that our address is on a list of addresses that send\r\n"
         "spam. It may be there because an account or a web form of ours is misused,\r\n"
         "because of a neighbour in the same network, or because of its last owner.\r\n",
         "Look for the cause first, or the next listing follows soon:\r\n\r\n"
         "    nuncio queue stats\r\n"
         "        shows where mail is refused, and why\r\n\r\n"
         "Then ask for removal at the page that the answer names.\r\n"},
    [ANSWER_REPUTATION] =
        {"Our address has a bad name at a big provider",
         "The other side has seen mail from our address that its users did not want,\r\n"
         "or too little mail to know us.\r\n",
         "See that no account is misused, that mailing lists have only people who asked\r\n"
         "for them, and that SPF, DKIM and DMARC are in order:\r\n\r\n"
         "    nuncio dns\r\n"
         "        shows what is published, and what is missing\r\n\r\n"
         "Most big providers have a page for postmasters, which the answer often names.\r\n"},
    [ANSWER_AUTHENTICATION] =
        {"Mail is refused because SPF, DKIM or DMARC is missing",
         "The other side wants proof that we may send for the sender's domain.\r\n",
         "Publish what is missing in the domain's DNS:\r\n\r\n"
         "    nuncio dns\r\n"
         "        shows the records, and which of them are not there\r\n"},
    [ANSWER_REVERSE_DNS] =
        {"Mail is refused because our address has no name",
         "The other side wants a PTR record for our address, and that the name in it\r\n"
         "leads back to the same address. Most want that name to be the one by which\r\n"
         "we greet.\r\n",
         "Only whoever gave you the address can publish the PTR record: there is a field\r\n"
         "for it (\"reverse DNS\") at most hosters. For IPv6 it is one record for each\r\n"
         "address. Until then `ipv6 no` in the route keeps to IPv4.\r\n\r\n"
         "    nuncio dns\r\n"
         "        shows what it should be\r\n"},
    [ANSWER_HELO] =
        {"Mail is refused because of the name by which we greet",
         "The other side does not like the name in our EHLO: it should exist in DNS, and\r\n"
         "lead to the address that we come from.\r\n",
         "Set `hostname` (or `helo` of the route) to a name that does.\r\n"},
};

static void put_body(struct buf *body, const struct refusal *refusal)
{
    const struct lines *lines = &texts[refusal->class];

    postmaster_mail_clean(body, refusal->remote);
    buf_add_cstr(body, "\r\nrefused mail");
    if (refusal->source.len) {
        buf_add_cstr(body, " from our address ");
        postmaster_mail_clean(body, refusal->source);
    }
    if (refusal->sender.len) {
        buf_add_cstr(body, ", whose sender was at ");
        postmaster_mail_clean(body, refusal->sender);
    }
    buf_add_cstr(body, ". Its words:\r\n\r\n    ");
    postmaster_mail_clean(body, slice_sub(refusal->words, 0, 800));
    buf_printf(body, "\r\n\r\nWhat it means\r\n\r\n%s\r\nWhat to do\r\n\r\n%s", lines->means,
               lines->todo);
    if (refusal->suspended)
        buf_add_cstr(body,
                     "\r\nThat address is not used for this destination for a while; the others"
                     " of the\r\nroute are.\r\n");
    buf_add_cstr(body,
                 "\r\nThere is one such mail a day at most, whatever comes; the log has all.\r\n");
}

bool advice_build(struct buf *out, const struct postmaster_mail *mail,
                  const struct refusal *refusal)
{
    struct postmaster_mail whole = *mail;
    struct buf body;

    if (!texts[refusal->class].subject)
        return false;
    buf_init(&body, out->max);
    put_body(&body, refusal);
    whole.subject = slice_from_cstr(texts[refusal->class].subject);
    postmaster_mail_build(out, &whole, buf_slice(&body));
    out->overflow |= body.overflow;
    buf_done(&body);
    return true;
}

static void mail_postmaster(struct queue *queue, const struct refusal *refusal)
{
    struct slice to = queue->config->postmaster.len ? queue->config->postmaster : ROUTE_POSTMASTER;
    struct own_mail own = {
        .id = spool_store_next_id(queue->store), .to = to, .listener = BOUNCE_NOTICE_LISTENER};
    struct postmaster_mail mail = {
        .hostname = queue->config->hostname, .to = to, .now_ms = clock_wall_ms()};
    struct buf text;

    mail.message_id = arena_printf(&queue->scratch, "<%s@%.*s>", message_id_format(own.id).text,
                                   SLICE_ARG(mail.hostname));
    buf_init(&text, MAIL_MAX);
    if (advice_build(&text, &mail, refusal)) {
        own.text = buf_slice(&text);
        own_mail_submit(queue, &own);
    }
    buf_done(&text);
}

void advice_tell(struct queue *queue, const struct refusal *refusal)
{
    uint64_t now = queue_now(queue), *told = &queue->advice_told[refusal->class];

    if (!texts[refusal->class].subject)
        return;
    if (*told && now < *told + ADVICE_EVERY_MS)
        return;
    *told = now;
    log_warn(NULL, "advice", LOG_STR("class", answer_class_name(refusal->class)),
             LOG_SLICE("remote", refusal->remote), LOG_SLICE("source", refusal->source),
             LOG_SLICE("reply", refusal->words), LOG_STR("so", texts[refusal->class].subject));
    mail_postmaster(queue, refusal);
}
