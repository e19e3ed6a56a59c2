#!/bin/bash
# SPDX-License-Identifier: MIT
# What is compiled here says of C libraries that are not this machine's: musl's headers make no comparison of signed with
# unsigned numbers out of our code; and where off_t has 32 bits, the source is refused, and compiles with _FILE_OFFSET_BITS=64.
# Nothing is linked or run. Needs musl-dev.
set -u
cd "$(dirname "$0")/.." || exit 1
arch=$(gcc -print-multiarch)
musl=/usr/include/${arch%-gnu}-musl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# compile FILE OPTION...
compile() {
	gcc -std=gnu11 -D_GNU_SOURCE -Iinclude -Isrc -Iexamples -Itools -Itools/common -Itools/devmem-nc -Itools/devmem-perf \
		-Itools/devmemctl -fsyntax-only "$@"
}

# libuv's header is there for this machine's C library alone.
sources() {
	find src examples tools -name '*.c' -not -path examples/loops/uv.c | sort
}

with_musl() {
	compile -nostdinc -isystem "$(gcc -print-file-name=include)" -isystem "$musl" -isystem "$work/musl" -Wsystem-headers \
		-Werror=sign-compare "$1" >"$work/log" 2>&1 && return
	echo "with musl: $1" && grep -E 'error' "$work/log"
	failed=1
}

with_32_bits() {
	compile -m32 -isystem /usr/include/libnl3 -idirafter "$work/m32" -idirafter "/usr/include/$arch" -Wall -Wextra -Werror \
		-D_FILE_OFFSET_BITS="$2" "$1" >"$work/log" 2>&1
}

[[ -e $musl/sys/socket.h ]] || { echo "musl-dev is not installed: no $musl" && exit 1; }
mkdir -p "$work/musl" "$work/m32/gnu"
touch "$work/m32/gnu/stubs-32.h"	# which glibc has in another package
ln -s /usr/include/linux /usr/include/asm-generic "/usr/include/$arch/asm" /usr/include/liburing /usr/include/liburing.h \
	/usr/include/libnl3/netlink "$work/musl"
n=0
for file in $(sources); do
	n=$((n + 1))
	with_musl "$file"
	[[ $arch == x86_64-* && $file == src/* ]] || continue
	with_32_bits "$file" 64 || { echo "with 32 bits: $file" && cat "$work/log" && failed=1; }
done
((n > 60)) || { echo "only $n files were found" && failed=1; }
if [[ $arch == x86_64-* ]] && { with_32_bits src/base/error.c 32 || ! grep -q _FILE_OFFSET_BITS "$work/log"; }; then
	echo "an off_t of 32 bits was not refused" && failed=1
fi
exit "$failed"
