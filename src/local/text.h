/*
 * A message's text on its way from the spool, where lines end in CRLF, to a file or a pipe, where
 * they end in LF. All other bytes stay as they are.
 */
#ifndef NUNCIO_LOCAL_TEXT_H
#define NUNCIO_LOCAL_TEXT_H

#include "base/buf.h"

#include <sys/types.h>

/* Reads the text of a message in pieces of at most TEXT_CHUNK bytes. */
enum { TEXT_CHUNK = 256 * 1024 };

struct text_reader {
    int fd;
    uint64_t offset; /* of what comes next */
    uint64_t left;
};

/*
 * The next piece into `chunk` (TEXT_CHUNK bytes), as it lies in the spool. A CRLF is never parted
 * between two pieces. The number of bytes, 0 at the end, or -errno; -ENODATA when the file ends
 * before the text does.
 */
ssize_t text_read(struct text_reader *reader, char *chunk);

/* CRLF to LF, in place. Returns the new length; *lines grows by the line ends that a reader who
 * wants CRLF has to lengthen. */
size_t text_to_lf(char *bytes, size_t len, uint64_t *lines);

/* Appends "Return-Path: <...>" and "Delivered-To: ..." (RFC 5321 section 4.4, RFC 9228) with LF.
 * `via` is the alias that led here, or empty. */
void text_add_trace(struct buf *out, struct slice reverse_path, struct slice recipient,
                    struct slice via);

/* Does the header at the beginning of the text name the address in a Delivered-To field? Then the
 * message was here before. */
bool text_was_delivered_to(struct slice text, struct slice address);

#endif
