/* SPDX-License-Identifier: MIT */
/* Signatures of TCP segments (TCP_MD5SIG, TCP-AO), which the kernel computes over payload that it cannot read. */
#ifndef DEVMEM_SIGNED_H
#define DEVMEM_SIGNED_H

/* devmem__signed() - -EOPNOTSUPP, with its error message, if @fd's segments are signed, as far as it can be told; or 0. */
int devmem__signed(int fd);

#endif
