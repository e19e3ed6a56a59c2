// SPDX-License-Identifier: MIT
#include "params.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct number {
	const char *name;
	size_t offset;
	uint32_t min, max, first;
	const char *help;
} numbers[] = {
#define NUMBER(field, min, max, first, help)                                        \
	{                                                                           \
#field, offsetof(struct params, field), (min), (max), (first), help \
	}
	NUMBER(queues, 1, MAX_QUEUES, 4, "RX and TX queues at first"),
	NUMBER(max_queues, 1, MAX_QUEUES, 16, "RX and TX queues at most"),
	NUMBER(ring, 256, 4096, 1024, "descriptors in a ring at first: a power of two"),
	NUMBER(min_rx_ring, 64, 4096, 512, "fewest descriptors in an RX ring"),
	NUMBER(max_ring, 256, 4096, 4096, "most descriptors in a ring"),
	NUMBER(mtu, 1460, 9216, 9000, "largest MTU"),
	NUMBER(buffer, 2048, 4096, 4096, "largest RX buffer: 2048 or 4096 bytes"),
	NUMBER(header_buffer, 0, 1023, 256, "bytes of a header buffer; 0: no header split"),
	NUMBER(rules, 0, MAX_RULES, 64, "flow rules at most; 0: no flow steering"),
	NUMBER(speed, 1, 400, 100, "link speed in Gbit/s"),
#undef NUMBER
};

static const struct word {
	const char *name, *word;
} words[] = {
	{ "format", "rda" },
	{ "format", "qpl" },
	{ "rss", "driver" },
	{ "rss", "device" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t *field(struct params *p, const struct number *n)
{
	return (uint32_t *)((char *)p + n->offset);
}

void params_help(void)
{
	puts("Usage: gve_model SOCKET0 SOCKET1 COMPLAINTS [PARAMETER=VALUE]...\n\n"
	     "Two devices of Google's virtual Ethernet, linked by a wire, for QEMU's "
	     "vfio-user-pci.\n"
	     "What their driver should not have done goes to the file COMPLAINTS.\n\n"
	     "Parameters, for both devices or, as near.NAME or far.NAME, for one:");
	for (size_t i = 0; i < COUNT(numbers); i++)
		printf("  %-15s %s (%u)\n", numbers[i].name, numbers[i].help, numbers[i].first);
	puts("  format          rda or qpl: of the queues (rda)\n"
	     "  rss             driver or device: who keeps key and table (driver)\n"
	     "and the first value of each fault:");
	for (unsigned int i = FAULT_NONE + 1; i < FAULTS; i++)
		printf("  %s\n", fault_name(i));
}

static bool set_word(struct params *p, const char *name, const char *value)
{
	for (size_t i = 0; i < COUNT(words); i++) {
		if (strcmp(words[i].name, name) || strcmp(words[i].word, value))
			continue;
		if (!strcmp(name, "format"))
			p->format = !strcmp(value, "qpl") ? FORMAT_DQO_QPL : FORMAT_DQO_RDA;
		else
			p->device_rss = !strcmp(value, "device");
		return true;
	}
	return false;
}

static bool set_number(struct params *p, const char *name, uint32_t value)
{
	const enum fault fault = fault_by_name(name);

	if (fault) {
		p->faults.value[fault] = value;
		return true;
	}
	for (size_t i = 0; i < COUNT(numbers); i++) {
		if (strcmp(numbers[i].name, name))
			continue;
		if (value < numbers[i].min || value > numbers[i].max)
			return false;
		*field(p, &numbers[i]) = value;
		return true;
	}
	return false;
}

static bool set(struct params *p, const char *name, const char *value)
{
	unsigned long number;
	char *end;

	if (set_word(p, name, value))
		return true;
	errno = 0;
	number = strtoul(value, &end, 0);
	return !errno && *value && !*end && number <= UINT32_MAX && set_number(p, name, number);
}

static bool read_one(struct params near_far[2], const char *arg)
{
	const char *const equals = strchr(arg, '=');
	bool on[2] = { true, true };
	char name[32];

	if (!strncmp(arg, "near.", 5))
		on[1] = false;
	else if (!strncmp(arg, "far.", 4))
		on[0] = false;
	if (!on[0] || !on[1])
		arg = strchr(arg, '.') + 1;
	if (!equals || equals <= arg || (size_t)(equals - arg) >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(equals - arg), arg);
	for (int i = 0; i < 2; i++)
		if (on[i] && !set(&near_far[i], name, equals + 1))
			return false;
	return true;
}

static bool power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static bool sound(const struct params *p)
{
	return p->queues <= p->max_queues && power_of_two(p->ring) &&
	       power_of_two(p->min_rx_ring) && power_of_two(p->max_ring) &&
	       p->ring <= p->max_ring && p->min_rx_ring <= p->ring && power_of_two(p->buffer);
}

bool params_read(struct params near_far[2], char **args)
{
	for (int i = 0; i < 2; i++) {
		memset(&near_far[i], 0, sizeof(near_far[i]));
		faults_init(&near_far[i].faults);
		near_far[i].format = FORMAT_DQO_RDA;
		for (size_t n = 0; n < COUNT(numbers); n++)
			*field(&near_far[i], &numbers[n]) = numbers[n].first;
	}
	for (; *args; args++)
		if (!read_one(near_far, *args)) {
			fprintf(stderr,
				"gve_model: '%s' is no parameter or out of range (--help)\n",
				*args);
			return false;
		}
	for (int i = 0; i < 2; i++)
		if (!sound(&near_far[i])) {
			fprintf(stderr, "gve_model: queues <= max_queues, min_rx_ring <= ring <= "
					"max_ring, "
					"and rings and buffers are powers of two\n");
			return false;
		}
	return true;
}
