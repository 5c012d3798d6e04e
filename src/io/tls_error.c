/*
 * The first error in the queue is where it began; what follows are the callers' views of it. Only
 * the reason is told: "wrong version number" helps an administrator, a function's name does not.
 */
#include "io/tls_error.h"

#include <openssl/err.h>
#include <stdio.h>

void tls_error_take(char *why, size_t why_size, const char *otherwise)
{
    unsigned long first = ERR_get_error();
    const char *reason = first ? ERR_reason_error_string(first) : NULL;

    ERR_clear_error();
    if (first && !reason)
        snprintf(why, why_size, "error %lx", first);
    else
        snprintf(why, why_size, "%s", reason ? reason : otherwise);
}
