# SPDX-License-Identifier: MIT
# Counting instructions: our QEMU plugin, and the functions that its counts belong to. See
# lab/README.md.
# shellcheck shell=bash disable=SC2153

build_count() {
	local dir=$WORK/src/lab/count target=$WORK/guest/count.so
	[[ $ROOT$target -nt $ROOT$dir/count.c && $ROOT$target -nt $ROOT$dir/mark.h && $ROOT$target -nt $ROOT$dir/plugin.h ]] &&
		return
	quietly count in_root gcc -O2 -Wall -Wextra -fPIC -shared -fvisibility=hidden -D_GNU_SOURCE \
		-o "$target" "$dir/count.c" || die -1 "cannot build lab/count"
}

# One thread runs all processors, on one clock that counts instructions. This makes runs repeatable.
# While all processors are idle, the clock leaps to the next timer.
add_count_arguments() {
	local plugin=$ROOT$WORK/guest/count.so
	QEMU+=(-icount "shift=0,sleep=off" -plugin "file=${plugin//,/,,},out=$RUN/count.blocks"
		-chardev "file,id=count,path=$RUN/count.guest"
		-device "virtserialport,chardev=count,name=lab.count")
}

# The last processor is reserved for the receiver. The clock also leaps while the host reads a file,
# so a process can appear to hang for minutes: this must not be a panic.
count_kernel_line() {
	printf '%s' " isolcpus=$((CPUS - 1)) hung_task_panic=0"
}

# Turns addresses into functions, and writes the requested file.
write_count() {
	cat "$RUN/count.guest" "$RUN/count.blocks" |
		in_root python3 "$WORK/src/lab/count/resolve.py" "/build=$WORK/build" "/devmem=$WORK/src" >"$COUNT" ||
		die -1 "cannot turn the counts into functions (did the program set both marks? lab/README.md)"
}
