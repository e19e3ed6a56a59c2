/* SPDX-License-Identifier: MIT */
/* Payload that the kernel would work on though it cannot read it: signed segments (TCP_MD5SIG,
 * TCP-AO), and kTLS. */
#ifndef DEVMEM__RECV_SIGNED_H
#define DEVMEM__RECV_SIGNED_H

#include <stdbool.h>

/* devmem__signed() - -EOPNOTSUPP, with its error message, if @fd's segments are signed, as far as
 * it can be told; or 0. */
int devmem__signed(int fd);

/* devmem__decrypted() - does the kernel decrypt what @fd receives (TLS_RX)? It would read what it
 * cannot. */
bool devmem__decrypted(int fd);

#endif
