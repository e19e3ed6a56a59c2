/* SPDX-License-Identifier: MIT */
/* Connections whose payload the kernel would process although it cannot read it: signed segments
 * (TCP_MD5SIG, TCP-AO), and kTLS. */
#ifndef DEVMEM__RECV_SIGNED_H
#define DEVMEM__RECV_SIGNED_H

#include <stdbool.h>

/* devmem__signed() - -EOPNOTSUPP, with its error message, if @fd's segments are signed, as far as
 * this can be found out; otherwise 0. */
int devmem__signed(int fd);

/* devmem__decrypted() - true if the kernel decrypts what @fd receives (TLS_RX): it would read what
 * it cannot. */
bool devmem__decrypted(int fd);

#endif
