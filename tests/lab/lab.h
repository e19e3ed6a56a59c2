/* SPDX-License-Identifier: MIT */
/*
 * What the tests in the lab share: connections between the namespaces near (lab0, where devmem
 * receives) and far (lab1), the pattern, the NIC's faults. A test program runs in near. Failures
 * end it through cmocka.
 *
 * The same programs, compiled with NIC="lo", run outside the lab: both ends in one process on the
 * loopback interface, without any privilege (which they drop), and without what only the lab's NIC
 * has.
 */
#ifndef LAB_H
#define LAB_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h> /* run() */

#include "../unit/unit.h"
#include "devmem/admin.h"
#include "../examples/pattern.h"
#include "nic.h"

#define PORT 5300

/*
 * The engine that a run is for: DEVMEM_TEST_ENGINE, which is devmem (the default), zcrx, copy or
 * syscall. Every binding and every ring is asked for with it.
 */
const char *lab_engine(void);
bool lab_in(const char *where); /* is it that engine? "lo": is it outside the lab? */
/* nothing is bound: the kernel copies into the buffer. copy; syscall on lo */
bool lab_copies(void);
/* fragments are the kernel's tokens, which it can be asked about */
bool lab_tokens(void);

/*
 * At the beginning of a test: a case that an engine, or the loopback interface, cannot have. It is
 * named with its reason, and counted at the end: lab_begin(), first in main(), and lab_run() see to
 * that.
 */
#define lab_cannot(where, reason)                        \
	do {                                             \
		if (lab_in(where))                       \
			lab_name_case(__func__, reason); \
	} while (0)
#define lab_cannot_copy(reason)                          \
	do {                                             \
		if (lab_copies())                        \
			lab_name_case(__func__, reason); \
	} while (0)
void lab_name_case(const char *test, const char *reason);
void lab_begin(int argc, char **argv); /* argv[1]: the tests whose names match this pattern */
void lab_tell_cases(unsigned int cases);

/*
 * Runs the tests as cmocka's group, but each in a process of its own: what one that failed has left
 * is no other's affair. Returns what main() returns.
 */
#define lab_run(group, tests, set_up, tear_down) \
	lab_run_tests(group, tests, sizeof(tests) / sizeof((tests)[0]), set_up, tear_down)
int lab_run_tests(const char *group, const struct CMUnitTest *tests, size_t n,
		  CMFixtureFunction set_up, CMFixtureFunction tear_down);
void lab_choose_tests(const char *names); /* those that match this pattern */

/* Asserts success, and shows the sentence if it was none. */
#define ok(call) lab_ok(call, #call, __FILE__, __LINE__)
int lab_ok(int result, const char *what, const char *file, int line);

/* Everything from a buffer to a ring, for tests of what comes after. */
struct lab {
	struct devmem_buffer *buffer;
	struct devmem_nic *nic;
	struct devmem_binding *binding;
	unsigned char *memory;
	int listener;
	uint16_t port;
	bool nic_shared;    /* the transaction is another lab's */
	bool buffer_shared; /* the buffer is the caller's */
	bool steers_each;   /* lab_connect() steers each connection by itself */
	unsigned int low;   /* LOW events that lab_check() saw */
	unsigned int links; /* LINK events, and what the last one said */
	int link;
	uint64_t link_index;
	struct devmem_buffer *spill; /* of the ring, if a test uses one */
};

/*
 * With several queues, connections are spread over them: by an RSS context, or, where the NIC has
 * none, by a rule for each that lab_connect() makes. Those stay until the lab is closed, and a NIC
 * has room for LAB_RULES: a test that makes more connections in one lab asks for as many queues as
 * lab_queues_for() says.
 */
void lab_open(struct lab *lab, size_t buffer_bytes, unsigned int queues);
unsigned int lab_queues_for(unsigned int queues, unsigned int connections);
#define LAB_RULES 64

struct lab_opts {
	size_t bytes; /* of the buffer */
	/* NULL: one of its own; otherwise the caller's, who closes it afterwards */
	struct devmem_buffer *buffer;
	unsigned int queues;	    /* engine zcrx takes one, whatever this says */
	const uint32_t *queue_list; /* NULL: the library chooses */
	uint16_t port;		    /* 0: PORT; on loopback a free one in any case */
	struct devmem_nic *nic;	    /* NULL: one of its own */
};
void lab_open_as(struct lab *lab, const struct lab_opts *opts);
void lab_close(struct lab *lab);

/* cmocka's set-up and tear-down: a lab with queue 1, so that queue 2 is not bound; faults are off
 * afterwards. */
int lab_set_up(void **state);
int lab_tear_down(void **state);

/* A connection: @near is ours to attach, @far is the other end. @ipv6: which family. */
struct lab_pair {
	int near, far;
};
struct lab_pair lab_connect(struct lab *lab, bool ipv6);
/* What lab_connect() does with a connection when it is accepted. */
void lab_steer(const struct lab *lab, int near);
/* For who needs no connection, but a rule: of a port, or, where each connection needs its own, of
 * one that could come to it. Returns what devmem_steer() does. */
int lab_make_rule(struct devmem_binding *binding, uint16_t port, bool ipv6);
/* Takes that rule back. Returns what devmem_unsteer() does. */
int lab_take_rule_back(struct devmem_binding *binding, uint16_t port, bool ipv6);
void lab_close_pair(struct lab_pair pair);
int lab_listen(uint16_t port); /* for both families; 0: a free one */
uint16_t lab_port(int listener);
int lab_dial(uint16_t port, bool ipv6); /* the far end alone */
int lab_dial_from(uint16_t port, bool ipv6, uint16_t source_port);
void lab_reset(int far); /* RST, now */

/* A thread that sends @bytes of the pattern on a pair's far end, in portions of @portion (0: as
 * they come). */
struct lab_sender;
struct lab_sender *lab_send(int far, uint64_t bytes, size_t portion, bool then_fin);
/* The same from @start of the pattern on. */
struct lab_sender *lab_send_from(int far, uint64_t start, uint64_t bytes, bool then_fin);
bool lab_sent(struct lab_sender *sender); /* joins it; did all go out? */

/* One stream on the receiving side. */
struct lab_stream {
	struct devmem_sock *sock;
	uint64_t position;		/* bytes so far, each of them checked */
	uint64_t device, host, spilled; /* bytes; @device has those in the spill buffer too */
	unsigned int switches;		/* from device to host bytes and back */
	/* memory of a binding that is not the one attached with ... */
	const unsigned char *foreign;
	const unsigned char *foreign_before; /* ... and of the one that was there before it */
	struct lab *lab;
	uint16_t last_type;
	bool ended;
	int error;
	unsigned int misplaced; /* MISPLACED events, and what the last one said */
	int misplaced_queue;
};
void lab_attach(struct devmem_ring *ring, struct lab *lab, int fd, struct lab_stream *stream);
void lab_attach_opts(struct devmem_ring *ring, struct lab *lab, int fd, struct lab_stream *stream,
		     const struct devmem_attach_opts *opts);

/* Checks the bytes of DATA and HOST events against the pattern and notes ENDs. */
void lab_check(struct lab *lab, const struct devmem_event *events, int n);

/* Receives, checks and releases until a LINK event said @link last. */
void lab_await_link(struct devmem_ring *ring, struct lab *lab, int link);

/* Receives, checks and releases until there are so many bytes; or until the stream has ended, the
 * message of an error having @word. */
void lab_receive(struct devmem_ring *ring, struct lab *lab, struct lab_stream *stream,
		 uint64_t bytes);
void lab_receive_end(struct devmem_ring *ring, struct lab *lab, struct lab_stream *stream,
		     const char *word);

/* A connection of IPv6, from its first byte to its end, as if nothing were. Returns what came,
 * every byte checked. */
struct lab_stream lab_carry(struct devmem_ring *ring, struct lab *lab, uint64_t bytes);

/* Receives, checks and releases until @n streams have ended or a second passed without an event:
 * false. */
bool lab_drain(struct devmem_ring *ring, struct lab *lab, struct lab_stream *streams,
	       unsigned int n);

/* Many streams on one ring, IPv4 and IPv6 in turns. Every byte is checked, and at the end nothing
 * is left. */
struct lab_flows {
	struct devmem_ring *ring;
	unsigned int n;
	uint64_t bytes;	    /* of each */
	unsigned int array; /* room for so many events; 0: 128 */
	struct lab_stream *stream;
	struct lab_sender **sender;
	struct lab_pair *pair;
};
void lab_flows_start(struct lab_flows *flows, struct devmem_ring *ring, struct lab *lab,
		     unsigned int n, uint64_t bytes);
/* Receives until all together have so many bytes; returns how many they have. */
uint64_t lab_flows_receive(struct lab_flows *flows, uint64_t bytes);
void lab_flows_finish(struct lab_flows *flows);

/* of the run's engine, unless @opts names one */
struct devmem_ring *lab_ring(const struct devmem_ring_opts *opts);
void lab_settle(struct devmem_ring *ring); /* everything was released: it goes home */

/* Another binding: of the run's engine, as lab_open() makes them. */
struct devmem_binding *lab_bind(struct devmem_nic *nic, struct devmem_buffer *buffer,
				unsigned int queues, const uint32_t *queue_list);
struct devmem_buffer *lab_buffer(size_t bytes);

/*
 * The bytes of a buffer, for the test to look at: mapped by the library, or, where the backend has
 * no mapping, by the dma-buf itself.
 */
void *lab_view(struct devmem_buffer *buffer);
void lab_unview(struct devmem_buffer *buffer, void *memory);

/* How many packets the kernel dropped that were for a socket, since a filter said so or there was
 * no room. */
uint32_t lab_drops(int fd);

/* How many fragments the kernel thinks are still out on a socket. It frees them: ask last. 0
 * without lab_tokens(). */
unsigned int lab_leaked(int near);

/* The kernel will warn in @function, and the run does not fail for that: one such warning, if it
 * has not come before. */
void lab_expect_warning(const char *function);

/* Runs a shell command that must succeed. */
#define run(command) assert_int_equal(system(command), 0)

struct devmem_stats lab_stats(const struct devmem_ring *ring);

/*
 * Do the counters say what happened? @bytes came, everything was released, and what the NIC wrote
 * is told from what was copied as it is with this run's engine. @whole: no packet was unsplit or
 * came through another queue.
 */
void lab_expect(const struct devmem_stats *st, uint64_t bytes, bool whole);

unsigned int lab_open_fds(void);

/*
 * How many mappings this process has, and how many dma-bufs the kernel (they may take seconds to
 * go; 0 outside the lab). Threads' stacks and arenas would make the first one vary:
 * lab_count_mappings(), called first in main(), starts the program again without them. Under
 * AddressSanitizer, whose own mappings come and go, it is always 0.
 */
unsigned int lab_mappings(void);
unsigned int lab_dmabufs(void);
void lab_count_mappings(char **argv);

/*
 * What a test leaves, around each of them as cmocka's set-up and tear-down: the NIC's settings are
 * as before to the letter, and no descriptor, no dma-buf and, in a program that counts them, no
 * mapping is left.
 */
int lab_look_before(void **state);
int lab_look_after(void **state);
bool lab_as_before(void);	     /* the settings alone: what is different is shown */
bool lab_is_changed(void);	     /* they are not */
bool lab_same_view(const char *was); /* the same, from a view that the test has */
void lab_nothing_is_left(void);	     /* all but the settings */
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, lab_look_before, lab_look_after)

#endif
