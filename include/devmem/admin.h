/* SPDX-License-Identifier: MIT */
/*
 * libdevmem: for those who set a machine up and look after it, and for programs that report on
 * themselves: the log, what is available here, sizes worked out beforehand, and repair after a
 * crash. Programs that only receive and send need devmem.h alone. Part of libdevmem.so.
 */
#ifndef DEVMEM_ADMIN_H
#define DEVMEM_ADMIN_H

#include "devmem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------ log */

/* Levels of the log, in the numbers of syslog(3), so that a program can pass them on. */
enum devmem_log_level {
	DEVMEM_LOG_ENVIRONMENT = -1, /* for devmem_log_set(): as the environment says */
	DEVMEM_LOG_OFF = 0,	     /* nothing */
	/* a call that failed, once for each, with its error message; a connection that lost
	 * bytes */
	DEVMEM_LOG_ERROR = 3,
	/* something works, but at a price or not as it should: bytes are copied, and why; a link is
	 * down; a setting of the NIC could not be put back */
	DEVMEM_LOG_WARNING = 4,
	/* what was changed on a NIC, and put back; the memory, engine, queues and page size in
	 * use */
	DEVMEM_LOG_INFO = 6,
	/* what was tried and did not work, so that something else was used */
	DEVMEM_LOG_DEBUG = 7,
};

/**
 * devmem_log_set() - set how much of what the library does is logged, and where the records go. By
 * default nothing is logged.
 * @level:	the least important level to log: any of syslog's numbers from 0 to 7, or
 *		DEVMEM_LOG_ENVIRONMENT.
 * @fn:		called for each record. @text is a line without a newline, valid during the call;
 *		@level is its level. NULL: records go to standard error, as lines "libdevmem: LEVEL:
 *		TEXT".
 * @arg:	passed to @fn; it stays the caller's.
 *
 * The initial setting is (DEVMEM_LOG_ENVIRONMENT, NULL, NULL): whoever runs a program can enable
 * its log with the environment variable DEVMEM_LOG, which is error, warning, info or debug, or a
 * number; any other value means nothing is logged. The library reads the variable when it first has
 * something to log, and at each call with DEVMEM_LOG_ENVIRONMENT. Programs that run with more
 * rights than their user ignore it (secure_getenv(3)). A level that the program sets here overrides
 * the variable.
 *
 * The setting is process-wide. Any thread may call this; when it returns, no thread is still in the
 * previous @fn. @fn runs in the thread that made the library call, and blocks it; or in the
 * library's own thread, which watches over a NIC's settings (devmem_nic_open()). Calls of @fn do
 * not overlap, whatever their threads. @fn must return, and must not call the library, except
 * devmem_error(): records of such calls are lost. Calls that return EAGAIN, EINTR or ENOBUFS,
 * negated, are not logged: those are answers, not errors. Records are for people: their text may
 * change in any version.
 *
 * -EINVAL	no such level
 * -EBUSY	called from @fn
 *
 * Since: 0.1
 */
DEVMEM_API int devmem_log_set(int level, void (*fn)(void *arg, int level, const char *text),
			      void *arg);

/* ---------------------------------------------------------------------------- what is available */

/**
 * devmem_feature() - does the running library have a feature, and is it available here?
 * @name:	name of the feature. A name never changes its meaning, and a program may ask for
 *		names that are newer than the library. Where the kernel or this process's rights
 *		have a say, the library tries the feature, without changing anything:
 *		"devmem", "zcrx"	engines: the NIC writes into buffers. devmem_bind_rx() finds
 *					what the NIC itself can do
 *		"large-pages"		devmem_bind_opts.page_size larger than the system's page
 *		"send"			devmem_bind_tx() without a copy
 *		"io_uring"		without it rings work by plain system calls
 *		"busy-poll"		devmem_ring_opts.busy_poll_us
 *		"backend-NAME"		memory: what devmem_backends() says of NAME
 *		These depend on the library alone: "copy", "syscall" (engines), "gather", "place"
 *		(DEVMEM_ATTACH_PLACE), "nic-keep" (DEVMEM_NIC_KEEP), "source-port", "coalesce"
 *		(devmem_ring_opts.coalesce_us)
 *
 * Needs no privilege, but a feature that only a privileged process may use or detect is reported as
 * unavailable to others. Makes some system calls, so do not call it in a loop. Any thread.
 *
 * Returns 1: available; 0: the library has it, but it is not available here, and devmem_error()
 * says why.
 * -ENOENT	this library knows no such name
 * -EINVAL	@name is NULL
 *
 * Since: 0.1
 */
DEVMEM_API int devmem_feature(const char *name);

/* What devmem_features() says of one feature. */
struct devmem_feature_info {
	char name[32];	/* as devmem_feature() takes it */
	char what[128]; /* what the feature is */
	int result;	/* 0: available here; else a negative errno */
	char text[512]; /* why it is not available; "" if it is */
};

/**
 * devmem_features() - list all features that devmem_feature() knows, apart from backends, and
 * whether each is available here.
 * @list:	gets the first @n of them. NULL with @n 0: none are tried, only counted.
 * @size:	sizeof(*list): bytes of an element. Structures of lists may grow at their end; what
 *		the library does not know there becomes 0.
 *
 *	struct devmem_feature_info list[32];
 *	int n = devmem_features(list, 32, sizeof(*list));
 *
 * Any thread. Returns how many there are, which may be more than @n.
 * -EINVAL	@size is less than that of this structure, or @list is NULL and @n is not 0
 *
 * Since: 0.2 (0.1 had it with a function to call)
 */
DEVMEM_API int devmem_features(struct devmem_feature_info *list, unsigned int n, size_t size);

/* What devmem_backends() says of one backend. */
struct devmem_backend_info {
	char name[64];	/* as devmem_buffer_create() takes it */
	char what[128]; /* what kind of memory it has */
	/* 0: available here, as far as can be told without an allocation; else a negative errno */
	int result;
	/* which devices there are; or why it is not available, and what to do */
	char text[512];
};

/**
 * devmem_backends() - list the backends, and whether they work here.
 * @list:	gets the first @n of them: the library's, then those that were registered
 *		(backend.h). NULL with @n 0: none are tried, only counted.
 * @size:	sizeof(*list), as for devmem_features().
 *
 * Any thread. Returns how many there are, which may be more than @n.
 * -EINVAL	@size is less than that of this structure, or @list is NULL and @n is not 0
 *
 * Since: 0.2 (0.1 had it with a function to call)
 */
DEVMEM_API int devmem_backends(struct devmem_backend_info *list, unsigned int n, size_t size);

/* ---------------------------------------------------------------------------------------- sizes */

/* A question to devmem_plan(), and its answer. */
struct devmem_plan {
	size_t size;	 /* sizeof(struct devmem_plan) */
	uint32_t queues; /* number of queues to be bound. 0: 1 */
	/* bytes of the pages that the queues take from the buffer. 0: the size that
	 * devmem_bind_rx() chooses by default, if memory, NIC and kernel allow it: see
	 * @bind_page_size */
	uint32_t page_size;
	uint32_t connections;	/* how many receive at the same time. 0: 1 */
	uint32_t ring_entries;	/* answer: entries of each queue's ring */
	uint32_t mtu;		/* answer: bytes */
	uint32_t message_bytes; /* what typically comes at once on a connection. 0: a stream */
	uint64_t buffer_bytes;	/* size of the buffer that you have in mind. 0: none yet */
	/* answer: how much of the buffer the rings themselves keep, with or without traffic */
	uint64_t pinned_bytes;
	uint64_t least_bytes;	/* answer: with a smaller buffer, receiving stalls */
	uint64_t advised_bytes; /* answer: with this size, @connections can stream at full rate */
	/* answer: how much of @advised_bytes, apart from the rings' share, is never written to if
	 * each packet begins a page: the packet does not fill its last page */
	uint64_t wasted_bytes;
	uint32_t bind_page_size;    /* answer: the page size behind all other answers */
	uint32_t advised_page_size; /* answer: for devmem_bind_opts */
	/* answer: why @advised_page_size is better, or what would allow larger pages; NULL: all is
	 * well. A constant string */
	const char *advice;
};

/**
 * devmem_plan() - do ring size, MTU, queues and buffer size fit together?
 * @plan:	the question; the answers are filled in on success, and with -ENOSPC too.
 *
 * Ask before binding; changes nothing. Large pages make receiving cheap, and small messages waste
 * them: a message that is alone in its page keeps the whole page until it is released.
 *
 * Returns 0: they fit together.
 * -ENOSPC	the buffer is smaller than @least_bytes
 * -EINVAL	no NIC or plan; or a page size that is not a power of two, or is smaller than the
 *		system's
 * -EEXIST	in a forked child: another process opened the NIC
 * -E2BIG	@plan is from a newer version of this header and asks for something unknown
 * other	the NIC's settings could not be read
 */
#if defined(__GNUC__)
#pragma GCC diagnostic push
/* In g++ the function hides the structure's constructor, which nobody calls. */
#pragma GCC diagnostic ignored "-Wshadow"
#endif
DEVMEM_API int devmem_plan(struct devmem_nic *nic, struct devmem_plan *plan);
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/* --------------------------------------------------------------------------------------- repair */

/* What devmem_nic_restore() did about one change of a NIC's settings. */
struct devmem_restored {
	char ifname[16]; /* name of the interface */
	/*
	 * 0: undone; 1: kept, since a living process uses it; -ESTALE: somebody has changed it
	 * since, and it was left like that; -EBADMSG: the journal was damaged: what could still be
	 * read was undone, and the journal is kept under another name; any other negative errno:
	 * why the change could not be undone
	 */
	int result;
	char text[512]; /* says so in words */
};

struct devmem_restore_opts {
	size_t size;	     /* sizeof(struct devmem_restore_opts) */
	const char *journal; /* the folder that the transactions named. NULL: /run/devmem */
	/* unless NULL: gets the first @room changes, in the order in which they were dealt with,
	 * whatever the call returns */
	struct devmem_restored *list;
	size_t item_size;  /* sizeof(*list): bytes of an element, as for devmem_features() */
	unsigned int room; /* elements of @list */
	/* unless NULL: set to how many changes there were, whatever the call returns. If that is
	 * more than @room, the others were dealt with too; the log has all of them */
	unsigned int *count;
};

/**
 * devmem_nic_restore() - undo the changes of processes that died in the middle of a transaction.
 * @ifname:	an interface in this thread's network namespace, or NULL for all that have a journal
 *		there.
 *
 * Undoes only what those processes changed, and only if it still is as they left it. Changes of
 * living processes are not touched. Needs CAP_NET_ADMIN. Waits up to five seconds for queues that
 * the dead processes still have bound. Any thread. @opts says where to list what was done.
 *
 * Returns 0: nothing is left to undo, or only what living processes use; or the first failure:
 * -ENODEV	no such interface
 * -ESTALE	somebody has changed a setting since; it was left as they made it, and is dropped
 *		from the journal
 * -EBADMSG	the journal was damaged: what could still be read was undone where possible, and
 *		what else was changed cannot be known. The journal is kept under another name, which
 *		devmem_error() gives; a new one can be begun
 * -EBUSY	the journal is damaged, and a process that uses it is alive
 * -EPROTO	the journal is not a regular file but, for example, a FIFO
 * -EPERM, -EACCES	this user may not change the settings or the journal; or the journal or its
 *		folder belongs to a stranger or is writable by others, so it is not trusted and
 *		nothing is undone
 * -EIO		the driver accepted a setting but did not apply it
 * -ENAMETOOLONG the name of the journal's folder is too long
 * -ENOMEM	no memory
 * -EINVAL	@opts has no size; or @item_size is less than the size of that structure, or @room
 *		is not 0 and @list is NULL. Nothing was done
 * -E2BIG	@opts is from a newer version of this header and asks for something unknown
 * other	the error of the kernel; the change stays in the journal for the next try
 */
DEVMEM_API int devmem_nic_restore(const char *ifname, const struct devmem_restore_opts *opts);

#ifdef __cplusplus
}
#endif

#endif /* DEVMEM_ADMIN_H */
