/*
 * XCLIENT (Postfix's XCLIENT_README): "XCLIENT NAME=... ADDR=... ...". See peer.h.
 *
 * Values are xtext. PORT, DESTADDR and DESTPORT are checked and not kept.
 */
#include "smtp/peer.h"

#include "mail/xtext.h"
#include "smtp/command.h"

#include <arpa/inet.h>

enum { VALUE_MAX = 1024 };

static bool take_address(struct slice value, struct smtp_xclient *into)
{
    bool ipv6 = slice_starts_with_nocase(value, SLICE("IPV6:"));
    struct slice text = ipv6 ? slice_skip(value, 5) : value;
    char cstr[INET6_ADDRSTRLEN + 1];

    into->has_address = true;
    if (value.len == 0)
        return true;
    if (text.len >= sizeof(cstr))
        return false;
    memcpy(cstr, text.ptr, text.len);
    cstr[text.len] = '\0';
    into->address.family = ipv6 ? SMTP_FAMILY_IPV6 : SMTP_FAMILY_IPV4;
    return inet_pton(ipv6 ? AF_INET6 : AF_INET, cstr, into->address.address) == 1;
}

static bool is_word(struct slice value)
{
    return value.len == 0 || smtp_hello_name_is_valid(value);
}

static bool take_attribute(struct slice name, struct slice value, struct smtp_xclient *into)
{
    if (slice_eq_nocase(name, SLICE("ADDR")))
        return take_address(value, into);
    if (slice_eq_nocase(name, SLICE("NAME")))
        into->name = value;
    else if (slice_eq_nocase(name, SLICE("HELO")))
        into->helo = value;
    else if (slice_eq_nocase(name, SLICE("PROTO")))
        into->proto = value;
    else if (slice_eq_nocase(name, SLICE("LOGIN")))
        into->login = value;
    else if (!slice_eq_nocase(name, SLICE("PORT")) && !slice_eq_nocase(name, SLICE("DESTADDR")) &&
             !slice_eq_nocase(name, SLICE("DESTPORT")))
        return false;
    return is_word(value);
}

/* The value decoded into the arena; "" for the two words that mean unknown. */
static bool decode(struct slice xtext, struct arena *arena, struct slice *ret_value)
{
    struct buf value;
    bool good;

    *ret_value = SLICE("");
    if (slice_eq_nocase(xtext, SLICE("[UNAVAILABLE]")) ||
        slice_eq_nocase(xtext, SLICE("[TEMPUNAVAIL]")))
        return true;
    buf_init(&value, VALUE_MAX);
    good = xtext_decode(&value, xtext) && !value.overflow;
    if (good)
        *ret_value = arena_dup(arena, buf_slice(&value));
    buf_done(&value);
    return good;
}

struct smtp_reply smtp_xclient_parse(struct slice argument, struct arena *arena,
                                     struct smtp_xclient *ret_xclient)
{
    struct smtp_xclient xclient = {.has_address = false};

    if (argument.len == 0)
        return SMTP_REPLY(501, 5, 5, 4, "say XCLIENT attribute=value");
    while (argument.ptr) {
        struct slice value = slice_cut(&argument, ' ');
        struct slice name, text;
        if (value.len == 0)
            continue;
        name = slice_cut(&value, '=');
        if (!value.ptr || !decode(value, arena, &text) || !take_attribute(name, text, &xclient))
            return smtp_reply_format(arena, 501, STATUS(5, 5, 4), "bad attribute %.*s",
                                     SLICE_ARG(slice_sub(name, 0, 64)));
    }
    *ret_xclient = xclient;
    return SMTP_REPLY_NONE;
}
