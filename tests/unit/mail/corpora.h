/*
 * Files of other projects' test material, which lies outside of the project: the folder that
 * $NUNCIO_CORPORA names. Where it is missing, tests over it are skipped.
 */
#ifndef NUNCIO_TESTS_MAIL_CORPORA_H
#define NUNCIO_TESTS_MAIL_CORPORA_H

#include "base/buf.h"

/* Calls `visit` with every file below that folder of the corpora; returns how many there were. */
size_t corpora_visit(const char *folder, void (*visit)(const char *path, struct slice content));

/* Every bare LF becomes CRLF, as a message would come by SMTP. */
void corpora_add_crlf(struct buf *out, struct slice text);

#endif
