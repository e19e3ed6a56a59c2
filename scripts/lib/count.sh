# SPDX-License-Identifier: MIT
# Counting instructions: a QEMU plugin of ours, and what its figures belong to. lab/README.md.
# shellcheck shell=bash disable=SC2153

build_count() {
	local dir=$WORK/src/lab/count target=$WORK/guest/count.so
	[[ $ROOT$target -nt $ROOT$dir/count.c && $ROOT$target -nt $ROOT$dir/mark.h ]] && return
	quietly count in_root gcc -O2 -Wall -Wextra -fPIC -shared -fvisibility=hidden -D_GNU_SOURCE \
		-o "$target" "$dir/count.c" || die -1 "cannot build lab/count"
}

# Every processor in one thread and on one clock that counts instructions: runs repeat, and while
# all are idle the clock leaps to the next timer.
add_count_arguments() {
	local plugin=$ROOT$WORK/guest/count.so
	QEMU+=(-icount "shift=0,sleep=off" -plugin "file=${plugin//,/,,},out=$RUN/count.blocks"
		-chardev "file,id=count,path=$RUN/count.guest"
		-device "virtserialport,chardev=count,name=lab.count")
}

# The last processor is the receiver's: nothing else is put there. The clock leaps while the host
# reads a file too, so a process may seem to wait for minutes.
count_kernel_line() {
	printf '%s' " isolcpus=$((CPUS - 1)) hung_task_panic=0"
}

# From addresses to functions, into the file that was asked for.
write_count() {
	cat "$RUN/count.guest" "$RUN/count.blocks" |
		in_root python3 "$WORK/src/lab/count/resolve.py" "/build=$WORK/build" "/devmem=$WORK/src" >"$COUNT" ||
		die -1 "nothing was counted"
}
