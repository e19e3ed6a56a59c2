// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "show.h"
#include "steering.h"

static const char *split_word(const struct iface *i)
{
	static const char *const words[] = {
		[DEVMEM_SPLIT_UNKNOWN] = "unknown",
		[DEVMEM_SPLIT_DISABLED] = "off",
		[DEVMEM_SPLIT_ENABLED] = "on",
	};

	return words[i->split.split < ARRAY_SIZE(words) ? i->split.split : DEVMEM_SPLIT_UNKNOWN];
}

/* ----------------------------------------------------------------------------------- for people */

static void print_head(const struct iface *i)
{
	out_text(stdout, i->name);
	printf(": driver ");
	out_text(stdout, i->driver[0] ? i->driver : "none");
	printf(", %s, MTU %u, header/data split %s", i->link.up ? "up" : "down", i->link.mtu,
	       split_word(i));
	if (i->split.has_thresh)
		printf(", threshold %u", i->split.thresh);
	printf("\n");
}

static void print_queue(const struct devmem__netdev_queues *q, uint32_t at)
{
	printf("  queue %-4u", at);
	if (q->napi[at])
		printf(" napi %u", q->napi[at]);
	if (q->dmabuf[at])
		printf(", dma-buf %u", q->dmabuf[at]);
	if (q->use[at] & DEVMEM__QUEUE_IO_URING)
		printf(", io_uring (zcrx)");
	if (q->use[at] & DEVMEM__QUEUE_XSK)
		printf(", AF_XDP");
	if (q->use[at] & DEVMEM__QUEUE_LEASED)
		printf(", leased to a container");
	printf("\n");
}

static void print_owner(const struct owner *o)
{
	char bytes[32];

	printf("%d (", o->pid);
	out_text(stdout, o->command);
	printf("; its dma-buf has %s", out_bytes(bytes, sizeof(bytes), o->bytes));
	if (o->exporter[0]) {
		printf(" of ");
		out_text(stdout, o->exporter);
	}
	printf(")");
}

static void print_binding(const struct iface_binding *b, const struct owners *owners)
{
	bool more = false;

	if (b->dmabuf)
		printf("  dma-buf %u belongs to ", b->dmabuf);
	else
		printf("  io_uring of queue %u belongs to ", b->queue);
	if (!b->owners)
		printf("an unknown process%s",
		       owners->hidden ? ": to see other users' processes, run as root" : "");
	else
		printf("%s", b->owners > 1 ? "one of the processes " : "process ");
	for (unsigned int o = 0; b->owners && o < owners->count; o++) {
		if (!iface_owner(b, &owners->owner[o]))
			continue;
		printf("%s", more ? ", " : "");
		print_owner(&owners->owner[o]);
		more = true;
	}
	printf("\n");
}

static void print_pool(const struct pool *p)
{
	char bytes[32];

	printf("  page pool %llu", (unsigned long long)p->id);
	if (p->napi)
		printf(" napi %llu", (unsigned long long)p->napi);
	if (p->dmabuf)
		printf(", dma-buf %u", p->dmabuf);
	printf("%s, in flight %llu pages, %s%s\n", p->io_uring ? ", io_uring (zcrx)" : "",
	       (unsigned long long)p->inflight, out_bytes(bytes, sizeof(bytes), p->inflight_bytes),
	       p->detached ? ", its queue is gone" : "");
}

static void print_rule(const struct iface *i, const struct iface_rule *r)
{
	bool context = r->rule.fs.flow_type & DEVMEM_FLOW_RSS && r->rule.context;
	char words[160];

	steering_words(&r->rule, words, sizeof(words));
	printf("  rule %u: %s -> ", r->rule.fs.location, words);
	if (context)
		printf("context %u, ", r->rule.context);
	printf("queue");
	for (uint32_t q = 0; q < i->queues.count; q++)
		if (r->hit[q])
			printf(" %u", q);
	printf("\n");
}

void show_print(const struct iface *i, const struct owners *owners)
{
	print_head(i);
	for (uint32_t n = 0; n < i->queues.count; n++)
		print_queue(&i->queues, n);
	for (unsigned int n = 0; n < i->bindings; n++)
		print_binding(&i->binding[n], owners);
	for (uint32_t n = 0; n < i->pools.count; n++)
		print_pool(&i->pools.pool[n]);
	for (uint32_t n = 0; n < i->rules; n++)
		print_rule(i, &i->rule[n]);
	if (i->journal)
		show_journal_print(i->journal);
	if (i->no_journal[0])
		printf("  journal: %s\n", i->no_journal);
	if (i->aside[0])
		printf("  a damaged journal is kept as %s\n", i->aside);
}

/* --------------------------------------------------------------------------------- for programs */

/* An id of 0 means "none". */
static void json_id(struct out_json *j, const char *key, uint64_t id)
{
	if (id)
		out_number(j, key, id);
	else
		out_string(j, key, NULL);
}

static void json_queues(struct out_json *j, const struct devmem__netdev_queues *q)
{
	out_array(j, "queues");
	for (uint32_t n = 0; n < q->count; n++) {
		out_object(j, NULL);
		out_number(j, "queue", n);
		json_id(j, "napi", q->napi[n]);
		json_id(j, "dmabuf", q->dmabuf[n]);
		out_bool(j, "io_uring", q->use[n] & DEVMEM__QUEUE_IO_URING);
		out_bool(j, "af_xdp", q->use[n] & DEVMEM__QUEUE_XSK);
		out_bool(j, "leased", q->use[n] & DEVMEM__QUEUE_LEASED);
		out_end(j);
	}
	out_end(j);
}

static void json_owners(struct out_json *j, const struct iface_binding *b,
			const struct owners *owners)
{
	json_id(j, "owner", b->owners == 1 ? (uint64_t)b->owner->pid : 0);
	out_array(j, "candidates");
	for (unsigned int n = 0; n < owners->count; n++) {
		const struct owner *o = &owners->owner[n];

		if (!iface_owner(b, o))
			continue;
		out_object(j, NULL);
		out_number(j, "pid", (uint64_t)o->pid);
		out_string(j, "command", o->command);
		out_number(j, "dmabuf_bytes", o->bytes);
		out_string(j, "exporter", o->exporter[0] ? o->exporter : NULL);
		out_end(j);
	}
	out_end(j);
}

static void json_bindings(struct out_json *j, const struct iface *i, const struct owners *owners)
{
	out_array(j, "bindings");
	for (unsigned int n = 0; n < i->bindings; n++) {
		const struct iface_binding *b = &i->binding[n];

		out_object(j, NULL);
		json_id(j, "dmabuf", b->dmabuf);
		out_array(j, "queues");
		for (uint32_t q = 0; q < i->queues.count; q++)
			if (iface_binds(i, b, q))
				out_number(j, NULL, q);
		out_end(j);
		json_owners(j, b, owners);
		out_end(j);
	}
	out_end(j);
}

static void json_pools(struct out_json *j, const struct iface *i)
{
	out_array(j, "page_pools");
	for (uint32_t n = 0; n < i->pools.count; n++) {
		const struct pool *p = &i->pools.pool[n];

		out_object(j, NULL);
		out_number(j, "id", p->id);
		json_id(j, "napi", p->napi);
		json_id(j, "dmabuf", p->dmabuf);
		out_bool(j, "io_uring", p->io_uring);
		out_number(j, "in_flight", p->inflight);
		out_number(j, "in_flight_bytes", p->inflight_bytes);
		out_bool(j, "detached", p->detached);
		out_end(j);
	}
	out_end(j);
}

static void json_rules(struct out_json *j, const struct iface *i)
{
	out_array(j, "rules");
	for (uint32_t n = 0; n < i->rules; n++) {
		const struct iface_rule *r = &i->rule[n];
		char words[160];

		steering_words(&r->rule, words, sizeof(words));
		out_object(j, NULL);
		out_number(j, "location", r->rule.fs.location);
		out_string(j, "flow", words);
		json_id(j, "context", r->rule.fs.flow_type & DEVMEM_FLOW_RSS ? r->rule.context : 0);
		out_array(j, "queues");
		for (uint32_t q = 0; q < i->queues.count; q++)
			if (r->hit[q])
				out_number(j, NULL, q);
		out_end(j);
		out_end(j);
	}
	out_end(j);
}

void show_json(struct out_json *j, const struct iface *i, const struct owners *owners)
{
	out_object(j, NULL);
	out_string(j, "interface", i->name);
	out_string(j, "driver", i->driver[0] ? i->driver : NULL);
	out_bool(j, "up", i->link.up);
	out_number(j, "mtu", i->link.mtu);
	out_string(j, "split", split_word(i));
	if (i->split.has_thresh)
		out_number(j, "hds_thresh", i->split.thresh);
	else
		out_string(j, "hds_thresh", NULL);
	json_queues(j, &i->queues);
	json_bindings(j, i, owners);
	json_pools(j, i);
	json_rules(j, i);
	show_journal_json(j, i->journal);
	out_string(j, "journal_set_aside", i->aside[0] ? i->aside : NULL);
	out_end(j);
}
