/* SPDX-License-Identifier: MIT */
/*
 * A flow rule of its own for each connection. A NIC without RSS contexts needs that if several
 * queues are bound: one rule cannot spread the connections of a port over them. Bytes that arrive
 * before the rule is made are copied.
 */
#ifndef OWN_RULE_H
#define OWN_RULE_H

#include <netinet/in.h>
#include <stdbool.h>

#include <devmem/devmem.h>

struct own_rule {
	struct sockaddr_in6 local, peer; /* large enough for IPv4's */
	bool made;
};

/* own_rule_needed() - true if devmem_steer() returned @err for a port because each connection needs
 * a rule of its own, and the NIC can have such rules. Otherwise devmem_error() says why not. */
bool own_rule_needed(struct devmem_binding *binding, unsigned int port, int err);

/* own_rule_make() - steers one connection. Returns 0 or a negative errno: its bytes are copied. */
int own_rule_make(struct own_rule *rule, struct devmem_binding *binding, int fd);

/* own_rule_take_back() - call it when the connection has ended: a NIC has few rules. */
void own_rule_take_back(struct own_rule *rule, struct devmem_binding *binding);

#endif
