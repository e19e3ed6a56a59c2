// SPDX-License-Identifier: MIT
/*
 * gpu_nics_server: receives on several NICs, each with its own thread, buffer, binding and ring.
 *
 * A ring is opened, used and closed by one thread, and nothing is shared while data arrives. Each
 * NIC has its own listener on the same port, which accepts only this NIC's connections
 * (SO_BINDTODEVICE), so that a connection is handled where its packets arrive. An interface that is
 * named twice divides its connections between two listeners. With --backend cuda, each buffer is
 * made on the GPU that is nearest to its NIC.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server.h"
#include "sockets.h"
#include "streams.h"

static const char usage[] = "usage: gpu_nics_server [options] INTERFACE...\n"
			    "Receives TCP streams into device memory, on several interfaces.\n"
			    "  -p, --port N          listen here on each of them, IPv4 and IPv6 "
			    "(default 5201)\n"
			    "  -e, --engine NAME     devmem, zcrx, copy or syscall (default: the "
			    "best that can be on each)\n"
			    "  -b, --backend NAME    where the memory comes from: cuda, drm, "
			    "udmabuf, ... (default: the best host memory)\n"
			    "  -d, --device NAME     which device of it (default: cuda's nearest "
			    "to each INTERFACE, the first of others)\n"
			    "  -m, --buffer MIB      size of each buffer (default 64)\n"
			    "  -q, --queues N        RX queues to bind on each (default 1)\n"
			    "  -c, --connections N   end after so many connections, of all "
			    "together (default: at SIGINT or SIGTERM)\n"
			    "  -v, --verify          check that the bytes are what send_client "
			    "sends\n"
			    "  -j, --json FILE       write the summaries to FILE.0, FILE.1 and so "
			    "on\n" CLIENTS_USAGE "  -h, --help\n";

struct nic {
	struct server server;
	struct streams streams;
	struct report report;
	pthread_t thread;
	atomic_uint *ended; /* number of ended connections, of all NICs together */
	bool ok;
};

/* Each ring watches for signals, so one signal is enough to end all of them: the program sends it
 * to itself, too. */
static void end_all(void)
{
	kill(getpid(), SIGTERM);
}

static int serve(struct nic *n)
{
	struct server *s = &n->server;
	unsigned int before;

	while (!n->streams.stop) {
		before = s->ended;
		if (streams_turn(&n->streams, -1) < 0)
			return -1;
		if (s->ended == before)
			continue;
		before = atomic_fetch_add(n->ended, s->ended - before) + s->ended - before;
		if (s->opt.connections && before >= s->opt.connections)
			end_all();
	}
	streams_close(&n->streams);
	return server_settle(s);
}

static void *run(void *arg)
{
	struct nic *n = arg;
	struct server *s = &n->server;

	n->ok = !server_open(s);
	if (n->ok) {
		fprintf(stderr, "gpu_nics_server: listening on port %u of %s\n", s->opt.port,
			s->opt.interface);
		n->ok = !serve(n) && !n->streams.wrong && !s->broken;
		server_report(s, &n->report);
		n->report.ok = n->ok;
	}
	if (!n->ok)
		end_all();
	streams_close(&n->streams);
	n->report.nic_restored = server_close(s);
	return NULL;
}

static int tell(const struct nic *n, unsigned int i)
{
	const struct server_options *o = &n->server.opt;
	char file[4096];

	fprintf(stderr, "\n%s:\n", o->interface);
	snprintf(file, sizeof(file), "%s.%u", o->json ? o->json : "", i);
	return report_summary(&n->report, o->json ? file : NULL);
}

int main(int argc, char **argv)
{
	const struct server_options options = server_parse(argc, argv, usage, "v+");
	struct nic *nics = calloc(options.n_interfaces, sizeof(*nics));
	atomic_uint ended = 0;
	unsigned int i, started = 0, failed;
	/* signals that are blocked here are blocked in every thread */
	int signals = open_signals();

	for (; nics && started < options.n_interfaces; started++) {
		struct nic *n = &nics[started];

		*n = (struct nic){ .server = { .opt = options, .listener = -1, .signals = -1 },
				   .ended = &ended };
		n->server.opt.interface = options.interfaces[started];
		n->server.opt.apart = true;
		n->streams.server = &n->server;
		n->report.verify = options.verify;
		if (pthread_create(&n->thread, NULL, run, n))
			break;
	}
	failed = options.n_interfaces - started;
	if (failed) {
		fprintf(stderr, "gpu_nics_server: cannot start thread %u\n", started);
		end_all();
	}
	for (i = 0; i < started; i++)
		pthread_join(nics[i].thread, NULL);
	for (i = 0; i < started; i++)
		failed += tell(&nics[i], i) || !nics[i].ok || !nics[i].report.nic_restored;
	close(signals);
	free(nics);
	return failed ? 1 : 0;
}
