/*
 * nuncio dkim record, list, retire and remove: the keys that are there.
 *
 * A key is not removed while mail that it has signed may still be verified: in our own queue, or in
 * that of a server behind us. list says from when on it can go.
 */
#include "control/dkim_actions.h"

#include "control/admin_options.h"
#include "control/dkim_record.h"
#include "control/dkim_state.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

struct date {
    char text[24];
};

/* Day, or with `minute` down to it; UTC. */
static struct date date_of(uint64_t seconds, bool minute)
{
    time_t time = (time_t)seconds;
    struct date date = {""};
    struct tm tm;

    if (gmtime_r(&time, &tm))
        (void)strftime(date.text, sizeof(date.text), minute ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%d",
                       &tm);
    return date;
}

static int no_key(struct slice domain, struct slice selector)
{
    if (selector.len)
        fprintf(stderr, "nuncio: %.*s has no key %.*s; nuncio dkim list shows them\n",
                SLICE_ARG(domain), SLICE_ARG(selector));
    else
        fprintf(stderr, "nuncio: %.*s has no keys; make them with nuncio dkim keygen %.*s\n",
                SLICE_ARG(domain), SLICE_ARG(domain));
    return EX_NOINPUT;
}

static int find(struct dkim_session *session, char **arguments, struct key_entry **ret_entry)
{
    struct slice domain, selector = slice_from_cstr(arguments[1]);
    int code = dkim_session_domain(session, arguments[0], &domain);

    if (code != EX_OK)
        return code;
    *ret_entry = key_list_find(&session->list, domain, selector);
    return *ret_entry ? EX_OK : no_key(domain, selector);
}

/* ---- record --------------------------------------------------------------------------------- */

static void show_record(const struct dkim_session *session, const struct key_entry *entry)
{
    json_t *object;

    if (!session->options->json) {
        dkim_record_print(stdout, entry);
        return;
    }
    object = dkim_record_json(entry);
    admin_options_print(object);
    json_decref(object);
}

static int show_one_record(struct dkim_session *session, char **arguments)
{
    struct key_entry *entry;
    int code = find(session, arguments, &entry);

    if (code != EX_OK)
        return code;
    if (!entry->key) {
        fprintf(stderr, "nuncio: %.*s\n", SLICE_ARG(entry->problem));
        return EX_DATAERR;
    }
    show_record(session, entry);
    return EX_OK;
}

/* All that must be in the DNS now: retired keys too, while mail is under way. */
int dkim_record(struct dkim_session *session, char **arguments, int n)
{
    uint64_t overlap_s = dkim_overlap_s(session->config);
    unsigned shown = 0;
    struct slice domain;
    int code;

    if (n == 2)
        return show_one_record(session, arguments);
    code = dkim_session_domain(session, arguments[0], &domain);
    if (code != EX_OK)
        return code;
    for (unsigned i = 0; i < session->list.count; i++) {
        const struct key_entry *entry = &session->list.entries[i];
        enum dkim_state state = dkim_state_of(&session->list, entry, session->now_s, overlap_s);
        if (!slice_eq(entry->domain, domain) || state == DKIM_STATE_REFUSED ||
            state == DKIM_STATE_REMOVABLE)
            continue;
        show_record(session, entry);
        shown++;
    }
    return shown ? EX_OK : no_key(domain, SLICE_NULL);
}

/* ---- list ----------------------------------------------------------------------------------- */

static void put_time(json_t *object, const char *name, uint64_t seconds)
{
    if (seconds)
        json_object_set_new(object, name, json_string(date_of(seconds, true).text));
}

static void list_json(const struct dkim_session *session, const struct key_entry *entry,
                      enum dkim_state state)
{
    json_t *object =
        json_pack("{s:s%, s:s%, s:s}", "domain", entry->domain.ptr, entry->domain.len, "selector",
                  entry->selector.ptr, entry->selector.len, "state", dkim_state_name(state));

    if (entry->key) {
        json_object_set_new(object, "algorithm", json_string(dkim_record_algorithm(entry)));
        json_object_set_new(object, "bits", json_integer(key_bits(entry->key)));
    }
    if (entry->facts.sender.len)
        json_object_set_new(object, "sender",
                            json_stringn(entry->facts.sender.ptr, entry->facts.sender.len));
    put_time(object, "made", entry->facts.made_s);
    put_time(object, "seen_since", entry->facts.seen_s);
    put_time(object, "retired", entry->facts.retired_s);
    if (entry->facts.retired_s)
        put_time(object, "removable_from",
                 entry->facts.retired_s + dkim_overlap_s(session->config));
    if (entry->problem.len)
        json_object_set_new(object, "problem",
                            json_stringn(entry->problem.ptr, entry->problem.len));
    admin_options_print(object);
    json_decref(object);
}

/* What there is to say of it beyond its state, and what is to be done. */
static void say_more(const struct dkim_session *session, const struct key_entry *entry,
                     enum dkim_state state)
{
    const struct key_facts *facts = &entry->facts;

    switch (state) {
    case DKIM_STATE_REFUSED:
        printf("%.*s", SLICE_ARG(entry->problem));
        break;
    case DKIM_STATE_UNSEEN:
        printf("publish it: nuncio dkim record %.*s %.*s", SLICE_ARG(entry->domain),
               SLICE_ARG(entry->selector));
        break;
    case DKIM_STATE_IN_USE:
        if (facts->retired_s)
            printf("retired %s, but there is no other: nuncio dkim keygen %.*s",
                   date_of(facts->retired_s, false).text, SLICE_ARG(entry->domain));
        else
            printf("seen in the DNS since %s", date_of(facts->seen_s, false).text);
        break;
    case DKIM_STATE_REPLACED:
        printf("a newer one signs");
        break;
    case DKIM_STATE_RETIRED:
        printf("since %s; keep its record until %s", date_of(facts->retired_s, false).text,
               date_of(facts->retired_s + dkim_overlap_s(session->config), false).text);
        break;
    case DKIM_STATE_REMOVABLE:
        printf("take the record out of the DNS, then nuncio dkim remove %.*s %.*s",
               SLICE_ARG(entry->domain), SLICE_ARG(entry->selector));
        break;
    }
}

static void list_line(const struct dkim_session *session, const struct key_entry *entry,
                      enum dkim_state state)
{
    char algorithm[24] = "-";

    if (entry->key && key_kind(entry->key) == DKIM_KEY_RSA)
        snprintf(algorithm, sizeof(algorithm), "rsa %u", key_bits(entry->key));
    else if (entry->key)
        snprintf(algorithm, sizeof(algorithm), "ed25519");
    printf("%-24.*s %-12.*s %-9s %s  %-15s ", SLICE_ARG(entry->domain), SLICE_ARG(entry->selector),
           algorithm, date_of(entry->facts.made_s, false).text, dkim_state_text(state));
    if (entry->facts.sender.len)
        printf("for %.*s; ", SLICE_ARG(entry->facts.sender));
    say_more(session, entry, state);
    putchar('\n');
}

int dkim_list(struct dkim_session *session, char **arguments, int n)
{
    uint64_t overlap_s = dkim_overlap_s(session->config);
    struct slice only = SLICE_NULL;
    unsigned shown = 0;
    int code = n ? dkim_session_domain(session, arguments[0], &only) : EX_OK, worst = EX_OK;

    for (unsigned i = 0; code == EX_OK && i < session->list.count; i++) {
        const struct key_entry *entry = &session->list.entries[i];
        enum dkim_state state = dkim_state_of(&session->list, entry, session->now_s, overlap_s);
        if (only.len && !slice_eq(entry->domain, only))
            continue;
        if (session->options->json)
            list_json(session, entry, state);
        else
            list_line(session, entry, state);
        shown++;
        if (state == DKIM_STATE_REFUSED)
            worst = EX_DATAERR;
    }
    if (code != EX_OK || shown)
        return code != EX_OK ? code : worst;
    if (only.len)
        return no_key(only, SLICE_NULL);
    if (!session->options->json)
        puts("There are no keys: nuncio dkim keygen DOMAIN makes them.");
    return EX_OK;
}

/* ---- retire, remove ------------------------------------------------------------------------- */

int dkim_retire(struct dkim_session *session, char **arguments, int n)
{
    struct key_entry *entry;
    int code = find(session, arguments, &entry), r;

    (void)n;
    if (code != EX_OK)
        return code;
    /* It signs nothing, and its facts may not be what they were: not to be written over. */
    if (!entry->key) {
        fprintf(stderr, "nuncio: %.*s\n", SLICE_ARG(entry->problem));
        return EX_DATAERR;
    }
    if (entry->facts.retired_s == 0) {
        entry->facts.retired_s = session->now_s;
        r = key_store_write_facts(session->folder, entry->domain, entry->selector, &entry->facts);
        if (r < 0)
            return dkim_session_failed(r);
    }
    if (!dkim_state_has_other(&session->list, entry))
        fprintf(stderr,
                "nuncio: nothing else of its kind signs for %.*s: %.*s goes on until another key "
                "has been seen in the DNS (nuncio dkim keygen)\n",
                SLICE_ARG(entry->facts.sender.len ? entry->facts.sender : entry->domain),
                SLICE_ARG(entry->selector));
    return EX_OK;
}

static int refuse_removal(const struct dkim_session *session, const struct key_entry *entry,
                          enum dkim_state state)
{
    uint64_t until_s = entry->facts.retired_s + dkim_overlap_s(session->config);

    if (state == DKIM_STATE_RETIRED)
        fprintf(stderr,
                "nuncio: mail that %.*s has signed may be under way until %s; --force removes it "
                "now\n",
                SLICE_ARG(entry->selector), date_of(until_s, false).text);
    else if (state == DKIM_STATE_REPLACED)
        fprintf(stderr,
                "nuncio: mail that %.*s has signed may be under way: nuncio dkim retire it "
                "first, or use --force\n",
                SLICE_ARG(entry->selector));
    else
        fprintf(stderr,
                "nuncio: %.*s signs for %.*s: make another key first (nuncio dkim rotate), or use "
                "--force\n",
                SLICE_ARG(entry->selector), SLICE_ARG(entry->domain));
    return EX_DATAERR;
}

int dkim_remove(struct dkim_session *session, char **arguments, int n)
{
    struct key_entry *entry;
    enum dkim_state state;
    int code = find(session, arguments, &entry), r;

    (void)n;
    if (code != EX_OK)
        return code;
    state = dkim_state_of(&session->list, entry, session->now_s, dkim_overlap_s(session->config));
    if ((state == DKIM_STATE_IN_USE || state == DKIM_STATE_REPLACED ||
         state == DKIM_STATE_RETIRED) &&
        !session->options->given[DKIM_OPTION_FORCE])
        return refuse_removal(session, entry, state);
    r = key_store_remove(session->folder, entry->domain, entry->selector);
    if (r < 0)
        return dkim_session_failed(r);
    if (!session->options->json)
        printf("Removed. Take %.*s._domainkey.%.*s out of the DNS, too.\n",
               SLICE_ARG(entry->selector), SLICE_ARG(entry->domain));
    return EX_OK;
}
