/* SPDX-License-Identifier: MIT */
/*
 * What the programs that are measured here share, so that they differ in their loops alone: the
 * command line, a buffer bound to a queue of the interface, connections from the far end, the line
 * that is printed. Failures end the program.
 */
#ifndef BENCH_SETUP_H
#define BENCH_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include <devmem/devmem.h>

struct bench {
	const char *name; /* of the count */
	const char *interface;
	const char *engine; /* NULL: the library's choice */
	/* of the pages that the queue takes; 0: the library's choice */
	uint32_t page_size;
	uint64_t buffer_bytes; /* 0: the program's choice */
	uint32_t queues;       /* 0: one */
	/* tokens that the receiver keeps, as if it worked on them */
	uint32_t hold;
	unsigned int connections;
	uint64_t bytes; /* in all; a multiple of the number of connections */
	unsigned int port;
	int cpu;	   /* to stay on, or -1 */
	uint32_t lowat;	   /* SO_RCVLOWAT; 0: what the receiver thinks best */
	uint32_t coalesce; /* microseconds, of libdevmem's ring */
	/* of the guards against urgent data, what is left out */
	uint32_t nic_flags, attach_flags;
	bool verify;	    /* every byte, which send --pattern sends */
	uint64_t *position; /* in the stream of each connection, as far as verified */
	int listener;
	int *fd;		      /* of each connection */
	struct devmem_buffer *buffer; /* these three are NULL without bench_bind() ... */
	struct devmem_nic *nic;
	struct devmem_binding *binding;
	/* ... and this without bench_bind_tx(), which makes a buffer if there is none */
	struct devmem_binding *tx;
	uint32_t portion; /* bytes of a send */
};

struct bench_result {
	uint64_t bytes, enter_calls, completions, releases, fragments, descriptors, lowat_changes;
	uint64_t send_operations, send_notices, send_waits;
	double seconds, user, system; /* passed, and of the processor */
	const char *engine, *tx_engine;
	uint32_t page_size;
};

void bench_parse(struct bench *b, const char *name, int argc, char **argv);
void bench_bind(struct bench *b); /* and steers to it what comes to the port */
/* to send from the buffer by the interface, without copies or not at all */
void bench_bind_tx(struct bench *b);
void bench_listen(struct bench *b); /* says so: send may start */
/* all of them, and stays on the processor that was asked for */
void bench_accept(struct bench *b);
/* SO_RCVLOWAT of all: as asked, or @best (0: none) */
void bench_lowat(const struct bench *b, uint32_t best);

/* Around what is measured. The first lets the senders go, which wait for a byte: everything before
 * is set-up. */
void bench_begin(const struct bench *b, struct bench_result *r);
void bench_end(struct bench_result *r);

/* Are these the next bytes of the connection's stream? Ends the program if not. */
void bench_check(struct bench *b, unsigned int connection, const void *bytes, size_t n);

/* What the library counted between the marks. */
void bench_difference(const struct devmem_stats *before, const struct devmem_stats *after,
		      struct bench_result *r);
void bench_result(const struct bench *b, const struct bench_result *r);
void bench_close(struct bench *b);

double bench_clock(void);
void bench_pin(int cpu);
void __attribute__((noreturn, format(printf, 1, 2))) bench_die(const char *format, ...);

#endif
