/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef NUNCIO_BASE_UTF8_H
#define NUNCIO_BASE_UTF8_H

#include "base/slice.h"

/* Octets of the character at the beginning of `s`; 0 when it is none or `s` is empty. */
size_t utf8_char_len(struct slice s);
/* The same character's number; for a length above 0. */
uint32_t utf8_char_value(struct slice s);
bool utf8_is_valid(struct slice s);
/* No byte above 127. */
bool utf8_is_ascii(struct slice s);
/* Writes the octets of a character (not a surrogate, at most U+10FFFF) and returns how many. */
size_t utf8_put(char ret_octets[static 4], uint32_t value);

#endif
