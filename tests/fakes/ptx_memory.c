// SPDX-License-Identifier: MIT
#include <string.h>

#include "ptx_memory.h"

void ptx_read(const unsigned char *at, unsigned int bytes, uint64_t *first, uint64_t *second)
{
	if (bytes == 1)
		*first = *at;
	else
		memcpy(first, at, 8);
	if (bytes == 16)
		memcpy(second, at + 8, 8);
}

void ptx_write(unsigned char *at, unsigned int bytes, uint64_t first, uint64_t second)
{
	if (bytes == 1)
		*at = (unsigned char)first;
	else
		memcpy(at, &first, 8);
	if (bytes == 16)
		memcpy(at + 8, &second, 8);
}
