// SPDX-License-Identifier: MIT
/* Opens the kernel's io_uring and tries it out, or plain system calls instead (syscall_ring.c). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "uring/syscall_ring.h"
#include "uring/recv_buffers.h"
#include "base/uapi_sock.h"
#include "uring/uring.h"

/* entries of the completion queue for each of the submission queue. Releases need none. */
#define CQ_PER_SQ 8

static int setup_failed(int err)
{
	switch (err) {
	case EPERM:
		return devmem__fail(EPERM, "io_uring is disabled by policy: see sysctl "
					   "kernel.io_uring_disabled, or the container's seccomp "
					   "profile");
	case ENOSYS:
		return devmem__fail(ENOSYS, "this kernel has no io_uring");
	case ENOMEM:
		return devmem__fail(ENOMEM, "no memory for an io_uring, or RLIMIT_MEMLOCK is too "
					    "low");
	}
	return devmem__fail(err, "cannot make an io_uring: %s", strerror(err));
}

/* IORING_SETUP_DEFER_TASKRUN (Linux 6.1): the kernel makes completions on our thread when we ask
 * for them. This makes a wake-up cheaper by a twentieth. */
static int setup_io(struct io_uring *io, unsigned int entries, bool large)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP |
			 (large ? IORING_SETUP_CQE32 : 0),
		.cq_entries = entries * CQ_PER_SQ,
	};
	int err = io_uring_queue_init_params(entries, io, &p);

	if (err == -EINVAL && !large) {
		p = (struct io_uring_params){ .flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
					      .cq_entries = entries * CQ_PER_SQ };
		err = io_uring_queue_init_params(entries, io, &p);
	}
	return err ? setup_failed(-err) : 0;
}

static int set_busy_poll(struct io_uring *io, uint32_t us)
{
	struct devmem__napi napi = { .busy_poll_us = us, .prefer_busy_poll = 1 };
	int err = us ? io_uring_register((unsigned int)io->ring_fd, DEVMEM_IORING_REGISTER_NAPI,
					 &napi, 1)
		     : 0;

	if (err >= 0)
		return 0;
	return devmem__fail(ENOSYS, "this kernel's io_uring cannot busy poll (Linux 6.9): %s",
			    strerror(-err));
}

/* ------------------------------------------------------------------------- an io_uring on trial */

static int refused(const char *call, int err)
{
	return devmem__fail(err,
			    "there is an io_uring, but %s is refused, by a policy or a limit: %s",
			    call, strerror(err));
}

/* Multishot receives cannot be probed. Zero-copy sends came in the same version, Linux 6.0, and
 * provided-buffer rings before them. */
static int check_features(struct io_uring *io)
{
	const unsigned int ops = 256;
	struct io_uring_probe *probe = calloc(1, sizeof(*probe) + ops * sizeof(probe->ops[0]));
	int err = probe ? io_uring_register_probe(io, probe, ops) : -ENOMEM;
	bool good = !err && io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);

	free(probe);
	if (err)
		return refused("io_uring_register", -err);
	return good ? 0
		    : devmem__fail(ENOSYS, "this kernel's io_uring has no multishot receive (Linux "
					   "6.0)");
}

/* Try a ring as large as the first real one: newer kernels count it against RLIMIT_MEMLOCK. */
static int try_buffers(struct io_uring *io, unsigned int buffers)
{
	size_t bytes =
		(buffers ? buffers : DEVMEM__RECV_BUFFERS_MANY) * sizeof(struct io_uring_buf);
	struct devmem__buf_reg reg = { .ring_entries =
					       (uint32_t)(bytes / sizeof(struct io_uring_buf)) };
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err = -ENOMEM;

	if (p != MAP_FAILED) {
		reg.ring_addr = (uintptr_t)p;
		err = io_uring_register((unsigned int)io->ring_fd, IORING_REGISTER_PBUF_RING, &reg,
					1);
		if (err >= 0)
			io_uring_unregister_buf_ring(io, 0);
		munmap(p, bytes);
	}
	return err < 0 ? refused("providing buffers", -err) : 0;
}

static int try_cancel(struct io_uring *io)
{
	int err = devmem__uring_cancel_waiting(io);

	return err < 0 && err != -ENOENT ? refused("cancelling requests", -err) : 0;
}

static int try_enter(struct io_uring *io)
{
	struct io_uring_cqe *cqe;
	int n;

	io_uring_prep_nop(io_uring_get_sqe(io));
	n = io_uring_submit_and_wait(io, 1);
	if (n < 0)
		return refused("io_uring_enter", -n);
	if (!io_uring_peek_cqe(io, &cqe))
		io_uring_cqe_seen(io, cqe);
	return 0;
}

/*
 * A policy may allow io_uring_setup() but refuse the other two system calls, or some of their
 * operations. So do everything once now that is needed later, while the library can still choose
 * plain system calls instead.
 */
static int try_all(struct io_uring *io, const struct devmem__uring_opts *o)
{
	int err = check_features(io);

	if (!err)
		err = try_enter(io);
	if (!err)
		err = try_buffers(io, o->buffers);
	if (!err)
		err = try_cancel(io);
	return err ? err : set_busy_poll(io, o->busy_poll_us);
}

/* ------------------------------------------------------------------------------- opened, closed */

int devmem__uring_open(struct devmem__uring *uring, const struct devmem__uring_opts *o)
{
	int err = setup_io(&uring->io, o->entries, o->large);

	if (err)
		return err;
	err = try_all(&uring->io, o);
	if (err)
		io_uring_queue_exit(&uring->io);
	return err;
}

int devmem__uring_open_syscall_ring(struct devmem__uring *uring, unsigned int entries)
{
	return devmem__syscall_ring_open(&uring->io, entries, entries * CQ_PER_SQ,
					 &uring->syscalls);
}

void devmem__uring_close(struct devmem__uring *uring)
{
	if (uring->syscalls)
		devmem__syscall_ring_close(uring->syscalls);
	else
		io_uring_queue_exit(&uring->io);
}
