/* See finding.h. */
#include "relay/finding.h"

#include "base/buf.h"
#include "base/clock.h"

#include <stdarg.h>

static uint64_t end_of(uint64_t valid_ms)
{
    if (valid_ms < FINDING_LEAST_MS)
        valid_ms = FINDING_LEAST_MS;
    if (valid_ms > FINDING_MOST_MS)
        valid_ms = FINDING_MOST_MS;
    return clock_mono_ms() + valid_ms;
}

struct finding finding_found(struct destination *destination, uint64_t valid_ms)
{
    return (struct finding){
        .status = SITE_FOUND, .destination = destination, .until_ms = end_of(valid_ms)};
}

struct finding finding_refused(enum site_status status, const char *enhanced, uint64_t valid_ms,
                               const char *format, ...)
{
    struct finding finding = {.status = status, .until_ms = end_of(valid_ms)};
    va_list args;

    snprintf(finding.enhanced, sizeof(finding.enhanced), "%s", enhanced);
    va_start(args, format);
    vsnprintf(finding.text, sizeof(finding.text), format, args);
    va_end(args);
    return finding;
}

struct finding finding_copy(const struct finding *finding)
{
    struct finding copy = *finding;

    if (copy.destination)
        destination_ref(copy.destination);
    return copy;
}

void finding_done(struct finding *finding)
{
    destination_unref(finding->destination);
    finding->destination = NULL;
}
