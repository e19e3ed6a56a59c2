/* SPDX-License-Identifier: MIT */
/* The figures of one end when a test is over. They are sent to the other end unchanged. */
#ifndef RESULT_H
#define RESULT_H

#include <devmem/devmem.h>

#include "fields.h"
#include "hdr.h"
#include "test.h"

/* Only numbers and text, for fields.h. Figures are of the measured time unless noted otherwise. */
struct side {
	char interface[32], kernel[80];
	char engine[16], engine_reason[512]; /* for receiving; "": this end does not receive */
	char tx_engine[16], tx_engine_reason[512];
	char backend[32];
	char warning[512]; /* a warning of the library during the test */
	uint64_t page_size, queues;
	uint64_t nanoseconds; /* length of the measured time */
	/* @bytes_sent: only those whose memory is free again */
	uint64_t bytes_received, bytes_sent;
	uint64_t messages_received, messages_sent; /* whole messages */
	uint64_t total_received, total_sent;	   /* bytes of the whole test */
	uint64_t unsent;			   /* messages that were due but never sent */
	/* counters of devmem_stats, documented there under the same names */
	uint64_t bytes_device, bytes_linear, bytes_plain, bytes_staged;
	uint64_t bytes_sent_device, bytes_sent_copied;
	uint64_t fragments, descriptors, tokens_released, release_operations;
	uint64_t enter_calls, completions, rearms, no_buffers, lowat_changes, misplaced, low,
		refill_waits, fallbacks;
	uint64_t sends, send_operations, send_notices, send_waits, send_no_room;
	uint64_t user_us, system_us; /* processor time of the threads */
	/* TCP_INFO: the sum over all connections; the mean of their smoothed round-trip times */
	uint64_t retransmits, rtt_us;
	uint64_t copied_connections; /* of which bytes were copied, in either direction */
	uint64_t pools;		     /* number of page pools of the queues */
	/* the most that they had given out at the end of an interval */
	uint64_t pool_pages, pool_bytes;
};

/* Nanoseconds. result_latency_of() says what is measured. */
struct latency {
	uint64_t count, over;
	uint64_t min, mean, p50, p90, p99, p999, p9999, max;
};

struct thread_share {
	uint64_t cpu; /* the processor it was pinned to, or CPU_ANY */
	uint64_t user_us, system_us, bytes_received, bytes_sent;
};

#define CPU_ANY UINT64_MAX

/* One interval. */
struct point {
	uint64_t end_us; /* its end, since the measured time began */
	uint64_t bytes_received, bytes_sent, messages;
	uint64_t count, p50, p99; /* @p50, @p99: nanoseconds; @count: number of values */
};

struct result {
	struct side side;
	struct latency latency;
	struct thread_share *thread;
	unsigned int threads;
	struct point *point;
	unsigned int points;
};

extern const struct field side_fields[], latency_fields[], thread_fields[], point_fields[];

/* result_add_stats() - adds what a ring counted between two snapshots. */
void result_add_stats(struct side *s, const struct devmem_stats *before,
		      const struct devmem_stats *after);

void result_take_latency(struct latency *l, const struct hdr *h);

/* result_add_point() - adds an interval. False: there is no room. */
bool result_add_point(struct result *r, const struct point *p);

/* result_pack() - adds the result to a message. result_parse() - false: the message is damaged. */
void result_pack(struct message *m, const struct result *r);
bool result_parse(struct result *r, struct lines *l);
void result_free(struct result *r);

/* result_copied() - number of bytes that were copied, in and out. */
uint64_t result_copied(const struct side *s);

/* result_latency_of() - says what the latencies measure. @sender: the end that measured them. A
 * copied send is complete when this kernel has copied it, which says nothing about the peer's. */
const char *result_latency_of(const struct test *t, const struct side *sender);

/* result_zero_copy() - true if bytes were transferred and none was copied. */
bool result_zero_copy(const struct side *s);

#endif
