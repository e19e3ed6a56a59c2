#!/bin/bash
# SPDX-License-Identifier: MIT
# Plain epoll and libdevmem's engine "copy" take turns on this machine's loopback: no NIC, no privilege. Prints lines
# of JSON. Every byte is verified first; the timed runs only receive.
# bench/host.sh BUILD-FOLDER MIB ROUNDS
set -euo pipefail

PROGRAMS=${1:?usage: bench/host.sh BUILD-FOLDER MIB ROUNDS}/bench MIB=$2 ROUNDS=$3
PORT=${BENCH_PORT:-5400}
PORTION=64K
VERIFIED_MIB=64
LOG=$(mktemp "${TMPDIR:-/tmp}/host.XXXXXX")
PID=''
trap '[[ ! $PID ]] || kill "$PID" 2>/dev/null; rm -f "$LOG"' EXIT

fail() {
	cat "$LOG" >&2
	echo "bench: $*" >&2
	exit 1
}

wait_for() {
	local tries
	for tries in {1..200}; do
		! grep -q listening "$LOG" || return 0
		kill -0 "$PID" 2>/dev/null || break
		sleep 0.05
	done
	fail "the receiver does not listen ($tries)"
}

# allowed N: the n-th processor that this process may use; the first if there are fewer
allowed() {
	taskset -pc $$ | sed 's/.*: //; s/,/\n/g' | while IFS=- read -r from to; do seq "$from" "${to:-$from}"; done |
		awk -v n="$1" 'NR == 1 || NR == n { found = $0 } END { print found }'
}

# receive PROGRAM MIB SENDER-OPTION OPTION...: prints the program's line of JSON
receive() {
	local program=$1 mib=$2 sends=$3
	shift 3
	: >"$LOG"
	taskset -c "$RECEIVER" "$PROGRAMS/$program" --bytes "${mib}M" --port "$PORT" "$@" 2>"$LOG" &
	PID=$!
	wait_for
	# shellcheck disable=SC2086 # one option or none
	taskset -c "$SENDER" "$PROGRAMS/bench_send" $sends ::1 "$PORT" 1 "${mib}M" "$PORTION" || fail "sending"
	wait "$PID" || fail "$program"
	PID=''
}

SENDER=$(allowed 1) RECEIVER=$(allowed 2)
printf '{"name": "host", "kernel": "%s", "mib": %d, "rounds": %d, "sender": %d, "receiver": %d}\n' \
	"$(uname -r)" "$MIB" "$ROUNDS" "$SENDER" "$RECEIVER"
COPY=(--interface lo --engine copy)
receive epoll "$VERIFIED_MIB" --pattern --verify --name verified-epoll
receive receive "$VERIFIED_MIB" --pattern --verify --name verified-copy "${COPY[@]}"
for ((round = 0; round < ROUNDS; round++)); do
	receive epoll "$MIB" "" --name host-epoll
	receive receive "$MIB" "" --name host-copy "${COPY[@]}"
	receive epoll "$MIB" "" --name host-epoll-mark --lowat 512K
done
