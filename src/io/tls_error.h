/*
 * OpenSSL's words for what went wrong. Its error queue is a thread's, and a session's steps run on
 * different threads, so whoever calls OpenSSL clears the queue before and takes the words after.
 */
#ifndef NUNCIO_IO_TLS_ERROR_H
#define NUNCIO_IO_TLS_ERROR_H

#include <stddef.h>

/* The first error of this thread's queue, which is empty afterwards, or `otherwise`. */
void tls_error_take(char *why, size_t why_size, const char *otherwise);

#endif
