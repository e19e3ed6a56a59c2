#!/bin/bash
# SPDX-License-Identifier: MIT
# cuda_example.sh PROGRAM MODULE FAKE: the example with a kernel of its own (examples/cuda), by the fake driver in the folder FAKE,
# which runs the kernel's text; on loopback, where bytes are copied into its memory. What a GPU makes of it is not shown here.
set -euo pipefail
export LC_ALL=C

PROGRAM=$1 MODULE=$2 FAKE=$3
BYTES=300007
WORK=$(mktemp -d)
RECEIVER=''
trap '[[ ! $RECEIVER ]] || kill "$RECEIVER" 2>/dev/null || true; rm -rf "$WORK"' EXIT
UNPRIVILEGED=()
if ((EUID == 0)); then
	UNPRIVILEGED=(setpriv --bounding-set=-all --inh-caps=-all)
fi

fail() {
	echo "cuda_example: $*"
	cat "$WORK/out"
	exit 1
}

# has STATE: does a socket of the port have it, in hexadecimal? 0A: it listens.
has() {
	grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$PORT") [0-9A-F:]+ $1 " /proc/net/tcp
}

# start [NAME=VALUE...]: until it listens. 1: it has ended.
start() {
	for ((PORT = 20000 + RANDOM % 12000; ; PORT++)); do
		! has .. || continue
		env LD_LIBRARY_PATH="$FAKE" "$@" "${UNPRIVILEGED[@]}" "$PROGRAM" lo "$PORT" "$MODULE" >"$WORK/out" 2>&1 &
		RECEIVER=$!
		while kill -0 "$RECEIVER" 2>/dev/null; do
			! has 0A || return 0
			sleep 0.02
		done
		return 1
	done
}

# gives STATUS TEXT: that is how it ends, and what it says.
gives() {
	local status=0
	wait "$RECEIVER" || status=$?
	RECEIVER=''
	((status == $1)) || fail "it ended with $status"
	grep -qE "$2" "$WORK/out" || fail "it does not say \"$2\""
}

# send WORD: again and again. Who receives may end earlier.
send() {
	{ yes "$1" || true; } 2>/dev/null | head -c "$BYTES" 2>/dev/null >"/dev/tcp/127.0.0.1/$PORT" || true
}

start || fail "it does not listen"
send devmem
gives 0 "^engine copy: $BYTES bytes, checksum by the GPU [0-9a-f]{16}: right$"
start || fail "it does not listen"
send devnem
gives 1 "^engine copy: $BYTES bytes, checksum by the GPU [0-9a-f]{16}: wrong$"

# The GPU fails on the way, or before: said, with the name of the call. The first launch is the library's own.
start FAKE_CUDA_FAIL=cuLaunchKernel=719@2 || fail "it does not listen"
send devmem
gives 1 '^cuLaunchKernel: .*719'
! start FAKE_CUDA_FAIL=cuModuleGetFunction=500 || fail "it listens without a kernel"
gives 1 '^cuModuleGetFunction: '
! MODULE=/nowhere start || fail "it listens without a module"
gives 1 '^/nowhere cannot be read'
! MODULE=$0 start || fail "it listens with a module that is none"
gives 1 '^cuModuleLoadData: '
echo "cuda_example: $BYTES bytes summed by the kernel's text, and failures said"
