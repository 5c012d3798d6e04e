/* CRC-32C (Castagnoli, as in RFC 3720 appendix B.4): guards every record of the spool. */
#ifndef NUNCIO_BASE_CRC32C_H
#define NUNCIO_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues from `crc`, which is 0 at the start. crc32c(0, "123456789", 9) is 0xe3069283. */
uint32_t crc32c(uint32_t crc, const void *ptr, size_t len);
/* Of two texts one behind the other, from theirs and the length of the second. */
uint32_t crc32c_join(uint32_t first, uint32_t second, uint64_t second_len);

#endif
