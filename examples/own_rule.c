// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "own_rule.h"

/* Tries a rule for a connection that cannot come by a NIC: its peer is this machine. */
bool own_rule_needed(struct devmem_binding *binding, unsigned int port, int err)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in peer = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	if (err != -EOPNOTSUPP || devmem_binding_queues(binding, NULL, 0) < 2)
		return false;
	return !devmem_steer(binding, (struct sockaddr *)&local, (struct sockaddr *)&peer) &&
	       !devmem_unsteer(binding, (struct sockaddr *)&local, (struct sockaddr *)&peer);
}

int own_rule_make(struct own_rule *rule, struct devmem_binding *binding, int fd)
{
	struct sockaddr *local = (struct sockaddr *)&rule->local,
			*peer = (struct sockaddr *)&rule->peer;
	socklen_t n = sizeof(rule->local), m = sizeof(rule->peer);
	int err;

	/* a connection that is over already needs no rule */
	if (getsockname(fd, local, &n) || getpeername(fd, peer, &m))
		return 0;
	err = devmem_steer(binding, local, peer);
	rule->made = !err;
	return err;
}

void own_rule_take_back(struct own_rule *rule, struct devmem_binding *binding)
{
	if (rule->made)
		devmem_unsteer(binding, (struct sockaddr *)&rule->local,
			       (struct sockaddr *)&rule->peer);
	rule->made = false;
}
