/*
 * What came of the question "which servers take this domain's mail?", by value.
 */
#ifndef NUNCIO_RELAY_FINDING_H
#define NUNCIO_RELAY_FINDING_H

#include "io/message.h"
#include "relay/destination.h"

enum { FINDING_TEXT_MAX = 480 };

struct finding {
    enum site_status status;
    struct destination *destination; /* SITE_FOUND: a reference */
    char enhanced[12];               /* else: "5.1.10" */
    char text[FINDING_TEXT_MAX];     /* else: why, for people */
    uint64_t until_ms;               /* good until then, clock_mono_ms() */
};

/* How long a finding is good: the records' time to live within these, or a short while after a
 * failure. Milliseconds. */
enum { FINDING_LEAST_MS = 5 * 1000, FINDING_MOST_MS = 3600 * 1000, FINDING_FAILED_MS = 20 * 1000 };

/* The destination is moved. */
struct finding finding_found(struct destination *destination, uint64_t valid_ms);
/* SITE_NEVER or SITE_LATER. */
struct finding finding_refused(enum site_status status, const char *enhanced, uint64_t valid_ms,
                               const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A second one, with a reference of its own; each ends with finding_done(). */
struct finding finding_copy(const struct finding *finding);
void finding_done(struct finding *finding);

#endif
