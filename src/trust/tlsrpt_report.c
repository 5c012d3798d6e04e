/*
 * The JSON of RFC 8460 section 4.4, by jansson. See tlsrpt_report.h.
 *
 * Reading is lenient where senders are known to differ: a list that should be an array may be one
 * string, counts may be missing. What the numbers say is believed, but never added up so that it
 * overflows: each is clipped to COUNT_MAX.
 */
#include "trust/tlsrpt_report.h"

#include <jansson.h>
#include <string.h>

#define COUNT_MAX 1000000000000ULL

const char *tlsrpt_policy_type_name(enum tlsrpt_policy_type type)
{
    switch (type) {
    case TLSRPT_STS:
        return "sts";
    case TLSRPT_TLSA:
        return "tlsa";
    case TLSRPT_NO_POLICY:
        break;
    }
    return "no-policy-found";
}

/* ---- writing -------------------------------------------------------------------------------- */

static void set_text(json_t *object, const char *name, struct slice text)
{
    if (text.len)
        json_object_set_new(object, name, json_stringn(text.ptr, text.len));
}

static void set_count(json_t *object, const char *name, uint64_t count)
{
    json_object_set_new(object, name, json_integer((json_int_t)count));
}

static void set_texts(json_t *object, const char *name, const struct slice *texts, uint32_t n)
{
    json_t *array;

    if (n == 0)
        return;
    array = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(array, json_stringn(texts[i].ptr ? texts[i].ptr : "", texts[i].len));
    json_object_set_new(object, name, array);
}

static json_t *failure_json(const struct tlsrpt_failure *failure)
{
    json_t *object = json_object();

    set_text(object, "result-type", failure->result);
    set_text(object, "sending-mta-ip", failure->sending_ip);
    set_text(object, "receiving-mx-hostname", failure->mx);
    set_text(object, "receiving-mx-helo", failure->helo);
    set_text(object, "receiving-ip", failure->receiving_ip);
    set_count(object, "failed-session-count", failure->count);
    set_text(object, "additional-information", failure->information);
    set_text(object, "failure-reason-code", failure->reason);
    return object;
}

static json_t *policy_json(const struct tlsrpt_policy *policy)
{
    json_t *root = json_object(), *object = json_object();

    set_text(object, "policy-type", slice_from_cstr(tlsrpt_policy_type_name(policy->type)));
    set_texts(object, "policy-string", policy->strings, policy->n_strings);
    set_text(object, "policy-domain", policy->domain);
    set_texts(object, "mx-host", policy->mx_hosts, policy->n_mx_hosts);
    json_object_set_new(root, "policy", object);
    object = json_object();
    set_count(object, "total-successful-session-count", policy->successful);
    set_count(object, "total-failure-session-count", policy->failed);
    json_object_set_new(root, "summary", object);
    if (policy->n_failures) {
        json_t *failures = json_array();
        for (uint32_t i = 0; i < policy->n_failures; i++)
            json_array_append_new(failures, failure_json(&policy->failures[i]));
        json_object_set_new(root, "failure-details", failures);
    }
    return root;
}

static int add_json(const char *bytes, size_t size, void *arg)
{
    buf_add(arg, bytes, size);
    return 0;
}

void tlsrpt_policy_write(struct buf *out, const struct tlsrpt_policy *policy)
{
    json_t *root = policy_json(policy);

    json_dump_callback(root, add_json, out, JSON_COMPACT);
    json_decref(root);
}

void tlsrpt_report_write(struct buf *out, const struct tlsrpt_report *report)
{
    json_t *root = json_object(), *range = json_object(), *policies = json_array();

    set_text(root, "organization-name", report->organization);
    set_text(range, "start-datetime", slice_from_cstr(tlsrpt_time_format(report->start).text));
    set_text(range, "end-datetime", slice_from_cstr(tlsrpt_time_format(report->end).text));
    json_object_set_new(root, "date-range", range);
    set_text(root, "contact-info", report->contact);
    set_text(root, "report-id", report->id);
    for (uint32_t i = 0; i < report->n_policies; i++)
        json_array_append_new(policies, policy_json(&report->policies[i]));
    json_object_set_new(root, "policies", policies);
    json_dump_callback(root, add_json, out, JSON_COMPACT);
    json_decref(root);
}

/* ---- reading -------------------------------------------------------------------------------- */

static struct slice get_text(const json_t *object, const char *name, struct arena *arena)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_string(value))
        return SLICE("");
    return arena_dup(arena, slice_from(json_string_value(value), json_string_length(value)));
}

static uint64_t get_count(const json_t *object, const char *name)
{
    json_int_t count = json_integer_value(json_object_get(object, name));

    if (count < 0)
        return 0;
    return (uint64_t)count > COUNT_MAX ? COUNT_MAX : (uint64_t)count;
}

static void get_texts(const json_t *object, const char *name, struct arena *arena,
                      struct slice **ret_texts, uint32_t *ret_n)
{
    const json_t *value = json_object_get(object, name), *item;
    size_t n = json_array_size(value), i;

    if (json_is_string(value)) {
        *ret_texts = arena_alloc(arena, sizeof(**ret_texts));
        (*ret_texts)[0] = get_text(object, name, arena);
        *ret_n = 1;
        return;
    }
    n = n > TLSRPT_READ_STRINGS_MAX ? TLSRPT_READ_STRINGS_MAX : n;
    *ret_texts = arena_alloc(arena, (n + 1) * sizeof(**ret_texts));
    json_array_foreach(value, i, item)
    {
        if (i < n && json_is_string(item))
            (*ret_texts)[(*ret_n)++] =
                arena_dup(arena, slice_from(json_string_value(item), json_string_length(item)));
    }
}

static void read_failure(const json_t *object, struct arena *arena,
                         struct tlsrpt_failure *ret_failure)
{
    *ret_failure =
        (struct tlsrpt_failure){.result = get_text(object, "result-type", arena),
                                .sending_ip = get_text(object, "sending-mta-ip", arena),
                                .mx = get_text(object, "receiving-mx-hostname", arena),
                                .helo = get_text(object, "receiving-mx-helo", arena),
                                .receiving_ip = get_text(object, "receiving-ip", arena),
                                .count = get_count(object, "failed-session-count"),
                                .information = get_text(object, "additional-information", arena),
                                .reason = get_text(object, "failure-reason-code", arena)};
}

static enum tlsrpt_policy_type read_type(struct slice name)
{
    if (slice_eq_nocase(name, SLICE("sts")))
        return TLSRPT_STS;
    return slice_eq_nocase(name, SLICE("tlsa")) ? TLSRPT_TLSA : TLSRPT_NO_POLICY;
}

static bool read_policy(const json_t *root, struct arena *arena, struct tlsrpt_policy *ret_policy)
{
    const json_t *policy = json_object_get(root, "policy");
    const json_t *summary = json_object_get(root, "summary");
    const json_t *failures = json_object_get(root, "failure-details");
    size_t n = json_array_size(failures);
    struct tlsrpt_policy read = {.type = read_type(get_text(policy, "policy-type", arena)),
                                 .domain = get_text(policy, "policy-domain", arena),
                                 .successful = get_count(summary, "total-successful-session-count"),
                                 .failed = get_count(summary, "total-failure-session-count")};

    if (read.domain.len == 0)
        return false;
    get_texts(policy, "policy-string", arena, &read.strings, &read.n_strings);
    get_texts(policy, "mx-host", arena, &read.mx_hosts, &read.n_mx_hosts);
    n = n > TLSRPT_READ_FAILURES_MAX ? TLSRPT_READ_FAILURES_MAX : n;
    read.failures = arena_alloc(arena, (n + 1) * sizeof(*read.failures));
    for (size_t i = 0; i < n; i++)
        read_failure(json_array_get(failures, i), arena, &read.failures[read.n_failures++]);
    *ret_policy = read;
    return true;
}

static const char *read_policies(const json_t *root, struct arena *arena,
                                 struct tlsrpt_report *report)
{
    const json_t *policies = json_object_get(root, "policies");
    size_t n = json_array_size(policies);

    if (n == 0)
        return "it has no policies";
    if (n > TLSRPT_READ_POLICIES_MAX)
        return "it has too many policies";
    report->policies = arena_alloc(arena, n * sizeof(*report->policies));
    for (size_t i = 0; i < n; i++) {
        if (!read_policy(json_array_get(policies, i), arena, &report->policies[i]))
            return "a policy in it has no policy-domain";
        report->n_policies++;
    }
    return NULL;
}

static const char *read_report(const json_t *root, struct arena *arena,
                               struct tlsrpt_report *ret_report)
{
    const json_t *range = json_object_get(root, "date-range");
    struct tlsrpt_report report = {.organization = get_text(root, "organization-name", arena),
                                   .contact = get_text(root, "contact-info", arena),
                                   .id = get_text(root, "report-id", arena)};
    const char *wrong;

    if (report.organization.len == 0)
        return "it has no organization-name";
    if (!tlsrpt_time_parse(get_text(range, "start-datetime", arena), &report.start) ||
        !tlsrpt_time_parse(get_text(range, "end-datetime", arena), &report.end))
        return "its date-range is missing or no time";
    wrong = read_policies(root, arena, &report);
    if (!wrong)
        *ret_report = report;
    return wrong;
}

const char *tlsrpt_report_read(struct slice text, struct arena *arena,
                               struct tlsrpt_report *ret_report)
{
    const char *wrong;
    json_t *root;

    if (text.len > TLSRPT_TEXT_MAX)
        return "it is too large";
    root = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, NULL);
    if (!root)
        return "it is not JSON";
    wrong = read_report(root, arena, ret_report);
    json_decref(root);
    return wrong;
}

bool tlsrpt_policy_read(struct slice text, struct arena *arena, struct tlsrpt_policy *ret_policy)
{
    json_t *root;
    bool good;

    if (text.len > TLSRPT_TEXT_MAX)
        return false;
    root = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, NULL);
    good = root && read_policy(root, arena, ret_policy);
    json_decref(root);
    return good;
}
