/* SPDX-License-Identifier: MIT */
/*
 * libdevmem: TCP payload received straight into device memory, and sent from there (Linux
 * device-memory TCP).
 *
 * A NIC with header/data split writes payload into a dma-buf; the kernel keeps the headers and does
 * TCP as always. The application gets descriptors, (buffer, offset, length), and gives each one
 * back when it has finished with the bytes.
 *
 *   devmem_buffer    memory and its dma-buf             reference counted
 *   devmem_nic       a transaction on a NIC's settings  undone when its last user is gone
 *   devmem_binding a buffer bound to RX queues, or lives until closed and its last fragment, or
 *                    send, is to an interface to send from it back
 *   devmem_ring      one thread's loop
 *   devmem_event     what comes out of it               plain data in the caller's array
 *
 * Engines: the ways in which bytes get from the kernel to the program. The same calls work with
 * each of them; which one it is, and why, is on record: devmem_binding_engine(),
 * devmem_ring_engine(), and in the statistics.
 *
 *   devmem the NIC writes into the buffer; descriptors by io_uring (Linux 6.12). The first choice.
 *   zcrx the NIC writes into the buffer; descriptors by io_uring's own zero-copy receive (Linux
 *   6.16). Must be asked
 *            for, of the binding and of the ring: the queues then belong to that ring alone.
 *   copy     the kernel copies into the buffer. Any interface, loopback included, and no privilege.
 *   syscall as devmem or copy, but by plain system calls: where there is no io_uring, or policy
 *   forbids it.
 *
 * Conventions. Functions that return int give 0 or a count, or a negative errno; devmem_error()
 * then holds a sentence about this thread's last failure. A new object comes out through the last
 * parameter, which is left alone on failure. What is mandatory is a parameter; what is optional is
 * in a structure whose first member is its own size (DEVMEM_OPTS fills that in), and NULL means all
 * defaults. A structure longer than the library knows, with anything but zero in the part it does
 * not know, is refused with -E2BIG. File descriptors that a caller passes in stay the caller's; the
 * library duplicates what it needs.
 *
 * Threads. A ring, its sockets and their events belong to the thread that opened it;
 * devmem_release() and devmem_wake() may be called by any, and devmem_ring_close() when that thread
 * makes no more use of it. Buffers, NICs and bindings may be used from any thread, one at a time
 * each.
 *
 * Waiting. On the way of the data only devmem_wait() sleeps, as long as it is told. Neither it nor
 * devmem_release(), devmem_send() and devmem_gather() wait for other processes, for what other
 * threads do with a NIC, or for its driver. (When bytes come by a queue that is not known yet, the
 * kernel is asked which one it is, once a second at most: it answers when nobody changes
 * interfaces.) These may wait, for the driver and for the journal's lock, which another process has
 * while it changes the NIC: devmem_nic_open(), devmem_bind_rx(), devmem_bind_tx(), devmem_steer(),
 * devmem_source_port(), devmem_sock_queue(), devmem_nic_restore(). So may what ends something:
 * devmem_binding_close(), devmem_nic_close(), devmem_buffer_close(), devmem_detach(),
 * devmem_ring_close(). That is milliseconds, as a rule; up to two seconds for each setting that the
 * kernel does not take back at once, five for a queue that io_uring has not let go of yet, and one
 * for a NIC that still has sends.
 *
 * When the last fragment or send of a binding that was closed comes back, nothing is ended on the
 * way of the data: that is done by the next devmem_attach(), devmem_detach() or devmem_ring_close()
 * of the ring, or devmem_bind_rx() with the same NIC.
 *
 * fork(). Every object belongs to the process that made it. In a child, calls on it fail with
 * -EEXIST before they touch anything (those that return nothing do nothing; names, numbers and
 * sizes can be read), and each close frees the child's copy and nothing else: connections, bindings
 * and the NIC's settings stay the parent's. A child should close them, or call execve(2), and make
 * objects of its own: as long as it has the descriptors, queues stay bound, and the NIC's settings
 * as they are, when the parent has died. What a registered backend keeps of a buffer (backend.h) is
 * not freed in a child. A child of vfork(2) must not call the library.
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
#define DEVMEM_VERSION_MINOR 1
#define DEVMEM_VERSION_PATCH 0

/**
 * devmem_version() - the version of the library that is running, as "major.minor.patch".
 */
DEVMEM_API const char *devmem_version(void);

/**
 * devmem_error() - this thread's last error, in a sentence that says what to do about it.
 *
 * Where the kernel gave a reason of its own (netlink extended acknowledgement), its text is part of
 * the sentence. The string is the library's, is never NULL, and is valid until this thread's next
 * failing call. It is not reset by calls that succeed. It can be shown anywhere: control
 * characters, which names of interfaces and words of drivers may hold, and bytes that are no UTF-8
 * stand in it as \xNN.
 */
DEVMEM_API const char *devmem_error(void);

/* What is told by the log, in the numbers of syslog(3), so that a program can hand them on. */
enum devmem_log_level {
	DEVMEM_LOG_ENVIRONMENT = -1, /* for devmem_log_set(): as much as the environment says */
	DEVMEM_LOG_OFF = 0,	     /* nothing */
	/* a call has failed, once for each, with its sentence; a connection has lost bytes */
	DEVMEM_LOG_ERROR = 3,
	/* it goes on, but at a price or not as it should: bytes are copied, and why; a link is
	 * down; a setting of the NIC could not be put back */
	DEVMEM_LOG_WARNING = 4,
	/* what was changed on a NIC, and put back; which memory, engine, queues, page size there
	 * is */
	DEVMEM_LOG_INFO = 6,
	/* what was tried and did not work, so that something else was taken */
	DEVMEM_LOG_DEBUG = 7,
};

/**
 * devmem_log_set() - how much is told of what the library does, and to whom. Nothing, if nobody
 * asks.
 * @level:	the least important that is told: any number of syslog's from 0 to 7, or
 *		DEVMEM_LOG_ENVIRONMENT.
 * @fn:		is called for each record. @text is a line without a newline, valid during the call;
 *		@level is its level. NULL: records are lines "libdevmem: LEVEL: TEXT" on standard
 *		error.
 * @arg:	comes back in @fn; it stays the caller's.
 *
 * Before the first call it is as with (DEVMEM_LOG_ENVIRONMENT, NULL, NULL): whoever runs a program
 * can have it tell more, by the environment variable DEVMEM_LOG, which is error, warning, info or
 * debug, or a number; anything else is nothing. It is looked at when there is first something to
 * tell, and by each call with DEVMEM_LOG_ENVIRONMENT; not by programs that run with more rights
 * than their user (secure_getenv(3)). What the program sets here counts more.
 *
 * It is the whole process's. Any thread may call this; on return nobody is in the @fn of before.
 * @fn runs in the thread that made the library call, and blocks it; or in the library's own thread,
 * which looks after a NIC's settings (devmem_nic_open()). One call of @fn at a time, whatever the
 * thread. It must return, and must not call the library, but for devmem_error(): records of such
 * calls are lost. EAGAIN, EINTR and ENOBUFS, negated, are no errors here, but answers. Records are
 * for people: their text may be another in any version.
 *
 * -EINVAL	no such level
 * -EBUSY	called from @fn
 *
 * Since: 0.1
 */
DEVMEM_API int devmem_log_set(int level, void (*fn)(void *arg, int level, const char *text),
			      void *arg);

/**
 * devmem_feature() - does the library that is running have this, and can it be had here?
 * @name:	a constant, for good. A program can ask for names that are newer than the library,
 *		and older ones keep their meaning. Where the kernel, or what this process may, has a
 *		say, it is tried, without changing anything:
 *		"devmem", "zcrx"	engines: the NIC writes into buffers. What the NIC itself
 *					can, devmem_bind_rx() finds
 *		"large-pages"		devmem_bind_opts.page_size of more than the system's page
 *		"send"			devmem_bind_tx() without a copy
 *		"io_uring"		without it rings work by plain system calls
 *		"busy-poll"		devmem_ring_opts.busy_poll_us
 *		"backend-NAME"		memory: what devmem_backends() says of NAME
 *		and of the library alone: "copy", "syscall" (engines), "gather", "place"
 *		(DEVMEM_ATTACH_PLACE), "nic-keep" (DEVMEM_NIC_KEEP), "source-port", "coalesce"
 *		(devmem_ring_opts.coalesce_us)
 *
 * Needs no privilege; but what only the privileged may have or find out is not there for others. It
 * takes some system calls, and is not for loops. Any thread.
 *
 * Returns 1: yes; 0: the library has it, but it cannot be had here, and devmem_error() says why.
 * -ENOENT	this library knows no such name
 * -EINVAL	@name is NULL
 *
 * Since: 0.1
 */
DEVMEM_API int devmem_feature(const char *name);

/* What devmem_features() tells of one. */
struct devmem_feature_info {
	const char *name; /* as devmem_feature() takes it */
	const char *what; /* what that is */
	int result;	  /* 0: it can be had here; else a negative errno */
	const char *text; /* why not, in a sentence; "" if it can be had */
};

/**
 * devmem_features() - all names that devmem_feature() knows, apart from backends, and its answers.
 * @report: called for each; its strings live as long as the call.
 *
 * Returns how many there are. Does not fail.
 *
 * Since: 0.1
 */
DEVMEM_API int devmem_features(void (*report)(void *arg, const struct devmem_feature_info *info),
			       void *arg);

/* -------------------------------------------------------------------------------------- buffers */

struct devmem_buffer;

struct devmem_buffer_opts {
	size_t size; /* sizeof(struct devmem_buffer_opts) */
	/* bytes: of the pages behind host memory. 0: huge pages if @bytes is a multiple of them and
	 * enough are reserved, else the system's page; 4096: those; 2097152 or 1073741824: huge
	 * pages of that size, which the system must have */
	uint32_t page_size;
	uint32_t reserved; /* 0 */
	/* which one of the backend's: a heap's name, a card, a GPU's number or PCI address. NULL:
	 * its first, or the one chosen by @near */
	const char *device;
	/* name of an interface: the device that is nearest to it. Not together with @device */
	const char *near;
	/* devmem_buffer_import() alone: where the buffer begins in the dma-buf, bytes ... */
	uint64_t offset;
	uint64_t bytes; /* ... and its size. 0: up to the end */
};

/**
 * devmem_buffer_create() - allocate device memory and export it as a dma-buf.
 * @backend:	NULL: the best host memory that this machine has, in the order of this list;
 *		devmem_buffer_backend() tells. "udmabuf": host memory behind /dev/udmabuf, there for
 *		every machine and for the lab. NULL takes it only
 *			   with huge pages, or if there is no dma-heap.
 *		"dma-heap": host memory from /dev/dma_heap, in blocks of up to 1 MiB without huge
 *			   pages. @device: any heap there by its name, such as "default_cma_region";
 *			   NULL: "system".
 *		"shm": plain shared memory, which no NIC can write to: bytes are copied into it
 *		(engine "copy"). "drm": memory of a graphics card's driver (a dumb buffer), less
 *		than 4 GiB, by libdrm.so.2. @device: the path of a
 *		       card, or its driver's name, such as "vgem", which needs no hardware; NULL:
 *		       the first card that makes any. The driver may round up: devmem_buffer_size()
 *		       tells.
 *		"cuda": memory of an NVIDIA GPU that exports it: open kernel modules of driver R515
 *			or newer, Linux 5.12, a GPU for data centres or workstations, Turing or
 *			newer. @device: its number ("0"), or its PCI address ("0000:65:00.0",
 *			"65:00"); @near counts those that export. Only a NIC on PCI can be bound to
 *			it. The processor cannot map it, but read and write. The GPU's primary
 *			context is used, and the calling thread's current context left as it was, by
 *			every call on the buffer. libcuda.so.1 is loaded when it is first asked for.
 *		or one that was registered (backend.h).
 * @bytes:	size, a multiple of the page size and not 0.
 * @opts:	or NULL.
 * @out:	the new buffer; give it back with devmem_buffer_close().
 *
 * -EINVAL	@bytes is 0 or not a multiple of the page size, or the page size is not one the
 *		kernel knows; or an option that means nothing to this backend
 * -ENOENT	no such backend, or the machine lacks it (no /dev/udmabuf, no card, no libdrm.so.2)
 * -ENODEV	no such device or interface, or it does not export memory
 * -EOPNOTSUPP	"import", which devmem_backends() lists: it has no memory of its own
 * -EACCES	the device may not be opened by this user
 * -EFBIG	larger than the kernel allows for one udmabuf (module parameter size_limit_mb), or
 *		one dumb buffer; or than RLIMIT_FSIZE, for memory of "udmabuf" and "shm". SIGXFSZ is
 *		not raised
 * -ENOMEM	not enough memory, or not enough huge pages reserved
 * -EMFILE	no file descriptor below 65,536 is free
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	what the device's driver answered
 */
DEVMEM_API int devmem_buffer_create(const char *backend, size_t bytes,
				    const struct devmem_buffer_opts *opts,
				    struct devmem_buffer **out);

/**
 * devmem_buffer_import() - a buffer of memory that somebody else has exported.
 * @fd:		a dma-buf; duplicated, so it stays the caller's.
 * @opts:	@offset and @bytes alone. Any part of a dma-buf can be sent from; only all of it can
 *		be received into, since the NIC is given all of it: another binding copies (engine
 *		"copy").
 *
 * The processor's access goes through the exporter: mapped if it allows that, and bracketed by
 * devmem_buffer_sync(). Of several buffers of one dma-buf bind only one at a time for receiving:
 * their bindings would write over each other, and unlike two bindings of one buffer that is not
 * noticed.
 *
 * -EINVAL	@fd is no dma-buf; or @offset or @bytes is not a multiple of the system's page; or
 *		another option is set
 * -ERANGE	the range does not lie in the dma-buf
 * -EBADF	@fd is not open
 * -EMFILE	no file descriptor below 65,536 is free
 * -ENOMEM	no memory
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 */
DEVMEM_API int devmem_buffer_import(int fd, const struct devmem_buffer_opts *opts,
				    struct devmem_buffer **out);

/**
 * devmem_buffer_wrap_gem() - a buffer of a GEM object that the program owns, made by calls of the
 * card's own driver.
 * @drm_fd:	its card or render node; needed during the call alone.
 * @handle:	of the object, in @drm_fd. It stays the caller's, who may close it at once: the
 *		buffer keeps the memory.
 * @opts:	as for devmem_buffer_import().
 *
 * What the program, or the driver, still does with the object is not waited for: have it finished.
 * Whoever exported the object before without DRM_RDWR has fixed that for good: the processor cannot
 * map it then.
 *
 * -ENOENT	no libdrm.so.2, or no such handle
 * -ENODEV	@drm_fd is no DRM device, or its driver does not export
 * other	as devmem_buffer_import(), or what the driver answered
 */
DEVMEM_API int devmem_buffer_wrap_gem(int drm_fd, uint32_t handle,
				      const struct devmem_buffer_opts *opts,
				      struct devmem_buffer **out);

/**
 * devmem_buffer_wrap_cuda() - a buffer of CUDA memory that the program owns.
 * @pointer:	a CUdeviceptr, a multiple of the system's page; of cuMemAlloc(), or of cuMemCreate()
 *		with gpuDirectRDMACapable and mapped. cudaMalloc() is the first.
 * @bytes:	a multiple of the system's page; all of it must be what the driver exports at once:
 *		in one allocation, or in pieces that are mapped one behind the other, if the driver
 *		takes them. It, and the context that it was made in, must stay until the buffer is
 *		gone, bindings that use it included. Exactly this range is exported, so it can be
 *		received into, too.
 * @opts:	none has a meaning yet: NULL.
 *
 * The calling thread's current context is left as it was, but there should be one, as there is in a
 * thread that has used CUDA. Memory of cuMemAlloc() gets CU_POINTER_ATTRIBUTE_SYNC_MEMOPS, which
 * lasts.
 *
 * -EINVAL	not aligned, or no bytes; no device memory of CUDA's: host or managed memory; or an
 *		option is set
 * -ERANGE	not all of it lies in one allocation, and the driver does not export it
 * -ENODEV	the device, or this kind of memory, cannot be exported: devmem_error() says why
 * -ENOENT	no libcuda.so.1
 * -ENOMEM	not enough memory for what copying and gathering take
 * -EMFILE	no file descriptor below 65,536 is free
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	what the driver answered
 */
DEVMEM_API int devmem_buffer_wrap_cuda(uint64_t pointer, size_t bytes,
				       const struct devmem_buffer_opts *opts,
				       struct devmem_buffer **out);

/* What devmem_backends() tells of one. */
struct devmem_backend_info {
	const char *name;
	const char *what; /* what memory that is */
	/* 0: it can be had here, as far as can be told without making any; else a negative errno */
	int result;
	/* which devices there are, or why not and what to do, in a sentence */
	const char *text;
};

/**
 * devmem_backends() - which backends does this library have, and do they work here?
 * @report: called for each, in the order that they are tried in, then those that were registered;
 *	    its strings live as long as the call.
 *
 * Returns how many there are. Does not fail.
 */
DEVMEM_API int devmem_backends(void (*report)(void *arg, const struct devmem_backend_info *info),
			       void *arg);

/**
 * devmem_buffer_close() - drop the caller's reference. Bindings keep their own. NULL is allowed.
 */
DEVMEM_API void devmem_buffer_close(struct devmem_buffer *buffer);

/**
 * devmem_buffer_backend() - the name of the backend that made it.
 * @reason: unless NULL: set to a sentence on why it is this one. Both strings live as long as the
 * buffer.
 */
DEVMEM_API const char *devmem_buffer_backend(const struct devmem_buffer *buffer,
					     const char **reason);

/**
 * devmem_buffer_fd() - the dma-buf's file descriptor; with backend "shm" the memory file's. It
 * stays the buffer's: duplicate it to keep it. Does not fail.
 */
DEVMEM_API int devmem_buffer_fd(const struct devmem_buffer *buffer);

/** devmem_buffer_size() - bytes. */
DEVMEM_API size_t devmem_buffer_size(const struct devmem_buffer *buffer);

/**
 * devmem_buffer_id() - the number that events carry in @buffer. Unique in the process while the
 * buffer lives.
 */
DEVMEM_API uint16_t devmem_buffer_id(const struct devmem_buffer *buffer);

/**
 * devmem_buffer_map() - the buffer as this process's memory.
 * @addr: start of the mapping; readable and writable; valid until the buffer is gone. Calls after
 *        the first give the same address.
 *
 * Bytes that a NIC wrote are read between devmem_buffer_sync(START | READ) and
 * devmem_buffer_sync(END | READ).
 *
 * -EOPNOTSUPP	the processor cannot map this memory
 * -ENOMEM	no room for the mapping
 * -EEXIST	another process made the buffer, and this one was forked from it
 * other	what the backend answered
 */
DEVMEM_API int devmem_buffer_map(struct devmem_buffer *buffer, void **addr);

#define DEVMEM_SYNC_READ  1u
#define DEVMEM_SYNC_WRITE 2u
#define DEVMEM_SYNC_START 0u
#define DEVMEM_SYNC_END	  4u

/**
 * devmem_buffer_sync() - bracket accesses by the processor (DMA_BUF_IOCTL_SYNC).
 * @flags: READ, WRITE or both, with START before the accesses and END after them.
 *
 * -EINVAL	neither READ nor WRITE, or an unknown flag
 * -EEXIST	another process made the buffer, and this one was forked from it
 * other	what the exporter answered
 */
DEVMEM_API int devmem_buffer_sync(struct devmem_buffer *buffer, unsigned int flags);

/**
 * devmem_buffer_read() - copy bytes out of the buffer; devmem_buffer_write() - into it.
 * @offset, @bytes: any alignment; the range must lie in the buffer.
 *
 * Works where devmem_buffer_map() does not, too, and brackets the access itself. Returns when the
 * copy is complete.
 *
 * -ERANGE	the range does not lie in the buffer
 * -EEXIST	another process made the buffer, and this one was forked from it
 * other	as devmem_buffer_map() and devmem_buffer_sync(), or what the backend answered
 */
DEVMEM_API int devmem_buffer_read(struct devmem_buffer *buffer, uint64_t offset, void *to,
				  size_t bytes);
DEVMEM_API int devmem_buffer_write(struct devmem_buffer *buffer, uint64_t offset, const void *from,
				   size_t bytes);

/* --------------------------------------------------------------------------------- NIC, binding */

struct devmem_nic;
struct devmem_binding;

/*
 * The settings are somebody else's, who has made them already: split on, its threshold 0, rules
 * that lead to the queues. Nothing is changed and nothing undone, so it needs no journal;
 * devmem_bind_rx() binds, and the kernel says if a setting is missing.
 */
#define DEVMEM_NIC_KEEP 1u

/*
 * devmem_steer() adds no filter to the interface's ingress that drops urgent data (see
 * devmem_guard()): for programs that guard all their listeners, and nobody else's sockets are
 * steered. Sockets are guarded by devmem_attach() all the same.
 */
#define DEVMEM_NIC_NO_GUARD 2u

struct devmem_nic_opts {
	size_t size;	   /* sizeof(struct devmem_nic_opts) */
	uint32_t flags;	   /* DEVMEM_NIC_ */
	uint32_t reserved; /* 0 */
	/* folder where changes are written down before they are made, so that they can be undone
	 * after a crash; all processes that share a NIC must name the same. NULL: /run/devmem */
	const char *journal;
};

/**
 * devmem_nic_open() - begin a transaction on an interface's settings.
 * @ifname:	name of the interface, in this thread's network namespace; an alternative name will
 *		do ("ip link property").
 *
 * Changes nothing. devmem_bind_rx() and devmem_steer() then change what they need: receive
 * checksums on, header/data split on (mlx5 wants rx-gro-hw on before that), its threshold to 0,
 * bound queues out of the RSS table, an RSS context and flow rules, and a filter against urgent
 * data. Each change is remembered together with what was there before, and written to a journal
 * (one for each interface) before it is made.
 *
 * Several processes may have transactions on one interface: they share what must be shared, never
 * take the same queue, and the last one to go puts it back. What a process left that died before it
 * could is undone here, or by devmem_nic_restore().
 *
 * A NIC that is reset (a transmit that timed out, "ethtool --reset") may forget rules and contexts,
 * and put its RSS table back to the default, with bound queues in it: other connections that come
 * there then fail with EFAULT. From the first bound queue to its end the transaction looks for
 * that, in a thread of its own, with each link notification and every two seconds, and makes its
 * settings again; the log tells. No signal is delivered to that thread. Where it cannot be started
 * the log tells that, and settings are not made again. With DEVMEM_NIC_KEEP there is none.
 *
 * An interface without device memory support (lo, veth; kernels before 6.12), or a process without
 * CAP_NET_ADMIN, is no failure here: what follows copies, or says why not.
 *
 * A netkit to which a NIC leases queues (Linux 7.1; docs/containers.md) can be bound like a NIC.
 * Its settings are that NIC's and are left alone: they must be made there, as with DEVMEM_NIC_KEEP.
 *
 * -ENODEV	no such interface
 * -ENAMETOOLONG the journal's folder
 * -EINVAL	no name, or an unknown flag
 * -EMFILE	no file descriptors left
 * -ENOMEM	no memory
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	the interface cannot be asked: devmem_error() says why
 */
DEVMEM_API int devmem_nic_open(const char *ifname, const struct devmem_nic_opts *opts,
			       struct devmem_nic **out);

/**
 * devmem_nic_close() - end the transaction: undo, in reverse order, exactly what it changed.
 *
 * While bindings of this NIC are alive the undoing is left to the last of them, and 0 is returned.
 * NULL is allowed. In a forked child nothing is undone, and 0 is returned.
 *
 * Returns 0, or the first failure; the undoing goes on past a failure.
 * -ESTALE	somebody else changed a setting after us; it was left as they made it
 * -ENODEV	the interface was removed, or moved to another network namespace and not back:
 *		nothing could be undone
 * -EIO		the driver accepted a setting and did not make it
 * other	what the kernel or the driver answered
 */
DEVMEM_API int devmem_nic_close(struct devmem_nic *nic);

struct devmem_restore_opts {
	size_t size;	     /* sizeof(struct devmem_restore_opts) */
	const char *journal; /* the folder that transactions were given. NULL: /run/devmem */
	/*
	 * Unless NULL: called for each change. @result is 0: undone; 1: kept, since a living
	 * process uses it; -ESTALE: somebody changed it since, and it was left like that; -EBADMSG:
	 * the journal was damaged: what it still said was undone, and it is kept under another
	 * name; else why it could not be undone. @text is a sentence, valid during the call.
	 */
	void (*report)(void *arg, const char *ifname, int result, const char *text);
	void *arg;
};

/**
 * devmem_nic_restore() - undo what processes left that died in the middle of a transaction.
 * @ifname:	an interface in this thread's network namespace, or NULL for all that have a journal
 *		there.
 *
 * Only what they changed, and only if it still is as they left it. Nothing of a process that lives
 * is touched. Needs CAP_NET_ADMIN. Waits up to five seconds for queues that the dead still have
 * bound. Any thread.
 *
 * Returns 0: nothing is left to undo, or only what living processes use; or the first failure:
 * -ENODEV	no such interface
 * -ESTALE	somebody changed a setting since; it was left as they made it, and is forgotten
 * -EBADMSG	the journal was damaged: what it still said was undone if it could be, and what else
 *		was changed cannot be known. It is kept under another name, which devmem_error()
 *		says; the next one can be begun
 * -EBUSY	the journal is damaged, and a process that uses it lives
 * -EPROTO	there is no file in the journal's place, but a FIFO, say
 * -EPERM, -EACCES	the settings, or the journal, may not be changed by this user; or the
 *		journal or its folder belongs to a stranger, or can be written to by others, so that
 *		nothing is done by it
 * -EIO		the driver accepted a setting and did not make it
 * -ENAMETOOLONG the journal's folder
 * -ENOMEM	no memory
 * -EINVAL	@opts has no size
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	what the kernel answered; it stays in the journal for the next try
 */
DEVMEM_API int devmem_nic_restore(const char *ifname, const struct devmem_restore_opts *opts);

/* A question to devmem_plan(), and its answer. */
struct devmem_plan {
	size_t size;	 /* sizeof(struct devmem_plan) */
	uint32_t queues; /* to be bound. 0: 1 */
	/* bytes, of the pages that the queues take from the buffer. 0: what devmem_bind_rx() takes
	 * unasked, if memory, NIC and kernel can do it: see @bind_page_size */
	uint32_t page_size;
	uint32_t connections;	/* that receive at the same time. 0: 1 */
	uint32_t ring_entries;	/* answer: of each queue's ring */
	uint32_t mtu;		/* answer: bytes */
	uint32_t message_bytes; /* what typically comes at once on a connection. 0: they stream */
	uint64_t buffer_bytes;	/* of the buffer that you have in mind. 0: none yet */
	/* answer: what the rings themselves keep of the buffer, traffic or not */
	uint64_t pinned_bytes;
	uint64_t least_bytes;	/* answer: with less, receiving stalls */
	uint64_t advised_bytes; /* answer: with this, @connections can stream at full rate */
	/* answer: how much of @advised_bytes nothing is ever written to, beside the rings, if each
	 * packet begins a page: what comes does not fill its last one */
	uint64_t wasted_bytes;
	uint32_t bind_page_size;    /* answer: what all others were counted with */
	uint32_t advised_page_size; /* answer: for devmem_bind_opts */
	/* answer: why that one is better, or what would allow larger pages; NULL: all is well. A
	 * constant */
	const char *advice;
};

/**
 * devmem_plan() - do ring size, MTU, queues and buffer size fit together? To be asked before
 * binding; changes nothing.
 *
 * Large pages are what makes receiving cheap, and small messages are what wastes them: a message
 * that is alone in its page keeps all of it until it is released.
 *
 * 0: they do. The answers are filled in, and with -ENOSPC too.
 * -ENOSPC	the buffer is smaller than @least_bytes
 * -EINVAL	no NIC or plan, or a page size that is not a power of two or less than the system's
 * -EEXIST	another process opened the NIC, and this one was forked from it
 * -E2BIG	@plan is from a newer version of this header and asks for something unknown
 * other	the NIC's settings could not be read
 */
#if defined(__GNUC__)
#pragma GCC diagnostic push
/* g++: the structure's constructor, which nobody calls */
#pragma GCC diagnostic ignored "-Wshadow"
#endif
DEVMEM_API int devmem_plan(struct devmem_nic *nic, struct devmem_plan *plan);
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

struct devmem_bind_opts {
	size_t size; /* sizeof(struct devmem_bind_opts) */
	/* how many RX queues. 0: one, or as many as are in @queue_list */
	uint32_t queues;
	/* bytes, a power of two: of the pages that the queues take from the buffer; the larger, the
	 * fewer descriptors. 0: the largest up to 64 KiB that NIC, kernel (7.3 for more than 4 KiB)
	 * and buffer can do and of which the queues' own rings do not take more than half of the
	 * buffer */
	uint32_t page_size;
	/* @queues queue numbers. NULL: free queues are chosen from the top */
	const uint32_t *queue_list;
	/* NULL: "devmem" where that can be, else "copy". "devmem", "zcrx" (one queue), "copy": that
	 * one, or a failure that says why not. "syscall": as NULL */
	const char *engine;
};

/**
 * devmem_bind_rx() - have RX queues of a NIC write payload into a buffer.
 *
 * Turns header/data split on, takes the queues out of the RSS table, and binds. From here on only
 * flows that are steered to these queues (devmem_steer()) arrive in the buffer. On failure the NIC
 * is as it was. With some drivers (mlx5, gve) each further binding, when it is made and when it
 * ends, interrupts all queues for a moment: bind all that you need with one call.
 *
 * Where the interface cannot do that, or the process may not, or nothing can be written to the
 * journal, or the memory is of a kind that cannot be bound to it, the binding is one of engine
 * "copy": nothing of the NIC is touched, and the kernel copies what the sockets receive into the
 * buffer. devmem_binding_engine() tells. An engine that is named in @opts is refused instead. A
 * buffer that was bound before may be bound again when the connections that used it are closed:
 * bytes that the kernel holds for them still lie in it. The binding keeps references to @nic and
 * @buffer. Needs CAP_NET_ADMIN and kernel 6.12. [net/core/netdev-genl.c]
 *
 * -ERANGE	no such queue
 * -ENODEV	the interface was removed or moved to another network namespace; or this thread is
 *		in another one than where devmem_nic_open() was called. It can bind to @nic once all
 *		the same; but a ring of engine "zcrx" needs its thread there
 * -EEXIST	a queue is bound already, by this process or another; or @nic or @buffer was made by
 *		another process, and this one was forked from it
 * -EIO		the driver accepted a setting and did not make it
 * -EBUSY	too few free queues (one must be left for ordinary traffic), or one is used by
 *		AF_XDP, or is queue 0 of a driver that cannot restart it (gve) or of a netkit; or
 *		the buffer is bound already: two bindings of one buffer would write over each other
 * -EINVAL	bad options, or the kernel refused the combination: devmem_error() has its reason
 * -ENOMEM	no memory
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	what the kernel or the driver answered
 * Only if engine "devmem" or "zcrx" is asked for; otherwise these make it "copy":
 * -EPROTONOSUPPORT the NIC cannot split headers from data
 * -EOPNOTSUPP	the driver or the kernel cannot bind device memory, or the buffer is no dma-buf
 * -EXDEV	the memory is an NVIDIA GPU's and the interface is not on PCI: the kernel must not
 *		be asked (it would corrupt memory)
 * -EPERM	not CAP_NET_ADMIN; or the journal or its folder belongs to a stranger
 * -ENOSPC, -EROFS, -EACCES, -ENOENT, -EIO and others of files: the journal cannot be written, so
 * nothing is changed
 * -EBADMSG	the journal is damaged. If no process that uses it lives, it is kept under another
 *		name and the next call begins a new one; if one does, it is -EBUSY
 * -EEXIST	the journal is one of another interface
 * -EPROTO	there is no file in the journal's place, but a FIFO, say
 */
DEVMEM_API int devmem_bind_rx(struct devmem_nic *nic, struct devmem_buffer *buffer,
			      const struct devmem_bind_opts *opts, struct devmem_binding **out);

/**
 * devmem_binding_close() - drop the caller's reference.
 *
 * The queues are unbound when the sockets attached with this binding are gone and their last
 * fragment is back, by the next devmem_attach(), devmem_detach() or devmem_ring_close() of their
 * ring, or devmem_bind_rx() with the same NIC; with engine "zcrx" when the ring that took the queue
 * is closed. It may wait, if it is the last to use the binding. NULL is allowed.
 */
DEVMEM_API void devmem_binding_close(struct devmem_binding *binding);

/**
 * devmem_binding_engine() - how bytes get into its buffer: "devmem", "zcrx" or "copy".
 * @reason: unless NULL: set to a sentence on why it is this one. Both strings live as long as the
 * binding.
 */
DEVMEM_API const char *devmem_binding_engine(const struct devmem_binding *binding,
					     const char **reason);

/**
 * devmem_binding_page_size() - bytes of the pages that its queues take from the buffer; 0 with
 * engine "copy". @reason: as above: what the size was decided by.
 */
DEVMEM_API uint32_t devmem_binding_page_size(const struct devmem_binding *binding,
					     const char **reason);

/**
 * devmem_binding_queues() - how many queues are bound; up to @n of their numbers are written to
 * @list.
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
 * @local:	address and port here. The unspecified address stands for any, port 0 for any port:
 *		0.0.0.0 for any of IPv4, :: for any of both families, as for a listener, unless
 *		@peer says which. A listener with IPV6_V6ONLY wants its own address here: with ::
 *		IPv4 connections to that port are steered too, whoever accepts them.
 * @peer:	address and port of the other end, or NULL for any. Same family as @local.
 *
 * With several queues, flows spread over them by an RSS context of their own. A NIC without
 * contexts takes a rule for each connection instead: call this with its @peer when it is accepted;
 * they take turns on the queues. The rule ends with the NIC's transaction. Connections that exist
 * already follow from their next packet. A binding of engine "copy" takes bytes from wherever they
 * come: nothing is done, and 0 returned. The same goes for a netkit: whoever leases a queue to it
 * makes the rules, on the NIC.
 *
 * What goes to @local with TCP's URG flag is dropped from here on, whoever it is for, since it
 * would stop the machine (see devmem_guard()): by a filter at the interface's ingress (tc, in a
 * clsact qdisc), which ends with the transaction too. Where the kernel has no such filters
 * (cls_bpf, act_gact), that is left out, and the log says so. DEVMEM_NIC_NO_GUARD: no filter.
 *
 * -EAFNOSUPPORT not IPv4 or IPv6
 * -EINVAL	the binding is for sending; or no @local, or a @peer of another family
 * -EPERM	the NIC was opened with DEVMEM_NIC_KEEP
 * -EEXIST	another process made the binding, and this one was forked from it
 * -EADDRINUSE	a rule for the same flow exists: one that we did not make, another process's
 *		included; or one that leads to another binding of this process, which is not closed.
 *		With :: of either family, and then nothing is changed
 * -ENOSPC	the NIC has no room for another rule or context, or the journal cannot be written
 * -EROFS, -EIO	the journal cannot be written, so nothing is changed
 * -EBADMSG	the journal is damaged
 * -EOPNOTSUPP	the NIC has no n-tuple rules, or no RSS contexts where several queues are bound and
 *		@peer is NULL
 * -ENODEV	the interface was removed, or moved to another network namespace
 * -ENOMEM	no memory
 * other	what the driver answered
 */
DEVMEM_API int devmem_steer(struct devmem_binding *binding, const struct sockaddr *local,
			    const struct sockaddr *peer);

/**
 * devmem_source_port() - where a NIC has no flow rules: with which source port does a connection
 * come to the binding's queues?
 * @local:	address and port here, as the peer will dial them.
 * @peer:	address that it will dial from, and the first port to be considered; port 0: 49152.
 *		For another connection, one more than the last answer.
 *
 * The peer binds its socket to that port before it connects. An entry of the RSS table for each
 * queue leads there from now on, until the NIC's transaction ends, and the NIC's hash (Toeplitz,
 * over addresses and ports) says which ports hash to one of them. Any other flow that happens to
 * hash there arrives in device memory too, where an ordinary socket cannot read it: one of a
 * hundred with the usual table of 128 entries. So this is for networks that carry nothing else.
 *
 * Returns the port; 0 with engine "copy", which takes bytes from wherever they come.
 * -EAFNOSUPPORT not IPv4 or IPv6
 * -EINVAL	an address or the port here is not given, or they are of two families; or the
 *		binding is for sending
 * -EPERM	the NIC was opened with DEVMEM_NIC_KEEP
 * -EEXIST	another process made the binding, and this one was forked from it
 * -EOPNOTSUPP	the NIC hashes in a way that cannot be computed: devmem_error() says what to change;
 *		or it is a netkit
 * -ENOENT	no port from that one on
 * -ENOSPC	the RSS table is too small, or the journal cannot be written
 * -EROFS, -EIO	the journal cannot be written, so nothing is changed. -EIO also: the driver did not
 *		lead its table to the queues
 * -EBADMSG	the journal is damaged
 * -ENODEV	the interface was removed, or moved to another network namespace
 * -ENOMEM	no memory
 * other	what the driver answered
 */
DEVMEM_API int devmem_source_port(struct devmem_binding *binding, const struct sockaddr *local,
				  const struct sockaddr *peer);

/**
 * devmem_bind_tx() - have an interface send from a buffer.
 * @ifname:	by which the connections leave, in this thread's network namespace; an alternative
 *		name will do. NULL: any; the bytes are copied.
 * @buffer:	may be bound for receiving too, and for sending more than once. A dma-buf's size
 *		must be a multiple of the system's page.
 * @opts:	@engine alone. NULL: "devmem" where that can be, else "copy". "devmem", "copy": that
 *		one, or a failure that says why not. "syscall": as NULL.
 *
 * Changes nothing of the interface and needs no privilege. Where its driver cannot send from device
 * memory (before kernel 6.16 none can), or the memory must not be bound to it, the binding is one
 * of engine "copy": what is sent is copied, by the kernel or, where the processor cannot map the
 * memory, by its backend. devmem_binding_engine() tells. devmem_binding_close() ends it, when the
 * last send that was queued with it is back. [net/core/netdev-genl.c]
 *
 * Close it before the interface is removed for good (its module, a hot-plugged card, a virtual
 * function): the kernel, up to 7.3 at least, does not notice, and uses memory that it has freed
 * when the binding, or the process, ends after that. There is nothing that a program can do then.
 * [net/core/netdev-genl.c: netdev_nl_sock_priv_destroy()]
 *
 * -ENODEV	no such interface
 * -EINVAL	bad options, no buffer, a size that is not a multiple of the page; or the kernel
 *		refused: devmem_error() has its reason
 * -EEXIST	another process made the buffer, and this one was forked from it
 * -ENOMEM	no memory
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	what the kernel answered
 * Only if engine "devmem" is asked for; otherwise these make it "copy":
 * -EOPNOTSUPP	the driver or the kernel cannot send from device memory, or the buffer is no dma-buf
 * -EXDEV	the memory is an NVIDIA GPU's and the interface is not on PCI
 * -EPERM	policy (kernels that restrict it)
 */
DEVMEM_API int devmem_bind_tx(const char *ifname, struct devmem_buffer *buffer,
			      const struct devmem_bind_opts *opts, struct devmem_binding **out);

/* ----------------------------------------------------------------------------------------- ring */

struct devmem_ring;
struct devmem_sock;

enum devmem_event_type {
	/* received bytes in device memory: (buffer, offset, length). Release it. */
	DEVMEM_EVENT_DATA = 1,
	/* received bytes in host memory, copied by the kernel: offset is their address in this
	 * process, valid until released. Release it soon: when all receive buffers of the ring are
	 * held, receiving pauses. */
	DEVMEM_EVENT_HOST = 2,
	/* the peer has closed its side, and all that it sent was handed out; nothing more comes. */
	DEVMEM_EVENT_END = 3,
	/* the connection broke: result is the negative errno, the same as in its SENT events;
	 * nothing more comes. It is the last event of its devmem_wait(), and devmem_error() says
	 * more, until another call fails: keep it, if events before it are handled first. While
	 * nothing can be received, since too much is held, END and ERROR are told within a tenth of
	 * a second; ERROR in front of bytes that cannot be received, which are lost then, after a
	 * second. */
	DEVMEM_EVENT_ERROR = 4,
	/* a descriptor given to devmem_watch() is readable: result is its poll(2) events, or a
	 * negative errno */
	DEVMEM_EVENT_READY = 5,
	DEVMEM_EVENT_WOKEN = 6, /* devmem_wake() was called, once or several times */
	/* the buffer runs low: offset bytes of it, at most, are out. Release fragments soon, or
	 * copy their bytes out and release them; when it is empty, connections stall. Told once
	 * until half of the buffer is back, behind the fragments that made it so; with the next
	 * devmem_wait() if the array is full */
	DEVMEM_EVENT_LOW = 7,
	/* the socket's bytes come through an ordinary queue and are copied: result is the number of
	 * that queue, or -ENOENT if it is not one of the bound interface. -ENODEV: what it sends
	 * leaves by another interface than the one that the buffer is bound to, and is copied, or
	 * fails (see devmem_send()). Told when it begins, at most once a second. It is the last
	 * event of its devmem_wait(), and devmem_error() says more */
	DEVMEM_EVENT_MISPLACED = 8,
	/* the interface with index offset, to which a socket's binding belongs: result is 1 when
	 * its link is up again, 0 when it is down (connections stall and go on when it is back),
	 * -ENODEV when it is gone (nothing more comes), -EXDEV when it was moved to another network
	 * namespace: connections stall, and go on when it is back here with its addresses, which is
	 * told like a link that is up again, with the index that it has then. What the last event
	 * said is how it is; changes in between may be left out. It is told of the namespace of the
	 * thread that attached the ring's first socket with a NIC. There are no such events where
	 * rtnetlink is refused: devmem_binding_engine()'s reason says so */
	DEVMEM_EVENT_LINK = 9,
	/* a send is over, and its memory is the caller's again: offset is its cookie, length its
	 * bytes, buffer where they lie. result is 0: sent from there, and the peer's kernel has
	 * them; 1: some were copied, and this kernel has those; else why it failed: a negative
	 * errno, and any part of it may have been sent. Those of one socket come in the order of
	 * their devmem_send() */
	DEVMEM_EVENT_SENT = 10,
	/* devmem_send() said -EAGAIN, and half of what the socket may have under way is back */
	DEVMEM_EVENT_SENDABLE = 11,
	/* a gather is over: offset is its cookie, length its bytes, buffer where they are now, in
	 * one piece. result is 0, or a negative errno: the device failed, and any part may have
	 * been copied; -EINVAL: a fragment was not out any more. They were released either way */
	DEVMEM_EVENT_GATHERED = 12,
	/* made by devmem_event_split(): bytes of a fragment that another event releases */
	DEVMEM_EVENT_PART = 13,
};

/* What came out of a ring: 32 bytes, plain data. Events of one socket come in stream order. */
struct devmem_event {
	uint64_t user_data; /* of the socket, from devmem_attach() */
	/* bytes from the start of the buffer; of a HOST fragment its address; SENT: the cookie */
	uint64_t offset;
	uint32_t length; /* bytes */
	union {
		uint32_t token; /* first of the run; opaque */
		/* ERROR: negative errno; READY, LINK, MISPLACED, SENT, GATHERED: see there */
		int32_t result;
	};
	uint16_t tokens; /* how many tokens the run has; opaque */
	uint16_t sock;	 /* opaque */
	/* devmem_buffer_id() of a DATA fragment or a send, or the one that runs LOW. 0 of a
	 * fragment: it came through a queue of another binding than its socket's, and lies in that
	 * memory. 0 of LOW: the ring's own memory, for sockets without a binding (host_bytes) */
	uint16_t buffer;
	uint16_t type; /* enum devmem_event_type */
};

struct devmem_ring_opts {
	size_t size;	  /* sizeof(struct devmem_ring_opts) */
	uint32_t entries; /* submission queue entries, rounded up to a power of two. 0: 256 */
	/* receive buffers for control data and host bytes, power of two. 0: 16, and on a ring with
	 * more sockets as many as it has had, up to 256 */
	uint32_t buffers;
	/* most payload that one completion reports, bytes, a multiple of 4096. 0: 1 MiB. Address
	 * space; pages are used only when bytes come to host memory */
	uint32_t buffer_bytes;
	/* most tokens merged into one descriptor, up to 1024. 0: 1024; 1: never merge */
	uint32_t merge;
	/* size of the buffer for DEVMEM_ATTACH_PLACE, a multiple of 4096. 0: 4 MiB */
	uint32_t spill_bytes;
	/* a wait looks at the sockets' queues itself for so many microseconds, up to 10000, before
	 * it sleeps: less latency for processor time; bulk data gets dearer. Kernel 6.9. 0:
	 * never */
	uint32_t busy_poll_us;
	/* engine "zcrx": of the ring on which fragments go back, up to 32768. 0: as many as the
	 * buffer has pages. What has no room waits, and nothing is lost */
	uint32_t refill_entries;
	/* for many streams: after a wait that brought something, the next one looks no sooner than
	 * so many microseconds later, up to 100000, and so finds more of each socket. Costs as much
	 * latency, of all that the ring does, and a connection then gets no more than its receive
	 * buffer in that time. devmem_wake() is answered at once; waits of 0 ms are as ever. Not
	 * together with busy_poll_us. 0: never */
	uint32_t coalesce_us;
	/* NULL: what each socket's binding asks for, by io_uring where there is one, else by plain
	 * system calls. "devmem", "zcrx", "copy", "syscall": that one alone; a socket whose binding
	 * is of another is refused. "zcrx" bindings need a ring of "zcrx" */
	const char *engine;
	/* size of the memory for sockets without a binding, which share it, a multiple of 4096.
	 * Pages are used only when bytes come. So much can be out; a LOW event of buffer 0 tells in
	 * time that it is used up, and then those sockets stall. 0: 64 MiB */
	uint64_t host_bytes;
};

/**
 * devmem_ring_open() - an io_uring and what receiving needs around it.
 *
 * -EINVAL	no place for the result, an option out of range, or no such engine
 * -ENOMEM	no memory
 * -EMFILE	no file descriptors left
 * -ENOSYS	@busy_poll_us where there is no busy polling: io_uring has it from 6.9 on, plain
 *		system calls never
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	what the kernel answered
 * Only if an engine other than "syscall" is named. If none is, whatever refuses io_uring, at set-up
 * or one of its later calls, which are tried here, makes it "syscall", and devmem_ring_engine() has
 * the reason:
 * -EPERM	io_uring is disabled by policy (sysctl kernel.io_uring_disabled, seccomp)
 * -ENOSYS	the kernel has no io_uring, or one without multishot receive (6.0)
 * -ENOMEM	RLIMIT_MEMLOCK is too low for it
 * other	what a policy or the kernel answered
 */
DEVMEM_API int devmem_ring_open(const struct devmem_ring_opts *opts, struct devmem_ring **out);

/**
 * devmem_ring_prepare() - make ready for sockets of a binding, before there is one.
 * @binding:	from devmem_bind_rx(). The ring may keep a reference, until it is closed.
 *
 * Engine "zcrx" takes the binding's queue when the first socket is attached: bytes that came
 * before, of a connection that was just accepted, were not written to the buffer but to ordinary
 * memory, and come as HOST events. After this call, before listen() or connect(), the NIC writes
 * all of them to the buffer. Other engines have nothing to do: the queues are bound already.
 * Calling it again changes nothing. Only the ring's own thread.
 *
 * -EINVAL	no ring or binding, or one for sending
 * -EEXIST	another thread's ring
 * -EBUSY	(zcrx) another ring has the queue
 * -EPERM	(zcrx) the process lacks CAP_NET_ADMIN
 * -EOPNOTSUPP	the ring was opened for another engine than the binding's; (zcrx) the kernel or the
 *		driver cannot
 * -ENOMEM	no memory
 * other	what the kernel answered
 */
DEVMEM_API int devmem_ring_prepare(struct devmem_ring *ring, struct devmem_binding *binding);

/**
 * devmem_ring_close() - detach all sockets, give back all fragments that are still out, free the
 * ring.
 *
 * Fragments of this ring must no longer be used, nor released, by any thread. Connections with
 * sends under way are aborted, so that nobody uses their memory any more (it is waited for a NIC
 * that still does, up to a second): wait for the SENT events before. NULL is allowed. In a forked
 * child only its copy of the ring is freed: connections and fragments stay the parent's.
 *
 * Another thread than the ring's own may call it, when that makes no more use of the ring: the
 * kernel then ends what is under way, connections among it, a moment after the return, and not
 * before.
 *
 * The kernel interrupts the ring's own thread when it takes the io_uring away, a moment later: what
 * that thread waits in then, epoll_wait(2) for one, may say EINTR once although no signal came.
 * [io_uring/io_uring.c: io_ring_exit_work]
 */
DEVMEM_API void devmem_ring_close(struct devmem_ring *ring);

/*
 * Host bytes are put into a spill buffer of the backend of the binding's buffer, so that only DATA
 * events come: those with the id of devmem_ring_spill() lie there. They are copied once more, and
 * counted (bytes_placed).
 */
#define DEVMEM_ATTACH_PLACE 1u

/* Without the guard that devmem_guard() describes: for a kernel that you know to take urgent data,
 * or a guard of your own. */
#define DEVMEM_ATTACH_NO_GUARD 2u

struct devmem_attach_opts {
	size_t size;	/* sizeof(struct devmem_attach_opts) */
	uint32_t flags; /* DEVMEM_ATTACH_ */
	/* SO_RCVLOWAT in bytes: how much is to be queued before the ring wakes up. 0: managed by
	 * the library, high while data streams, 1 when it does not */
	uint32_t lowat;
	/* receiving pauses when so many fragments of this socket are out, and goes on at half:
	 * fragments that are out do not shrink the TCP window, so that one slow consumer can
	 * otherwise take the whole buffer. It pauses after a turn, and a turn takes what comes
	 * meanwhile: all that one turn can bring may come on top of the limit. That is 400
	 * fragments for each receive buffer of the ring (6,400 of 16: see buffers in
	 * devmem_ring_opts); with engines "zcrx" and "copy" what there is room for, 8 for each of
	 * its entries (2,048 of 256). Fewer of them keep closer to the limit. SO_RCVBUF is set so
	 * that the kernel queues no more than as much again (not with engine "copy": there it
	 * queues in memory of its own, and a fragment has up to 256 KiB). While it is paused and
	 * its sends stand still because of that, twice as much, if need be. 0: no limit */
	uint32_t max_fragments;
	/* so many sends may be under way: devmem_send() says -EAGAIN to another. 0: 1024 */
	uint32_t max_sends;
};

/**
 * devmem_guard() - have the kernel drop what peers send with TCP's URG flag (MSG_OOB).
 * @fd:		a TCP socket, in any state. It stays the caller's. What a listener accepts is
 *		guarded too: call this before listen(2), and before connect(2).
 *
 * Linux, up to 7.3 at least, stops the machine (BUG) when an urgent byte lies in device memory, so
 * any peer whose flow is steered there could do that. devmem_attach() calls this for each
 * connection whose binding is of engine "devmem" or "zcrx"; but between accept(2) and
 * devmem_attach() only a guarded listener protects. [net/ipv4/tcp_input.c: tcp_urg()]
 *
 * The guard is a socket filter (SO_ATTACH_FILTER) of four instructions. It stays for as long as the
 * socket lives, after devmem_detach() too, since packets of its connection still come through the
 * bound queue. A segment that is dropped is missing from the stream for ever. The library never
 * replaces a filter of the program's. One that begins with the same three instructions (load byte
 * 13, jump if bit 0x20 is set, return 0) counts as the guard.
 *
 * A program that drops privileges guards its listeners first: accepted sockets need no privilege
 * then. A program that may not bind queues need not guard: ignore the result. It takes 4 KiB of
 * kernel memory; accepted sockets share their listener's. Any thread may call it; a second call on
 * the same socket does nothing. A child after fork(2) may call it: the socket is the same.
 *
 * -EBUSY	@fd has another filter
 * -EPERM	not CAP_NET_ADMIN, which newer kernels want for a filter of a TCP socket (7.3, and
 *		stable ones before it); or filters cannot be set on @fd (SO_LOCK_FILTER)
 * -ENOMEM	no memory, or no room in net.core.optmem_max
 * -EBADF, -ENOTSOCK, -EPROTOTYPE	@fd is not open, not a socket, not TCP
 * other	what the kernel answered
 *
 * Since: 0.1
 */
DEVMEM_API int devmem_guard(int fd);

/**
 * devmem_attach() - receive from a connected TCP socket.
 * @fd:		stays the caller's and may be closed; the connection ends when the library's
 *		duplicate is closed too: in the turn of devmem_wait() after the socket is detached
 *		and its last fragment is back, or in a devmem_attach(), devmem_detach() or
 *		devmem_ring_close() before that. shutdown() ends it at once.
 * @binding:	where its payload arrives. NULL: in memory of the ring, by copying; it comes as HOST
 *		events. All such sockets share that memory (host_bytes in devmem_ring_opts).
 * @user_data:	comes back in every event of this socket.
 *
 * The connection may be over already: bytes that are queued come out as ever, and then END or
 * ERROR. With a binding of engine "devmem" or "zcrx" the socket is guarded against urgent data, as
 * by devmem_guard(), unless @opts says DEVMEM_ATTACH_NO_GUARD. The guard stays on the socket when
 * it is detached.
 *
 * On failure @fd's options are as they were.
 *
 * -EINVAL	no ring, or no place for the result; an option out of range; a binding for sending;
 *		or DEVMEM_ATTACH_PLACE without a binding
 * -EOPNOTSUPP	the ring's engine and the binding's do not go together; or (zcrx) the kernel cannot
 *		do it; or DEVMEM_ATTACH_PLACE, and the buffer was imported: nobody knows how to make
 *		another like it; or (devmem, zcrx)
 *		@fd receives TLS by the kernel (TLS_RX), or its segments are signed (TCP_MD5SIG,
 *		TCP-AO)
 * -EBUSY	(zcrx) another ring, or another process, has the binding's queue; or @fd has a
 *		socket filter that is not the guard
 * -EPERM	(zcrx) not CAP_NET_ADMIN; or @fd is not guarded yet and cannot be, as
 *		devmem_guard(), nor is the interface's ingress
 * -EPROTO	urgent data was announced to @fd before it was guarded: end the connection, at once
 *		(SO_LINGER of 0)
 * -EBADF	@fd is not open
 * -ENOTSOCK, -ENOTCONN, -EPROTOTYPE	@fd is not a socket, was never connected, is not TCP
 * -EEXIST	this is not the thread that opened the ring; or another process made it, or the
 *		binding, and this one was forked from it
 * -EALREADY	the connection is attached already: to this ring, by whatever descriptor and with
 *		whatever binding, or with the same binding to another ring (Linux 4.12). Two
 *		attachments would divide its bytes between them
 * -EMFILE	no file descriptors left; or 65,535 sockets, or sockets of 31 bindings of engine
 *		"copy", on this ring
 * -ENOMEM	no memory
 * -EFBIG	(without a binding) RLIMIT_FSIZE is too low for the memory of the ring. SIGXFSZ is
 *		not raised
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	what the kernel answered; or (DEVMEM_ATTACH_PLACE) as devmem_buffer_create(), for
 *		the spill buffer
 */
DEVMEM_API int devmem_attach(struct devmem_ring *ring, int fd, struct devmem_binding *binding,
			     uint64_t user_data, const struct devmem_attach_opts *opts,
			     struct devmem_sock **out);

/**
 * devmem_detach() - stop receiving and sending. Fragments that are out stay valid until released;
 * bytes that were not handed out yet are lost. @sock must not be used afterwards; of its events
 * only SENT comes out of a later devmem_wait(): sends that the kernel has go on, and are over as
 * ever; what it does not have yet has failed with -ECANCELED. To have the memory back at once, call
 * devmem_abort() first. Does nothing in a forked child.
 *
 * SO_RCVLOWAT and SO_RCVBUF are again as they were before devmem_attach(), and the kernel tunes the
 * receive buffer if it did so then (Linux 5.14); devmem_ring_close() does the same. Without
 * CAP_NET_ADMIN it is no larger than net.core.rmem_max allows, until it is tuned again. What it
 * grew by while the library managed the low-water mark, it keeps. SO_ZEROCOPY stays on if anything
 * was sent so: it tells who sends next that the kernel counts from a number that is not 0.
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
 * @ranges:	@n of them, up to 65,536, together less than 4 GiB. Copied; the bytes are not: they
 *		must stay as they are until
 * @cookie:	comes back in a SENT event, exactly once.
 *
 * Never blocks and makes no system call (except on a socket's first send with a binding, which
 * looks at the route): sends ride on the next devmem_wait(), as many as the connection takes, and
 * others wait for their turn here. When a send fails, those behind it fail too, so that the stream
 * has no hole that the program does not know of.
 *
 * The library sets SO_ZEROCOPY on the socket (devmem_detach() says for how long), and reads its
 * error queue. The program must not send with MSG_ZEROCOPY on that connection itself; other sends
 * of its own are mixed in as they come.
 *
 * A binding that was not asked to be "devmem" survives a change of the route: what leaves by
 * another interface is copied, and MISPLACED says so. With engine "devmem" the sends fail with
 * -ENODEV. Only the ring's own thread.
 *
 * -EINVAL	no socket, or one that was detached; a binding for receiving; no ranges, or an empty
 *		one
 * -ERANGE	a range does not lie in the buffer
 * -EMSGSIZE	4 GiB or more, or more than 65,536 ranges
 * -EAGAIN	@max_sends are under way: a SENDABLE event tells when to go on
 * -ENODEV	(engine "devmem") the route to the peer leaves by another interface than the buffer
 *		is bound to
 * -EEXIST	this is not the thread that opened the ring; or another process made it, or the
 *		binding, and this one was forked from it
 * -EBUSY	the program's own MSG_ZEROCOPY sends are still out on this connection
 * -ECANCELED	a send before it failed, and its event was not handed out yet
 * -EPIPE, -ECONNRESET, -ECONNABORTED	the connection has failed; the last of them: by
 *					devmem_abort()
 * -ECOMM	the connection was ended, since the NIC drops what it sends, again and again
 * -ENOMEM	no memory
 * -EMFILE	no file descriptors left
 * other	why the connection failed, or what the kernel answered
 */
DEVMEM_API int devmem_send(struct devmem_sock *sock, struct devmem_binding *binding,
			   const struct devmem_range *ranges, unsigned int n, uint64_t cookie);

/**
 * devmem_abort() - end a connection at once: the peer gets a RST.
 *
 * The kernel drops what it has of sends, which come back with -ECONNABORTED unless the peer has
 * acknowledged them: within the next turns, as soon as the NIC has let go of them. @sock stays
 * attached and gets an ERROR event with
 * -ECONNABORTED. Does nothing in a forked child.
 */
DEVMEM_API void devmem_abort(struct devmem_sock *sock);

/**
 * devmem_sock_queue() - the RX queue that the socket's packets really arrive on.
 *
 * Returns its number.
 * -EAGAIN	nothing received yet, or by loopback
 * -EEXIST	another process made the ring, and this one was forked from it
 * -ENOENT	it is not a queue of the bound interface (the flow takes another way), or none is
 *		bound (engine "copy")
 * -ENODEV	the interface was removed, or moved to another network namespace
 * other	what the kernel answered
 */
DEVMEM_API int devmem_sock_queue(const struct devmem_sock *sock);

/**
 * devmem_wait() - one turn of the loop: hand in what is pending, wait, hand out what came.
 * @events:	room for @n; a completion with more than that comes in parts. @n is 0: hand in what
 *		is pending, and return 0 at once.
 * @timeout_ms:	-1: for ever; 0: do not wait.
 *
 * Returns how many events were written, 0 if the time was over.
 * -EINTR	a signal came, perhaps one without a handler, such as SIGCONT: unless it asks to
 *		stop, call again. Nothing is lost
 * -ENOBUFS	(DEVMEM_ATTACH_PLACE) the spill buffer is full: release fragments of it and call
 *		again; if what is in it is being sent, call again. Nothing is lost. Only bytes wait,
 *		and what is behind them on their connection: all else was told before this is
 * -ENOMEM	no memory to account for fragments: call again. Nothing is lost
 * -EEXIST	this is not the thread, or the process, that opened the ring
 * other	what the kernel answered; or (DEVMEM_ATTACH_PLACE) what the spill buffer's backend
 *		did
 */
DEVMEM_API int devmem_wait(struct devmem_ring *ring, struct devmem_event *events, unsigned int n,
			   int timeout_ms);

/**
 * devmem_release() - give fragments back; any events are taken, those without a fragment are
 * skipped.
 *
 * From the ring's own thread this makes no system call: the tokens ride on the next devmem_wait().
 * From another thread it hands them over and, if the ring sleeps, wakes it. A fragment is released
 * once and as a whole. A few tokens of small pages wait for more; when a devmem_wait() of 2 ms or
 * longer has returned 0, all are with the kernel.
 *
 * -EINVAL	(the ring's own thread only: from others such an event is passed over) an event is
 *		not of this ring, or was released before; those before it were taken, it and those
 *		after it were not
 * -ENOMEM	(other threads only) nothing was taken
 * -EEXIST	another process made the ring, and this one was forked from it: nothing was taken
 */
DEVMEM_API int devmem_release(struct devmem_ring *ring, const struct devmem_event *events,
			      unsigned int n);

/**
 * devmem_gather() - have fragments copied to where they lie in one piece, and released.
 * @events:	@n of them, of this ring, out and not released; those without bytes are skipped.
 *		Copied.
 * @to:		a buffer of any backend, which no NIC writes to there: the bytes go to @offset, one
 *		fragment behind the other. It may be the one that they lie in, if they do not
 *		overlap with that.
 * @cookie:	comes back in a GATHERED event, exactly once: then the bytes are there, and the
 *		fragments are released. Those of one ring come in the order of their
 *		devmem_gather().
 *
 * Between memory of one GPU it is a kernel on the GPU, which this call launches: it waits for
 * nothing, unless many gathers are under way. Otherwise the processor copies, before this returns.
 * Within a fragment, an 8-byte unit that is aligned at the destination is written at once, by a
 * GPU. The program's own kernels see the bytes if they are launched after the event; no fence is
 * needed, for what the NIC has written neither: it is ordered before the fragment's event. Only a
 * kernel that runs already when the event comes and reads the NIC's memory itself needs a fence of
 * its own, on GPUs whose CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WRITES_ORDERING is less than OWNER:
 * cuFlushGPUDirectRDMAWrites(). Only the ring's own thread.
 *
 * -EINVAL	no ring, events or buffer; an event that is not a fragment of this ring; or it lies
 *		in the memory of another binding than its socket's; or it overlaps with where it
 *		would go
 * -ERANGE	the bytes do not fit in @to there
 * -EMSGSIZE	4 GiB or more
 * -EOPNOTSUPP	neither backend can copy
 * -EEXIST	this is not the thread that opened the ring; or another process made it, or @to, and
 *		this one was forked from it
 * -ENOMEM	no memory
 * other	what the device answered. On failure the fragments are the caller's as before
 */
DEVMEM_API int devmem_gather(struct devmem_ring *ring, const struct devmem_event *events,
			     unsigned int n, struct devmem_buffer *to, uint64_t offset,
			     uint64_t cookie);

/**
 * devmem_event_split() - divide a fragment in whose middle a message ends.
 * @event:	DATA, HOST or PART. Becomes its first @bytes, of type PART: to be gathered, or read;
 *		devmem_release() and devmem_gather() do not release it.
 * @rest:	the bytes behind them, which take the fragment's place: it is released when that is.
 *		Gathers end in order, so to gather @event first and @rest with the next message is
 *		right; otherwise wait for the first one's GATHERED.
 *
 * Makes no use of any ring.
 *
 * -EINVAL	no fragment; or @bytes is 0 or not less than its length; or it lies in the memory of
 *		another binding (@buffer is 0)
 */
DEVMEM_API int devmem_event_split(struct devmem_event *event, uint32_t bytes,
				  struct devmem_event *rest);

/**
 * devmem_watch() - have the ring wait for another descriptor too: a listener, a signalfd, a
 * timerfd.
 * @fd:		stays the caller's; devmem_unwatch() it before it is closed.
 * @user_data:	comes back in its READY events.
 *
 * As long as @fd is readable, each devmem_wait() reports it.
 *
 * -EBADF	@fd is negative
 * -EEXIST	@fd is watched already; or this is not the thread, or the process, that opened the
 *		ring
 * -ENOMEM	no memory
 */
DEVMEM_API int devmem_watch(struct devmem_ring *ring, int fd, uint64_t user_data);

/**
 * devmem_unwatch() - the opposite.
 *
 * -ENOENT	@fd is not watched
 * -EEXIST	this is not the thread, or the process, that opened the ring
 * -EBUSY	the ring takes no request now, and @fd is still watched: call devmem_wait() and try
 *		again
 */
DEVMEM_API int devmem_unwatch(struct devmem_ring *ring, int fd);

/**
 * devmem_wake() - have the ring's devmem_wait() return with a WOKEN event. Any thread, and a signal
 * handler: errno stays as it is. Does nothing in a forked child.
 */
DEVMEM_API void devmem_wake(struct devmem_ring *ring);

/**
 * devmem_ring_fd() - a descriptor for poll(2), epoll or an event loop: readable when devmem_wait()
 * with a time-out of 0 has something to do; now and then without a reason. It stays the ring's.
 *
 * Each time before sleeping on it, call devmem_wait() with a time-out of 0 until it returns 0: that
 * hands in what is pending and makes sure that everything that matters makes the descriptor
 * readable.
 *
 * -EMFILE, -ENOMEM	it could not be made
 * -EEXIST	this is not the thread that opened the ring, and that has not called it yet; or
 *		another process opened it
 * other	what the kernel answered
 */
DEVMEM_API int devmem_ring_fd(struct devmem_ring *ring);

/**
 * devmem_ring_spill() - the buffer for DEVMEM_ATTACH_PLACE: the ring's own; NULL until a socket
 * asks for it.
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
	/* SO_DEVMEM_DONTNEED operations that carried them: engine "devmem" alone */
	uint64_t release_operations;
	/* io_uring_enter system calls, and a ppoll for each wait that coalesce_us has sleep; with
	 * engine "syscall" all system calls */
	uint64_t enter_calls;
	uint64_t completions; /* receive completions */
	uint64_t rearms;      /* multishot receives armed again */
	/* times that receiving paused because all receive buffers were out */
	uint64_t no_buffers;
	uint64_t lowat_changes; /* times that SO_RCVLOWAT was changed */
	/* times that a socket's bytes began to come through an ordinary queue, or what it sends to
	 * leave by another interface */
	uint64_t misplaced;
	/* times that a socket had as many fragments out as it may */
	uint64_t paused;
	uint64_t low; /* times that a buffer ran low */
	/* bytes of bytes_linear and bytes_plain that were put into the spill buffer */
	uint64_t bytes_placed;
	/* bytes of bytes_plain that were copied twice: the processor cannot map the buffer */
	uint64_t bytes_staged;
	/* (zcrx) tokens that had to wait for room on the refill ring */
	uint64_t refill_waits;
	/* (zcrx) times that a socket changed to copying for bytes it could not have */
	uint64_t fallbacks;
	/* devmem_ring_engine() and its reason, which live as long as they do there */
	const char *engine;
	const char *engine_reason;
	/* bytes that were sent from device memory, and acknowledged */
	uint64_t bytes_sent;
	uint64_t bytes_sent_copied; /* bytes of sends that were copied on their way */
	uint64_t sends;		    /* devmem_send() that were accepted */
	uint64_t sends_outstanding; /* of these, whose SENT event did not come out yet */
	uint64_t send_operations;   /* sendmsg() operations that took something */
	uint64_t send_notices;	    /* notifications of the kernel that told the end of some */
	uint64_t send_waits;	    /* times that a socket's send buffer was full */
	/* times that the kernel had no room for more notifications: net.core.optmem_max */
	uint64_t send_no_room;
	/* bytes that devmem_gather() copied, by the device or the processor */
	uint64_t bytes_gathered;
	uint64_t gathers;	      /* devmem_gather() that were accepted */
	uint64_t gathers_outstanding; /* of these, whose GATHERED event did not come out yet */
};

/**
 * devmem_ring_stats() - read the counters.
 *
 * -EINVAL	@stats->size is less than the size of that member
 * -EEXIST	another process made the ring, and this one was forked from it
 */
DEVMEM_API int devmem_ring_stats(const struct devmem_ring *ring, struct devmem_stats *stats);

/**
 * devmem_ring_engine() - how bytes get here: the engine of the socket attached last, or before that
 * of the ring. @reason: unless NULL: set to a sentence on why it is this one. It lives until the
 * next devmem_attach(), and no longer
 *	    than the ring.
 */
DEVMEM_API const char *devmem_ring_engine(const struct devmem_ring *ring, const char **reason);

#ifdef __cplusplus
}
#endif

#endif /* DEVMEM_H */
