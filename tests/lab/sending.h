/* SPDX-License-Identifier: MIT */
/*
 * What the tests of sending share: near sends from device memory, far is an ordinary receiver that
 * checks every byte. What the kernel still needs must not change, and what it needs no more must
 * come back: memory is spoiled the moment that its event says it is ours.
 */
#ifndef SENDING_H
#define SENDING_H

#include <pthread.h>
#include <stdatomic.h>

#include "lab.h"

#define MIB	  (1u << 20)
#define SLOT	  (64u << 10)
#define SLOTS	  (16 * MIB / SLOT)
#define MAX_SOCKS 8

struct reader {
	pthread_t thread;
	int fd;
	_Atomic uint64_t bytes; /* so far */
	uint64_t pause_at;	/* it stops there ... */
	atomic_bool pause;	/* ... as long as this is so */
	atomic_bool wrong;
	bool ended; /* in order */
};

/* A slot of the buffer is free, or the memory of one send. */
struct slot {
	bool used;
	uint32_t bytes;
	unsigned int flow;
};

struct flow {
	struct lab_pair pair;
	struct devmem_sock *sock;
	struct reader reader;
	uint64_t bytes;			 /* to be sent */
	uint64_t queued, back;		 /* so far */
	uint64_t next_cookie, next_back; /* cookies are numbers, in order */
	unsigned int failed, copied, sendable, misplaced;
	int first_error, error; /* of a send; of the connection */
	bool ended, refused;
};

struct out {
	struct devmem_buffer *buffer;
	struct devmem_binding *binding;
	struct devmem_ring *ring;
	unsigned char *memory;
	int listener;
	uint16_t port;
	struct slot slot[SLOTS];
	unsigned int n;
	struct flow flow[MAX_SOCKS];
	uint32_t most; /* bytes of a send */
	uint32_t seed;
};

/* A buffer, bound for sending by the NIC, and a ring: cmocka's set-up and tear-down. */
int out_open(void **state);
/* The same with another buffer, of at least SLOTS slots, which it closes. */
struct out *out_open_with(struct devmem_buffer *buffer);
void out_end(struct out *o);
int out_close(void **state);
#define OUT_TEST(name) cmocka_unit_test_setup_teardown(name, out_open, out_close)

struct devmem_ring *out_ring(void);
/* NULL: the run's */
struct devmem_binding *out_bind(struct devmem_buffer *buffer, const char *engine);

/* @n connections, each with an ordinary reader at the far end, that are to send @bytes each. */
void out_start(struct out *o, unsigned int n, uint64_t bytes);
/* without a reader */
void out_connect(struct out *o, unsigned int i, const struct devmem_attach_opts *opts);
void out_read(struct flow *f);
void out_read_from(struct reader *reader); /* of its descriptor */

void out_fill(struct out *o, unsigned int slot, uint64_t position, uint32_t bytes);
void out_send(struct out *o);		     /* what slots, and the sockets, have room for */
int out_turn(struct out *o, int timeout_ms); /* how many events it brought, which are taken */
bool out_all_back(const struct out *o);
void out_pump(struct out *o); /* both, until all is back */

/* All has arrived as it should, and the flows are closed. */
void out_finish(struct out *o);
/* no more is sent; the reader has ended and saw nothing wrong */
void out_join(struct flow *f);
void out_close_flow(struct flow *f);

/* Do the counters say that @bytes were sent as this run's engine does it? */
void out_expect(struct out *o, uint64_t bytes);

#endif
