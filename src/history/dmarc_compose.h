/* A heap of rows as the report that its domain's owner gets (RFC 9990 section 3). */
#ifndef NUNCIO_HISTORY_DMARC_COMPOSE_H
#define NUNCIO_HISTORY_DMARC_COMPOSE_H

#include "config/config.h"
#include "history/dmarc_rows.h"
#include "trust/dmarc_report.h"

/* Strings are from the arena, the heap and the configuration. -errno. */
int dmarc_compose(struct dmarc_rows *rows, const struct dmarc_heap *heap,
                  const struct config *config, struct arena *arena,
                  struct dmarc_report *ret_report);

/* As gzip. 0; -EFBIG: it does not fit even without rows. */
int dmarc_compose_pack(const struct dmarc_report *report, struct buf *gzip);

#endif
