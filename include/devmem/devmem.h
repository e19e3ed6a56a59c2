/* SPDX-License-Identifier: MIT */
/*
 * libdevmem: Linux device-memory TCP. TCP payload is received straight into device memory, and sent
 * from there.
 *
 * A NIC with header/data split writes payload into a dma-buf; the kernel keeps the headers and does
 * TCP as always. The application gets descriptors (buffer, offset, length) and releases each one
 * when it has finished with the bytes.
 *
 *   devmem_buffer    memory and its dma-buf             reference counted
 *   devmem_nic       a transaction on a NIC's settings  undone when its last user is gone
 *   devmem_binding   a buffer bound to RX queues, or    lives until it is closed and its last
 *                    to an interface to send from it    fragment, or send, is back
 *   devmem_ring      one thread's loop
 *   devmem_event     what comes out of the loop         plain data in the caller's array
 *
 * Engines. An engine is a way in which bytes get from the kernel to the program. The same calls
 * work with every engine. devmem_binding_engine(), devmem_ring_engine() and the statistics say
 * which one is in use and why.
 *
 *   devmem   The NIC writes into the buffer; descriptors by io_uring (Linux 6.12). The first
 *            choice.
 *   zcrx     The NIC writes into the buffer; descriptors by io_uring's own zero-copy receive (Linux
 *            6.16). Both the binding and the ring must ask for it: the queues then belong to that
 *            ring alone.
 *   copy     The kernel copies into the buffer. Works on any interface, loopback included, without
 *            privilege.
 *   syscall  As devmem or copy, but by plain system calls: where there is no io_uring, or policy
 *            forbids it.
 *
 * Headers. This one has what a program needs to receive and send. <devmem/cuda.h> and
 * <devmem/drm.h> make buffers of memory that the program got from one vendor's driver,
 * <devmem/backend.h> of memory of any other kind. <devmem/admin.h> has the log, what is available
 * here, sizes worked out beforehand, and repair after a crash. All of it is in libdevmem.so.
 *
 * Conventions. Functions that return int return 0 or a count, or a negative errno; devmem_error()
 * then holds the error message of this thread's last failure. A new object comes out through the
 * last parameter, which is left alone on failure. Mandatory arguments are parameters; optional ones
 * are in a structure whose first member is its own size (DEVMEM_OPTS fills that in), and NULL means
 * all defaults. A structure that is longer than the library knows is refused with -E2BIG if the
 * unknown part holds anything but zero. File descriptors that a caller passes in stay the caller's;
 * the library duplicates what it needs.
 *
 * Threads. A ring, its sockets and their events belong to the thread that opened the ring. Any
 * thread may call devmem_release() and devmem_wake(). Another thread may call devmem_ring_close()
 * once the ring's own thread no longer uses the ring. Buffers, NICs and bindings may be used from
 * any thread, each by one thread at a time; but rings of several threads may share a binding (not
 * of engine "zcrx") and its buffer, attach with them, send, read and gather from them at once. Into
 * one buffer only one thread at a time may gather. devmem(7) has a table of all functions.
 *
 * A ring cannot change its thread: the kernel ties an io_uring to the thread that made it, which is
 * what makes it cheap to wake. Open the ring in the thread that will use it. To move a connection,
 * call devmem_detach() in the one thread and devmem_attach() in the other. [io_uring(7):
 * IORING_SETUP_SINGLE_ISSUER]
 *
 * Signals. A handler may call devmem_wake(), and nothing else. A signal ends devmem_wait() with
 * -EINTR, whether its handler has SA_RESTART or not, and even without a handler (SIGCONT). That is
 * no error, and nothing is lost: call it again, unless the signal asks the program to stop.
 *
 * Waiting. On the data path only devmem_wait() sleeps, for as long as it is told to. Neither it nor
 * devmem_release(), devmem_send() and devmem_gather() wait for other processes, for other threads'
 * work on a NIC, or for the NIC's driver. There is one exception: when bytes come through a queue
 * that is not known yet, the library asks the kernel which queue it is, at most once a second, and
 * the kernel does not answer while somebody changes interfaces.
 *
 * These calls may wait for the driver, and for the journal's lock, which another process holds
 * while it changes the NIC: devmem_nic_open(), devmem_bind_rx(), devmem_bind_tx(), devmem_steer(),
 * devmem_unsteer(), devmem_source_port(), devmem_sock_queue(), devmem_nic_restore(). So may the
 * calls that end something: devmem_binding_close(), devmem_nic_close(), devmem_buffer_close(),
 * devmem_detach(), devmem_ring_close(). They usually wait for milliseconds. The limits are two
 * seconds for each setting that the kernel does not take back at once, five for a queue that
 * io_uring has not let go of yet, and one for a NIC that still has sends.
 *
 * When the last fragment or send of a closed binding comes back, nothing is ended on the data path.
 * The next devmem_attach(), devmem_detach() or devmem_ring_close() of the ring ends the binding, or
 * the next devmem_bind_rx() with the same NIC.
 *
 * fork(). Every object belongs to the process that made it. In a child, calls on it fail with
 * -EEXIST before they touch anything; those that return nothing do nothing; names, numbers and
 * sizes can still be read. Each close frees the child's copy and nothing else: connections,
 * bindings and the NIC's settings stay the parent's. A child should close the objects, or call
 * execve(2), and make its own. As long as it has the descriptors, queues stay bound and the NIC's
 * settings stay changed even after the parent has died. What a registered backend keeps of a buffer
 * (backend.h) is not freed in a child. A child of vfork(2) must not call the library.
 */
#ifndef DEVMEM_H
#define DEVMEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "opts.h" /* DEVMEM_OPTS(devmem_bind_opts, .queues = 4) */

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DEVMEM_API __attribute__((visibility("default")))
#else
#define DEVMEM_API
#endif

#define DEVMEM_VERSION_MAJOR 0
#define DEVMEM_VERSION_MINOR 2
#define DEVMEM_VERSION_PATCH 0

/**
 * devmem_version() - the version of the library that is running, as "major.minor.patch".
 */
DEVMEM_API const char *devmem_version(void);

/**
 * devmem_error() - the error message of this thread's last failure, which says what to do about it.
 *
 * Where the kernel gave a reason of its own (netlink extended acknowledgement), the message
 * includes its text. The string is the library's, is never NULL, and is valid until this thread's
 * next failing call. Calls that succeed do not reset it. Neither do answers, which tell when to go
 * on and may come often: -EAGAIN of devmem_send() and devmem_sock_queue(), -EINTR and -ENOBUFS of
 * devmem_wait(). They leave the message as it is, so decide by them first. It is safe to display:
 * control characters, which interface names and drivers' texts may contain, and bytes that are not
 * UTF-8 are written as \xNN.
 */
DEVMEM_API const char *devmem_error(void);

/* -------------------------------------------------------------------------------------- buffers */

struct devmem_buffer;

struct devmem_buffer_opts {
	size_t size; /* sizeof(struct devmem_buffer_opts) */
	/* size in bytes of the pages behind host memory. 0: huge pages if @bytes is a multiple of
	 * their size and enough are reserved, else the system's page. 4096: pages of that size.
	 * 2097152 or 1073741824: huge pages of that size, which the system must have */
	uint32_t page_size;
	uint32_t reserved; /* 0 */
	/* which of the backend's devices: the name of a heap, a card, the number or PCI address of
	 * a GPU. NULL: its first, or the one that @near chooses */
	const char *device;
	/* name of an interface: use the device nearest to it. Not together with @device */
	const char *near;
	/* devmem_buffer_import() alone: where the buffer begins in the dma-buf, in bytes ... */
	uint64_t offset;
	uint64_t bytes; /* ... and its size. 0: up to the end */
};

/**
 * devmem_buffer_create() - allocate device memory and export it as a dma-buf.
 * @backend:	name of a backend: one of these, or one that was registered (backend.h). NULL: the
 *		best host memory that this machine has, in the order of this list;
 *		devmem_buffer_backend() says which.
 *		"udmabuf": host memory behind /dev/udmabuf, available on every machine and in the
 *			   lab. NULL chooses it only with huge pages, or if there is no dma-heap.
 *		"dma-heap": host memory from /dev/dma_heap, in blocks of up to 1 MiB without huge
 *			    pages. @device: any heap there by its name, such as
 *			    "default_cma_region"; NULL: "system".
 *		"shm": plain shared memory, which no NIC can write to: bytes are copied into it
 *		       (engine "copy").
 *		"drm": memory of a graphics card's driver (a dumb buffer), less than 4 GiB, by
 *		       libdrm.so.2. @device: the path of a card, or its driver's name, such as
 *		       "vgem", which needs no hardware; NULL: the first card that makes any. The
 *		       driver may round the size up: devmem_buffer_size() gives the result.
 *		"cuda": memory of an NVIDIA GPU that exports it: open kernel modules of driver R515
 *			or newer, Linux 5.12, a GPU for data centres or workstations, Turing or
 *			newer. @device: its number ("0") or its PCI address ("0000:65:00.0",
 *			"65:00"); @near considers only GPUs that export. Only a NIC on PCI can be
 *			bound to it. The processor cannot map this memory, but can read and write it
 *			(devmem_buffer_read(), devmem_buffer_write()). Every call on the buffer uses
 *			the GPU's primary context and leaves the calling thread's current context as
 *			it was. libcuda.so.1 is loaded on first use.
 * @bytes:	size, a multiple of the page size and not 0.
 * @opts:	or NULL.
 * @out:	the new buffer; give it back with devmem_buffer_close().
 *
 * -EINVAL	@bytes is 0 or not a multiple of the page size, or the kernel does not know the page
 *		size; or an option has no meaning for this backend
 * -ENOENT	no such backend, or the machine lacks it (no /dev/udmabuf, no card, no libdrm.so.2)
 * -ENODEV	no such device or interface, or the device does not export memory
 * -EOPNOTSUPP	@backend is "import", which devmem_backends() lists: it has no memory of its own
 * -EACCES	this user may not open the device
 * -EFBIG	larger than the kernel allows for one udmabuf (module parameter size_limit_mb) or
 *		one dumb buffer; or larger than RLIMIT_FSIZE, for memory of "udmabuf" and "shm".
 *		SIGXFSZ is not raised
 * -ENOMEM	not enough memory, or not enough huge pages reserved
 * -EMFILE	no file descriptors left, or the process has 65,535 buffers
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	the error of the device's driver
 */
DEVMEM_API int devmem_buffer_create(const char *backend, size_t bytes,
				    const struct devmem_buffer_opts *opts,
				    struct devmem_buffer **out);

/**
 * devmem_buffer_import() - make a buffer of memory that somebody else has exported.
 * @fd:		a dma-buf; duplicated, so it stays the caller's.
 * @opts:	@offset and @bytes alone. Any part of a dma-buf can be sent from, but only a whole
 *		dma-buf can be received into, since the NIC is given all of it: a receive binding of
 *		a part copies (engine "copy").
 *
 * The processor's access goes through the exporter: it is mapped if the exporter allows that, and
 * bracketed by devmem_buffer_sync(). If several buffers share one dma-buf, bind only one of them at
 * a time for receiving: their bindings would write over each other, and, unlike two bindings of one
 * buffer, that is not detected.
 *
 * -EINVAL	@fd is not a dma-buf; or @offset or @bytes is not a multiple of the system's page;
 *		or another option is set
 * -ERANGE	the range does not lie in the dma-buf
 * -EBADF	@fd is not open
 * -EMFILE	no file descriptors left, or the process has 65,535 buffers
 * -ENOMEM	no memory
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 */
DEVMEM_API int devmem_buffer_import(int fd, const struct devmem_buffer_opts *opts,
				    struct devmem_buffer **out);

/**
 * devmem_buffer_close() - drop the caller's reference. Bindings keep their own. NULL is allowed.
 */
DEVMEM_API void devmem_buffer_close(struct devmem_buffer *buffer);

/**
 * devmem_buffer_backend() - the name of the backend that made the buffer.
 * @reason:	unless NULL: set to a text that says why that backend was chosen.
 *
 * Both strings are valid as long as the buffer.
 */
DEVMEM_API const char *devmem_buffer_backend(const struct devmem_buffer *buffer,
					     const char **reason);

/**
 * devmem_buffer_fd() - the dma-buf's file descriptor; with backend "shm" the memory file's.
 *
 * It stays the buffer's: duplicate it to keep it. Does not fail.
 */
DEVMEM_API int devmem_buffer_fd(const struct devmem_buffer *buffer);

/** devmem_buffer_size() - its size in bytes. */
DEVMEM_API size_t devmem_buffer_size(const struct devmem_buffer *buffer);

/**
 * devmem_buffer_id() - the number by which events name the buffer, in their member @buffer.
 *
 * From 1 to 65,535: the lowest that no other buffer of the process has. It is the buffer's until
 * the buffer is gone; then another buffer may get it.
 */
DEVMEM_API uint16_t devmem_buffer_id(const struct devmem_buffer *buffer);

/**
 * devmem_buffer_find() - the buffer that an event names.
 * @id:		the event's member @buffer.
 *
 * Returns NULL if no buffer has this number; 0 is nobody's. The buffer stays its owner's: this
 * takes no reference. As long as an event's fragment is out, or its send or gather is not over, its
 * buffer lives. In a forked child the parent's buffers are found too, which the child can only
 * close. Makes no system call. Any thread.
 *
 * Since: 0.2
 */
DEVMEM_API struct devmem_buffer *devmem_buffer_find(uint16_t id);

/**
 * devmem_buffer_map() - map the buffer into this process.
 * @addr:	start of the mapping, readable and writable, valid until the buffer is gone. Later
 *		calls give the same address.
 *
 * To read bytes that a NIC wrote, bracket the reads with devmem_buffer_sync(START | READ) and
 * devmem_buffer_sync(END | READ).
 *
 * -EOPNOTSUPP	the processor cannot map this memory
 * -ENOMEM	no room for the mapping
 * -EEXIST	in a forked child: another process made the buffer
 * other	the error of the backend
 */
DEVMEM_API int devmem_buffer_map(struct devmem_buffer *buffer, void **addr);

/**
 * devmem_buffer_device_address() - the address of the buffer's first byte for programs of its
 * device, such as GPU kernels.
 * @reason:	unless NULL: set to a text that says what the address is; or why there is none. It
 *		is valid as long as the buffer.
 *
 * With backend "cuda", a CUdeviceptr: a fragment of an event lies at this address plus the event's
 * offset. It can be used in the GPU's primary context, which is the one of CUDA's runtime API; of
 * memory from devmem_buffer_wrap_cuda() it is the pointer that was passed. The ring's spill buffer
 * (devmem_ring_spill()) has an address if the bound buffer has one. A kernel may read a fragment
 * from its event until it is released: wait for the kernel before devmem_release(). It may write to
 * parts of a buffer that are not bound for receiving. Any thread.
 *
 * Returns 0 if there is none: host memory, which devmem_buffer_map() maps; memory of others; a
 * backend that does not tell; or in a forked child.
 *
 * Since: 0.2
 */
DEVMEM_API uint64_t devmem_buffer_device_address(const struct devmem_buffer *buffer,
						 const char **reason);

#define DEVMEM_SYNC_READ  1u
#define DEVMEM_SYNC_WRITE 2u
#define DEVMEM_SYNC_START 0u
#define DEVMEM_SYNC_END	  4u

/**
 * devmem_buffer_sync() - bracket accesses by the processor (DMA_BUF_IOCTL_SYNC).
 * @flags:	READ, WRITE or both, with START before the accesses and END after them.
 *
 * -EINVAL	neither READ nor WRITE, or an unknown flag
 * -EEXIST	in a forked child: another process made the buffer
 * other	the error of the exporter
 */
DEVMEM_API int devmem_buffer_sync(struct devmem_buffer *buffer, unsigned int flags);

/**
 * devmem_buffer_read() - copy bytes out of the buffer; devmem_buffer_write() - into it.
 * @offset, @bytes: any alignment; the range must lie in the buffer.
 *
 * Works also where devmem_buffer_map() does not, and brackets the access itself. Returns when the
 * copy is complete.
 *
 * -ERANGE	the range does not lie in the buffer
 * -EEXIST	in a forked child: another process made the buffer
 * other	as devmem_buffer_map() and devmem_buffer_sync(), or the error of the backend
 */
DEVMEM_API int devmem_buffer_read(struct devmem_buffer *buffer, uint64_t offset, void *to,
				  size_t bytes);
DEVMEM_API int devmem_buffer_write(struct devmem_buffer *buffer, uint64_t offset, const void *from,
				   size_t bytes);

/* --------------------------------------------------------------------------------- NIC, binding */

struct devmem_nic;
struct devmem_binding;

/*
 * Somebody else manages the NIC's settings and has already made them: header/data split on, its
 * threshold 0, rules that lead to the queues. The library changes and undoes nothing, so it needs
 * no journal. devmem_bind_rx() only binds, and the kernel says if a setting is missing.
 */
#define DEVMEM_NIC_KEEP 1u

/*
 * devmem_steer() adds no filter against urgent data to the interface's ingress (see
 * devmem_guard()), nor a program that keeps out other connections' packets. For programs that guard
 * all their listeners, where nobody else's sockets are steered. devmem_attach() guards sockets all
 * the same.
 */
#define DEVMEM_NIC_NO_GUARD 2u

struct devmem_nic_opts {
	size_t size;	   /* sizeof(struct devmem_nic_opts) */
	uint32_t flags;	   /* DEVMEM_NIC_ */
	uint32_t reserved; /* 0 */
	/* folder in which changes are written down before they are made, so that they can be undone
	 * after a crash. All processes that share a NIC must name the same folder. NULL:
	 * /run/devmem */
	const char *journal;
};

/**
 * devmem_nic_open() - begin a transaction on an interface's settings.
 * @ifname:	name of the interface, in this thread's network namespace; an alternative name works
 *		too ("ip link property").
 *
 * Changes nothing. devmem_bind_rx() and devmem_steer() then change what they need: receive
 * checksums on, header/data split on (mlx5 needs rx-gro-hw on before that), its threshold to 0,
 * bound queues out of the RSS table, an RSS context and flow rules, and a filter against urgent
 * data. Each change is remembered together with the previous value, and written to a journal (one
 * for each interface) before it is made.
 *
 * Several processes may have transactions on one interface. They share what must be shared and
 * never take the same queue; the last one to end puts shared settings back. If a process died
 * before it could undo its changes, this call undoes them, or devmem_nic_restore() does.
 *
 * A NIC that is reset (a transmit that timed out, "ethtool --reset") may forget rules and contexts,
 * and may put its RSS table back to the default, with bound queues in it: other connections that
 * come to those queues then fail with EFAULT. From the first bound queue until its own end, the
 * transaction checks for this in a thread of its own, at each link notification and every two
 * seconds, and makes its settings again; the log says so. No signal is delivered to that thread. If
 * it cannot be started, the log says so and settings are not made again. With DEVMEM_NIC_KEEP there
 * is no such thread.
 *
 * An interface without support for device memory (lo, veth; kernels before 6.12), or a process
 * without CAP_NET_ADMIN, is no failure here: later calls copy, or say why not.
 *
 * A netkit to which a NIC leases queues (Linux 7.1; docs/containers.md) can be bound like a NIC.
 * Its settings are that NIC's and are left alone: they must be made there, as with DEVMEM_NIC_KEEP.
 *
 * -ENODEV	no such interface
 * -ENAMETOOLONG the name of the journal's folder is too long
 * -EINVAL	no name, or an unknown flag
 * -EMFILE	no file descriptors left
 * -ENOMEM	no memory
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	the interface cannot be queried: devmem_error() says why
 */
DEVMEM_API int devmem_nic_open(const char *ifname, const struct devmem_nic_opts *opts,
			       struct devmem_nic **out);

/**
 * devmem_nic_close() - end the transaction: undo, in reverse order, exactly what it changed.
 *
 * While bindings of this NIC are alive, nothing is undone yet: the last of them does it, and this
 * returns 0. NULL is allowed. In a forked child nothing is undone, and 0 is returned.
 *
 * Returns 0, or the first failure; a failure does not stop the undoing.
 * -ESTALE	somebody else changed a setting after us; it was left as they made it
 * -ENODEV	the interface was removed, or moved to another network namespace and not back:
 *		nothing could be undone
 * -EIO		the driver accepted a setting but did not apply it
 * other	the error of the kernel or the driver
 */
DEVMEM_API int devmem_nic_close(struct devmem_nic *nic);

struct devmem_bind_opts {
	size_t size; /* sizeof(struct devmem_bind_opts) */
	/* number of RX queues. 0: one, or as many as are in @queue_list */
	uint32_t queues;
	/* bytes, a power of two: size of the pages that the queues take from the buffer; the
	 * larger, the fewer descriptors. 0: the largest up to 64 KiB that NIC, kernel (7.3 for more
	 * than 4 KiB) and buffer can do and with which the queues' own rings take no more than half
	 * of the buffer */
	uint32_t page_size;
	/* @queues queue numbers. NULL: free queues are chosen from the top */
	const uint32_t *queue_list;
	/* NULL: "devmem" where that is possible, else "copy". "devmem", "zcrx" (one queue), "copy":
	 * that engine, or a failure that says why not. "syscall": as NULL */
	const char *engine;
};

/**
 * devmem_bind_rx() - have RX queues of a NIC write payload into a buffer.
 *
 * Turns header/data split on, takes the queues out of the RSS table, and binds them. From then on
 * only flows that are steered to these queues (devmem_steer()) arrive in the buffer. On failure the
 * NIC is as it was. With some drivers (mlx5, gve) each further binding interrupts all queues for a
 * moment, both when it is made and when it ends: bind all queues that you need with one call.
 *
 * The binding is one of engine "copy" if the interface cannot do that, the process may not, the
 * journal cannot be written, or the memory is of a kind that cannot be bound to the interface. Then
 * nothing of the NIC is touched, and the kernel copies what the sockets receive into the buffer.
 * devmem_binding_engine() tells. If @opts names engine "devmem" or "zcrx", the call fails instead.
 *
 * A buffer that was bound before may be bound again once the connections that used it are closed:
 * until then, bytes that the kernel holds for them still lie in it. The binding keeps references to
 * @nic and @buffer. Needs CAP_NET_ADMIN and kernel 6.12. [net/core/netdev-genl.c]
 *
 * -ERANGE	no such queue
 * -ENODEV	the interface was removed or moved to another network namespace; or this thread is
 *		in another one than where devmem_nic_open() was called. Such a thread can bind to
 *		@nic once all the same, but a ring of engine "zcrx" needs its thread in the NIC's
 *		namespace
 * -EEXIST	a queue is bound already, by this process or another; or, in a forked child, another
 *		process made @nic or @buffer
 * -EIO		the driver accepted a setting but did not apply it
 * -EBUSY	too few queues are free (one must be left for ordinary traffic); or a queue is used
 *		by AF_XDP, or is queue 0 of a driver that cannot restart it (gve) or of a netkit; or
 *		the buffer is bound already: two bindings of one buffer would write over each other
 * -EINVAL	bad options, or the kernel refused the combination: devmem_error() has its reason
 * -ENOMEM	no memory
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	the error of the kernel or the driver
 * Only if @opts asks for engine "devmem" or "zcrx"; otherwise these make the binding one of "copy":
 * -EPROTONOSUPPORT the NIC cannot split headers from data
 * -EOPNOTSUPP	the driver or the kernel cannot bind device memory, or the buffer is not a dma-buf
 * -EXDEV	the memory is an NVIDIA GPU's and the interface is not on PCI: the kernel must not
 *		be asked (it would corrupt memory)
 * -EPERM	no CAP_NET_ADMIN; or the journal or its folder belongs to a stranger
 * -ENOSPC, -EROFS, -EACCES, -ENOENT, -EIO and others of files: the journal cannot be written, so
 *		nothing is changed
 * -EBADMSG	the journal is damaged. If no process that uses it is alive, it is kept under
 *		another name and the next call begins a new one; otherwise the error is -EBUSY
 * -EEXIST	the journal is one of another interface
 * -EPROTO	the journal is not a regular file but, for example, a FIFO
 */
DEVMEM_API int devmem_bind_rx(struct devmem_nic *nic, struct devmem_buffer *buffer,
			      const struct devmem_bind_opts *opts, struct devmem_binding **out);

/**
 * devmem_binding_close() - drop the caller's reference.
 *
 * The queues stay bound until the sockets attached with this binding are gone and their last
 * fragment is back. Then the next devmem_attach(), devmem_detach() or devmem_ring_close() of their
 * ring unbinds them, or the next devmem_bind_rx() with the same NIC; with engine "zcrx" the queue
 * is unbound when the ring that took it is closed. If nothing else uses the binding, this call
 * unbinds the queues itself, and may wait. NULL is allowed.
 */
DEVMEM_API void devmem_binding_close(struct devmem_binding *binding);

/**
 * devmem_binding_engine() - how bytes get into the binding's buffer: "devmem", "zcrx" or "copy".
 * @reason:	unless NULL: set to a text that says why it is this engine.
 *
 * Both strings are valid as long as the binding.
 */
DEVMEM_API const char *devmem_binding_engine(const struct devmem_binding *binding,
					     const char **reason);

/**
 * devmem_binding_page_size() - size in bytes of the pages that the binding's queues take from the
 * buffer; 0 with engine "copy".
 * @reason:	unless NULL: set to a text that says what decided the size, valid as long as the
 *		binding.
 */
DEVMEM_API uint32_t devmem_binding_page_size(const struct devmem_binding *binding,
					     const char **reason);

/**
 * devmem_binding_queues() - how many queues are bound.
 * @list:	gets up to @n of their numbers.
 */
DEVMEM_API unsigned int devmem_binding_queues(const struct devmem_binding *binding, uint32_t *list,
					      unsigned int n);

/**
 * devmem_binding_id() - the kernel's number for the binding, as "ynl netdev" and cmsgs show it; 0:
 * it has none.
 */
DEVMEM_API uint32_t devmem_binding_id(const struct devmem_binding *binding);

/**
 * devmem_steer() - send TCP flows to the binding's queues.
 * @local:	local address and port. The unspecified address stands for any address, port 0 for
 *		any port. 0.0.0.0 is any address of IPv4. :: is any address of both families, as for
 *		a listener, unless @peer says which family. For a listener with IPV6_V6ONLY give its
 *		own address: :: also steers IPv4 connections to that port, whoever accepts them.
 * @peer:	address and port of the other end, or NULL for any. Same family as @local.
 *
 * With several queues, flows spread over them by an RSS context of their own. A NIC without
 * contexts needs a rule for each connection instead: when a connection is accepted, call this with
 * its @peer; it goes to the queue that the fewest rules lead to. The rule ends with
 * devmem_unsteer() or the NIC's transaction. Existing connections follow from their next packet.
 * A binding of engine "copy" takes bytes from wherever they come, so this does nothing and returns
 * 0. The same holds for a netkit: whoever leases a queue to it makes the rules, on the NIC.
 *
 * From then on, all packets to @local with TCP's URG flag are dropped, whoever they are for, since
 * they would stop the machine (see devmem_guard()). A filter at the interface's ingress does that
 * (tc, in a clsact qdisc), and also ends with the transaction. Where the kernel has no such filters
 * (cls_bpf, act_gact), there is none, and the log says so. DEVMEM_NIC_NO_GUARD: no filter.
 *
 * A NIC that forgets its rules when it is reset (gve) leads other connections to bound queues for a
 * moment, where recv() would fail with EFAULT. With CAP_BPF a program at ingress keeps them out.
 *
 * -EAFNOSUPPORT not IPv4 or IPv6
 * -EINVAL	the binding is for sending; or no @local, or a @peer of another family
 * -EPERM	the NIC was opened with DEVMEM_NIC_KEEP
 * -EEXIST	in a forked child: another process made the binding
 * -EADDRINUSE	a rule for the same flow exists: one that we did not make, another process's
 *		included; or one that leads to another binding of this process that is not closed.
 *		With :: a rule of either family counts, and then nothing is changed
 * -ENOSPC	the NIC has no room for another rule or context, or the journal cannot be written
 * -EROFS, -EIO	the journal cannot be written, so nothing is changed
 * -EBADMSG	the journal is damaged
 * -EOPNOTSUPP	the NIC has no n-tuple rules; or it has no RSS contexts, several queues are bound
 *		and @peer is NULL
 * -ENODEV	the interface was removed, or moved to another network namespace
 * -ENOMEM	no memory
 * other	the error of the driver
 */
DEVMEM_API int devmem_steer(struct devmem_binding *binding, const struct sockaddr *local,
			    const struct sockaddr *peer);

/**
 * devmem_unsteer() - take back the rules that devmem_steer() made for the same flow.
 * @binding:	the binding that the rules lead to.
 * @local, @peer: the same addresses as in that call. Both stay the caller's.
 *
 * A NIC has few rules, some have 64. A program that steers each connection by itself calls this
 * when a connection has ended; otherwise peers who connect again and again use up the rules. From
 * the next packet on, the flow goes where it would go without the rule. If the connection is not
 * over, its bytes are copied from then on.
 *
 * Two calls of devmem_steer() for one flow make one rule, and one call of this takes it back. A
 * rule of a binding that was closed since may be taken back with any binding of the NIC; one that
 * devmem_steer() replaced does not come back. These stay until the NIC's transaction ends: the
 * filter against urgent data, since packets that followed the rule may still be on their way and
 * the next connection needs the same filter; and an RSS context, which later rules use again.
 *
 * As devmem_steer(), this may wait for the driver and for the journal's lock. It does nothing and
 * returns 0 with engine "copy" and on a netkit.
 *
 * -EAFNOSUPPORT not IPv4 or IPv6
 * -EINVAL	the binding is for sending; or no @local, or a @peer of another family
 * -EPERM	the NIC was opened with DEVMEM_NIC_KEEP
 * -EEXIST	in a forked child: another process made the binding
 * -ENOENT	no rule of ours for this flow leads to the binding
 * -ESTALE	somebody put another rule in the place of ours. It stays, and ours is forgotten
 * -EBADMSG	the journal is damaged
 * -ENODEV	the interface was removed, or moved to another network namespace
 * -ENOMEM	no memory
 * other	the error of the driver; the rule is still ours
 *
 * Since: 0.2
 */
DEVMEM_API int devmem_unsteer(struct devmem_binding *binding, const struct sockaddr *local,
			      const struct sockaddr *peer);

/**
 * devmem_source_port() - for NICs without flow rules: find a source port with which a connection
 * comes to the binding's queues.
 * @local:	local address and port, as the peer will dial them.
 * @peer:	address that the peer will dial from, and the first port to consider; port 0: 49152.
 *		For another connection, pass the last answer plus one.
 *
 * The peer binds its socket to that port before it connects. From this call on, until the NIC's
 * transaction ends, one entry of the RSS table for each queue leads to that queue. The NIC's hash
 * (Toeplitz, over addresses and ports) determines which ports hash to one of these entries. Any
 * other flow that happens to hash there arrives in device memory too, where an ordinary socket
 * cannot read it: one in a hundred with the usual table of 128 entries. So this is for networks
 * that carry nothing else.
 *
 * Returns the port; 0 with engine "copy", which takes bytes from wherever they come.
 * -EAFNOSUPPORT not IPv4 or IPv6
 * -EINVAL	an address or the local port is missing, or the addresses are of two families; or
 *		the binding is for sending
 * -EPERM	the NIC was opened with DEVMEM_NIC_KEEP
 * -EEXIST	in a forked child: another process made the binding
 * -EOPNOTSUPP	the NIC hashes in a way that cannot be computed: devmem_error() says what to change;
 *		or it is a netkit
 * -ENOENT	no port fits from that one on
 * -ENOSPC	the RSS table is too small, or the journal cannot be written
 * -EROFS, -EIO	the journal cannot be written, so nothing is changed. -EIO also: the driver did not
 *		point its table to the queues
 * -EBADMSG	the journal is damaged
 * -ENODEV	the interface was removed, or moved to another network namespace
 * -ENOMEM	no memory
 * other	the error of the driver
 */
DEVMEM_API int devmem_source_port(struct devmem_binding *binding, const struct sockaddr *local,
				  const struct sockaddr *peer);

struct devmem_bind_tx_opts {
	size_t size; /* sizeof(struct devmem_bind_tx_opts) */
	/* NULL: "devmem" where that is possible, else "copy". "devmem", "copy": that engine, or a
	 * failure that says why not. "syscall": as NULL */
	const char *engine;
};

/**
 * devmem_bind_tx() - have an interface send from a buffer.
 * @ifname:	the interface by which the connections leave, in this thread's network namespace; an
 *		alternative name works too. NULL: any; the bytes are copied.
 * @buffer:	may also be bound for receiving, and more than once for sending. The size of a
 *		dma-buf must be a multiple of the system's page.
 * @opts:	or NULL.
 *
 * Changes nothing of the interface and needs no privilege. Scatter-gather and TX checksumming must
 * be on, and stay on until the binding ends: without them the kernel would have to read the bytes.
 * Where they are off, where the driver cannot send from device memory (before kernel 6.16 none
 * can), or where the memory must not be bound to the interface, the binding is one of engine
 * "copy": sends are copied, by the kernel or, where the processor cannot map the memory, by the
 * buffer's backend. devmem_binding_engine() tells. After devmem_binding_close() the binding ends
 * when the last send that was queued with it is back. [net/core/netdev-genl.c]
 *
 * Close the binding before the interface is removed for good (its module, a hot-plugged card, a
 * virtual function). Otherwise the kernel, up to 7.3 at least, does not notice the removal, and
 * uses freed memory when the binding or the process ends. By then a program can do nothing about
 * it. [net/core/netdev-genl.c: netdev_nl_sock_priv_destroy()]
 *
 * -ENODEV	no such interface
 * -EINVAL	bad options, no buffer, or a size that is not a multiple of the page; or the kernel
 *		refused: devmem_error() has its reason
 * -EEXIST	in a forked child: another process made the buffer
 * -ENOMEM	no memory
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	the error of the kernel
 * Only if @opts asks for engine "devmem"; otherwise these make the binding one of "copy":
 * -EOPNOTSUPP	the driver or the kernel cannot send from device memory, or the buffer is not a
 *		dma-buf
 * -EPROTONOSUPPORT	scatter-gather or TX checksumming is off on the interface
 * -EXDEV	the memory is an NVIDIA GPU's and the interface is not on PCI
 * -EPERM	policy (kernels that restrict it)
 */
DEVMEM_API int devmem_bind_tx(const char *ifname, struct devmem_buffer *buffer,
			      const struct devmem_bind_tx_opts *opts, struct devmem_binding **out);

/* ----------------------------------------------------------------------------------------- ring */

struct devmem_ring;
struct devmem_sock;

enum devmem_event_type {
	/* received bytes in device memory: @length of them at @offset of @buffer. Release it. */
	DEVMEM_EVENT_DATA = 1,
	/* received bytes in host memory, copied by the kernel: @length of them at @address, valid
	 * until released. Release it soon: when all receive buffers of the ring are held, receiving
	 * pauses. */
	DEVMEM_EVENT_HOST = 2,
	/* the peer has closed its side, and everything that it sent has been handed out; nothing
	 * more comes. */
	DEVMEM_EVENT_END = 3,
	/* the connection broke: @result is the negative errno, the same as in its SENT events;
	 * nothing more comes. It is the last event of its devmem_wait(), and devmem_error() says
	 * more, until another call fails: save the message if you handle earlier events first.
	 * While nothing can be received because too much is held, END and ERROR are reported within
	 * a tenth of a second. An ERROR in front of bytes that cannot be received is reported after
	 * a second, and those bytes are lost. */
	DEVMEM_EVENT_ERROR = 4,
	/* a descriptor given to devmem_watch() is readable: @result is its poll(2) events, or a
	 * negative errno */
	DEVMEM_EVENT_READY = 5,
	DEVMEM_EVENT_WOKEN = 6, /* devmem_wake() was called, once or several times */
	/* the buffer runs low: at most @bytes_out bytes of it are out. Release fragments soon, or
	 * copy their bytes out and release them; when the buffer is empty, connections stall.
	 * Reported once, after the fragments that caused it, or by the next devmem_wait() if the
	 * array is full; re-armed when half of the buffer has been released */
	DEVMEM_EVENT_LOW = 7,
	/* the socket's bytes come through an ordinary queue and are copied: @result is the number
	 * of that queue, or -ENOENT if it is not one of the bound interface. @result -ENODEV: what
	 * the socket sends leaves by another interface than the one that the buffer is bound to,
	 * and is copied, or fails (see devmem_send()). Reported when it begins, at most once a
	 * second. It is the last event of its devmem_wait(), and devmem_error() says more */
	DEVMEM_EVENT_MISPLACED = 8,
	/* the state of the interface with index @ifindex, to which a socket's binding belongs, has
	 * changed. @result is 1: its link is up again; 0: its link is down (connections stall, and
	 * go on when it is back); -ENODEV: the interface is gone (nothing more comes); -EXDEV: it
	 * was moved to another network namespace (connections stall, and go on when it is back here
	 * with its addresses; its return is reported like a link that is up again, with the index
	 * that it has then). The last event gives the present state; changes in between may be left
	 * out. Events are about the network namespace of the thread that attached the ring's first
	 * socket with a NIC. There are none where rtnetlink is refused: devmem_binding_engine()'s
	 * reason says so */
	DEVMEM_EVENT_LINK = 9,
	/* the send with this @cookie is over, and its memory, in @buffer, is the caller's again.
	 * @result is its bytes, which the peer's kernel has; with DEVMEM_EVENT_F_COPIED some were
	 * copied, and this kernel has those. Or it is a negative errno: the send failed, and any
	 * part of it may have been sent. SENT events of one socket come in the order of its
	 * devmem_send() calls */
	DEVMEM_EVENT_SENT = 10,
	/* devmem_send() returned -EAGAIN, and half of the sends that the socket may have under way
	 * are back */
	DEVMEM_EVENT_SENDABLE = 11,
	/* the gather with this @cookie is over. @result is its bytes, which lie in @buffer now, in
	 * one piece. Or it is a negative errno: the device failed, and any part may have been
	 * copied; -EINVAL: a fragment was not out any more. The fragments were released either
	 * way */
	DEVMEM_EVENT_GATHERED = 12,
};

/* Flags of events. Later versions may have more: test single bits. */
#define DEVMEM_EVENT_F_COPIED 1u /* SENT: bytes of the send were copied on their way */
/* DATA, HOST: made by devmem_event_split(): bytes of a fragment that another event releases */
#define DEVMEM_EVENT_F_PART 2u

/*
 * What came out of a ring: 32 bytes, plain data. Events of one socket come in stream order. Members
 * that an event's type does not use are 0; those of one union share their place.
 */
struct devmem_event {
	uint64_t user_data; /* of the socket, from devmem_attach(), or of devmem_watch() */
	union {
		uint64_t offset;    /* DATA: bytes from the start of the buffer */
		uint64_t address;   /* HOST: address in this process */
		uint64_t cookie;    /* SENT, GATHERED: as the call had it */
		uint64_t ifindex;   /* LINK: index of the interface */
		uint64_t bytes_out; /* LOW: at most as many bytes are out */
	};
	union {
		uint32_t length; /* DATA, HOST: bytes */
		int32_t result;	 /* all others; negative: an errno. Each type says what it is */
	};
	uint32_t token;	 /* opaque; 0 in events without a fragment */
	uint16_t tokens; /* how many tokens the fragment has; opaque */
	uint16_t sock;	 /* opaque */
	/* devmem_buffer_id() of a DATA fragment, a send or a gather, or of the buffer that runs
	 * LOW. A fragment with 0 came through a queue of another binding than its socket's, and
	 * lies in that binding's memory. LOW with 0 is about the ring's own memory, for sockets
	 * without a binding (host_bytes) */
	uint16_t buffer;
	uint8_t type;  /* enum devmem_event_type */
	uint8_t flags; /* DEVMEM_EVENT_F_ */
};

struct devmem_ring_opts {
	size_t size;	  /* sizeof(struct devmem_ring_opts) */
	uint32_t entries; /* submission queue entries, rounded up to a power of two. 0: 256 */
	/* number of receive buffers for control data and host bytes, a power of two. 0: 16, or as
	 * many as the ring has had sockets if that is more, up to 256 */
	uint32_t buffers;
	/* most payload that one completion reports, in bytes, a multiple of 4096. 0: 1 MiB. This is
	 * address space; pages are used only when bytes come to host memory */
	uint32_t buffer_bytes;
	/* most tokens merged into one descriptor, up to 1024. 0: 1024; 1: never merge */
	uint32_t merge;
	/* size in bytes of the buffer for DEVMEM_ATTACH_PLACE, a multiple of 4096. 0: 4 MiB */
	uint32_t spill_bytes;
	/* microseconds, up to 10000, for which a wait polls the sockets' queues itself before it
	 * sleeps. This trades processor time for latency, and makes bulk data more expensive.
	 * Kernel 6.9. 0: never */
	uint32_t busy_poll_us;
	/* engine "zcrx": entries of the ring on which fragments go back, up to 32768. 0: as many as
	 * the buffer has pages. Fragments that find no room wait, and nothing is lost */
	uint32_t refill_entries;
	/* microseconds, up to 100000, for many streams: after a wait that brought something, the
	 * next one looks no sooner than this time later, and so finds more of each socket. It adds
	 * as much latency to all that the ring does, and a connection then gets no more than its
	 * receive buffer in that time. devmem_wake() is answered at once; waits of 0 ms are not
	 * delayed. Not together with busy_poll_us. 0: never */
	uint32_t coalesce_us;
	/* NULL: whatever each socket's binding asks for, by io_uring where there is one, else by
	 * plain system calls. "devmem", "zcrx", "copy", "syscall": that engine alone; a socket
	 * whose binding is of another one is refused. "zcrx" bindings need a ring of "zcrx" */
	const char *engine;
	/* size in bytes of the memory that sockets without a binding share, a multiple of 4096.
	 * Pages are used only when bytes come. As many bytes can be out; a LOW event of buffer 0
	 * warns in time, and when the memory is used up, those sockets stall. 0: 64 MiB */
	uint64_t host_bytes;
};

/**
 * devmem_ring_open() - open an io_uring and what receiving needs around it.
 *
 * -EINVAL	no place for the result, an option out of range, or no such engine
 * -ENOMEM	no memory
 * -EMFILE	no file descriptors left
 * -ENOSYS	@busy_poll_us is set and there is no busy polling: io_uring has it from 6.9 on,
 *		plain system calls never
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	the error of the kernel
 * Only if @opts names an engine other than "syscall". If it names none, the ring's engine becomes
 * "syscall" when io_uring is refused, at set-up or in one of its later calls, which are tried here;
 * devmem_ring_engine() has the reason:
 * -EPERM	io_uring is disabled by policy (sysctl kernel.io_uring_disabled, seccomp)
 * -ENOSYS	the kernel has no io_uring, or one without multishot receive (6.0)
 * -ENOMEM	RLIMIT_MEMLOCK is too low for it
 * other	the error of a policy or the kernel
 */
DEVMEM_API int devmem_ring_open(const struct devmem_ring_opts *opts, struct devmem_ring **out);

/**
 * devmem_ring_prepare() - make the ring ready for sockets of a binding, before there are any.
 * @binding:	from devmem_bind_rx(). The ring may keep a reference until it is closed.
 *
 * Engine "zcrx" takes the binding's queue when the first socket is attached. Bytes that came
 * before, on a connection that was just accepted, were written to ordinary memory instead of the
 * buffer, and come as HOST events. If this is called before listen() or connect(), the NIC writes
 * all bytes to the buffer. For other engines there is nothing to do: the queues are bound already.
 * Calling it again changes nothing. Only the ring's own thread.
 *
 * -EINVAL	no ring or binding, or a binding for sending
 * -EPERM	this is not the thread that opened the ring; or (zcrx) the process lacks
 *		CAP_NET_ADMIN
 * -EEXIST	in a forked child: another process made the ring
 * -EBUSY	(zcrx) another ring has the queue
 * -EOPNOTSUPP	the ring was opened for another engine than the binding's; (zcrx) the kernel or the
 *		driver cannot do it
 * -ENOMEM	no memory
 * other	the error of the kernel
 */
DEVMEM_API int devmem_ring_prepare(struct devmem_ring *ring, struct devmem_binding *binding);

/**
 * devmem_ring_close() - detach all sockets, give back all fragments that are still out, free the
 * ring.
 *
 * No thread may use or release fragments of this ring any more. Connections with sends under way
 * are aborted, so that nobody uses their memory any more: wait for the SENT events first. If a NIC
 * still uses that memory, this call waits for it, up to a second. NULL is allowed. In a forked
 * child only the child's copy of the ring is freed: connections and fragments stay the parent's.
 *
 * A thread other than the ring's own may call this once that thread no longer uses the ring. The
 * kernel then ends what is under way, connections included, only a moment after this returns.
 *
 * The kernel interrupts the ring's own thread when it takes the io_uring away, a moment later: a
 * call in which that thread waits then, such as epoll_wait(2), may fail once with EINTR although no
 * signal came. [io_uring/io_uring.c: io_ring_exit_work]
 */
DEVMEM_API void devmem_ring_close(struct devmem_ring *ring);

/*
 * Host bytes are put into a spill buffer of the same backend as the binding's buffer, so that only
 * DATA events come: those with the id of devmem_ring_spill() lie in the spill buffer. These bytes
 * are copied once more, and counted (bytes_placed).
 */
#define DEVMEM_ATTACH_PLACE 1u

/* No guard as devmem_guard() describes it: for a kernel that you know to handle urgent data, or
 * with a guard of your own. */
#define DEVMEM_ATTACH_NO_GUARD 2u

struct devmem_attach_opts {
	size_t size;	/* sizeof(struct devmem_attach_opts) */
	uint32_t flags; /* DEVMEM_ATTACH_ */
	/* SO_RCVLOWAT in bytes: how much must be queued before the ring wakes up. 0: managed by the
	 * library, high while data streams, 1 when it does not */
	uint32_t lowat;
	/*
	 * Receiving pauses when this many fragments of the socket are out, and goes on at half.
	 * Fragments that are out do not shrink the TCP window, so without a limit one slow consumer
	 * can take the whole buffer. 0: no limit. Set a limit if you send from the buffer that you
	 * receive into: with some NICs (gve) the acknowledgements of the sends need room in it too.
	 *
	 * Receiving pauses at the end of a turn, and a turn takes what comes meanwhile: all that
	 * one turn can bring may come on top of the limit. That is 400 fragments for each receive
	 * buffer of the ring (6,400 with 16: see buffers in devmem_ring_opts); with engines "zcrx"
	 * and "copy" it is what there is room for, 8 for each of the ring's entries (2,048 with
	 * 256). With fewer of them the limit is kept more closely.
	 *
	 * SO_RCVBUF is set so that the kernel queues no more than as much again; while the socket
	 * is paused and its sends stand still because of that, twice as much, if need be. Not so
	 * with engine "copy": there the kernel queues in memory of its own, and a fragment has up
	 * to 256 KiB.
	 */
	uint32_t max_fragments;
	/* how many sends may be under way: devmem_send() refuses more with -EAGAIN. 0: 1024 */
	uint32_t max_sends;
};

/**
 * devmem_guard() - have the kernel drop what peers send with TCP's URG flag (MSG_OOB).
 * @fd:		a TCP socket, in any state. It stays the caller's. Connections that a listener
 *		accepts are guarded too: call this before listen(2), and before connect(2).
 *
 * Linux, up to 7.3 at least, stops the machine (BUG) when an urgent byte lies in device memory, so
 * any peer whose flow is steered there could do that. devmem_attach() calls this for each
 * connection whose binding is of engine "devmem" or "zcrx"; but between accept(2) and
 * devmem_attach() only a guarded listener protects. [net/ipv4/tcp_input.c: tcp_urg()]
 *
 * The guard is a socket filter (SO_ATTACH_FILTER) of four instructions. It stays for as long as the
 * socket lives, after devmem_detach() too, since packets of its connection still come through the
 * bound queue. A segment that is dropped is missing from the stream for ever. The library never
 * replaces a filter of the program's. A filter that begins with the same three instructions (load
 * byte 13, jump if bit 0x20 is set, return 0) counts as the guard.
 *
 * A program that drops privileges guards its listeners first: accepted sockets need no privilege
 * then. A program that may not bind queues need not guard: ignore the result. The guard takes 4 KiB
 * of kernel memory; accepted sockets share their listener's. Any thread may call this; a second
 * call on the same socket does nothing. A child after fork(2) may call it: the socket is the same.
 *
 * -EBUSY	@fd has another filter
 * -EPERM	no CAP_NET_ADMIN, which newer kernels require for a filter of a TCP socket (7.3, and
 *		stable ones before it); or filters cannot be set on @fd (SO_LOCK_FILTER)
 * -ENOMEM	no memory, or no room in net.core.optmem_max
 * -EBADF, -ENOTSOCK, -EPROTOTYPE	@fd is not open, not a socket, not TCP
 * other	the error of the kernel
 *
 * Since: 0.1
 */
DEVMEM_API int devmem_guard(int fd);

/**
 * devmem_attach() - receive from a connected TCP socket.
 * @fd:		stays the caller's and may be closed. The connection ends when the library's
 *		duplicate is closed too: once the socket is detached and its last fragment is back,
 *		by the next turn of devmem_wait(), or by a devmem_attach(), devmem_detach() or
 *		devmem_ring_close() before that. shutdown() ends the connection at once.
 * @binding:	where the payload arrives. NULL: in memory of the ring, by copying, as HOST events.
 *		All such sockets share that memory (host_bytes in devmem_ring_opts).
 * @user_data:	comes back in every event of this socket.
 *
 * The connection may be over already: bytes that are queued come out as usual, and then END or
 * ERROR. With a binding of engine "devmem" or "zcrx" the socket is guarded against urgent data, as
 * by devmem_guard(), unless @opts says DEVMEM_ATTACH_NO_GUARD. The guard stays on the socket when
 * it is detached.
 *
 * Before this call the program may recv(2) from @fd itself: what it has read does not come again.
 * On a connection that is steered to bound queues, recv(2) fails with EFAULT at bytes that the NIC
 * wrote to device memory, and leaves them: they come out once @fd is attached.
 *
 * On failure @fd's options are as they were.
 *
 * -EINVAL	no ring, or no place for the result; an option out of range; a binding for sending;
 *		or DEVMEM_ATTACH_PLACE without a binding
 * -EOPNOTSUPP	the ring's engine and the binding's do not go together; or (zcrx) the kernel cannot
 *		do it; or DEVMEM_ATTACH_PLACE with a buffer that was imported: the library cannot
 *		make another one like it; or (devmem, zcrx) @fd receives TLS by the kernel (TLS_RX),
 *		or its segments are signed (TCP_MD5SIG, TCP-AO)
 * -EBUSY	(zcrx) another ring, or another process, has the binding's queue; or @fd has a
 *		socket filter that is not the guard
 * -EPERM	this is not the thread that opened the ring; or (zcrx) no CAP_NET_ADMIN; or @fd is
 *		not guarded yet and cannot be (see devmem_guard()), and neither is the interface's
 *		ingress
 * -EPROTO	urgent data was announced to @fd before it was guarded: end the connection, at once
 *		(SO_LINGER of 0)
 * -EBADF	@fd is not open
 * -ENOTSOCK, -ENOTCONN, -EPROTOTYPE	@fd is not a socket, was never connected, is not TCP
 * -EEXIST	the connection is attached already, to this ring or another of the process, by
 *		whatever descriptor and with whatever binding (Linux 4.12). Two attachments would
 *		divide its bytes between them. Or, in a forked child, another process made the ring
 *		or the binding
 * -EMFILE	no file descriptors left; or this ring has 65,535 sockets, or sockets of 31 bindings
 *		of engine "copy"
 * -ENOMEM	no memory
 * -EFBIG	(without a binding) RLIMIT_FSIZE is too low for the memory of the ring. SIGXFSZ is
 *		not raised
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	the error of the kernel; or (DEVMEM_ATTACH_PLACE) as devmem_buffer_create(), for the
 *		spill buffer
 */
DEVMEM_API int devmem_attach(struct devmem_ring *ring, int fd, struct devmem_binding *binding,
			     uint64_t user_data, const struct devmem_attach_opts *opts,
			     struct devmem_sock **out);

/**
 * devmem_detach() - stop receiving and sending.
 *
 * Fragments that are out stay valid until released; bytes that the ring has taken off the
 * connection but not handed out yet are lost. What comes after this call stays in the connection,
 * for recv(2) or for another devmem_attach(); recv(2) fails with EFAULT at bytes that the NIC wrote
 * to device memory, as before devmem_attach(). @sock must not be used afterwards. Of its events
 * only SENT comes out of a later devmem_wait(): sends that the kernel has go on and end as usual;
 * sends that it does not have yet have failed with -ECANCELED. To have the memory back at once,
 * call devmem_abort() first. Does nothing in a forked child.
 *
 * SO_RCVLOWAT and SO_RCVBUF are again as they were before devmem_attach(), and the kernel tunes the
 * receive buffer if it did so then (Linux 5.14); devmem_ring_close() does the same. Without
 * CAP_NET_ADMIN the receive buffer is no larger than net.core.rmem_max allows, until the kernel
 * tunes it again. It keeps what it grew by while the library managed the low-water mark.
 * SO_ZEROCOPY stays on if it was used to send anything: it tells the next sender that the kernel's
 * count of zero-copy sends does not begin at 0.
 */
DEVMEM_API void devmem_detach(struct devmem_sock *sock);

/* Bytes of a buffer. */
struct devmem_range {
	uint64_t offset; /* bytes from its start; any alignment */
	uint64_t length; /* bytes; not 0 */
};

/**
 * devmem_send() - send bytes of a buffer on an attached socket, in the order given.
 * @sock:	attached in any way: how it receives does not matter here.
 * @binding:	from devmem_bind_tx().
 * @ranges:	@n of them, up to 65,536, together less than 2 GiB. The ranges are copied; the bytes
 *		are not, and must stay as they are until the SENT event.
 * @cookie:	comes back in a SENT event, exactly once.
 *
 * Never blocks, and makes no system call, except that a socket's first send with a binding looks at
 * the route. The next devmem_wait() or devmem_flush() hands in as many sends as the connection
 * takes; the others wait for their turn in the library. When a send fails, those behind it fail
 * too, so that the stream has no hole that the program does not know of.
 *
 * The library sets SO_ZEROCOPY on the socket (devmem_detach() says for how long), and reads its
 * error queue. The program must not send with MSG_ZEROCOPY on that connection itself; its other
 * sends are mixed in as they come.
 *
 * A binding made without asking for engine "devmem" survives a change of the route: what leaves by
 * another interface is copied, and MISPLACED reports it. With a binding that asked for "devmem",
 * the sends fail with -ENODEV. Only the ring's own thread.
 *
 * -EINVAL	no socket, or one that was detached; a binding for receiving; no ranges, or an empty
 *		one
 * -ERANGE	a range does not lie in the buffer
 * -EMSGSIZE	2 GiB or more, or more than 65,536 ranges
 * -EAGAIN	@max_sends are under way: a SENDABLE event tells when to go on
 * -ENODEV	(engine "devmem") the route to the peer leaves by another interface than the buffer
 *		is bound to
 * -EPERM	this is not the thread that opened the ring
 * -EEXIST	in a forked child: another process made the ring or the binding
 * -EBUSY	the program's own MSG_ZEROCOPY sends are still out on this connection
 * -ECANCELED	an earlier send failed, and its event has not been handed out yet
 * -EPIPE, -ECONNRESET, -ECONNABORTED	the connection has failed; -ECONNABORTED: by devmem_abort()
 * -ECOMM	the connection was ended because the NIC drops what it sends, again and again
 * -ENOMEM	no memory
 * -EMFILE	no file descriptors left
 * other	why the connection failed, or the error of the kernel
 */
DEVMEM_API int devmem_send(struct devmem_sock *sock, struct devmem_binding *binding,
			   const struct devmem_range *ranges, unsigned int n, uint64_t cookie);

/**
 * devmem_abort() - end a connection at once: the peer gets a RST.
 *
 * The kernel drops the sends that it has. They come back with -ECONNABORTED, unless the peer has
 * acknowledged them, within the next turns, as soon as the NIC has let go of them. @sock stays
 * attached and gets an ERROR event with -ECONNABORTED. Does nothing in a forked child.
 */
DEVMEM_API void devmem_abort(struct devmem_sock *sock);

/**
 * devmem_sock_queue() - the RX queue on which the socket's packets really arrive.
 *
 * Returns its number.
 * -EAGAIN	nothing was received yet, or it came by loopback
 * -EEXIST	in a forked child: another process made the ring
 * -ENOENT	it is not a queue of the bound interface (the flow takes another path), or none is
 *		bound (engine "copy")
 * -ENODEV	the interface was removed, or moved to another network namespace
 * other	the error of the kernel
 */
DEVMEM_API int devmem_sock_queue(const struct devmem_sock *sock);

/**
 * devmem_wait() - one turn of the loop: hand in what is pending, wait, hand out what came.
 * @events:	room for @n; a completion with more events than that comes in parts. @n is 0: as
 *		devmem_flush().
 * @timeout_ms:	-1: for ever; 0: do not wait.
 *
 * Returns how many events were written, 0 if the time was over.
 * -EINTR	a signal came, perhaps one without a handler, such as SIGCONT: call again, unless
 *		the signal asks the program to stop. Nothing is lost
 * -ENOBUFS	(DEVMEM_ATTACH_PLACE) the spill buffer is full: release fragments of it and call
 *		again; if its contents are being sent, just call again. Nothing is lost. Only bytes
 *		for the spill buffer wait, and what follows them on their connection: all other
 *		events were handed out before this
 * -ENOMEM	no memory to account for fragments: call again. Nothing is lost
 * -EPERM	this is not the thread that opened the ring
 * -EEXIST	in a forked child: another process made the ring
 * other	the error of the kernel; or (DEVMEM_ATTACH_PLACE) of the spill buffer's backend
 */
DEVMEM_API int devmem_wait(struct devmem_ring *ring, struct devmem_event *events, unsigned int n,
			   int timeout_ms);

/**
 * devmem_flush() - hand in what is pending, without waiting and without handing out events.
 *
 * The kernel gets what devmem_send(), devmem_release(), devmem_attach() and so on have left for the
 * next devmem_wait(): sends, as far as the connections take them; tokens, all of them; requests to
 * receive. Call it where the program goes on with something else before its next devmem_wait(). It
 * costs a system call, which devmem_wait() would have made anyway. Only the ring's own thread.
 *
 * Returns 0.
 * -EINTR	a signal came: call again
 * -EPERM	this is not the thread that opened the ring
 * -EEXIST	in a forked child: another process made the ring
 * other	the error of the kernel
 *
 * Since: 0.2
 */
DEVMEM_API int devmem_flush(struct devmem_ring *ring);

/**
 * devmem_release() - give fragments back.
 * @events:	any events; those without a fragment are skipped.
 *
 * From the ring's own thread this makes no system call: the next devmem_wait() carries the tokens.
 * (It may make one, to a program that uses devmem_ring_fd().) From another thread it hands them
 * over and, if the ring sleeps, wakes it. A fragment is released once and as a whole. A few tokens
 * of small pages wait for more; when a devmem_wait() of 2 ms or longer has returned 0, or a
 * devmem_flush() has returned, the kernel has all of them.
 *
 * -EINVAL	(the ring's own thread only: from others such an event is skipped) an event is not
 *		of this ring, or was released before; the events before it were taken, it and those
 *		after it were not
 * -ENOMEM	(other threads only) nothing was taken
 * -EEXIST	in a forked child: another process made the ring; nothing was taken
 */
DEVMEM_API int devmem_release(struct devmem_ring *ring, const struct devmem_event *events,
			      unsigned int n);

/**
 * devmem_gather() - copy fragments into one piece, and release them.
 * @events:	@n of them, of this ring, out and not released. Copied. Events that are no
 *		fragments are skipped; fragments of 0 bytes (devmem_event_split()) are released like
 *		any other.
 * @to:		a buffer of any backend. The bytes go to @offset, one fragment behind the other; no
 *		NIC may write there. It may be the buffer that the fragments lie in, if they do not
 *		overlap with the destination.
 * @cookie:	comes back in a GATHERED event, exactly once: then the bytes are there, and the
 *		fragments are released. GATHERED events of one ring come in the order of its
 *		devmem_gather() calls.
 *
 * Between memory of one GPU a kernel on the GPU copies. This call launches it and waits for
 * nothing, unless many gathers are under way. Otherwise the processor copies, before this returns.
 * Within a fragment, a GPU writes each 8-byte unit that is aligned at the destination in one
 * access. Only the ring's own thread.
 *
 * The program's own GPU kernels see the bytes if they are launched after the event. No fence is
 * needed, not even for what the NIC has written: that is ordered before the fragment's event. Only
 * a GPU kernel that is already running when the event comes, and reads the NIC's memory itself,
 * needs a fence of its own, on GPUs whose CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WRITES_ORDERING is
 * less than OWNER: cuFlushGPUDirectRDMAWrites().
 *
 * -EINVAL	no ring, events or buffer; or an event that is not a fragment of this ring, lies in
 *		the memory of another binding than its socket's, or overlaps with where it would go
 * -ERANGE	the bytes do not fit in @to there
 * -EMSGSIZE	2 GiB or more
 * -EOPNOTSUPP	neither backend can copy
 * -EPERM	this is not the thread that opened the ring
 * -EEXIST	in a forked child: another process made the ring or @to
 * -ENOMEM	no memory
 * other	the error of the device. On failure the fragments are the caller's as before
 */
DEVMEM_API int devmem_gather(struct devmem_ring *ring, const struct devmem_event *events,
			     unsigned int n, struct devmem_buffer *to, uint64_t offset,
			     uint64_t cookie);

/**
 * devmem_event_read() - copy bytes of a fragment to the program's memory, a message's header for
 * one. devmem_events_read() - the same for bytes that may lie across several fragments.
 * @event:	DATA or HOST, a part (devmem_event_split()) included: of this ring, out and not
 *		released.
 * @events:	@n of them, in stream order. Events without bytes are skipped.
 * @at:		where to begin: bytes from the start of @event, or of the first of @events.
 * @dst:	gets @bytes bytes. It stays the caller's.
 *
 * Works in all memory. Where the processor cannot map it, the buffer's backend copies, and this
 * waits for it: with a GPU some microseconds for each fragment. Elsewhere, a dma-buf's bytes cost
 * two system calls for each fragment (DMA_BUF_IOCTL_SYNC), others none. Only the ring's own thread.
 *
 * -EINVAL	no ring, or no events, or no @dst; @event has no bytes; or an event is not of this
 *		ring, or lies in the memory of another binding than its socket's (@buffer is 0)
 * -ERANGE	the events have fewer bytes from @at on
 * -EPERM	another thread opened the ring
 * -EEXIST	in a forked child: another process made the ring
 * other	the error of the backend. On failure what @dst holds is undefined
 *
 * Since: 0.2
 */
DEVMEM_API int devmem_event_read(struct devmem_ring *ring, const struct devmem_event *event,
				 uint64_t at, void *dst, size_t bytes);
DEVMEM_API int devmem_events_read(struct devmem_ring *ring, const struct devmem_event *events,
				  unsigned int n, uint64_t at, void *dst, size_t bytes);

/**
 * devmem_event_split() - divide a fragment where something ends in it: a header, or a message.
 * @event:	DATA or HOST. Becomes its first @bytes, with the flag DEVMEM_EVENT_F_PART, to be
 *		gathered or read; devmem_release() and devmem_gather() do not release it.
 * @rest:	gets the bytes behind them, and takes the fragment's place: releasing @rest releases
 *		the fragment. If @bytes is all of it, @rest is a fragment of 0 bytes.
 *
 * The memory of @event is valid until @rest is released, so @rest must not be released while
 * @event is being gathered. Pass @rest to the same devmem_gather() if it has 0 bytes, and otherwise
 * to that of the next message: gathers end in order. Then nobody has to wait for a GATHERED event.
 *
 * Makes no use of any ring.
 *
 * -EINVAL	no fragment; or @bytes is 0 or more than its length
 */
DEVMEM_API int devmem_event_split(struct devmem_event *event, uint32_t bytes,
				  struct devmem_event *rest);

/**
 * devmem_watch() - have the ring wait for another descriptor too: a listener, a signalfd, a
 * timerfd.
 * @fd:		stays the caller's; call devmem_unwatch() before closing it.
 * @user_data:	comes back in its READY events.
 *
 * As long as @fd is readable, each devmem_wait() reports it.
 *
 * -EBADF	@fd is negative
 * -EPERM	this is not the thread that opened the ring
 * -EEXIST	@fd is watched already; or, in a forked child, another process made the ring
 * -ENOMEM	no memory
 */
DEVMEM_API int devmem_watch(struct devmem_ring *ring, int fd, uint64_t user_data);

/**
 * devmem_unwatch() - stop waiting for a descriptor.
 *
 * -ENOENT	@fd is not watched
 * -EPERM	this is not the thread that opened the ring
 * -EEXIST	in a forked child: another process made the ring
 * -EBUSY	the ring takes no request now, and @fd is still watched: call devmem_wait() and try
 *		again
 */
DEVMEM_API int devmem_unwatch(struct devmem_ring *ring, int fd);

/**
 * devmem_wake() - have the ring's devmem_wait() return with a WOKEN event.
 *
 * Any thread, and a signal handler: errno stays as it is. Does nothing in a forked child.
 */
DEVMEM_API void devmem_wake(struct devmem_ring *ring);

/**
 * devmem_ring_fd() - a descriptor for poll(2), epoll or an event loop.
 *
 * It is readable when devmem_wait() with a time-out of 0 has something to do, and now and then
 * without a reason. It stays the ring's. That includes what is pending: after devmem_send(),
 * devmem_release(), devmem_gather() and so on, from whichever thread, the descriptor is readable
 * until a devmem_wait() has handed it in. So a program never sleeps on a ring that has something to
 * do. To make it so, the first such call after a devmem_wait() may write to an eventfd.
 *
 * When it is readable, call devmem_wait() with a time-out of 0. A loop that is told of changes only
 * (EPOLLET) calls it until it returns 0; so does any loop that would rather not wake up once more
 * to find nothing.
 *
 * -EMFILE, -ENOMEM	the descriptor could not be made
 * -EPERM	this is not the thread that opened the ring, and that thread has not called this yet
 * -EEXIST	in a forked child: another process made the ring
 * other	the error of the kernel
 */
DEVMEM_API int devmem_ring_fd(struct devmem_ring *ring);

/**
 * devmem_ring_spill() - the buffer for DEVMEM_ATTACH_PLACE. It is the ring's own; NULL until a
 * socket asks for it.
 */
DEVMEM_API struct devmem_buffer *devmem_ring_spill(const struct devmem_ring *ring);

/* Counters since the ring was opened. */
struct devmem_stats {
	size_t size;	       /* sizeof(struct devmem_stats), set by the caller */
	uint64_t bytes_device; /* bytes that the NIC wrote into device memory */
	/* bytes that the kernel copied because the packet could not be split */
	uint64_t bytes_linear;
	/* bytes that came through an ordinary queue and were copied: with engine "copy", into the
	 * buffer; otherwise to host memory */
	uint64_t bytes_plain;
	uint64_t fragments; /* fragments in a buffer: one token each */
	/* DATA events handed out; neighbours merge, so at most as many as fragments */
	uint64_t descriptors;
	uint64_t tokens_released;    /* tokens that went back to the kernel */
	uint64_t tokens_outstanding; /* tokens that the application or a batch still holds */
	/* SO_DEVMEM_DONTNEED operations that released tokens: engine "devmem" alone */
	uint64_t release_operations;
	/* io_uring_enter system calls, plus a ppoll for each wait that sleeps for coalesce_us; with
	 * engine "syscall" all system calls */
	uint64_t enter_calls;
	uint64_t completions; /* receive completions */
	uint64_t rearms;      /* times that a multishot receive was armed again */
	/* times that receiving paused because all receive buffers were out */
	uint64_t no_buffers;
	uint64_t lowat_changes; /* times that SO_RCVLOWAT was changed */
	/* times that a socket's bytes began to come through an ordinary queue, or that what it
	 * sends began to leave by another interface */
	uint64_t misplaced;
	/* times that a socket reached its limit of fragments (max_fragments) */
	uint64_t paused;
	uint64_t low; /* times that a buffer ran low */
	/* bytes of bytes_linear and bytes_plain that were put into the spill buffer */
	uint64_t bytes_placed;
	/* bytes of bytes_plain that were copied twice, since the processor cannot map the buffer */
	uint64_t bytes_staged;
	/* (zcrx) tokens that had to wait for room on the refill ring */
	uint64_t refill_waits;
	/* (zcrx) times that a socket changed to copying, for bytes that it could not have
	 * otherwise */
	uint64_t fallbacks;
	/* as devmem_ring_engine() returns them, and valid as long as there */
	const char *engine;
	const char *engine_reason;
	/* bytes that were sent from device memory, and acknowledged */
	uint64_t bytes_sent;
	uint64_t bytes_sent_copied; /* bytes of sends that were copied on their way */
	uint64_t sends;		    /* devmem_send() calls that were accepted */
	uint64_t sends_outstanding; /* of these, those whose SENT event is not out yet */
	uint64_t send_operations;   /* sendmsg() operations that took something */
	uint64_t send_notices;	    /* notifications of the kernel that ended some sends */
	uint64_t send_waits;	    /* times that a socket's send buffer was full */
	/* times that the kernel had no room for more notifications: net.core.optmem_max */
	uint64_t send_no_room;
	/* bytes that devmem_gather() copied, by the device or the processor */
	uint64_t bytes_gathered;
	uint64_t gathers;	      /* devmem_gather() calls that were accepted */
	uint64_t gathers_outstanding; /* of these, those whose GATHERED event is not out yet */
};

/**
 * devmem_ring_stats() - read the counters.
 *
 * Only the ring's own thread, or another once that one no longer uses the ring. It goes over the
 * ring's sockets.
 *
 * -EINVAL	@stats->size is less than the size of that member
 * -EEXIST	in a forked child: another process made the ring
 */
DEVMEM_API int devmem_ring_stats(const struct devmem_ring *ring, struct devmem_stats *stats);

/* Counters of one socket since it was attached. */
struct devmem_sock_counters {
	size_t size; /* sizeof(struct devmem_sock_counters), set by the caller */
	/* as in struct devmem_stats, of this socket alone */
	uint64_t bytes_device;
	uint64_t bytes_linear;
	uint64_t bytes_plain;
	uint64_t bytes_placed;
	uint64_t bytes_staged;
	uint64_t fragments;
	uint64_t descriptors;
	/* of the fragments in the binding's buffer, those that the application has */
	uint64_t fragments_out;
	uint64_t misplaced;
	uint64_t paused;
	uint64_t fallbacks;
	uint64_t bytes_sent;
	uint64_t bytes_sent_copied;
	uint64_t sends;
	uint64_t sends_outstanding;
};

/**
 * devmem_sock_stats() - read a socket's counters.
 * @sock:	attached, and not detached since.
 *
 * Only the ring's own thread, or another once that one no longer uses the ring.
 *
 * -EINVAL	@stats->size is less than the size of that member
 * -EEXIST	in a forked child: another process made the ring
 *
 * Since: 0.2
 */
DEVMEM_API int devmem_sock_stats(const struct devmem_sock *sock,
				 struct devmem_sock_counters *stats);

/**
 * devmem_sock_engine() - how a socket's bytes get here: "devmem", "zcrx", "copy", or "syscall".
 * @sock:	attached, and not detached since.
 * @reason:	unless NULL: set to a text that says why it is this engine, valid while the socket
 *		is attached.
 *
 * Sockets of one ring may have different bindings, and so different engines.
 *
 * Since: 0.2
 */
DEVMEM_API const char *devmem_sock_engine(const struct devmem_sock *sock, const char **reason);

/**
 * devmem_ring_engine() - how bytes get here: the engine of the socket attached last, or, before any
 * is attached, of the ring. devmem_sock_engine() says it of each socket.
 * @reason:	unless NULL: set to a text that says why it is this engine, valid until the next
 *		devmem_attach(), and no longer than the ring.
 */
DEVMEM_API const char *devmem_ring_engine(const struct devmem_ring *ring, const char **reason);

#ifdef __cplusplus
}
#endif

#endif /* DEVMEM_H */
