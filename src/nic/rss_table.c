// SPDX-License-Identifier: MIT
/* Change the main RSS table: record the intent, set the table, and read it back, because the driver
 * may have set another one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic/nic_impl.h"

/* Undo must find the table as the driver made it. */
static int read_back(struct devmem_nic *nic, struct devmem__change *c)
{
	uint32_t *now, size;
	int err = devmem__ethtool_table(&nic->et, 0, &now, &size);

	if (err)
		return devmem__fail(-err, "%s: cannot read the RSS table: %s", nic->et.name,
				    strerror(-err));
	free(c->after);
	c->after = now;
	c->size = size;
	return 0;
}

int devmem__nic_change_table(struct devmem_nic *nic, uint32_t *before, uint32_t *after,
			     uint32_t size, const char *what, const struct devmem__change **made)
{
	struct devmem__change *c = devmem__undo_prepare(&nic->undo, DEVMEM__CHANGE_TABLE);
	int err;

	if (!c) {
		free(before);
		free(after);
		return devmem__fail(ENOMEM, "%s: no memory", nic->et.name);
	}
	c->before = before;
	c->after = after;
	c->size = size;
	*made = c;
	err = devmem__nic_write_intent(nic, c);
	if (err)
		return err;
	err = devmem__ethtool_set_table(&nic->et, c->after, c->size);
	if (err) {
		devmem__fail(-err, "%s: cannot %s (\"ethtool -X %s\"): %s", nic->et.name, what,
			     nic->et.name, strerror(-err));
		devmem__nic_write_gone(nic, c);
		return err;
	}
	err = read_back(nic, c);
	if (err) {
		devmem__undo_commit(&nic->undo);
		return err;
	}
	return devmem__nic_commit(nic, c);
}
