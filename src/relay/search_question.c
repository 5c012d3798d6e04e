/* See search_question.h. An answer is allocated with its question, so that its callback has where
 * to put what it is told. */
#include "relay/search_question.h"

#include "base/buf.h"
#include "base/clock.h"

static struct search_answer *answer_new(const struct search_tools *tools, struct search *search,
                                        enum search_question question)
{
    struct search_answer *answer = xcalloc(1, sizeof(*answer));

    answer->search = search;
    answer->question = question;
    answer->post = tools->post;
    answer->arg = tools->arg;
    arena_init(&answer->arena);
    return answer;
}

void search_answer_free(struct search_answer *answer)
{
    sts_policy_unref(answer->policy);
    arena_done(&answer->arena);
    free(answer);
}

static void on_answered(void *arg, const struct dns_answer *found)
{
    struct search_answer *answer = arg;

    dns_answer_copy(&answer->arena, found, &answer->dns);
    answer->post(answer->arg, answer);
}

void search_ask_dns(struct search_tools *tools, struct search *search,
                    enum search_question question, unsigned host, struct slice name,
                    enum dns_type type)
{
    struct search_answer *answer = answer_new(tools, search, question);
    unsigned patience_ms = question == SEARCH_MX ? SEARCH_MX_MS : SEARCH_ADDRESSES_MS;

    answer->host = host;
    dns_ask(tools->dns, name, type, clock_mono_ms() + patience_ms, on_answered, answer);
}

static void on_policy(void *arg, const struct sts_answer *found)
{
    struct search_answer *answer = arg;

    answer->policy = found->policy;
    answer->post(answer->arg, answer);
}

void search_ask_sts(struct search_tools *tools, struct search *search, struct slice domain)
{
    sts_ask(tools->sts, domain, clock_mono_ms() + SEARCH_STS_MS, on_policy,
            answer_new(tools, search, SEARCH_STS));
}
