/*
 * SPF, iprev and HELO against a hostile DNS: lines with address, HELO and sender, the rest is a
 * zone file. Whatever stands there: bounds hold, and what people will read is printable.
 */
#include "trust/client_name.h"
#include "trust/ip.h"
#include "trust/spf.h"
#include "trust/zone.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned asked;

static int ask(void *arg, struct slice name, enum trust_type type,
               const struct trust_answer **ret_answer)
{
    asked++;
    return trust_ask(arg, name, type, ret_answer);
}

static void check_printable(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < ' ' || text.ptr[i] > 126)
            abort();
    }
}

static void check(const struct spf_question *question, struct trust_names *zone,
                  struct arena *arena)
{
    const struct trust_names names = {.ask = ask, .arg = zone};
    struct spf_verdict spf;
    struct iprev_verdict iprev;
    struct helo_verdict helo;

    asked = 0;
    /* 11 records, ten terms with an MX and two times ten hosts or the client's names, and exp. */
    if (spf_check(question, &names, arena, &spf) != 0 || asked > 11 + 10 * 21 + 11 + 1)
        abort();
    if (spf.lookups > 10 || spf.void_lookups > 3)
        abort();
    check_printable(spf.explanation);
    check_printable(spf.problem);
    if (iprev_check(&question->client, &names, arena, &iprev) != 0)
        abort();
    check_printable(iprev.name);
    check_printable(iprev.problem);
    if (helo_check(question->helo, &question->client, SLICE("ours.example"), &names, arena,
                   &helo) != 0)
        abort();
    check_printable(helo.problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_from(data, size);
    struct spf_question question = {.identity = SPF_MAILFROM};
    struct problem_list problems;
    struct trust_names names;
    struct arena arena;
    struct zone *zone;

    if (!trust_ip_parse(slice_cut(&rest, '\n'), &question.client))
        return 0;
    question.helo = slice_cut(&rest, '\n');
    question.sender = slice_cut(&rest, '\n');
    problem_list_init(&problems);
    arena_init(&arena);
    zone = zone_read(SLICE("zone"), rest, &problems);
    if (zone) {
        names = zone_names(zone);
        check(&question, &names, &arena);
    }
    zone_free(zone);
    arena_done(&arena);
    problem_list_done(&problems);
    return 0;
}
