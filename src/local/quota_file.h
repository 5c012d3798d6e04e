/*
 * The text of a `maildirsize`, as quota.h shows it.
 */
#ifndef NUNCIO_LOCAL_QUOTA_FILE_H
#define NUNCIO_LOCAL_QUOTA_FILE_H

#include "base/slice.h"
#include "local/quota.h"

/* The first line for these limits, cut off at `size` bytes with the NUL; 64 are enough. */
void quota_file_format_limits(const struct quota *quota, char *to, size_t size);

/* Sums a file up into quota->bytes and quota->messages, neither of them negative, and counts its
 * lines behind the first. False, with nothing set, when it was made under other limits or makes no
 * sense. */
bool quota_file_parse(struct slice text, struct quota *quota, unsigned *ret_lines);

#endif
