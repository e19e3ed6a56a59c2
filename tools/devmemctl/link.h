/* SPDX-License-Identifier: MIT */
/* What only rtnetlink tells of an interface. */
#ifndef LINK_FACTS_H
#define LINK_FACTS_H

#include <stdbool.h>
#include <stdint.h>

/* A mode in which an XDP program may be attached: "ip link set dev IF @off off" takes it away. */
struct link_xdp {
	const char *mode; /* "native", "generic", "offloaded"; NULL: none is attached */
	const char *off;
	uint32_t program; /* id */
	bool several;	  /* in other modes, too */
};

struct link_facts {
	bool up;
	uint32_t mtu;
	struct link_xdp xdp;
};

/* Negative errno; no sentence. */
int link_facts(uint32_t ifindex, struct link_facts *facts);

#endif
