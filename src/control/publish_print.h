/* What `nuncio dns` says of a domain: lines, JSON, or a zone file. */
#ifndef NUNCIO_CONTROL_PUBLISH_PRINT_H
#define NUNCIO_CONTROL_PUBLISH_PRINT_H

#include "control/publish.h"

struct publish_report {
    const struct publish_site *site;
    const struct publish_record *records;
    const struct publish_finding *findings; /* of each record; not for a zone */
    unsigned n;
};

void publish_print_lines(const struct publish_report *report);
void publish_print_json(const struct publish_report *report); /* one object, one line */
/* Records of other zones (the host's name, addresses' names) stand in it as comments. */
void publish_print_zone(const struct publish_report *report);

#endif
