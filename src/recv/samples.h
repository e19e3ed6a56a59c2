/* SPDX-License-Identifier: MIT */
/*
 * What the guard at an interface's ingress has dropped, as the kernel tells it: the headers of each
 * such segment, by which its connection is known. (psample)
 */
#ifndef DEVMEM__RECV_SAMPLES_H
#define DEVMEM__RECV_SAMPLES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a segment that was dropped. An IPv4 address is a mapped one; ports as in the packet. */
struct devmem__sample {
	struct in6_addr local, peer;
	in_port_t local_port, peer_port;
	uint32_t seq;
};

/* devmem__sample_parse() - from the beginning of a frame. false: it is no TCP segment, or cut
 * short. Pure; for the tests. */
bool devmem__sample_parse(const unsigned char *frame, size_t bytes, struct devmem__sample *sample);

/* A socket for the kernel's samples, in this thread's network namespace. Needs CAP_NET_ADMIN, and
 * the module psample. */
struct devmem__samples;
int devmem__samples_open(struct devmem__samples **out);
void devmem__samples_close(struct devmem__samples *samples); /* NULL is allowed */

/* Hands out those that are there, up to some hundred, without waiting. */
void devmem__samples_read(struct devmem__samples *samples,
			  void (*fn)(const struct devmem__sample *sample, void *arg), void *arg);

#endif
