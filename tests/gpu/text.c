// SPDX-License-Identifier: MIT
/* The kernel's text, for assemble. */
#include <stdio.h>

#include "backends/cuda_gather.h"

int main(void)
{
	return fputs(devmem__cuda_gather_ptx, stdout) < 0;
}
