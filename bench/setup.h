/* SPDX-License-Identifier: MIT */
/*
 * What the receivers here share, so that they differ in their loops alone: the command line, a buffer bound to a
 * queue of lab0, connections from send, the line that is printed. Failures end the program.
 */
#ifndef BENCH_SETUP_H
#define BENCH_SETUP_H

#include <stdint.h>

#include <devmem/devmem.h>

#define BUFFER_BYTES	(64u << 20)

struct bench {
	const char *name;		/* of the count */
	unsigned int connections;
	uint64_t bytes;			/* in all; a multiple of the number of connections */
	unsigned int port;
	int cpu;			/* to stay on, or -1 */
	uint32_t lowat;			/* SO_RCVLOWAT; 0: what the receiver thinks best */
	int listener;
	int *fd;			/* of each connection */
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;
	struct devmem_binding *binding;
};

struct bench_result {
	uint64_t bytes, enter_calls, completions, releases, fragments, descriptors, lowat_changes;
	double seconds;
};

void bench_listen(struct bench *b, const char *name, int argc, char **argv);
void bench_accept(struct bench *b);	/* all of them, and stays on the processor that was asked for */
/* Lets the senders go: they wait for a byte. Everything before is set-up. */
void bench_go(struct bench *b);
void bench_result(const struct bench *b, const struct bench_result *r);
void bench_close(struct bench *b);

double bench_clock(void);
void bench_pin(int cpu);
void __attribute__((noreturn, format(printf, 1, 2))) bench_die(const char *format, ...);

#endif
