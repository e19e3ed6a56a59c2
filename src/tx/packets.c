// SPDX-License-Identifier: MIT
#include <string.h>

#include "tx/packets.h"
#include "bind/page_size.h"

/* bytes: no packet on Ethernet has more payload (mlx5's MTU goes to 9,978) */
#define LONGEST 10240u

/* Pieces begin and end with the pages of the dma-buf.
 * [net/core/devmem.c: net_devmem_get_niov_at()] */
static uint32_t piece_at(const struct devmem__packets *p, uintptr_t offset, size_t bytes)
{
	const uint32_t left = p->page - ((uint32_t)offset & (p->page - 1));

	return bytes < left ? (uint32_t)bytes : left;
}

/*
 * True if the next piece, even a single byte of it, could share a packet with the @most pieces
 * before it. It cannot if there are fewer, or if those between the first of them and the next piece
 * are too long for a packet.
 */
static bool is_full(const struct devmem__packets *p)
{
	return p->count >= p->most && (p->before_tso || p->between < LONGEST);
}

static uint32_t *piece(struct devmem__packets *p, uint32_t i)
{
	return &p->bytes[i % DEVMEM__PIECES_MAX];
}

static void add_piece(struct devmem__packets *p, uint32_t bytes)
{
	const uint32_t kept = p->most - 1;

	if (p->before_tso) {
		p->count++;
		return;
	}
	if (p->count >= kept)
		p->between -= *piece(p, p->count - kept);
	p->between += bytes;
	*piece(p, p->count++) = bytes;
	/* keeps the count from wrapping around at 2^32 */
	if (p->count == 2 * DEVMEM__PIECES_MAX)
		p->count = DEVMEM__PIECES_MAX;
}

/*
 * Successive long ranges need not be walked. Of as many pieces as a packet may have, at most two
 * are parts of pages, where one range ends and the next one begins. The others together are too
 * long for a packet.
 */
static bool is_long(const struct devmem__packets *p, size_t bytes)
{
	return !p->before_tso && p->most >= DEVMEM__PIECES_SAFE &&
	       bytes >= (size_t)(p->most + 2) * p->page;
}

static void add_long(struct devmem__packets *p, uintptr_t end)
{
	const uint32_t page = p->page, last = (uint32_t)end & (page - 1);

	p->count = p->most;
	for (uint32_t i = 0; i < p->most; i++)
		p->bytes[i] = page;
	*piece(p, p->most - 1) = last ? last : page;
	p->between = (p->most - 2) * page + (last ? last : page);
}

/* Adds as many of @bytes from @offset on as a packet may have, or all if @must. Returns how
 * many. */
static size_t add_range(struct devmem__packets *p, uintptr_t offset, size_t bytes, bool must)
{
	size_t done = 0;

	if ((p->only_long || !p->count) && is_long(p, bytes)) {
		p->only_long = true;
		add_long(p, offset + bytes);
		return bytes;
	}
	while (done < bytes && (must || !is_full(p))) {
		uint32_t more = piece_at(p, offset + done, bytes - done);

		if (done >= (size_t)(p->most + 2) * p->page && is_long(p, bytes - done)) {
			/* after so many whole pages the state no longer changes */
			add_long(p, offset + bytes);
			return bytes;
		}
		add_piece(p, more);
		done += more;
	}
	p->only_long = false;
	return done;
}

void devmem__packets_limit(struct devmem__packets *p, uint32_t most, bool before_tso)
{
	if (most == p->most && before_tso == p->before_tso)
		return;
	if (before_tso != p->before_tso && p->count) {
		/* sizes are not known, so what was sent is taken for as many of the smallest */
		memset(p->bytes, 0, sizeof(p->bytes));
		p->count = most;
	}
	p->most = most;
	p->before_tso = before_tso;
	p->page = devmem__system_page(); /* once: this asks the C library */
	p->only_long = !p->count;
	p->between = 0;
	for (uint32_t i = p->count > most - 1 ? p->count - (most - 1) : 0; most && i < p->count;
	     i++)
		p->between += *piece(p, i);
}

/* A range that does not fit as a whole waits for the next call, rather than go in two parts. Only
 * the first one is divided. */
unsigned int devmem__packets_cut(const struct devmem__packets *p, struct iovec *iov, unsigned int n,
				 bool *boundary)
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
		iov[0].iov_len =
			fits ? fits : piece_at(p, (uintptr_t)iov[0].iov_base, iov[0].iov_len);
		return 1;
	}
	*boundary = is_full(&next);
	return n;
}

void devmem__packets_sent(struct devmem__packets *p, const struct iovec *iov, unsigned int n,
			  size_t bytes, bool boundary)
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
