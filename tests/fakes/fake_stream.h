/* SPDX-License-Identifier: MIT */
#ifndef FAKE_STREAM_H
#define FAKE_STREAM_H

#include "fake_impl.h"

/* What a stream does in turn. */
struct fake_task {
	/* on the stream's thread; a result of the driver's */
	unsigned int (*run)(struct fake_task *task);
	bool always;			      /* even if the GPU has failed */
	void (*free)(struct fake_task *task); /* besides the task itself. May be NULL */
	struct fake_task *next;
};

/* fake_stream_put() - takes @task over, which malloc() made. */
unsigned int fake_stream_put(struct CUstream_st *stream, struct fake_task *task);

#endif
