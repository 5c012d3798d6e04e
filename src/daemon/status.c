/* The answer to `nuncio status`: what the parent knows, and what the roles told last. JSON. */
#include "daemon/parent.h"

#include "base/clock.h"
#include "daemon/json_quote.h"

#include <unistd.h>

static uint64_t seconds_since(uint64_t mono_ms)
{
    return (clock_mono_ms() - mono_ms) / 1000;
}

/* The lines "name state detail" of a lock-in report. */
static void add_protections(struct buf *out, const struct buf *report)
{
    struct slice rest = buf_slice(report);
    const char *comma = "";

    buf_add_cstr(out, "\"protections\":[");
    while (rest.len) {
        struct slice line = slice_cut(&rest, '\n');
        struct slice name = slice_cut(&line, ' ');
        struct slice state = slice_cut(&line, ' ');
        buf_printf(out, "%s{\"name\":", comma);
        json_quote(out, name);
        buf_add_cstr(out, ",\"state\":");
        json_quote(out, state);
        buf_add_cstr(out, ",\"detail\":");
        json_quote(out, line);
        buf_add_char(out, '}');
        comma = ",";
    }
    buf_add_cstr(out, "]");
}

static void add_role(struct buf *out, const struct child *child)
{
    const char *state = child->pid == 0 ? "down" : child->ready ? "ready" : "starting";

    buf_printf(
        out, "{\"role\":\"%s\",\"state\":\"%s\",\"pid\":%ld,\"uptime\":%llu,\"restarts\":%u,",
        role_name(child->entry->role), state, (long)child->pid,
        child->pid ? (unsigned long long)seconds_since(child->started_ms) : 0ULL, child->restarts);
    add_protections(out, &child->report);
    buf_printf(out, ",\"answered\":%s,\"told\":", child->status_due ? "false" : "true");
    json_quote(out, buf_slice(&child->status));
    buf_add_char(out, '}');
}

void status_add_answer(const struct parent *parent, struct buf *out)
{
    const char *comma = "";

    buf_printf(out, "{\"version\":\"%s\",\"pid\":%ld,\"uptime\":%llu,\"hostname\":", NUNCIO_VERSION,
               (long)getpid(), (unsigned long long)seconds_since(parent->started_ms));
    json_quote(out, parent->config->hostname);
    buf_add_cstr(out, ",\"state\":");
    json_quote(out, slice_from_cstr(parent->state));
    buf_add_cstr(out, ",\"configuration\":");
    json_quote(out, slice_from_cstr(parent->options->config_path));
    buf_add_char(out, ',');
    certificates_add_status(&parent->watch.certificates, parent->config, out);
    buf_add_char(out, ',');
    handed_files_add_status(&parent->watch.handed, out);
    buf_add_cstr(out, ",\"roles\":[");
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        const struct child *child = &parent->children[role];
        if (!child->entry || (child->pid == 0 && !child->waiting))
            continue;
        buf_add_cstr(out, comma);
        add_role(out, child);
        comma = ",";
    }
    buf_add_cstr(out, "],\"end\":true}");
}
