#!/bin/bash
# SPDX-License-Identifier: MIT
# minimal.sh PROGRAM HOSTILE: the least that receives goes on after a connection that is reset and after SIGSTOP and SIGCONT, and
# serves the next.
set -euo pipefail

PROGRAM=$1 HOSTILE=$2
WORK=$(mktemp -d)
RECEIVER=''
trap '[[ ! $RECEIVER ]] || kill "$RECEIVER" 2>/dev/null || true; rm -rf "$WORK"' EXIT
UNPRIVILEGED=()
if ((EUID == 0)); then
	UNPRIVILEGED=(setpriv --bounding-set=-all --inh-caps=-all)
fi

fail() {
	echo "minimal: $*"
	cat "$WORK/out"
	exit 1
}

# has STATE: does a socket of the port have it, in hexadecimal? 0A: it listens; 01: it is connected.
has() {
	grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$PORT") [0-9A-F:]+ $1 " /proc/net/tcp
}

start() {
	for ((PORT = 20000 + RANDOM % 12000; ; PORT++)); do
		! has .. || continue
		"${UNPRIVILEGED[@]}" "$PROGRAM" lo "$PORT" >"$WORK/out" 2>&1 &
		RECEIVER=$!
		for _ in {1..500}; do
			! has 0A || return 0
			kill -0 "$RECEIVER" 2>/dev/null || break
			sleep 0.02
		done
	done
}

start
"$HOSTILE" reset "$PORT" 2
exec 7<>"/dev/tcp/127.0.0.1/$PORT"
{ yes devmem || true; } | head -c 70000 >&7
for _ in {1..5}; do
	kill -STOP "$RECEIVER"
	until grep -q '^State:.*T' "/proc/$RECEIVER/status"; do sleep 0.01; done
	kill -CONT "$RECEIVER"
	until grep -q '^State:.*S' "/proc/$RECEIVER/status"; do sleep 0.01; done
done
{ yes devmem || true; } | head -c 70000 >&7
exec 7>&-
wait "$RECEIVER" || fail "it ended with $?"
RECEIVER=''
grep -q ': 140000 bytes, .* 0 wrong$' "$WORK/out" || fail "not all that was sent, or not as it was"
echo "minimal: resets, and SIGSTOP with SIGCONT"
