/* SPDX-License-Identifier: MIT */
/* Facts about an interface that only rtnetlink reports. */
#ifndef LINK_FACTS_H
#define LINK_FACTS_H

#include <stdbool.h>
#include <stdint.h>

/* An attached XDP program. "ip link set dev IF @off off" detaches it. */
struct link_xdp {
	const char *mode; /* "native", "generic", "offloaded"; NULL: none is attached */
	const char *off;
	uint32_t program; /* id */
	bool several;	  /* programs are attached in other modes, too */
};

struct link_facts {
	bool up;
	uint32_t mtu;
	struct link_xdp xdp;
};

/* link_facts() - returns 0 or a negative errno. Sets no error message. */
int link_facts(uint32_t ifindex, struct link_facts *facts);

#endif
