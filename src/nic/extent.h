/* SPDX-License-Identifier: MIT */
/*
 * The valid part of a journal's file. A block at the start of the file says where that part begins
 * and ends. The block is updated by one small write, so it is the old one or the new one, whatever
 * happens to the writer. Bytes outside of the valid part are ignored: a record whose writer died
 * before it updated the block, or records that have since been rewritten elsewhere in the file.
 */
#ifndef DEVMEM__NIC_EXTENT_H
#define DEVMEM__NIC_EXTENT_H

#include <stddef.h>
#include <stdint.h>

#define DEVMEM__EXTENT_BLOCK 32u /* size of the block in the file, in bytes */

struct devmem__extent {
	/* 1 at first, incremented by each rewrite of the records; 0: nothing has been read yet */
	uint64_t generation;
	uint64_t start, end; /* bytes of the file */
};

/*
 * devmem__extent_read() - read the block. -ENODATA: the file is empty, or has a block of zeros and
 * at most @begun bytes after it. -EBADMSG: the block is missing or damaged. Else pread()'s errno.
 * Sets no error message.
 */
int devmem__extent_read(int fd, size_t begun, struct devmem__extent *extent);

/* devmem__extent_write() - set the valid part. Negative errno: it is unchanged. */
int devmem__extent_write(int fd, const struct devmem__extent *extent);

#endif
