#!/bin/bash
# SPDX-License-Identifier: MIT
# What it costs to know where a message begins: the instructions of the program and the library for each message, gathering included,
# counted by callgrind; and the receiver's system calls, counted by strace. Three ways: framing.c says which. The figures are in
# docs/framing.md.
# bench/framing.sh BUILD_FOLDER
set -euo pipefail

PROGRAM=${1:?usage: bench/framing.sh BUILD_FOLDER}/bench/framing
MESSAGES=1024
OUT=$(mktemp "${TMPDIR:-/tmp}/framing.XXXXXX")
trap 'rm -f "$OUT"' EXIT

# instructions WAY BYTES BURST: for a hundred messages
instructions() {
	valgrind --quiet --tool=callgrind --collect-atstart=no --toggle-collect=parse_turn --callgrind-out-file="$OUT" \
		"$PROGRAM" "$@" $MESSAGES >/dev/null
	echo $(($(sed -n 's/^totals: //p' "$OUT") * 100 / MESSAGES))
}

# calls WAY BYTES BURST MESSAGES
calls() {
	strace -f -e trace=io_uring_enter,recvfrom,ioctl,ppoll -o "$OUT" "$PROGRAM" "$@" >/dev/null
	grep -cE 'io_uring_enter|recvfrom|ioctl|ppoll' "$OUT"
}

printf '| bytes | at a time | way | instructions per message | system calls per message |\n|---|---|---|---|---|\n'
for bytes in 64 4096; do
	for burst in 1 16; do
		for way in fixed read control; do
			n=$(instructions $way $bytes $burst)
			c=$((($(calls $way $bytes $burst $((2 * MESSAGES))) - $(calls $way $bytes $burst $MESSAGES)) * 100 / MESSAGES))
			printf '| %d | %d | %s | %d | %d.%02d |\n' $bytes $burst $way $(((n + 50) / 100)) $((c / 100)) $((c % 100))
		done
	done
done
