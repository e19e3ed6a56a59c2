// SPDX-License-Identifier: MIT
/*
 * QEMU plugin: counts how often each processor executes each translation block between two marks
 * (mark.h). At the end mark it writes
 *
 *	blocks
 *	at PROCESSOR ADDRESS INSTRUCTIONS	for each block: its instructions times how often it
 *						was entered
 *
 * One thread must run all processors (-accel tcg,thread=single), because nothing here is locked. A
 * block that is left by a fault counts as a whole.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"
#include "plugin.h"

#define PROCESSORS 8
#define BUCKETS	   65536 /* a power of two */

struct block {
	struct block *next;
	uint64_t address;
	size_t instructions;
	uint64_t entered[PROCESSORS];
};

PLUGIN_EXPORT extern int qemu_plugin_version;
PLUGIN_EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc,
				      char **argv);

int qemu_plugin_version = PLUGIN_VERSION;

/*
 * QEMU's own variable: the processor that the calling thread runs. The number that callbacks get is
 * useless: when one thread runs all processors, QEMU 10.0 makes it a constant, the number of the
 * processor for which the block was translated.
 */
extern __thread const void *current_cpu;

static const void *processor_object[PROCESSORS];

static struct block *bucket[BUCKETS];
static bool counting;
static FILE *out;

/* Code may be translated again: it keeps its block. */
static struct block *find_block(uint64_t address, size_t instructions)
{
	struct block **first = &bucket[(address ^ address >> 16) & (BUCKETS - 1)], *b;

	for (b = *first; b; b = b->next)
		if (b->address == address && b->instructions == instructions)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort(); /* no count is better than a wrong one */
	b->next = *first;
	b->address = address;
	b->instructions = instructions;
	*first = b;
	return b;
}

static void started(unsigned int processor, void *data)
{
	(void)data;
	if (processor >= PROCESSORS || !current_cpu)
		abort();
	for (unsigned int i = 0; i < PROCESSORS; i++)
		if (processor_object[i] == current_cpu)
			abort();
	processor_object[processor] = current_cpu;
}

static void entered(unsigned int ignored, void *data)
{
	struct block *b = data;
	unsigned int i = 0;

	(void)ignored;
	if (!counting)
		return;
	while (processor_object[i] != current_cpu)
		if (++i == PROCESSORS)
			abort();
	b->entered[i]++;
}

/* Both marks reset all counts, so a count that was never ended does not add to the next one. */
static void forget(void)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct block *b = bucket[i]; b; b = b->next)
			memset(b->entered, 0, sizeof(b->entered));
}

static void begin(unsigned int processor, void *data)
{
	(void)processor;
	(void)data;
	forget();
	counting = true;
}

static void write_block(const struct block *b)
{
	for (unsigned int i = 0; i < PROCESSORS; i++)
		if (b->entered[i])
			fprintf(out, "at %u %" PRIx64 " %" PRIu64 "\n", i, b->address,
				b->entered[i] * b->instructions);
}

static void end(unsigned int processor, void *data)
{
	(void)processor;
	(void)data;
	counting = false;
	fputs("blocks\n", out);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct block *b = bucket[i]; b; b = b->next)
			write_block(b);
	fflush(out);
	forget();
}

static bool is_mark(const struct qemu_plugin_insn *insn, uint32_t *which)
{
	unsigned char bytes[7];

	if (qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) != sizeof(bytes) ||
	    memcmp(bytes, (unsigned char[]){ 0x0f, 0x1f, 0x80 }, 3))
		return false;
	memcpy(which, bytes + 3, sizeof(*which));
	return *which == LAB_COUNT_BEGIN || *which == LAB_COUNT_END;
}

static void translated(struct qemu_plugin_tb *tb, void *data)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	uint32_t which;

	(void)data;
	/* A conditional callback would be faster, since nothing is counted most of the time, but
	 * with those guests crash (QEMU 10.0). */
	qemu_plugin_register_vcpu_tb_exec_cb(tb, entered, PLUGIN_NO_REGISTERS,
					     find_block(qemu_plugin_tb_vaddr(tb), n));
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is_mark(insn, &which))
			qemu_plugin_register_vcpu_insn_exec_cb(insn,
							       which == LAB_COUNT_BEGIN ? begin
											: end,
							       PLUGIN_NO_REGISTERS, NULL);
	}
}

/* Takes one argument: out=FILE. */
int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = fopen(argv[0] + 4, "we");
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_init_cb(id, started, NULL);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated, NULL);
	return 0;
}
