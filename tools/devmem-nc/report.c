// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "out.h"
#include "report.h"
#include "say.h"
#include "stop.h"

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int nc_report_open(struct nc_report *r, const struct nc_options *opt)
{
	memset(r, 0, sizeof(*r));
	r->opt = opt;
	r->stats.size = sizeof(r->stats);
	if (!opt->json)
		return 0;
	r->json = strcmp(opt->json, "-") ? fopen(opt->json, "we") : stdout;
	return r->json ? 0
		       : failed("cannot write the summary to %s: %s", opt->json, strerror(errno));
}

void nc_report_binding(struct nc_report *r, const struct devmem_buffer *buffer,
		       const struct devmem_binding *binding)
{
	const char *reason;

	snprintf(r->engine, sizeof(r->engine), "%s", devmem_binding_engine(binding, &reason));
	snprintf(r->engine_reason, sizeof(r->engine_reason), "%s", reason);
	snprintf(r->backend, sizeof(r->backend), "%s", devmem_buffer_backend(buffer, NULL));
	r->id = devmem_binding_id(binding);
	if (!r->opt->engine && !r->opt->no_copies && !strcmp(r->engine, "copy"))
		say("bytes will be copied: %s", reason);
	if (r->opt->mode == NC_SEND)
		return;
	r->nqueues = devmem_binding_queues(binding, r->queues, NC_REPORT_QUEUES);
	nc_report_attached(r, binding);
	r->queues_wait = !strcmp(r->engine, "zcrx");
}

void nc_report_attached(struct nc_report *r, const struct devmem_binding *binding)
{
	r->page_size = devmem_binding_page_size(binding, NULL);
	r->queues_wait = false;
}

void nc_report_connected(struct nc_report *r, const char *peer)
{
	snprintf(r->peer, sizeof(r->peer), "%s", peer);
	r->started = now();
	r->reported_at = r->started;
}

static uint64_t copied(const struct nc_report *r)
{
	return r->opt->mode == NC_SEND ? r->stats.bytes_sent_copied
				       : r->stats.bytes_linear + r->stats.bytes_plain;
}

static uint64_t uncopied(const struct nc_report *r)
{
	return r->opt->mode == NC_SEND ? r->stats.bytes_sent : r->stats.bytes_device;
}

void nc_report_progress(struct nc_report *r, const struct devmem_ring *ring)
{
	const double t = now();
	char text[32], rate[32];
	uint64_t bytes;

	if (!r->opt->progress || t - r->reported_at < 1)
		return;
	devmem_ring_stats(ring, &r->stats);
	bytes = uncopied(r) + copied(r);
	fprintf(stderr, "\r%6.0f s  %s, %s/s, %.1f %% without a copy      ", t - r->started,
		out_bytes(text, sizeof(text), bytes),
		out_bytes(rate, sizeof(rate),
			  (uint64_t)((double)(bytes - r->reported_bytes) / (t - r->reported_at))),
		bytes ? 100.0 * (double)uncopied(r) / (double)bytes : 100.0);
	r->reported_at = t;
	r->reported_bytes = bytes;
}

void nc_report_ring(struct nc_report *r, const struct devmem_ring *ring)
{
	const char *reason;

	devmem_ring_stats(ring, &r->stats);
	snprintf(r->engine, sizeof(r->engine), "%s", devmem_ring_engine(ring, &reason));
	snprintf(r->engine_reason, sizeof(r->engine_reason), "%s", reason);
}

/* ----------------------------------------------------------------------------------- for people */

static void say_received(const struct nc_report *r)
{
	char in_place[32], linear[32], plain[32];

	say("received: %s in device memory, written by the NIC; copied: %s that could not be "
	    "split, %s that came through an ordinary queue",
	    out_bytes(in_place, sizeof(in_place), r->stats.bytes_device),
	    out_bytes(linear, sizeof(linear), r->stats.bytes_linear),
	    out_bytes(plain, sizeof(plain), r->stats.bytes_plain));
	/* ncdevmem prints this line */
	fprintf(stderr, "total_received=%llu\n", (unsigned long long)r->stats.bytes_device);
}

static void say_sent(const struct nc_report *r)
{
	char in_place[32], other[32];

	say("sent: %s from device memory, %s copied on their way",
	    out_bytes(in_place, sizeof(in_place), r->stats.bytes_sent),
	    out_bytes(other, sizeof(other), r->stats.bytes_sent_copied));
}

static void for_people(const struct nc_report *r, int status)
{
	if (r->opt->mode == NC_PROBE) {
		if (!status && r->queues_wait)
			say("%s receives into device memory: %u queues are ready to be bound",
			    r->opt->interface, r->nqueues);
		else if (!status)
			say("%s receives into device memory: %u queues were bound, with pages of "
			    "%u bytes",
			    r->opt->interface, r->nqueues, r->page_size);
		return;
	}
	if (!r->peer[0])
		return;
	if (r->opt->mode == NC_RECEIVE)
		say_received(r);
	else
		say_sent(r);
	say("engine %s: %s", r->engine, r->engine_reason);
}

/* --------------------------------------------------------------------------------- for programs */

static void received(const struct nc_report *r, struct out_json *j)
{
	const struct devmem_stats *st = &r->stats;

	out_number(j, "bytes", uncopied(r) + copied(r));
	out_number(j, "bytes_device", st->bytes_device);
	out_number(j, "bytes_linear", st->bytes_linear);
	out_number(j, "bytes_plain", st->bytes_plain);
	out_number(j, "fragments", st->fragments);
	out_number(j, "descriptors", st->descriptors);
	out_number(j, "tokens_released", st->tokens_released);
	out_number(j, "tokens_outstanding", st->tokens_outstanding);
	out_number(j, "release_operations", st->release_operations);
	if (r->opt->modulo)
		out_number(j, "wrong_bytes", r->wrong);
}

static void sent(const struct nc_report *r, struct out_json *j)
{
	const struct devmem_stats *st = &r->stats;

	out_number(j, "bytes", uncopied(r) + copied(r));
	out_number(j, "bytes_sent", st->bytes_sent);
	out_number(j, "bytes_sent_copied", st->bytes_sent_copied);
	out_number(j, "sends", st->sends);
	out_number(j, "sends_outstanding", st->sends_outstanding);
	out_number(j, "most_sends", r->most_sends);
	out_number(j, "send_operations", st->send_operations);
	out_number(j, "send_notices", st->send_notices);
}

static void bound(const struct nc_report *r, struct out_json *j)
{
	out_string(j, "engine", r->engine);
	out_string(j, "engine_reason", r->engine_reason);
	out_string(j, "backend", r->backend);
	out_number(j, "dmabuf_id", r->id);
	if (r->opt->mode == NC_SEND)
		return;
	if (r->queues_wait)
		out_string(j, "page_size", NULL);
	else
		out_number(j, "page_size", r->page_size);
	out_array(j, "queues");
	for (unsigned int i = 0; i < r->nqueues && i < NC_REPORT_QUEUES; i++)
		out_number(j, NULL, r->queues[i]);
	out_end(j);
}

static void for_programs(const struct nc_report *r, int status, bool restored)
{
	static const char *const modes[] = { "probe", "receive", "send" };
	struct out_json j = { .f = r->json };
	struct utsname kernel = { 0 };

	uname(&kernel);
	out_object(&j, NULL);
	out_string(&j, "mode", modes[r->opt->mode]);
	out_string(&j, "interface", r->opt->interface);
	out_bool(&j, "ok", !status);
	out_string(&j, "error", failure());
	out_string(&j, "peer", r->peer[0] ? r->peer : NULL);
	if (r->engine[0])
		bound(r, &j);
	if (r->opt->mode == NC_RECEIVE)
		received(r, &j);
	else if (r->opt->mode == NC_SEND)
		sent(r, &j);
	if (r->opt->mode != NC_PROBE)
		out_number(&j, "milliseconds",
			   r->started ? (uint64_t)((now() - r->started) * 1000) : 0);
	out_bool(&j, "nic_restored", restored);
	out_string(&j, "kernel", kernel.release);
	out_end(&j);
}

/* The first line of an interrupted program's summary, and its reason in JSON. */
static void say_interrupted(const struct nc_report *r)
{
	if (stopped())
		failed("ended by signal %d (%s)%s", stopped(), strsignal(stopped()),
		       r->peer[0] ? "" : ", before there was a connection");
}

int nc_report_close(struct nc_report *r, int status, bool restored)
{
	if (r->reported_at > r->started)
		fputc('\n', stderr);
	say_interrupted(r);
	for_people(r, status);
	if (!r->json)
		return status;
	for_programs(r, status, restored);
	if (r->json == stdout ? !fflush(stdout) : !fclose(r->json))
		return status;
	failed("cannot write the summary to %s: %s", r->opt->json, strerror(errno));
	return status ? status : NC_FAILED;
}
