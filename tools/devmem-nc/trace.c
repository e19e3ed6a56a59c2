// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trace.h"

#define say(opt, ...)                                 \
	do {                                          \
		if ((opt)->trace)                     \
			fprintf(stderr, __VA_ARGS__); \
	} while (0)

/* ncdevmem uses only IPv6 and prints an IPv4 address as an IPv4-mapped one. */
static const char *host_of(const struct address *a, char text[INET6_ADDRSTRLEN + 8])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof(host));
	snprintf(text, INET6_ADDRSTRLEN + 8, a->sa.sa_family == AF_INET ? "::ffff:%s" : "%s", host);
	return text;
}

static unsigned int port_of(const struct address *a)
{
	return ntohs(a->v4.sin_port); /* at the same offset in both */
}

void nc_trace_interface(const struct nc_options *opt)
{
	say(opt, "using ifindex=%u\n", opt->iface.index);
}

void nc_trace_bound(const struct nc_options *opt, const struct devmem_binding *binding)
{
	uint32_t first = 0;
	unsigned int n = devmem_binding_queues(binding, &first, 1);

	say(opt, "using queues %u..%u\n", first, first + n);
	say(opt, "got dmabuf id=%u\n", devmem_binding_id(binding));
}

void nc_trace_bound_tx(const struct nc_options *opt, const struct devmem_binding *binding)
{
	say(opt, "got tx dmabuf id=%u\n", devmem_binding_id(binding));
}

void nc_trace_listening(const struct nc_options *opt, const struct address *at)
{
	char text[INET6_ADDRSTRLEN + 8];

	say(opt, "binding to address %s:%u\n", opt->receiver ? opt->receiver : "::", port_of(at));
	say(opt, "Waiting or connection on %s:%u\n", host_of(at, text), port_of(at));
}

void nc_trace_accepted(const struct nc_options *opt, const struct address *peer)
{
	char text[INET6_ADDRSTRLEN + 8];

	say(opt, "Got connection from %s:%u\n", host_of(peer, text), port_of(peer));
}

void nc_trace_fragment(const struct nc_options *opt, const struct devmem_event *ev, uint64_t total,
		       uint32_t id)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	say(opt,
	    "received frag_page=%" PRIu64 ", in_page_offset=%" PRIu64 ", frag_offset=%" PRIu64
	    ", frag_size=%u, token=%u, total_received=%" PRIu64 ", dmabuf_id=%u\n",
	    ev->offset / page, ev->offset % page, ev->offset, ev->length, ev->token, total, id);
}

void nc_trace_linear(const struct nc_options *opt, uint32_t bytes)
{
	say(opt, "SCM_DEVMEM_LINEAR. dmabuf_cmsg->frag_size=%u\n", bytes);
}

void nc_trace_received(const struct nc_options *opt, uint64_t bytes, uint64_t total)
{
	say(opt, "recvmsg ret=%" PRIu64 "\ntotal_received=%" PRIu64 "\n", bytes, total);
}

void nc_trace_end(const struct nc_options *opt)
{
	say(opt, "recvmsg ret=0\nncdevmem: client exited\n");
}

void nc_trace_wrong(unsigned int expected, unsigned int actual, size_t index)
{
	fprintf(stderr, "Failed validation: expected=%u, actual=%u, index=%zu\n", expected, actual,
		index);
}

void nc_trace_validated(const struct nc_options *opt)
{
	if (!opt->json || strcmp(opt->json, "-"))
		printf("Validated buffer\n");
}

void nc_trace_connecting(const struct nc_options *opt, const struct address *to)
{
	say(opt, "Connect to %s %u (via %s)\n", opt->receiver, port_of(to), opt->interface);
}

void nc_trace_send(const struct nc_options *opt, uint32_t bytes)
{
	say(opt, "sendmsg_ret=%u\n", bytes);
}

void nc_trace_sent(const struct nc_options *opt, uint64_t number)
{
	say(opt, "tx complete [%" PRIu64 ",%" PRIu64 "]\n", number, number);
}

void nc_trace_all_sent(const struct nc_options *opt)
{
	say(opt, "ncdevmem: tx ok\n");
}
