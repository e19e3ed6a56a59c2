// SPDX-License-Identifier: MIT
/* Modules and kernels of the fake: the very text that a GPU would be given, run by ptx.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_memory.h"
#include "fake_stream.h"
#include "ptx.h"

#define MAX_PARAMETERS 8

struct CUmod_st {
	struct ptx *ptx;
};

static void (*watcher)(unsigned long long address, unsigned int bytes, bool write);

void fake_cuda_watch(void (*access)(unsigned long long address, unsigned int bytes, bool write))
{
	watcher = access;
}

unsigned int fake_cuModuleLoadData(struct CUmod_st **module, const void *image)
{
	char why[256];
	struct ptx *ptx;

	ENTER_CONTEXT(cuModuleLoadData);
	ptx = ptx_load(image, why, sizeof(why));
	if (!ptx) {
		fprintf(stderr, "fake CUDA: PTX: %s\n", why);
		return FAKE_INVALID_PTX;
	}
	*module = malloc(sizeof(**module));
	(*module)->ptx = ptx;
	fake_count(&fake.out.modules, 1);
	return 0;
}

unsigned int fake_cuModuleUnload(struct CUmod_st *module)
{
	unsigned int injected = fake_enter("cuModuleUnload");

	ptx_free(module->ptx);
	free(module);
	fake_count(&fake.out.modules, -1);
	return injected;
}

/* A module has one function, so one stands for the other. */
unsigned int fake_cuModuleGetFunction(struct CUfunc_st **function, struct CUmod_st *module,
				      const char *name)
{
	ENTER_CONTEXT(cuModuleGetFunction);
	*function = (struct CUfunc_st *)module;
	return strcmp(name, ptx_name(module->ptx)) ? FAKE_NOT_FOUND : 0;
}

struct kernel {
	struct fake_task task;
	const struct ptx *ptx;
	unsigned int blocks, threads;
	uint64_t parameters[MAX_PARAMETERS];
};

static void *at(void *arg, uint64_t address, unsigned int bytes, bool write)
{
	void *p = fake_memory_at(address, bytes);

	(void)arg;
	if (!p)
		fprintf(stderr, "fake CUDA: a kernel %s %u bytes at %#llx, which is nowhere\n",
			write ? "writes" : "reads", bytes, (unsigned long long)address);
	else if (watcher)
		watcher(address, bytes, write);
	return p;
}

static unsigned int run_kernel(struct fake_task *task)
{
	const struct kernel *kernel = container_of(task, struct kernel, task);
	const struct ptx_launch launch = {
		.blocks = kernel->blocks,
		.threads = kernel->threads,
		.parameters = kernel->parameters,
		.at = at,
	};
	enum ptx_result result;

	fake_memory_hold();
	result = ptx_run(kernel->ptx, &launch);
	fake_memory_let_go();
	if (result == PTX_MISALIGNED)
		fprintf(stderr, "fake CUDA: a kernel's access is not aligned\n");
	return result == PTX_DONE      ? 0
	       : result == PTX_NOWHERE ? FAKE_ILLEGAL_ADDRESS
				       : FAKE_MISALIGNED;
}

unsigned int fake_cuLaunchKernel(struct CUfunc_st *function, unsigned int gx, unsigned int gy,
				 unsigned int gz, unsigned int bx, unsigned int by, unsigned int bz,
				 unsigned int shared, struct CUstream_st *stream, void **parameters,
				 void **extra)
{
	const struct ptx *ptx = ((struct CUmod_st *)function)->ptx;
	struct kernel *kernel;

	ENTER_CONTEXT(cuLaunchKernel);
	if (!gx || gy != 1 || gz != 1 || !bx || bx > 1024 || bx % 32 || by != 1 || bz != 1 ||
	    shared || extra || !stream)
		return FAKE_INVALID_VALUE;
	kernel = calloc(1, sizeof(*kernel));
	*kernel =
		(struct kernel){ .task.run = run_kernel, .ptx = ptx, .blocks = gx, .threads = bx };
	for (unsigned int i = 0; i < ptx_parameters(ptx) && i < MAX_PARAMETERS; i++)
		memcpy(&kernel->parameters[i], parameters[i], ptx_parameter_bytes(ptx, i));
	return fake_stream_put(stream, &kernel->task);
}
