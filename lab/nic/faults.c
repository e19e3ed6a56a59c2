// SPDX-License-Identifier: GPL-2.0-only
/* Faults on demand, in /sys/kernel/debug/labnic/<interface>/. 0 is off. See lab/README.md. */
#include <linux/debugfs.h>

#include "labnic.h"

static struct dentry *labnic_root;

int labnic_faults_module_init(void)
{
	labnic_root = debugfs_create_dir(LABNIC_NAME, NULL);
	return 0;
}

void labnic_faults_module_exit(void)
{
	debugfs_remove(labnic_root);
}

static int labnic_link_get(void *data, u64 *val)
{
	struct labnic *nic = data;

	*val = nic->faults.link;
	return 0;
}

static int labnic_link_set(void *data, u64 val)
{
	struct labnic *nic = data;

	WRITE_ONCE(nic->faults.link, !!val);
	labnic_link_update(nic);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(labnic_link_fops, labnic_link_get, labnic_link_set, "%llu\n");

/* Surprise removal. labnic_unplug() defers it, because removal waits for open debugfs files. */
static int labnic_remove_set(void *data, u64 val)
{
	if (val)
		labnic_unplug(data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(labnic_remove_fops, NULL, labnic_remove_set, "%llu\n");

/* The write returns when the reset is over, so removing the device waits for the reset too. */
static int labnic_reset_set(void *data, u64 val)
{
	labnic_reset(data, min_t(u64, val, LABNIC_RESET_MS_MAX), false);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(labnic_reset_fops, NULL, labnic_reset_set, "%llu\n");

static int labnic_reset_forget_set(void *data, u64 val)
{
	labnic_reset(data, min_t(u64, val, LABNIC_RESET_MS_MAX), true);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(labnic_reset_forget_fops, NULL, labnic_reset_forget_set, "%llu\n");

void labnic_faults_init(struct labnic *nic)
{
	struct labnic_faults *f = &nic->faults;
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "lab%d", nic->id);
	f->dir = debugfs_create_dir(name, labnic_root);
	debugfs_create_u32("drop_every", 0600, f->dir, &f->drop_every);
	debugfs_create_u32("reorder_every", 0600, f->dir, &f->reorder_every);
	debugfs_create_u32("delay_every", 0600, f->dir, &f->delay_every);
	debugfs_create_u32("delay_us", 0600, f->dir, &f->delay_us);
	debugfs_create_u32("nosplit_every", 0600, f->dir, &f->nosplit_every);
	debugfs_create_u32("nosplit_bytes", 0600, f->dir, &f->nosplit_bytes);
	debugfs_create_u32("misroute_every", 0600, f->dir, &f->misroute_every);
	debugfs_create_x32("starve", 0600, f->dir, &f->starve);
	debugfs_create_u32("fail_queue_alloc", 0600, f->dir, &f->fail_queue_alloc);
	debugfs_create_u32("fail_queue_start", 0600, f->dir, &f->fail_queue_start);
	debugfs_create_u32("down_again", 0600, f->dir, &f->down_again);
	debugfs_create_u32("tx_pieces", 0600, f->dir, &f->tx_pieces);
	debugfs_create_u32("pack", 0600, f->dir, &f->pack);
	debugfs_create_u32("unsplit_pages", 0600, f->dir, &f->unsplit_pages);
	debugfs_create_u32("corrupt_every", 0600, f->dir, &f->corrupt_every);
	debugfs_create_u32("wire_apart", 0600, f->dir, &nic->wire_apart);
	debugfs_create_file_unsafe("link", 0600, f->dir, nic, &labnic_link_fops);
	debugfs_create_file_unsafe("remove", 0200, f->dir, nic, &labnic_remove_fops);
	debugfs_create_file_unsafe("reset", 0200, f->dir, nic, &labnic_reset_fops);
	debugfs_create_file_unsafe("reset_forget", 0200, f->dir, nic, &labnic_reset_forget_fops);
}

void labnic_faults_exit(struct labnic *nic)
{
	debugfs_remove(nic->faults.dir);
}
