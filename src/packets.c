// SPDX-License-Identifier: MIT
#include "packets.h"
#include "pages.h"

#define LONGEST 16384u	/* bytes: no packet on Ethernet has more payload */

/* Pieces begin and end with the pages of the dma-buf. [net/core/devmem.c: net_devmem_get_niov_at] */
static uint32_t piece_at(uintptr_t offset, size_t bytes)
{
	const uint32_t page = devmem__pages_system(), left = page - (uint32_t)(offset % page);

	return bytes < left ? (uint32_t)bytes : left;
}

/*
 * Could the next piece, even a single byte of it, be in one packet with the @most before it? Not if there are fewer, and not if
 * those between the first of these and it are too long for a packet.
 */
static bool is_full(const struct devmem__packets *p)
{
	uint32_t between = 0;

	if (p->count < p->most)
		return false;
	for (uint32_t i = p->count - p->most + 1; i != p->count; i++)
		between += p->bytes[i % DEVMEM__PIECES_MAX];
	return between < LONGEST;
}

static void add_piece(struct devmem__packets *p, uint32_t bytes)
{
	p->bytes[p->count++ % DEVMEM__PIECES_MAX] = bytes;
}

/*
 * How many of @bytes from @offset on can be added, all if @must. Behind @most whole pages nothing changes any more: such a range
 * is not gone through to its end.
 */
static size_t add_range(struct devmem__packets *p, uintptr_t offset, size_t bytes, bool must)
{
	const size_t page = devmem__pages_system(), long_enough = (p->most + 2) * page;
	size_t done = 0;

	while (done < bytes && (must || !is_full(p))) {
		uint32_t piece = piece_at(offset + done, bytes - done);

		add_piece(p, piece);
		done += piece;
		if (done >= long_enough && bytes - done > long_enough && !is_full(p))
			done += (bytes - done - long_enough) / page * page;
	}
	return done;
}

/* A long range that does not fit whole goes with the next call from its beginning on, rather than in two parts. */
unsigned int devmem__packets_cut(const struct devmem__packets *p, struct iovec *iov, unsigned int n, bool *boundary)
{
	struct devmem__packets next = *p;
	unsigned int i;

	*boundary = false;
	if (!p->most)
		return n;
	for (i = 0; i < n; i++) {
		size_t fits = add_range(&next, (uintptr_t)iov[i].iov_base, iov[i].iov_len, false);

		if (fits == iov[i].iov_len)
			continue;
		*boundary = true;
		if (i)
			return i;
		iov[0].iov_len = fits ? fits : piece_at((uintptr_t)iov[0].iov_base, iov[0].iov_len);
		return 1;
	}
	*boundary = is_full(&next);
	return n;
}

void devmem__packets_sent(struct devmem__packets *p, const struct iovec *iov, unsigned int n, size_t bytes, bool boundary)
{
	if (!p->most)
		return;
	for (unsigned int i = 0; i < n && bytes; i++) {
		size_t part = bytes < iov[i].iov_len ? bytes : iov[i].iov_len;

		add_range(p, (uintptr_t)iov[i].iov_base, part, true);
		bytes -= part;
		boundary = boundary && part == iov[i].iov_len;
	}
	if (boundary)
		devmem__packets_boundary(p);
}
