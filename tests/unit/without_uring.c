// SPDX-License-Identifier: MIT
/*
 * without_uring EPERM|ENOSYS COMMAND [ARGUMENT]...: runs a command under a policy that refuses io_uring with that error,
 * as containers (EPERM) and sandboxes (ENOSYS) do. No privilege is needed for it.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuse(int err)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	int err = argc > 2 && !strcmp(argv[1], "EPERM") ? EPERM : argc > 2 && !strcmp(argv[1], "ENOSYS") ? ENOSYS : 0;

	if (!err) {
		fprintf(stderr, "usage: without_uring EPERM|ENOSYS COMMAND [ARGUMENT]...\n");
		return 2;
	}
	if (refuse(err)) {
		perror("seccomp");
		return 1;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
