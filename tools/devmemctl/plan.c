// SPDX-License-Identifier: MIT
/* The verb "plan": prints devmem_plan(). */
#include <errno.h>
#include <stdio.h>

#include "base/internal.h"
#include "nic/nic.h"

#include "ctl.h"
#include "out.h"

static void print_bytes(const char *what, uint64_t bytes, const char *why)
{
	char text[32];

	printf("%-10s %-11s %s\n", what, out_bytes(text, sizeof(text), bytes), why);
}

static void for_people(const struct devmem_plan *p, bool fits)
{
	printf("%u queue%s with rings of %u entries, MTU %u, %u connection%s", p->queues,
	       p->queues == 1 ? "" : "s", p->ring_entries, p->mtu, p->connections,
	       p->connections == 1 ? "" : "s");
	if (p->message_bytes)
		printf(" with messages of %u bytes\n", p->message_bytes);
	else
		printf("%s\n", p->connections == 1 ? " that streams" : " that stream");
	print_bytes("buffer", p->buffer_bytes, fits ? "which is enough" : "which is too small");
	print_bytes("pages", p->bind_page_size,
		    p->page_size ? "as you asked"
				 : "the library's choice, if memory, NIC and kernel support it");
	print_bytes("pinned", p->pinned_bytes,
		    "kept by the rings themselves, with or without traffic");
	print_bytes("least", p->least_bytes, "with less, receiving stalls");
	print_bytes("advised", p->advised_bytes,
		    "with this, the connections can receive at full rate");
	print_bytes("wasted", p->wasted_bytes,
		    "of the advised bytes: never written to, if each packet begins a page");
	if (p->advised_page_size != p->bind_page_size)
		print_bytes("better", p->advised_page_size, "would be a better page size");
	if (p->advice)
		printf("%-10s %s\n", "advice", p->advice);
}

static void for_programs(const struct devmem_plan *p, const char *ifname, bool fits)
{
	struct out_json j = { .f = stdout };

	out_object(&j, NULL);
	out_string(&j, "interface", ifname);
	out_bool(&j, "fits", fits);
	out_number(&j, "queues", p->queues);
	out_number(&j, "connections", p->connections);
	out_number(&j, "message_bytes", p->message_bytes);
	out_number(&j, "ring_entries", p->ring_entries);
	out_number(&j, "mtu", p->mtu);
	out_number(&j, "buffer_bytes", p->buffer_bytes);
	out_number(&j, "page_size", p->bind_page_size);
	out_number(&j, "advised_page_size", p->advised_page_size);
	out_number(&j, "pinned_bytes", p->pinned_bytes);
	out_number(&j, "least_bytes", p->least_bytes);
	out_number(&j, "advised_bytes", p->advised_bytes);
	out_number(&j, "wasted_bytes", p->wasted_bytes);
	out_string(&j, "advice", p->advice);
	out_end(&j);
}

static int plan(const struct ctl_options *opt)
{
	struct devmem_plan p = {
		.size = sizeof(p),
		.queues = opt->queues,
		.connections = opt->connections,
		.message_bytes = opt->message,
		.page_size = opt->page_size,
		.buffer_bytes = opt->buffer_bytes,
	};
	struct devmem_nic *nic;
	int err = devmem__nic_open_idle(opt->ifname, NULL, &nic); /* changes nothing */

	if (err)
		return ctl_failed(err);
	err = devmem_plan(nic, &p);
	devmem_nic_close(nic);
	if (err && err != -ENOSPC) {
		ctl_failed(err);
		return err == -EINVAL ? CTL_USAGE : CTL_NO;
	}
	if (opt->json)
		for_programs(&p, opt->ifname, !err);
	else
		for_people(&p, !err);
	return err ? ctl_failed(err) : CTL_OK;
}

const struct ctl_verb ctl_plan = {
	.name = "plan",
	.what = "how large should the buffer and its pages be?",
	.about = "Do ring size, MTU, queues and buffer size fit together? Changes nothing.",
	.status = "0 they fit, 1 they do not or cannot be read, 2 wrong arguments",
	.letters = "qcspmj",
	.needs_interface = true,
	.run = plan,
};
