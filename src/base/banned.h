/*
 * Calls that have caused too many holes in mail servers to be allowed here. Included by force on
 * every compilation; the alternatives are struct slice, struct buf and snprintf.
 */
#ifndef NUNCIO_BASE_BANNED_H
#define NUNCIO_BASE_BANNED_H

/* The system's own declarations come first, so that poisoning does not hit them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With _FORTIFY_SOURCE and clang these are macros, which cannot be poisoned without a warning. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat sprintf vsprintf strtok sscanf atoi atol gets

#endif
