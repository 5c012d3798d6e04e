/*
 * Key records for tests of DKIM, and a message with two signatures that everybody can verify
 * (RFC 8463 appendix A).
 */
#ifndef NUNCIO_TESTS_TRUST_DKIM_FAKE_H
#define NUNCIO_TESTS_TRUST_DKIM_FAKE_H

#include "trust/names.h"

#include "base/buf.h"

#include <errno.h>

/* A name's records; what is not in the list does not exist. */
struct fake_record {
    const char *name;
    struct slice text; /* "TEMPERROR": the question fails; "LATER": -EAGAIN */
};
struct fake_names {
    const struct fake_record *records;
    size_t n;
    struct arena *arena;
    unsigned asked;
};

static inline int fake_ask(void *arg, struct slice name, enum trust_type type,
                           const struct trust_answer **ret_answer)
{
    struct fake_names *fake = arg;
    struct trust_answer *answer = arena_alloc(fake->arena, sizeof(*answer));
    struct trust_record *records = arena_alloc(fake->arena, (fake->n + 1) * sizeof(*records));

    fake->asked++;
    answer->result = TRUST_NO_NAME;
    answer->records = records;
    for (size_t i = 0; i < fake->n && type == TRUST_TXT; i++) {
        if (!slice_eq_nocase(name, slice_from_cstr(fake->records[i].name)))
            continue;
        if (slice_eq(fake->records[i].text, SLICE("LATER")))
            return -EAGAIN;
        answer->result = TRUST_FOUND;
        if (slice_eq(fake->records[i].text, SLICE("TEMPERROR")))
            answer->result = TRUST_FAILED;
        records[answer->n_records++].bytes = fake->records[i].text;
    }
    *ret_answer = answer;
    return 0;
}

#define RFC8463_ED25519 "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RFC8463_RSA                                                                                \
    "v=DKIM1; k=rsa; "                                                                             \
    "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy"              \
    "5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/"                                        \
    "8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9"                                                     \
    "PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"

static const struct fake_record rfc8463_records[] = {
    {"brisbane._domainkey.football.example.com", SLICE_INIT(RFC8463_ED25519)},
    {"test._domainkey.football.example.com", SLICE_INIT(RFC8463_RSA)},
};

#define RFC8463_HEAD_ED25519                                                                       \
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"                                \
    " d=football.example.com; i=@football.example.com;\r\n"                                        \
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"                                      \
    " subject : date : message-id : from : subject : date;\r\n"                                    \
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"                                        \
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"                              \
    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
#define RFC8463_HEAD_RSA                                                                           \
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"                                    \
    " d=football.example.com; i=@football.example.com;\r\n"                                        \
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"                                \
    " date : message-id : from : subject : date;\r\n"                                              \
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"                                        \
    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"                              \
    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"                              \
    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
#define RFC8463_REST                                                                               \
    "From: Joe SixPack <joe@football.example.com>\r\n"                                             \
    "To: Suzie Q <suzie@shopping.example.net>\r\n"                                                 \
    "Subject: Is dinner ready?\r\n"                                                                \
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"                                              \
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
#define RFC8463_BODY                                                                               \
    "\r\n"                                                                                         \
    "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
#define RFC8463_MESSAGE RFC8463_HEAD_ED25519 RFC8463_HEAD_RSA RFC8463_REST RFC8463_BODY

#endif
