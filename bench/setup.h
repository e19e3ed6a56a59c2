/* SPDX-License-Identifier: MIT */
/*
 * Shared by the measured programs, so that they differ only in their loops: the command line, a
 * buffer bound to a queue of the interface, connections from the far end, the line that is printed.
 * A failure ends the program.
 */
#ifndef BENCH_SETUP_H
#define BENCH_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include <devmem/devmem.h>

struct bench {
	const char *name; /* the count's name */
	const char *interface;
	const char *engine; /* NULL: the library's choice */
	/* page size of the queue; 0: the library's choice */
	uint32_t page_size;
	uint64_t buffer_bytes; /* 0: the program's choice */
	uint32_t queues;       /* 0: one */
	/* number of tokens that the receiver keeps, as if it worked on them */
	uint32_t hold;
	unsigned int connections;
	uint64_t bytes; /* in total; a multiple of the number of connections */
	unsigned int port;
	int cpu;	   /* processor to stay on, or -1 */
	uint32_t lowat;	   /* SO_RCVLOWAT; 0: the receiver's choice */
	uint32_t coalesce; /* microseconds, of libdevmem's ring */
	/* for leaving out guards against urgent data */
	uint32_t nic_flags, attach_flags;
	bool verify;	    /* check every byte, which send --pattern sends */
	uint64_t *position; /* per connection: the position up to which its stream is verified */
	int listener;
	int *fd;		      /* one per connection */
	struct devmem_buffer *buffer; /* these three are NULL without bench_bind() ... */
	struct devmem_nic *nic;
	struct devmem_binding *binding;
	/* ... and this without bench_bind_tx(), which makes a buffer if there is none */
	struct devmem_binding *tx;
	uint32_t portion; /* bytes per send */
};

struct bench_result {
	uint64_t bytes, enter_calls, completions, releases, fragments, descriptors, lowat_changes;
	uint64_t send_operations, send_notices, send_waits;
	double seconds, user, system; /* elapsed time and processor time */
	const char *engine, *tx_engine;
	uint32_t page_size;
};

void bench_parse(struct bench *b, const char *name, int argc, char **argv);
void bench_bind(struct bench *b); /* also steers what comes to the port to the buffer */
/* binds for sending from the buffer through the interface; fails if bytes would be copied */
void bench_bind_tx(struct bench *b);
void bench_listen(struct bench *b); /* prints that the far end may start */
/* accepts all connections, and pins the process as requested */
void bench_accept(struct bench *b);
/* sets SO_RCVLOWAT on all connections: as requested, or @best (0: none) */
void bench_lowat(const struct bench *b, uint32_t best);

/* Call these around the measured code. The first one lets the senders begin, which wait for a byte:
 * everything before is set-up. */
void bench_begin(const struct bench *b, struct bench_result *r);
void bench_end(struct bench_result *r);

/* Checks that these are the next bytes of the connection's stream. Ends the program if not. */
void bench_check(struct bench *b, unsigned int connection, const void *bytes, size_t n);

/* The library's counters between the marks. */
void bench_difference(const struct devmem_stats *before, const struct devmem_stats *after,
		      struct bench_result *r);
void bench_result(const struct bench *b, const struct bench_result *r);
void bench_close(struct bench *b);

double bench_clock(void);
void bench_pin(int cpu);
void __attribute__((noreturn, format(printf, 1, 2))) bench_die(const char *format, ...);

#endif
