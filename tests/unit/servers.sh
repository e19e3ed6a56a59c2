#!/bin/bash
# SPDX-License-Identifier: MIT
# servers.sh EXAMPLES HOSTILE WITHOUT_URING: each server of the examples, with few descriptors, among peers that reset, stay silent,
# drip, hoard, or leave in the middle of a message, and with SIGSTOP and SIGCONT. A good client is served all the time, what the peers hold
# comes back, and nobody makes the server spin.
set -euo pipefail

EXAMPLES=$1 HOSTILE=$2 WITHOUT_URING=$3
WORK=$(mktemp -d)
trap 'for pid in $(cat "$WORK"/*/pid 2>/dev/null); do kill -KILL "$pid" 2>/dev/null || true; done; rm -rf "$WORK"' EXIT
UNPRIVILEGED=()
if ((EUID == 0)); then
	UNPRIVILEGED=(setpriv --bounding-set=-all --inh-caps=-all)
fi

fail() {
	echo "servers: $NAME: $*"
	head -c 4000 "$DIR/log" "$DIR"/good 2>/dev/null || true
	exit 1
}

# start COMMAND...: with 64 descriptors, until it listens.
FILES=64 IDLE=2
start() {
	for ((PORT = 20000 + RANDOM % 30000; ; PORT++)); do
		(ulimit -n "$FILES" && exec "${UNPRIVILEGED[@]}" "$@" --port "$PORT" --buffer 8 --idle "$IDLE" --json "$DIR/json" --no-progress lo) \
			>"$DIR/log" 2>&1 &
		SERVER=$!
		echo "$SERVER" >"$DIR/pid"
		until grep -qs listening "$DIR/log"; do
			kill -0 "$SERVER" 2>/dev/null || break
			sleep 0.02
		done
		! grep -qs listening "$DIR/log" || return 0
		grep -q 'in use' "$DIR/log" || fail "it did not start"
	done
}

# good CONNECTIONS: a client that is as it should be. While others wait for its place, a tenth of --idle without progress costs it
# that place, and on a busy machine this happens to anybody: it tries again, and the others are ended one by one.
good() {
	for _ in {1..30}; do
		! timeout 60 "$EXAMPLES/send_client" --connections "$1" --bytes 100K "${GOOD[@]}" 127.0.0.1 "$PORT" >"$DIR/good" 2>&1 ||
			return 0
	done
	fail "a good client was not served"
}

hostile() {
	timeout 100 "$HOSTILE" "$1" "$PORT" "${@:2}" >"$DIR/$1" || fail "hostile $* ended with $?"
}

# background WORD MODE...: hostile, once it is at it.
background() {
	timeout 200 "$HOSTILE" "$2" "$PORT" "${@:3}" >"$DIR/$2" &
	PEER=$!
	until grep -qs "$1" "$DIR/$2"; do
		kill -0 "$PEER" 2>/dev/null || grep -qs "$1" "$DIR/$2" || fail "hostile ${*:2} has ended"
		sleep 0.02
	done
}

stop_and_go() {
	for _ in 1 2 3; do
		kill -STOP "$SERVER"
		until grep -q '^State:.*T' "/proc/$SERVER/status"; do sleep 0.01; done
		kill -CONT "$SERVER"
		until grep -q '^State:.*S' "/proc/$SERVER/status"; do sleep 0.01; done
	done
}

figure() {
	grep -ohE "\"$1\": [0-9]+" "$DIR"/json* | awk '{ n += $2 } END { print n }'
}

# survives COMMAND...
survives() {
	local status=0
	start "$@"
	hostile reset 30
	stop_and_go
	good 2
	# more than there are descriptors for: the first ones leave their places to the others, and all are ended
	background idle idle 25 100
	good 2
	wait "$PEER" || fail "silent peers are not ended"
	# a byte now and then is no silence, but not worth a place that others wait for
	background drips drip 20 x
	good 12
	kill "$PEER" 2>/dev/null || true	# unless all have been ended
	hostile leave 150 65535	# more than the buffer has
	good 2
	kill "$SERVER"
	wait "$SERVER" || status=$?
	# 1: some streams broke
	((status <= 1)) || fail "it ended with $status"
	! grep -qE 'Sanitizer|runtime error' "$DIR/log" || fail "a sanitizer has found something"
	grep -q 'the NIC      is as it was' "$DIR/log" || fail "it did not end in order"
	grep -q 'silent for too long' "$DIR/log" || fail "it does not say that peers were silent"
	(($(figure tokens_outstanding) == 0)) || fail "fragments are out"
	(($(figure enter_calls) < 20000)) || fail "$(figure enter_calls) system calls: it spins"
}

# Who breaks before the first byte is not one of the connections after which a server ends.
counts() {
	NAME=counts DIR=$WORK/counts GOOD=()
	mkdir "$DIR"
	start "$EXAMPLES/gpu_recv_server" --verify --connections 2
	hostile reset 5
	good 2
	wait "$SERVER" || fail "it ended with $?"
	(($(figure connections) == 2)) || fail "$(figure connections) connections were counted"
}

# Those who send and read nothing may not keep the buffer from everybody else for as long as somebody may be silent.
shares() {
	NAME=shares DIR=$WORK/shares IDLE=60
	mkdir "$DIR"
	start "$EXAMPLES/gpu_echo_server"
	background hoards hoard 12
	timeout 40 "$EXAMPLES/send_client" --bytes 100K --echo 127.0.0.1 "$PORT" >"$DIR/good" 2>&1 || fail "a good client was not served"
	kill "$PEER" 2>/dev/null || true
	kill "$SERVER"
	wait "$SERVER" || true	# 1: streams broke
	grep -q 'did not take what is kept' "$DIR/log" || fail "it does not say who was ended"
	(($(figure tokens_outstanding) == 0)) || fail "fragments are out"
}

# Clients that each send one byte less than a message, three times as much as the buffer has, and leave when nothing more can be
# received: long before anybody would call them silent.
leavers() {
	NAME=$1 DIR=$WORK/$1 GOOD=() FILES=1000 IDLE=300
	mkdir "$DIR"
	start "${@:2}" "$EXAMPLES/gpu_gather_server" --message 64
	hostile together 400 65535
	good 2
	kill "$SERVER"
	wait "$SERVER" || fail "it ended with $?"
	(($(figure connections) == 402)) || fail "$(figure connections) connections were counted"
	(($(figure tokens_outstanding) == 0)) || fail "fragments are out"
}

# Of two connections that break in one turn, each with its own reason: one was reset, and for the other a descriptor is lacking.
reasons() {
	local free=0
	NAME=reasons DIR=$WORK/reasons IDLE=60
	mkdir "$DIR"
	start "$EXAMPLES/gpu_echo_server"
	exec 8<>"/dev/tcp/127.0.0.1/$PORT"
	printf x >&8
	until has_unread; do sleep 0.02; done
	kill -STOP "$SERVER"
	until grep -q '^State:.*T' "/proc/$SERVER/status"; do sleep 0.01; done
	while [[ -e /proc/$SERVER/fd/$free ]]; do free=$((free + 1)); done
	prlimit --pid "$SERVER" --nofile="$((free + 1)):64"
	exec 7<>"/dev/tcp/127.0.0.1/$PORT"
	exec 8>&-	# with its echo unread: a reset
	kill -CONT "$SERVER"
	until (($(grep -c 'a connection broke' "$DIR/log") == 2)); do sleep 0.02; done
	grep -q 'broke:.*Too many open files' "$DIR/log" || fail "it does not say what was lacking"
	grep -q 'broke:.*reset by peer' "$DIR/log" || fail "it gives the one's reason for the other, too"
	prlimit --pid "$SERVER" --nofile=64:64
	exec 7>&-
	kill "$SERVER"
	wait "$SERVER" || true	# 1: a stream broke
}

# The client's end of the connection has a byte that was not read.
has_unread() {
	grep -qE ": [0-9A-F]+:[0-9A-F]+ [0-9A-F]+:$(printf %04X "$PORT") 01 [0-9A-F]+:00000001 " /proc/net/tcp
}

serve() {
	NAME=$1 DIR=$WORK/$1
	mkdir "$DIR"
	GOOD=("${@:2:$#-2}")
	shift $(($# - 1))
	# shellcheck disable=SC2086 # words of a command
	survives $1
}

pids=()
counts & pids+=($!)
shares & pids+=($!)
reasons & pids+=($!)
serve recv "$EXAMPLES/gpu_recv_server --verify" & pids+=($!)
serve syscall "$WITHOUT_URING EPERM $EXAMPLES/gpu_recv_server" & pids+=($!)
serve epoll "$EXAMPLES/gpu_epoll_server" & pids+=($!)
serve nics "$EXAMPLES/gpu_nics_server lo" & pids+=($!)
serve echo --echo "$EXAMPLES/gpu_echo_server" & pids+=($!)
serve gather "$EXAMPLES/gpu_gather_server --message 64" & pids+=($!)
status=0
for pid in "${pids[@]}"; do
	wait "$pid" || status=1
done
leavers leavers
leavers leavers-syscall "$WITHOUT_URING" EPERM
((!status)) && echo "servers: resets, 400 that leave in a message, silence, drips, ends in the middle, SIGSTOP and SIGCONT, and 64 descriptors"
