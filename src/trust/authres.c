/*
 * The Authentication-Results field (RFC 8601) that we put in front of a message. See authres.h.
 *
 *     Authentication-Results: mx.example.org;
 *       spf=pass smtp.mailfrom=joe@example.com;
 *       dkim=pass header.d=example.com header.i=@example.com header.s=s1
 *       header.a=rsa-sha256 header.b=abcdefgh;
 *       dmarc=pass (p=reject) header.from=example.com
 *
 * Every string in a verdict comes from outside: from names, signatures, records. Readers of this
 * field are often simple ones, that split at ";" and look for "dkim=pass" (CVE-2019-16378,
 * CVE-2020-12272). So nothing is left to quoting alone: a property's value is written only when it
 * consists of a few harmless characters; a local part only when it is a plain dot-atom of such; and
 * in comments whatever could end or begin something (; = ( ) " \ and what is not printable ASCII)
 * is replaced. What does not qualify is left out. The field is ASCII in any case, domains being
 * A-labels; so it needs no internationalized message (RFC 8616).
 */
#include "trust/authres.h"

#include "mail/address.h"

#include <stdio.h>

enum { LINE_WANTED = 78, COMMENT_MAX = 300, WORD_MAX = 70, VALUE_MAX = 256 };

struct writer {
    struct buf *out;
    size_t column;
    bool any; /* a method has been written */
};

/* ---- words and lines ------------------------------------------------------------------------ */

static void put(struct writer *w, struct slice word, bool glued)
{
    if (!glued && w->column + 1 + word.len + 1 > LINE_WANTED) {
        buf_add_cstr(w->out, "\r\n ");
        w->column = 1;
    }
    if (!glued) {
        buf_add_char(w->out, ' ');
        w->column++;
    }
    buf_add_slice(w->out, word);
    w->column += word.len;
}

/* "; method=result" on a line of its own. */
static void begin_method(struct writer *w, const char *method, const char *result)
{
    buf_add_cstr(w->out, ";\r\n ");
    buf_printf(w->out, " %s=%s", method, result);
    w->column = 3 + slice_from_cstr(method).len + slice_from_cstr(result).len;
    w->any = true;
}

/* ---- what comes from outside ---------------------------------------------------------------- */

static bool is_harmless(struct slice value, const char *more)
{
    if (value.len == 0 || value.len > VALUE_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (!ascii_is_alnum(value.ptr[i]) && slice_find(slice_from_cstr(more), value.ptr[i]) < 0)
            return false;
    }
    return true;
}

static void put_property(struct writer *w, const char *name, struct slice value, bool quoted)
{
    struct buf word;

    buf_init(&word, VALUE_MAX * 2);
    buf_printf(&word, quoted ? "%s=\"%.*s\"" : "%s=%.*s", name, SLICE_ARG(value));
    put(w, buf_slice(&word), false);
    buf_done(&word);
}

/* A domain name, a selector, an algorithm: all are tokens of MIME. */
static void put_name(struct writer *w, const char *name, struct slice value)
{
    if (is_harmless(value, "-._"))
        put_property(w, name, value, false);
}

/* An address of a host; "[" and ":" make it a quoted string. */
static void put_ip(struct writer *w, const char *name, struct slice value)
{
    if (is_harmless(value, "."))
        put_property(w, name, value, false);
    else if (is_harmless(value, ".:"))
        put_property(w, name, value, true);
}

/* Base64, with "/", "=" and "+". */
static void put_b(struct writer *w, struct slice value)
{
    if (is_harmless(value, "+"))
        put_property(w, "header.b", value, false);
    else if (is_harmless(value, "+/="))
        put_property(w, "header.b", value, true);
}

static bool is_plain_local(struct slice local)
{
    char last = '.';

    if (!is_harmless(local, "-._+"))
        return false;
    for (size_t i = 0; i < local.len; i++) {
        if (local.ptr[i] == '.' && last == '.')
            return false;
        last = local.ptr[i];
    }
    return last != '.';
}

/* local@domain, @domain or, with `bare`, domain: as much of it as is harmless. */
static void put_mailbox(struct writer *w, const char *name, struct slice local, struct slice domain,
                        bool bare)
{
    struct buf value;

    if (!is_harmless(domain, "-._"))
        return;
    buf_init(&value, 2 * VALUE_MAX);
    if (is_plain_local(local))
        buf_add_slice(&value, local);
    if (!bare || value.len)
        buf_add_char(&value, '@');
    buf_add_slice(&value, domain);
    put_property(w, name, buf_slice(&value), false);
    buf_done(&value);
}

static char harmless(char c)
{
    static const char from[] = "();=\"\\", to[] = "[],:'/";

    for (size_t i = 0; from[i]; i++) {
        if (c == from[i])
            return to[i];
    }
    return c >= ' ' && c <= '~' ? c : '?';
}

/* In parentheses, folded at its blanks. Empty text makes none. */
static void put_comment(struct writer *w, struct slice text)
{
    char word[WORD_MAX + 2];
    bool first = true;

    text = slice_trim(slice_sub(text, 0, COMMENT_MAX));
    while (text.len) {
        size_t n = 0;
        if (first)
            word[n++] = '(';
        first = false;
        while (text.len && n < WORD_MAX && text.ptr[0] != ' ') {
            word[n++] = harmless(text.ptr[0]);
            text = slice_skip(text, 1);
        }
        text = slice_trim(text);
        if (text.len == 0)
            word[n++] = ')';
        put(w, slice_from(word, n), false);
    }
}

/* ---- the methods ---------------------------------------------------------------------------- */

static void write_iprev(struct writer *w, const struct trust_verdicts *verdicts)
{
    const struct iprev_verdict *iprev = verdicts->iprev;

    if (!iprev)
        return;
    begin_method(w, "iprev", iprev_result_name(iprev->result));
    put_comment(w, iprev->result == IPREV_PASS ? iprev->name : iprev->problem);
    put_ip(w, "policy.iprev", verdicts->client);
}

static void write_spf(struct writer *w, const struct spf_verdict *spf, struct slice sender)
{
    if (!spf)
        return;
    begin_method(w, "spf", spf_result_name(spf->result));
    put_comment(w, spf->problem);
    if (spf->identity == SPF_HELO)
        put_name(w, "smtp.helo", spf->domain);
    else /* RFC 7208 section 2.4 */
        put_mailbox(w, "smtp.mailfrom", sender.len ? address_local(sender) : SLICE("postmaster"),
                    spf->domain, true);
}

static void write_signature(struct writer *w, const struct dkim_signature *signature)
{
    ptrdiff_t at = slice_find_last(signature->identity, '@');

    begin_method(w, "dkim", dkim_result_name(signature->result));
    put_comment(w, signature->problem.len ? signature->problem
                   : signature->testing   ? SLICE("test mode")
                                          : SLICE_NULL);
    put_name(w, "header.d", signature->domain);
    if (at >= 0)
        put_mailbox(w, "header.i", slice_sub(signature->identity, 0, (size_t)at),
                    slice_skip(signature->identity, (size_t)at + 1), false);
    put_name(w, "header.s", signature->selector);
    put_name(w, "header.a", signature->algorithm);
    put_b(w, signature->b_start);
}

static void write_dkim(struct writer *w, const struct dkim_verdict *dkim)
{
    if (!dkim)
        return;
    if (dkim->count == 0)
        begin_method(w, "dkim", dkim_result_name(DKIM_NONE));
    for (unsigned i = 0; i < dkim->count; i++)
        write_signature(w, &dkim->list[i]);
    if (dkim->ignored) {
        begin_method(w, "dkim", dkim_result_name(DKIM_POLICY));
        put_comment(w, SLICE("further signatures were not looked at"));
    }
}

/* RFC 8617 section 6. It knows no temporary error (section 5.2.1). */
static void write_arc(struct writer *w, const struct trust_verdicts *verdicts)
{
    const struct arc_verdict *arc = verdicts->arc;
    char number[16];
    int n;

    if (!arc)
        return;
    begin_method(w, "arc", arc_result_name(arc->result == ARC_TEMPERROR ? ARC_FAIL : arc->result));
    put_comment(w, arc->problem);
    if (arc->result == ARC_PASS) {
        n = snprintf(number, sizeof(number), "%u", arc->oldest_pass);
        put_property(w, "header.oldest-pass", slice_from(number, (size_t)n), false);
    }
    if (arc->result != ARC_NONE)
        put_ip(w, "smtp.remote-ip", verdicts->client);
}

/* RFC 9989 section 9.1. Why it fails is told by spf and dkim. */
static void write_dmarc(struct writer *w, const struct dmarc_verdict *dmarc)
{
    if (!dmarc)
        return;
    begin_method(w, "dmarc", dmarc_result_name(dmarc->result));
    if (dmarc->result != DMARC_FAIL)
        put_comment(w, dmarc->problem);
    put_name(w, "header.from", dmarc->author);
    if (dmarc->policy_domain.len && dmarc->result != DMARC_PERMERROR)
        put_name(w, "policy.dmarc", slice_from_cstr(dmarc_policy_name(dmarc->asked)));
}

void authres_write(struct buf *out, struct slice authserv_id, const struct trust_verdicts *verdicts,
                   struct slice remark)
{
    struct writer w = {.out = out};
    struct slice sender = verdicts->reverse_path;

    buf_add_cstr(out, "Authentication-Results:");
    w.column = sizeof("Authentication-Results:") - 1;
    put(&w, is_harmless(authserv_id, "-._") ? authserv_id : SLICE("localhost"), false);
    write_iprev(&w, verdicts);
    write_spf(&w, verdicts->spf_helo, SLICE_NULL);
    write_spf(&w, verdicts->spf_mailfrom, sender);
    write_dkim(&w, verdicts->dkim);
    write_arc(&w, verdicts);
    write_dmarc(&w, verdicts->dmarc);
    if (!w.any)
        put(&w, SLICE("; none"), true);
    put_comment(&w, remark);
    buf_add_cstr(out, "\r\n");
}
