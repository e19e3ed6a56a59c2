// SPDX-License-Identifier: MIT
/* Streams of the fake: each is a thread, so that what is put on it is really done later. Copies,
 * events and callbacks. */
#include <stdlib.h>
#include <string.h>

#include "fake_memory.h"
#include "fake_stream.h"

struct CUstream_st {
	pthread_t thread;
	struct fake_task *first, **last;
	bool busy, ends;
};

struct CUevent_st {
	/* its owner's, and one for each mark that is still to come */
	unsigned int refs;
	unsigned int recorded, complete;
};

/* ----------------------------------------------------------------------------------- the thread */

static struct fake_task *next_task(struct CUstream_st *stream)
{
	struct fake_task *task;

	while (!stream->ends && (!stream->first || fake.held))
		pthread_cond_wait(&fake.changed, &fake.lock);
	task = stream->first;
	if (!task)
		return NULL;
	stream->first = task->next;
	if (!stream->first)
		stream->last = &stream->first;
	stream->busy = true;
	return task;
}

static unsigned int run_task(struct fake_task *task, unsigned int broken)
{
	unsigned int result = 0;

	if (!broken || task->always)
		result = task->run(task);
	if (task->free)
		task->free(task);
	free(task);
	return result;
}

static void *serve(void *arg)
{
	struct CUstream_st *stream = arg;
	struct fake_task *task;

	pthread_mutex_lock(&fake.lock);
	while ((task = next_task(stream))) {
		unsigned int result, broken = fake.broken;

		pthread_mutex_unlock(&fake.lock);
		result = run_task(task, broken);
		pthread_mutex_lock(&fake.lock);
		if (result && !fake.broken)
			fake.broken = result;
		stream->busy = false;
		pthread_cond_broadcast(&fake.changed);
	}
	pthread_mutex_unlock(&fake.lock);
	return NULL;
}

unsigned int fake_stream_put(struct CUstream_st *stream, struct fake_task *task)
{
	unsigned int broken;

	pthread_mutex_lock(&fake.lock);
	broken = fake.broken;
	if (!broken) {
		*stream->last = task;
		stream->last = &task->next;
		pthread_cond_broadcast(&fake.changed);
	}
	pthread_mutex_unlock(&fake.lock);
	if (broken) {
		if (task->free)
			task->free(task);
		free(task);
	}
	return broken;
}

void fake_cuda_hold(bool hold)
{
	pthread_mutex_lock(&fake.lock);
	fake.held = hold;
	pthread_cond_broadcast(&fake.changed);
	pthread_mutex_unlock(&fake.lock);
}

void fake_cuda_break(unsigned int result)
{
	pthread_mutex_lock(&fake.lock);
	fake.broken = result;
	pthread_mutex_unlock(&fake.lock);
}

unsigned int fake_cuStreamCreateWithPriority(struct CUstream_st **out, unsigned int flags,
					     int priority)
{
	struct CUstream_st *stream;

	ENTER_CONTEXT(cuStreamCreateWithPriority);
	if (flags != DEVMEM__CUDA_STREAM_NON_BLOCKING || priority != -5)
		return FAKE_INVALID_VALUE;
	stream = calloc(1, sizeof(*stream));
	stream->last = &stream->first;
	if (pthread_create(&stream->thread, NULL, serve, stream))
		abort();
	fake_count(&fake.out.streams, 1);
	*out = stream;
	return 0;
}

/* What is on it is done before. */
unsigned int fake_cuStreamDestroy(struct CUstream_st *stream)
{
	unsigned int injected = fake_enter("cuStreamDestroy");

	pthread_mutex_lock(&fake.lock);
	stream->ends = true;
	pthread_cond_broadcast(&fake.changed);
	pthread_mutex_unlock(&fake.lock);
	pthread_join(stream->thread, NULL);
	free(stream);
	fake_count(&fake.out.streams, -1);
	return injected;
}

unsigned int fake_cuStreamSynchronize(struct CUstream_st *stream)
{
	unsigned int injected = fake_enter("cuStreamSynchronize"), broken;

	pthread_mutex_lock(&fake.lock);
	while ((stream->first || stream->busy) && !(fake.held && (injected || fake.broken)))
		pthread_cond_wait(&fake.changed, &fake.lock);
	broken = fake.broken;
	pthread_mutex_unlock(&fake.lock);
	return injected ? injected : broken;
}

/* --------------------------------------------------------------------------------------- copies */

struct end {
	void *host; /* NULL: @device it is */
	unsigned long long device;
};

struct copy {
	struct fake_task task;
	struct end to, from;
	size_t bytes;
};

static void *reach(const struct end *end, size_t bytes)
{
	return end->host ? end->host : fake_memory_at(end->device, bytes);
}

static unsigned int run_copy(struct fake_task *task)
{
	const struct copy *copy = container_of(task, struct copy, task);
	void *to, *from;

	fake_memory_hold();
	to = reach(&copy->to, copy->bytes);
	from = reach(&copy->from, copy->bytes);
	if (to && from)
		memcpy(to, from, copy->bytes);
	fake_memory_let_go();
	return to && from ? 0 : FAKE_ILLEGAL_ADDRESS;
}

/* The addresses are looked at when it is put on the stream, as the driver does, and when it
 * runs. */
static unsigned int put_copy(struct CUstream_st *stream, struct end to, struct end from,
			     size_t bytes)
{
	struct copy *copy;
	bool there;

	fake_memory_hold();
	there = reach(&to, bytes) && reach(&from, bytes);
	fake_memory_let_go();
	if (!there)
		return FAKE_INVALID_VALUE;
	copy = malloc(sizeof(*copy));
	*copy = (struct copy){ .task.run = run_copy, .to = to, .from = from, .bytes = bytes };
	return fake_stream_put(stream, &copy->task);
}

unsigned int fake_cuMemcpyHtoDAsync(unsigned long long to, const void *from, size_t bytes,
				    struct CUstream_st *stream)
{
	ENTER_CONTEXT(cuMemcpyHtoDAsync);
	return put_copy(stream, (struct end){ .device = to },
			(struct end){ .host = (void *)(uintptr_t)from }, bytes);
}

unsigned int fake_cuMemcpyDtoHAsync(void *to, unsigned long long from, size_t bytes,
				    struct CUstream_st *stream)
{
	ENTER_CONTEXT(cuMemcpyDtoHAsync);
	return put_copy(stream, (struct end){ .host = to }, (struct end){ .device = from }, bytes);
}

unsigned int fake_cuMemcpyDtoDAsync(unsigned long long to, unsigned long long from, size_t bytes,
				    struct CUstream_st *stream)
{
	ENTER_CONTEXT(cuMemcpyDtoDAsync);
	return put_copy(stream, (struct end){ .device = to }, (struct end){ .device = from },
			bytes);
}

unsigned int fake_cuMemcpyBatchAsync(unsigned long long *to, unsigned long long *from,
				     size_t *bytes, size_t n, struct devmem__cuda_copy *how,
				     size_t *first, size_t ways, size_t *failed,
				     struct CUstream_st *stream)
{
	unsigned int result = 0;

	ENTER_CONTEXT(cuMemcpyBatchAsync);
	*failed = SIZE_MAX;
	if (!stream || !n || ways != 1 || first[0] || how->order != DEVMEM__CUDA_ORDER_STREAM ||
	    how->flags)
		return FAKE_INVALID_VALUE;
	for (size_t i = n; i-- && !result;) /* in whatever order: there is none */
		result = put_copy(stream, (struct end){ .device = to[i] },
				  (struct end){ .device = from[i] }, bytes[i]);
	return result;
}

/* ---------------------------------------------------------------------------- events, callbacks */

struct mark {
	struct fake_task task;
	struct CUevent_st *event;
	unsigned int number;
};

static void unref_event(struct CUevent_st *event)
{
	bool last;

	pthread_mutex_lock(&fake.lock);
	last = !--event->refs;
	pthread_mutex_unlock(&fake.lock);
	if (last)
		free(event);
}

static unsigned int run_mark(struct fake_task *task)
{
	const struct mark *mark = container_of(task, struct mark, task);

	pthread_mutex_lock(&fake.lock);
	mark->event->complete = mark->number;
	pthread_cond_broadcast(&fake.changed);
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

static void free_mark(struct fake_task *task)
{
	unref_event(container_of(task, struct mark, task)->event);
}

unsigned int fake_cuEventCreate(struct CUevent_st **event, unsigned int flags)
{
	ENTER_CONTEXT(cuEventCreate);
	if (flags != (DEVMEM__CUDA_EVENT_BLOCKING_SYNC | DEVMEM__CUDA_EVENT_DISABLE_TIMING))
		return FAKE_INVALID_VALUE;
	*event = calloc(1, sizeof(**event));
	(*event)->refs = 1;
	fake_count(&fake.out.events, 1);
	return 0;
}

unsigned int fake_cuEventRecord(struct CUevent_st *event, struct CUstream_st *stream)
{
	struct mark *mark;
	unsigned int result;

	ENTER_CONTEXT(cuEventRecord);
	mark = malloc(sizeof(*mark));
	pthread_mutex_lock(&fake.lock);
	*mark = (struct mark){
		.task = { .run = run_mark, .always = true, .free = free_mark },
		.event = event,
		.number = ++event->recorded,
	};
	event->refs++;
	pthread_mutex_unlock(&fake.lock);
	result = fake_stream_put(stream, &mark->task);
	if (result)
		event->recorded--;
	return result;
}

unsigned int fake_cuEventSynchronize(struct CUevent_st *event)
{
	unsigned int broken;

	ENTER(cuEventSynchronize);
	pthread_mutex_lock(&fake.lock);
	while (event->complete != event->recorded && !(fake.held && fake.broken))
		pthread_cond_wait(&fake.changed, &fake.lock);
	broken = fake.broken;
	pthread_mutex_unlock(&fake.lock);
	return broken;
}

unsigned int fake_cuEventDestroy(struct CUevent_st *event)
{
	unsigned int injected = fake_enter("cuEventDestroy");

	unref_event(event);
	fake_count(&fake.out.events, -1);
	return injected;
}

struct call {
	struct fake_task task;
	struct CUstream_st *stream;
	void (*callback)(struct CUstream_st *stream, unsigned int result, void *arg);
	void *arg;
};

static unsigned int run_call(struct fake_task *task)
{
	const struct call *call = container_of(task, struct call, task);
	unsigned int broken;

	pthread_mutex_lock(&fake.lock);
	broken = fake.broken;
	pthread_mutex_unlock(&fake.lock);
	fake_in_callback = true;
	call->callback(call->stream, broken, call->arg);
	fake_in_callback = false;
	return 0;
}

unsigned int fake_cuStreamAddCallback(struct CUstream_st *stream,
				      void (*callback)(struct CUstream_st *stream,
						       unsigned int result, void *arg),
				      void *arg, unsigned int flags)
{
	struct call *call;

	ENTER_CONTEXT(cuStreamAddCallback);
	if (flags)
		return FAKE_INVALID_VALUE;
	call = malloc(sizeof(*call));
	*call = (struct call){ .task = { .run = run_call, .always = true },
			       .stream = stream,
			       .callback = callback,
			       .arg = arg };
	return fake_stream_put(stream, &call->task);
}
