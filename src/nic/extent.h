/* SPDX-License-Identifier: MIT */
/*
 * Which part of a journal's file counts: it stands in a block at the file's beginning, which is
 * written by one small write, so that it is the old one or the new one whatever happens to the
 * writer. What is outside of that part is not there: a record that was written, and whose writer
 * died before it counted, or records that were written anew elsewhere.
 */
#ifndef DEVMEM__NIC_EXTENT_H
#define DEVMEM__NIC_EXTENT_H

#include <stddef.h>
#include <stdint.h>

#define DEVMEM__EXTENT_BLOCK 32u /* bytes of the file that the block takes */

struct devmem__extent {
	/* from 1 on, one more each time that the records were written anew; 0: nothing was read
	 * yet */
	uint64_t generation;
	uint64_t start, end; /* bytes of the file */
};

/*
 * devmem__extent_read() - 0; -ENODATA: nothing was ever written, or no more than @begun bytes
 * behind a block of zeros; -EBADMSG: there is no block, or it is damaged; or what pread() failed
 * with. Sets no message.
 */
int devmem__extent_read(int fd, size_t begun, struct devmem__extent *extent);

/* devmem__extent_write() - what counts from now on. Negative errno: then it is what it was. */
int devmem__extent_write(int fd, const struct devmem__extent *extent);

#endif
