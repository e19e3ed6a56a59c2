/* SPDX-License-Identifier: MIT */
/* What one end has to tell when a test is over. It goes to the other end as it is. */
#ifndef RESULT_H
#define RESULT_H

#include <devmem/devmem.h>

#include "fields.h"
#include "hdr.h"
#include "test.h"

/* Numbers and text alone, for fields.h. Of the measured time, if nothing else is said. */
struct side {
	char interface[32], kernel[80];
	char engine[16], engine_reason[512]; /* of what comes; "": nothing does */
	char tx_engine[16], tx_engine_reason[512];
	char backend[32];
	char warning[512]; /* what the library had to say during the test */
	uint64_t page_size, queues;
	uint64_t nanoseconds;			   /* how long was measured */
	uint64_t bytes_received, bytes_sent;	   /* sent: and their memory is free again */
	uint64_t messages_received, messages_sent; /* whole ones */
	uint64_t total_received, total_sent;	   /* bytes, from beginning to end */
	uint64_t unsent;			   /* messages that were due and were never sent */
	/* devmem_stats has these by the same names, and says what they are */
	uint64_t bytes_device, bytes_linear, bytes_plain, bytes_staged;
	uint64_t bytes_sent_device, bytes_sent_copied;
	uint64_t fragments, descriptors, tokens_released, release_operations;
	uint64_t enter_calls, completions, rearms, no_buffers, lowat_changes, misplaced, low,
		refill_waits, fallbacks;
	uint64_t sends, send_operations, send_notices, send_waits, send_no_room;
	uint64_t user_us, system_us; /* of the threads' processor time */
	/* TCP_INFO: of all connections; smoothed, their mean */
	uint64_t retransmits, rtt_us;
	uint64_t pools; /* page pools of the queues, ... */
	/* ... and the most that they had out when an interval ended */
	uint64_t pool_pages, pool_bytes;
};

/* Nanoseconds. Of what: result_latency_of(). */
struct latency {
	uint64_t count, over;
	uint64_t min, mean, p50, p90, p99, p999, p9999, max;
};

struct thread_share {
	uint64_t cpu; /* it was pinned to; CPU_ANY */
	uint64_t user_us, system_us, bytes_received, bytes_sent;
};

#define CPU_ANY UINT64_MAX

/* An interval. */
struct point {
	uint64_t end_us; /* since the measured time began */
	uint64_t bytes_received, bytes_sent, messages;
	uint64_t count, p50, p99; /* nanoseconds; @count: values, 0: none */
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

/* result_add_stats() - what a ring counted between two looks. */
void result_add_stats(struct side *s, const struct devmem_stats *before,
		      const struct devmem_stats *after);

void result_take_latency(struct latency *l, const struct hdr *h);

/* result_add_point() - false: there is no room for more. */
bool result_add_point(struct result *r, const struct point *p);

/* result_pack() - into a message that was begun. result_parse() - false: it is damaged. */
void result_pack(struct message *m, const struct result *r);
bool result_parse(struct result *r, struct lines *l);
void result_free(struct result *r);

/* result_copied() - bytes that were copied on their way, in and out. */
uint64_t result_copied(const struct side *s);

/*
 * result_latency_of() - what the times are of, in words. @sender: the end that took them. A send
 * that was copied is over when this kernel has copied it, and that says nothing of the peer's.
 */
const char *result_latency_of(const struct test *t, const struct side *sender);

/* result_zero_copy() - there were some, and none was. */
bool result_zero_copy(const struct side *s);

#endif
