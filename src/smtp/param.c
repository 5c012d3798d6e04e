/*
 * MAIL and RCPT arguments. See param.h.
 *
 * Parameters are found in a table per command; each entry has a function that reads its value. A
 * keyword that is not there gets 555 (RFC 5321 section 4.1.1.11), a bad value 501, a second time
 * 501. BODY=BINARYMIME is a bad value: it is not offered.
 */
#include "smtp/param.h"

#include "mail/xtext.h"

enum { SIZE_DIGITS_MAX = 20 }; /* RFC 1870 section 3 */
enum {
    ENVID_MAX = 100,
    ORCPT_MAX = 500,
    AUTH_MAX = 500
}; /* octets; RFC 3461 sections 4.2 and 4.4 */

struct param {
    const char *keyword;
    bool (*take)(struct slice value, void *into);
};

/* More than the type holds is not wrong but too large, which is for the caller to say. */
static bool take_size(struct slice value, void *into)
{
    uint64_t *size = &((struct smtp_mail *)into)->size;

    if (slice_parse_u64(value, INT64_MAX, size))
        return true;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return false;
    *size = INT64_MAX;
    return value.len > 0 && value.len <= SIZE_DIGITS_MAX;
}

static bool take_body(struct slice value, void *into)
{
    struct smtp_mail *mail = into;

    if (slice_eq_nocase(value, SLICE("8BITMIME")))
        mail->body = BODY_8BITMIME;
    else if (slice_eq_nocase(value, SLICE("7BIT")))
        mail->body = BODY_7BIT;
    else
        return false;
    return true;
}

static bool take_smtputf8(struct slice value, void *into)
{
    ((struct smtp_mail *)into)->smtputf8 = true;
    return value.ptr == NULL;
}

static bool take_requiretls(struct slice value, void *into)
{
    ((struct smtp_mail *)into)->requiretls = true;
    return value.ptr == NULL;
}

static bool take_ret(struct slice value, void *into)
{
    struct smtp_mail *mail = into;

    if (slice_eq_nocase(value, SLICE("FULL")))
        mail->ret = RET_FULL;
    else if (slice_eq_nocase(value, SLICE("HDRS")))
        mail->ret = RET_HDRS;
    else
        return false;
    return true;
}

static bool take_envid(struct slice value, void *into)
{
    ((struct smtp_mail *)into)->envid = value;
    return value.len > 0 && value.len <= ENVID_MAX && xtext_is_valid(value);
}

static bool take_auth(struct slice value, void *into)
{
    struct address address;
    struct buf mailbox;
    bool good;

    buf_init(&mailbox, AUTH_MAX);
    good = value.len > 0 && value.len <= AUTH_MAX && xtext_decode(&mailbox, value) &&
           (slice_eq(buf_slice(&mailbox), SLICE("<>")) ||
            address_parse_mailbox(buf_slice(&mailbox), ADDRESS_UTF8, &address).error == ADDRESS_OK);
    buf_done(&mailbox);
    ((struct smtp_mail *)into)->auth = value;
    return good;
}

/* RFC 6710 section 7: "0", or a digit from 1 to 9 with or without a minus sign. */
static bool take_priority(struct slice value, void *into)
{
    bool negative = value.len == 2 && value.ptr[0] == '-';
    char digit = value.len ? value.ptr[value.len - 1] : '\0';

    if (value.len != (negative ? 2U : 1U) || digit < (negative ? '1' : '0') || digit > '9')
        return false;
    ((struct smtp_mail *)into)->priority = (int8_t)(negative ? '0' - digit : digit - '0');
    return true;
}

static uint8_t notify_word(struct slice word)
{
    if (slice_eq_nocase(word, SLICE("SUCCESS")))
        return NOTIFY_SUCCESS;
    if (slice_eq_nocase(word, SLICE("FAILURE")))
        return NOTIFY_FAILURE;
    if (slice_eq_nocase(word, SLICE("DELAY")))
        return NOTIFY_DELAY;
    return 0;
}

static bool take_notify(struct slice value, void *into)
{
    struct smtp_rcpt *rcpt = into;

    if (slice_eq_nocase(value, SLICE("NEVER"))) {
        rcpt->notify = NOTIFY_NEVER;
        return true;
    }
    while (value.ptr) {
        uint8_t bit = notify_word(slice_cut(&value, ','));
        if (bit == 0)
            return false;
        rcpt->notify |= bit;
    }
    return rcpt->notify != 0;
}

static bool take_orcpt(struct slice value, void *into)
{
    struct slice type;
    struct buf address;
    bool good;

    buf_init(&address, ORCPT_MAX);
    good = value.len <= ORCPT_MAX && orcpt_decode(value, &type, &address) && !address.overflow;
    buf_done(&address);
    ((struct smtp_rcpt *)into)->orcpt = value;
    return good;
}

static const struct param mail_params[] = {
    {"SIZE", take_size},
    {"BODY", take_body},
    {"SMTPUTF8", take_smtputf8},
    {"RET", take_ret},
    {"ENVID", take_envid},
    {"AUTH", take_auth},
    {"MT-PRIORITY", take_priority},
    {"REQUIRETLS", take_requiretls},
    {NULL, NULL},
};

static const struct param rcpt_params[] = {
    {"NOTIFY", take_notify},
    {"ORCPT", take_orcpt},
    {NULL, NULL},
};

static struct smtp_reply refuse(struct arena *arena, uint16_t code, struct slice what,
                                const char *why)
{
    struct slice shown = slice_sub(what, 0, 64);

    return smtp_reply_format(arena, code, STATUS(5, 5, 4), "%.*s: %s", SLICE_ARG(shown), why);
}

/* One "keyword[=value]". `seen` has a bit for each entry of the table. */
static struct smtp_reply take_param(struct slice word, const struct param *params, unsigned *seen,
                                    struct arena *arena, void *into)
{
    struct slice value = word;
    struct slice keyword = slice_cut(&value, '=');

    if (keyword.len == 0)
        return refuse(arena, 501, word, "not a parameter");
    for (unsigned i = 0; params[i].keyword; i++) {
        if (!slice_eq_nocase(keyword, slice_from_cstr(params[i].keyword)))
            continue;
        if (*seen & 1U << i)
            return refuse(arena, 501, keyword, "given twice");
        *seen |= 1U << i;
        if (!params[i].take(value, into))
            return refuse(arena, 501, word, "not a good value");
        return SMTP_REPLY_NONE;
    }
    return refuse(arena, 555, keyword, "parameter not recognised");
}

static struct smtp_reply take_params(struct slice rest, const struct param *params,
                                     struct arena *arena, void *into)
{
    unsigned seen = 0;

    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        struct smtp_reply reply;
        if (word.len == 0)
            continue;
        reply = take_param(word, params, &seen, arena, into);
        if (reply.code)
            return reply;
    }
    return SMTP_REPLY_NONE;
}

/* A path, in angle brackets or without. *rest is what follows it. */
static struct address_result take_path(struct slice *rest, unsigned flags,
                                       struct address *ret_address)
{
    struct address_result result;
    struct slice word, after = *rest;

    if (rest->len && rest->ptr[0] == '<') {
        result = address_parse_path(*rest, flags, ret_address);
        *rest = slice_skip(*rest, result.at);
        if (result.error == ADDRESS_OK && rest->len && rest->ptr[0] != ' ')
            result.error = ADDRESS_NO_CLOSING;
        return result;
    }
    word = slice_cut(&after, ' ');
    *rest = after;
    return address_parse_mailbox(word, flags & ~(unsigned)ADDRESS_ALLOW_NULL, ret_address);
}

/* Skips "FROM:" or "TO:" and blanks; false when it is not there. */
static bool take_word(struct slice *argument, struct slice word)
{
    if (!slice_starts_with_nocase(*argument, word))
        return false;
    *argument = slice_trim(slice_skip(*argument, word.len));
    return true;
}

static struct smtp_reply bad_path(struct arena *arena, struct status status,
                                  enum address_error error)
{
    return smtp_reply_format(arena, 501, status, "bad address: %s", address_error_text(error));
}

static const struct smtp_reply needs_smtputf8 = {
    .code = 553,
    .status = {.class = 5, .subject = 6, .detail = 7},
    .text = SLICE_INIT("an address with UTF-8 needs SMTPUTF8 in MAIL")};

struct smtp_reply smtp_mail_parse(struct slice argument, struct arena *arena,
                                  struct smtp_mail *ret_mail)
{
    struct smtp_mail mail = {.size = 0};
    struct address_result result;
    struct smtp_reply reply;

    if (!take_word(&argument, SLICE("FROM:")))
        return SMTP_REPLY(501, 5, 5, 4, "say MAIL FROM:<address>");
    /* Whether UTF-8 is allowed is known only when the parameters are read. */
    result = take_path(&argument, ADDRESS_UTF8 | ADDRESS_ALLOW_NULL, &mail.from);
    if (result.error)
        return bad_path(arena, STATUS(5, 1, 7), result.error);
    reply = take_params(argument, mail_params, arena, &mail);
    if (reply.code)
        return reply;
    if (mail.from.utf8 && !mail.smtputf8)
        return needs_smtputf8;
    *ret_mail = mail;
    return SMTP_REPLY_NONE;
}

struct smtp_reply smtp_rcpt_parse(struct slice argument, bool smtputf8, struct arena *arena,
                                  struct smtp_rcpt *ret_rcpt)
{
    struct smtp_rcpt rcpt = {.notify = 0};
    struct address_result result;
    struct smtp_reply reply;

    if (!take_word(&argument, SLICE("TO:")))
        return SMTP_REPLY(501, 5, 5, 4, "say RCPT TO:<address>");
    result = take_path(&argument, ADDRESS_UTF8 | ADDRESS_BARE_POSTMASTER, &rcpt.to);
    if (result.error)
        return bad_path(arena, STATUS(5, 1, 3), result.error);
    if (rcpt.to.utf8 && !smtputf8)
        return needs_smtputf8;
    reply = take_params(argument, rcpt_params, arena, &rcpt);
    if (reply.code)
        return reply;
    *ret_rcpt = rcpt;
    return SMTP_REPLY_NONE;
}
