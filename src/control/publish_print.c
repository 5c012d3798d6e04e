/* See publish_print.h. */
#include "control/publish_print.h"

#include <jansson.h>
#include <stdio.h>

static const char *type_name(enum dns_type type)
{
    switch (type) {
    case DNS_A:
        return "A";
    case DNS_AAAA:
        return "AAAA";
    case DNS_CNAME:
        return "CNAME";
    case DNS_MX:
        return "MX";
    case DNS_PTR:
        return "PTR";
    case DNS_SRV:
        return "SRV";
    case DNS_TLSA:
        return "TLSA";
    case DNS_TXT:
        break;
    }
    return "TXT";
}

static bool is_to_write(const struct publish_record *record, enum publish_state state)
{
    return record->value.len && state != PUBLISH_THERE && state != PUBLISH_UNKNOWN;
}

void publish_print_lines(const struct publish_report *report)
{
    printf("%.*s\n", SLICE_ARG(report->site->domain));
    for (unsigned i = 0; i < report->n; i++) {
        const struct publish_record *record = &report->records[i];
        enum publish_state state = report->findings[i].state;
        printf("  %-8s %-10s %.*s: %.*s", publish_state_name(state),
               publish_about_name(record->about), SLICE_ARG(record->name),
               SLICE_ARG(report->findings[i].text));
        if (is_to_write(record, state))
            printf("; write: %.*s. %s %.*s", SLICE_ARG(record->name), type_name(record->type),
                   SLICE_ARG(record->value));
        putchar('\n');
    }
}

static json_t *json_slice(struct slice text)
{
    return json_stringn_nocheck(text.len ? text.ptr : "", text.len);
}

void publish_print_json(const struct publish_report *report)
{
    json_t *array = json_array();
    json_t *object;

    for (unsigned i = 0; i < report->n; i++) {
        const struct publish_record *record = &report->records[i];
        json_array_append_new(
            array,
            json_pack("{s:s, s:s, s:b, s:o, s:s, s:o, s:o}", "about",
                      publish_about_name(record->about), "state",
                      publish_state_name(report->findings[i].state), "needed", (int)record->needed,
                      "name", json_slice(record->name), "type", type_name(record->type), "value",
                      json_slice(record->value), "text", json_slice(report->findings[i].text)));
    }
    object = json_pack("{s:o, s:o, s:o}", "domain", json_slice(report->site->domain), "host",
                       json_slice(report->site->host), "records", array);
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static bool is_within(struct slice name, struct slice domain)
{
    return slice_eq(name, domain) ||
           (slice_ends_with_nocase(name, domain) && name.len > domain.len &&
            name.ptr[name.len - domain.len - 1] == '.');
}

void publish_print_zone(const struct publish_report *report)
{
    struct slice domain = report->site->domain, host = report->site->host;

    printf("; Records for mail. In a zone that exists already leave out SOA and NS.\n"
           "$ORIGIN %.*s.\n$TTL 3600\n"
           "@ SOA %.*s. hostmaster.%.*s. %.*s00 7200 900 1209600 3600\n"
           "@ NS %.*s.\n",
           SLICE_ARG(domain), SLICE_ARG(host), SLICE_ARG(domain), SLICE_ARG(report->site->today),
           SLICE_ARG(host));
    for (unsigned i = 0; i < report->n; i++) {
        const struct publish_record *record = &report->records[i];
        if (record->about == PUBLISH_DKIM && !record->key.len)
            printf("; DKIM: there is no key of this domain (nuncio dkim keygen)\n");
        else if (!record->value.len)
            printf("; %.*s. needs an address: A or AAAA\n", SLICE_ARG(record->name));
        else
            printf("%s%.*s. %s %.*s\n",
                   is_within(record->name, domain) ? "" : "; in its own zone: ",
                   SLICE_ARG(record->name), type_name(record->type), SLICE_ARG(record->value));
    }
}
