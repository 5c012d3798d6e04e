/*
 * The settings in libunbound's words.
 *
 * Whom it asks: with `stub` or `recurse yes` it recurses, from those servers or the root's own;
 * else it forwards to the given resolvers or to those of the system, and without any it recurses.
 *
 * Everything is read and checked here: libunbound does that when it "finalizes" a context, which it
 * would else put off to the first question, behind the sandbox, where a missing file of trust
 * anchors turns into SERVFAIL for everything. What it complains about goes to our log.
 *
 * /etc/hosts is not its business (it would hide the MX records of a name that stands there); see
 * hosts.h.
 */
#include "dns/context.h"

#include "base/log.h"
#include "dns/name.h"

#include <limits.h>
#include <stdio.h>

/* The key signing keys of the root, 2017 and 2024 (https://data.iana.org/root-anchors/). */
static const char *const root_anchors[] = {
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

static const struct {
    const char *name, *value;
} options[] = {
    /* A mail server asks about many names at once, and the library's defaults are a client's. */
    {"outgoing-range:", "512"},
    {"num-queries-per-thread:", "8192"},
    {"msg-cache-size:", "8m"},
    {"rrset-cache-size:", "16m"},
    /* Who publishes a record that was missing (a key, a policy) does not wait an hour for us. */
    {"cache-max-negative-ttl:", "300"},
    /* A resolver that was away is asked again soon after it is back. */
    {"infra-host-ttl:", "60"},
    {"infra-keep-probing:", "yes"},
    {"do-not-query-localhost:", "no"},
    /* Private networks have mail servers, too, and `test.` is theirs who asks for it. */
    {"unblock-lan-zones:", "yes"},
    {"insecure-lan-zones:", "yes"},
    {"local-zone:", "test. transparent"},
};

enum { SERVER_TEXT = 80, COMPLAINTS_MAX = 4096 };

/* "192.0.2.1@53", as libunbound wants it. */
static void server_text(const struct config_endpoint *server, char text[SERVER_TEXT])
{
    snprintf(text, SERVER_TEXT, "%.*s@%u", SLICE_ARG(server->host), server->port);
}

static int set_servers(struct ub_ctx *context, const struct config_dns *settings)
{
    char text[SERVER_TEXT];
    int error = 0;

    for (size_t i = 0; i < settings->stubs.count && error == 0; i++) {
        server_text(&settings->stubs.list[i], text);
        error = ub_ctx_set_stub(context, ".", text, 0);
    }
    for (size_t i = 0; i < settings->servers.count && error == 0; i++) {
        server_text(&settings->servers.list[i], text);
        error = ub_ctx_set_fwd(context, text);
    }
    /* A missing resolv.conf is no failure: then libunbound recurses. */
    if (!settings->recurse && !settings->stubs.count && !settings->servers.count)
        (void)ub_ctx_resolvconf(context, NULL);
    return error;
}

static void anchor_path(const struct config_dns *settings, size_t i, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%.*s", SLICE_ARG(settings->trust_anchors[i]));
}

static int set_anchors(struct ub_ctx *context, const struct config_dns *settings)
{
    char path[PATH_MAX];
    int error = 0;

    for (size_t i = 0; i < settings->n_trust_anchors && error == 0; i++) {
        anchor_path(settings, i, path);
        error = ub_ctx_add_ta_file(context, path);
    }
    for (size_t i = 0; i < sizeof(root_anchors) / sizeof(root_anchors[0]) && error == 0; i++) {
        if (!settings->n_trust_anchors)
            error = ub_ctx_add_ta(context, root_anchors[i]);
    }
    return error;
}

static int set_options(struct ub_ctx *context)
{
    int error = 0;

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && error == 0; i++)
        error = ub_ctx_set_option(context, options[i].name, options[i].value);
    return error;
}

/* The first of libunbound's lines, "[time] libunbound[process] error: what", from "what" on: those
 * behind it say only that for this reason more has failed. */
static struct slice first_complaint(struct slice text)
{
    static const struct slice mark = SLICE_INIT("error: ");
    struct slice line = slice_cut(&text, '\n');

    while (line.len && !slice_starts_with_nocase(line, mark))
        line = slice_skip(line, 1);
    return slice_trim(slice_skip(line, mark.len));
}

/* Any call that needs a finalized context finalizes it: there is no data of this name. */
static int finalize(struct ub_ctx *context)
{
    char *complaints = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&complaints, &len);
    int error;

    if (!stream)
        return UB_NOMEM;
    ub_ctx_debugout(context, stream);
    error = ub_ctx_data_remove(context, "nothing.invalid.");
    ub_ctx_debugout(context, NULL);
    fclose(stream);
    if (error)
        log_error(NULL, "dns settings", LOG_STR("error", ub_strerror(error)),
                  LOG_SLICE("reason", first_complaint(slice_from(complaints, len))));
    free(complaints);
    return error;
}

struct ub_ctx *context_new(const struct config_dns *settings, bool validate)
{
    struct ub_ctx *context = ub_ctx_create();
    int error;

    if (!context)
        return NULL;
    ub_ctx_debugout(context, NULL);
    ub_ctx_async(context, 1);
    error = set_options(context);
    error = error ? error : set_servers(context, settings);
    if (validate)
        error = error ? error : set_anchors(context, settings);
    if (error)
        log_error(NULL, "dns settings", LOG_STR("error", ub_strerror(error)));
    error = error ? error : finalize(context);
    if (error) {
        ub_ctx_delete(context);
        return NULL;
    }
    return context;
}

void context_resolvers(const struct config_dns *settings, char text[CONTEXT_RESOLVERS_TEXT])
{
    size_t len = 0;

    text[0] = '\0';
    if (settings->recurse || settings->stubs.count)
        return;
    if (!settings->servers.count)
        snprintf(text, CONTEXT_RESOLVERS_TEXT, "of /etc/resolv.conf");
    for (size_t i = 0; i < settings->servers.count && len < CONTEXT_RESOLVERS_TEXT; i++)
        len += (size_t)snprintf(text + len, CONTEXT_RESOLVERS_TEXT - len, "%s%.*s:%u",
                                i ? ", " : "", SLICE_ARG(settings->servers.list[i].host),
                                settings->servers.list[i].port);
}

void context_anchor_name(const struct config_dns *settings, char name[DNS_NAME_MAX + 2])
{
    char path[PATH_MAX], clean[DNS_NAME_MAX + 1] = "", *line = NULL;
    FILE *file = NULL;
    size_t size = 0;

    if (settings->n_trust_anchors) {
        anchor_path(settings, 0, path);
        file = fopen(path, "re");
    }
    while (file && !clean[0] && getline(&line, &size, file) > 0) {
        size_t len = strcspn(line, " \t\r\n;");
        if (!dns_name_clean(slice_from(line, len), clean) || (len == 1 && line[0] == '.'))
            break;
    }
    if (file)
        fclose(file);
    free(line);
    snprintf(name, DNS_NAME_MAX + 2, "%s.", clean);
}
