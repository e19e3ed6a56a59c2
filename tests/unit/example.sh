#!/bin/bash
# SPDX-License-Identifier: MIT
# example.sh EXAMPLES WITHOUT_URING [LOADER...]: the example as it is, on this machine's loopback interface and without
# any capability: it copies; and where io_uring is refused, it does that by system calls. Same verified bytes, honest
# statistics. LOADER starts programs that were built for another system. What the same binary does on a bound queue:
# tests/lab/engines.sh.
set -euo pipefail

EXAMPLES=$1 WITHOUT_URING=$2 LOADER=("${@:3}")
SERVER_COMMAND=("${LOADER[@]}" "$EXAMPLES/gpu_recv_server")
REFUSED=("${LOADER[@]}" "$WITHOUT_URING")
CONNECTIONS=4 MIB=16 SERVER=''
WORK=$(mktemp -d)
trap '[[ ! $SERVER ]] || kill "$SERVER" 2>/dev/null || true; rm -rf "$WORK"' EXIT

fail() {
	echo "example: $*"
	cat "$WORK/log" "$WORK/json" 2>/dev/null || true
	exit 1
}

UNPRIVILEGED=()
if ((EUID == 0)); then
	UNPRIVILEGED=(setpriv --bounding-set=-all --inh-caps=-all)
	"${UNPRIVILEGED[@]}" grep -q '^CapEff:[[:space:]]*0*$' /proc/self/status || fail "capabilities are left"
fi

# start PORT COMMAND...: the receiver, until it listens. 1: somebody else has the port.
start() {
	local port=$1
	shift
	"${UNPRIVILEGED[@]}" "$@" --verify --connections $CONNECTIONS --buffer 8 --port "$port" --json "$WORK/json" \
		--no-progress lo >"$WORK/log" 2>&1 &
	SERVER=$!
	while kill -0 "$SERVER" 2>/dev/null; do
		! grep -q listening "$WORK/log" || return 0
		sleep 0.05
	done
	grep -q 'in use' "$WORK/log" || fail "$* did not start"
	return 1
}

# receive COMMAND...: the pattern, on four connections.
receive() {
	local port
	rm -f "$WORK/json"
	for ((port = 20000 + $$ % 10000; port < 65536; port += 1009)); do
		! start "$port" "$@" || break
	done
	"${LOADER[@]}" "$EXAMPLES/send_client" --connections $CONNECTIONS --bytes ${MIB}M 127.0.0.1 "$port" || fail "the sender failed"
	wait "$SERVER" || fail "$* ended with $?"
	sed -n 's/^engine *//p' "$WORK/log"
}

has() {
	grep -q "\"$1\": $2,\?$" "$WORK/json" || fail "$1 is not $2"
}

# copied ENGINE: what its figures must be.
copied() {
	has engine "\"$1\""
	has bytes $((CONNECTIONS * MIB << 20))
	has bytes_device 0
	has bytes_host $((CONNECTIONS * MIB << 20))
	has connections $CONNECTIONS
	has verified true
	has tokens_outstanding 0
	has release_operations 0
	has queues_used 0
	has page_size 0
	has nic_restored true
}

[[ $("${REFUSED[@]}" EPERM /bin/sh -c 'echo runs') == runs ]] || fail "no policy can be set"
if "${SERVER_COMMAND[@]}" --engine devmem --port $((10000 + $$ % 10000)) lo >"$WORK/log" 2>&1; then
	fail "engine devmem was not refused on loopback"
fi
grep -q 'bind: lo cannot receive into device memory' "$WORK/log" || fail "the refusal does not say why"

receive "${SERVER_COMMAND[@]}"
if grep -q '"engine": "syscall"' "$WORK/json"; then
	grep -q 'io_uring' "$WORK/log" || fail "io_uring is not there, and it does not say so"
	echo "this machine has no io_uring: engine copy is not shown by itself"
	copied syscall
else
	copied copy
fi
for refusal in EPERM ENOSYS; do
	receive "${REFUSED[@]}" $refusal "${SERVER_COMMAND[@]}"
	copied syscall
done
