/*
 * Dates of messages (RFC 5322 section 3.3, obsolete forms of section 4.3).
 *
 *     Sun, 22 Nov 2026 10:00:00 +0000
 */
#ifndef NUNCIO_MAIL_DATE_H
#define NUNCIO_MAIL_DATE_H

#include "base/slice.h"

struct date_text {
    char text[40];
};

/* Seconds since 1970 UTC (years 0 to 9999, clamped), written as local time of a zone that many
 * minutes east of UTC (-5999 to 5999, clamped). */
struct date_text date_format(int64_t seconds, int zone_minutes);

/*
 * The other way; comments and folding are skipped, the day of the week need not be true. Obsolete
 * years of two and three digits, missing seconds and the named zones are read; other named zones
 * mean -0000. False when it is no date.
 */
bool date_parse(struct slice text, int64_t *ret_seconds);

#endif
