// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nic/extent.h"
#include "base/nosignal.h"
#include "nic/journal_format.h"

#define MAGIC 0x584d5644u /* "DVMX" */

struct block {
	uint32_t magic;
	uint32_t sum; /* of everything after it, as in a record */
	uint64_t generation, start, end;
};

_Static_assert(sizeof(struct block) == DEVMEM__EXTENT_BLOCK, "the block is written as it is");

static uint32_t sum_of(const struct block *b)
{
	return devmem__record_sum((const unsigned char *)b,
				  sizeof(*b) - sizeof(struct devmem__record_header));
}

static bool is_whole(const struct block *b)
{
	return b->magic == MAGIC && b->sum == sum_of(b) && b->generation &&
	       b->start >= sizeof(*b) && b->end >= b->start && b->end <= INT64_MAX;
}

/* A file that was created but never had a valid block: its creator writes the HEAD record after the
 * block first, and then the block. */
static bool is_begun(int fd, const struct block *b, size_t begun)
{
	const struct block zeros = { 0 };
	struct stat st;

	return !memcmp(b, &zeros, sizeof(zeros)) && !fstat(fd, &st) &&
	       (uint64_t)st.st_size <= sizeof(*b) + begun;
}

int devmem__extent_read(int fd, size_t begun, struct devmem__extent *extent)
{
	struct block b = { 0 };
	ssize_t n;

	do
		n = pread(fd, &b, sizeof(b), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (is_begun(fd, &b, begun))
		return -ENODATA;
	if (n < (ssize_t)sizeof(b) || !is_whole(&b))
		return -EBADMSG;
	*extent = (struct devmem__extent){ b.generation, b.start, b.end };
	return 0;
}

int devmem__extent_write(int fd, const struct devmem__extent *extent)
{
	struct block b = { MAGIC, 0, extent->generation, extent->start, extent->end };
	ssize_t n;

	b.sum = sum_of(&b);
	do
		n = devmem__nosignal_pwrite(fd, &b, sizeof(b), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == sizeof(b) ? 0 : -EIO;
}
