/*
 * The HTTP side of the web role: libmicrohttpd on the role's loop, no thread of its own. Answers
 * GET /metrics with what it is given, a word of help at /, and nothing else.
 *
 * Bounds: HTTP_CONNECTIONS_MAX connections, HTTP_TIMEOUT_S for each to say something, what
 * libmicrohttpd keeps of a request in HTTP_MEMORY bytes.
 */
#ifndef NUNCIO_WEB_HTTP_H
#define NUNCIO_WEB_HTTP_H

#include "base/slice.h"
#include "io/loop.h"

enum { HTTP_CONNECTIONS_MAX = 32, HTTP_TIMEOUT_S = 15, HTTP_MEMORY = 16 * 1024 };

struct http;

/* `wanted` is called on the loop when somebody waits for metrics and nobody did before; then
 * http_give() is due. The listening descriptor is taken over. NULL: libmicrohttpd would not. */
struct http *http_new(struct loop *loop, int listener, void (*wanted)(void *arg), void *arg);
void http_free(struct http *http); /* NULL is fine */

/* To all who wait. NULL is fine. */
void http_give(struct http *http, struct slice metrics);

#endif
