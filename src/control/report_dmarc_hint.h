/* What the failures of one address mean, and what to do about them: for people. */
#ifndef NUNCIO_CONTROL_REPORT_DMARC_HINT_H
#define NUNCIO_CONTROL_REPORT_DMARC_HINT_H

#include "history/dmarc_reports.h"
#include "relay/own_hosts.h"

/* Is the address, in text, one of this machine's? */
bool dmarc_hint_is_own(const struct own_hosts *own, struct slice ip);

/* NULL when nothing failed. */
const char *dmarc_hint(const struct dmarc_reports_source *source,
                       const struct dmarc_reports_fact *facts, unsigned n_facts, bool own);

#endif
