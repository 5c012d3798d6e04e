/* The server's certificates, for TLSA records. */
#ifndef NUNCIO_CONTROL_PUBLISH_CERTIFICATE_H
#define NUNCIO_CONTROL_PUBLISH_CERTIFICATE_H

#include "control/publish.h"

/* The certificates of a file in PEM, from the arena; false when it cannot be read or has none. */
bool publish_certificate_read(const char *path, struct arena *arena,
                              struct publish_certificate *ret_certificate);
/* Whether the server's own one is for this name. */
bool publish_certificate_is_for(const struct publish_certificate *certificate, struct slice host);

#endif
