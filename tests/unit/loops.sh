#!/bin/bash
# SPDX-License-Identifier: MIT
# loops.sh EXAMPLES WITHOUT_URING: examples/loops, on this machine's loopback interface: a ring in an epoll loop, level and edge
# triggered, in libuv's and in asio's, each with 64 connections and verified bytes, with io_uring and without. A loop that slept on
# a ring with something pending would never end. libuv and asio are left out, and named, where they were not built.
set -euo pipefail

EXAMPLES=$1 WITHOUT_URING=$2
CONNECTIONS=64 BYTES=$((256 << 10)) RECEIVER=''
WORK=$(mktemp -d)
trap '[[ ! $RECEIVER ]] || kill "$RECEIVER" 2>/dev/null || true; rm -rf "$WORK"' EXIT

fail() {
	echo "loops: $*"
	cat "$WORK/said" "$WORK/sender"
	exit 1
}

# receive SENDER-OPTION... -- COMMAND...: sets STATUS. Another port if somebody has this one (status 2).
receive() {
	local port options=() sender
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	STATUS=2
	for ((port = 20000 + $$ % 10000; STATUS == 2 && port < 65536; port += 1009)); do
		STATUS=0
		timeout 120 "$@" lo $port $CONNECTIONS >"$WORK/said" 2>&1 &
		RECEIVER=$!
		"$EXAMPLES/send_client" --wait --connections $CONNECTIONS --bytes $BYTES "${options[@]}" 127.0.0.1 $port \
			>"$WORK/sender" 2>&1 &
		sender=$!
		wait "$RECEIVER" || STATUS=$?
		RECEIVER=''
		((STATUS != 2)) || kill $sender 2>/dev/null || true
		wait $sender || ((STATUS)) || fail "$*: the sender ended with $?"
	done
}

# works COMMAND...: every byte comes.
works() {
	receive -- "$@"
	[[ $STATUS == 0 && $(<"$WORK/said") == "$CONNECTIONS connections, $((CONNECTIONS * BYTES)) bytes, 0 fragments wrong, 0 connections broken" ]] ||
		fail "$*: status $STATUS"
}

for loop in epoll_level epoll_edge uv asio; do
	program=$EXAMPLES/loop_$loop
	[[ -x $program || $loop == epoll* ]] || { echo "not built: $loop" && continue; }
	works "$program"
	works "$WITHOUT_URING" EPERM "$program"
	receive --corrupt -- "$program"
	[[ $STATUS == 1 && $(<"$WORK/said") == *" $CONNECTIONS fragments wrong, "* ]] || fail "$loop: wrong bytes, but status $STATUS"
	echo "ok $loop"
done
