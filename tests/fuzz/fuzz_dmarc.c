/*
 * DMARC with a DNS that the sender writes. The first line of the input are authors, the second is
 * the domain of SPF, the third are domains of signatures; a domain in capitals has not passed.
 */
#include "hostile_names.h"
#include "trust/dmarc.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROUNDS_MAX = 8, QUESTIONS_OF_NAME = 8 };

struct message {
    struct slice authors[DMARC_AUTHORS_MAX];
    struct spf_verdict spf;
    struct dkim_signature signatures[DKIM_SIGNATURES_MAX];
    struct dkim_verdict dkim;
    struct dmarc_question question;
};

static bool passes(struct slice domain)
{
    return domain.len == 0 || domain.ptr[0] < 'A' || domain.ptr[0] > 'Z';
}

static void make_message(struct message *message, struct slice *input)
{
    struct slice rest = slice_cut(input, '\n');

    *message = (struct message){.question = {.authors = message->authors}};
    while (rest.ptr && message->question.n_authors < DMARC_AUTHORS_MAX)
        message->authors[message->question.n_authors++] = slice_cut(&rest, ' ');
    message->spf.domain = slice_cut(input, '\n');
    message->spf.result = passes(message->spf.domain) ? SPF_PASS : SPF_TEMPERROR;
    message->question.spf = &message->spf;
    message->dkim.list = message->signatures;
    rest = slice_cut(input, '\n');
    while (rest.ptr && message->dkim.count < DKIM_SIGNATURES_MAX) {
        struct dkim_signature *signature = &message->signatures[message->dkim.count++];
        signature->domain = slice_cut(&rest, ' ');
        signature->result = passes(signature->domain) ? DKIM_PASS : DKIM_FAIL;
    }
    message->question.dkim = &message->dkim;
}

static void check_verdict(const struct dmarc_verdict *verdict)
{
    if ((verdict->result == DMARC_PASS) != (verdict->spf_aligned || verdict->dkim_aligned) ||
        verdict->dkim_aligned != (verdict->dkim != NULL))
        abort();
    if (verdict->result >= DMARC_FAIL && verdict->problem.len == 0)
        abort();
    for (size_t i = 0; i < verdict->problem.len; i++) {
        if (verdict->problem.ptr[i] < ' ' || verdict->problem.ptr[i] > '~')
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hostile_names dns;
    static struct message message;
    struct slice input = slice_from(data, size);
    struct dmarc_destination destination;
    struct dmarc_verdict verdict;
    struct trust_names names;
    struct arena arena;
    unsigned rounds = 0;

    arena_init(&arena);
    make_message(&message, &input);
    hostile_names_init(&dns, input);
    names = hostile_names_of(&dns);
    while (dmarc_check(&message.question, &names, &arena, &verdict) == -EAGAIN) {
        if (++rounds > ROUNDS_MAX)
            abort();
    }
    if (dns.n_asked > (DMARC_AUTHORS_MAX + DKIM_SIGNATURES_MAX + 1) * (QUESTIONS_OF_NAME + 1))
        abort();
    check_verdict(&verdict);
    for (rounds = 0; dmarc_destination_check(message.authors[0], message.spf.domain, &names, &arena,
                                             &destination) == -EAGAIN;) {
        if (++rounds > ROUNDS_MAX)
            abort();
    }
    if (destination.may != (destination.problem.len == 0))
        abort();
    hostile_names_done(&dns);
    arena_done(&arena);
    return 0;
}
