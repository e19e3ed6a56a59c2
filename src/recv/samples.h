/* SPDX-License-Identifier: MIT */
/*
 * Samples of segments that the guard at an interface's ingress has dropped (psample). The kernel
 * reports the headers of each one, which identify its connection.
 */
#ifndef DEVMEM__RECV_SAMPLES_H
#define DEVMEM__RECV_SAMPLES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A dropped segment. IPv4 addresses are IPv4-mapped; ports are in network order. */
struct devmem__sample {
	struct in6_addr local, peer;
	in_port_t local_port, peer_port;
	uint32_t seq;
};

/* devmem__sample_parse() - parse the beginning of a frame. false: it is not a TCP segment, or cut
 * short. Does no I/O; here for the tests. */
bool devmem__sample_parse(const unsigned char *frame, size_t bytes, struct devmem__sample *sample);

/* A socket for the kernel's samples, in this thread's network namespace. Needs CAP_NET_ADMIN, and
 * the module psample. */
struct devmem__samples;
int devmem__samples_open(struct devmem__samples **out);
void devmem__samples_close(struct devmem__samples *samples); /* NULL is allowed */

/* Calls @fn for each sample that is queued, up to a few hundred, without waiting. */
void devmem__samples_read(struct devmem__samples *samples,
			  void (*fn)(const struct devmem__sample *sample, void *arg), void *arg);

#endif
