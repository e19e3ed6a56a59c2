// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <string.h>

#include "drivers.h"

#define NO_QUEUE_OPS	"the driver does not manage its queues one by one (as of Linux 7.3)"
#define NO_HARDWARE	"it is no hardware: take the interface of the NIC behind it"

static const struct driver_facts drivers[] = {
	{ "bnxt_en", "6.16", true, "its firmware must have NTUPLE_VNIC and VNIC_RE_FLUSH (P5 chips and later)" },
	{ "fbnic", "6.18", false, NULL },
	{ "gve", "6.15", false, "it must be in DQO-RDA mode; its queue 0 cannot be bound, and it has no RSS contexts" },
	{ "mlx5_core", "6.17", true, "ConnectX-7 or later; binding stops all of its channels for a moment" },
	{ "labnic", "6.12", true, "the lab's NIC, made of software" },

	{ "bnge", NULL, false, NO_QUEUE_OPS },
	{ "ena", NULL, false, NO_QUEUE_OPS },
	{ "ice", NULL, false, NO_QUEUE_OPS },
	{ "idpf", NULL, false, NO_QUEUE_OPS },
	{ "ionic", NULL, false, NO_QUEUE_OPS },
	{ "mana", NULL, false, NO_QUEUE_OPS },
	{ "virtio_net", NULL, false, NO_QUEUE_OPS },
	{ "netdevsim", NULL, false, "it pretends: no bytes come through it" },
	{ "bonding", NULL, false, NO_HARDWARE },
	{ "bridge", NULL, false, NO_HARDWARE },
	{ "802.1Q VLAN Support", NULL, false, NO_HARDWARE },
	{ "macvlan", NULL, false, NO_HARDWARE },
	{ "team", NULL, false, NO_HARDWARE },
	{ "tun", NULL, false, NO_HARDWARE },
	{ "veth", NULL, false, NO_HARDWARE },
	{ "netkit", NULL, false, "only with a queue that is leased to it (Linux 7.1)" },
};

const struct driver_facts *driver_facts(const char *name)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (!strcmp(drivers[i].name, name))
			return &drivers[i];
	return NULL;
}
