// SPDX-License-Identifier: MIT
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "refuse.h"

#define MAX_ARGS     3
#define LOAD(offset) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset)))
#define UNLESS(value, skip)                                                            \
	((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, \
				      (uint8_t)(skip)))
#define RETURN(value) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, value))

static size_t low_word(unsigned int place)
{
	return offsetof(struct seccomp_data, args) + place * sizeof(uint64_t) +
	       (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(uint32_t) : 0);
}

int refuse(long call, int err, const struct refuse_arg *args, unsigned int n)
{
	struct sock_filter filter[2 + 2 * MAX_ARGS + 2];
	struct sock_fprog program = { .filter = filter };
	unsigned int at = 0, end = 2 + 2 * n + 1;

	if (n > MAX_ARGS)
		return -1;
	filter[at++] = LOAD(offsetof(struct seccomp_data, nr));
	filter[at] = UNLESS(call, end - at - 1), at++;
	for (unsigned int i = 0; i < n; i++) {
		filter[at++] = LOAD(low_word(args[i].place));
		filter[at] = UNLESS(args[i].value, end - at - 1), at++;
	}
	filter[at++] = RETURN(SECCOMP_RET_ERRNO | (unsigned int)err);
	filter[at++] = RETURN(SECCOMP_RET_ALLOW);
	program.len = (unsigned short)at;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
			       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)
		       ? -1
		       : 0;
}

long refuse_uring(const char *name)
{
	return !strcmp(name, "setup")	   ? __NR_io_uring_setup
	       : !strcmp(name, "enter")	   ? __NR_io_uring_enter
	       : !strcmp(name, "register") ? __NR_io_uring_register
					   : -1;
}
