#!/bin/bash
# SPDX-License-Identifier: MIT
# messages.sh EXAMPLES HOSTILE WITHOUT_URING FAKE_CUDA_FOLDER: gpu_message_server on this machine's loopback interface: 10,000 messages
# of random sizes, every byte checked, in host memory and in memory that the processor cannot map (the double of CUDA's driver), and by
# system calls; wrong bytes and messages that are too long; and peers that mean no good, between which good ones are served.
set -euo pipefail

EXAMPLES=$1 HOSTILE=$2 WITHOUT_URING=$3 FAKE=$4
WORK=$(mktemp -d)
SERVER=''
trap '[[ ! $SERVER ]] || kill -KILL "$SERVER" 2>/dev/null || true; rm -rf "$WORK"' EXIT
UNPRIVILEGED=()
if ((EUID == 0)); then
	UNPRIVILEGED=(setpriv --bounding-set=-all --inh-caps=-all)
fi

fail() {
	echo "messages: $NAME: $*"
	cat "$WORK"/log "$WORK"/client 2>/dev/null || true
	exit 1
}

# start COMMAND...: the server, until it listens.
start() {
	for ((PORT = 20000 + RANDOM % 30000; ; PORT++)); do
		rm -f "$WORK"/*
		"${UNPRIVILEGED[@]}" "$@" --verify --buffer 8 --port "$PORT" --json "$WORK/json" --no-progress lo >"$WORK/log" 2>&1 &
		SERVER=$!
		until grep -qs listening "$WORK/log"; do
			kill -0 "$SERVER" 2>/dev/null || break
			sleep 0.02
		done
		! grep -qs listening "$WORK/log" || return 0
		grep -q 'in use' "$WORK/log" || fail "it did not start"
	done
}

# client STATUS OPTION...
client() {
	local status=0
	timeout 120 "$EXAMPLES/message_client" "${@:2}" 127.0.0.1 "$PORT" >"$WORK/client" 2>&1 || status=$?
	[[ $status == "$1" ]] || fail "the client ended with $status instead of $1"
}

# ended STATUS
ended() {
	local status=0
	wait "$SERVER" || status=$?
	SERVER=''
	[[ $status == "$1" ]] || fail "it ended with $status instead of $1"
	! grep -qE 'Sanitizer|runtime error' "$WORK/log" || fail "a sanitizer has found something"
	(($(sed -n 's/.*"tokens_outstanding": \([0-9]*\).*/\1/p' "$WORK/json") == 0)) || fail "fragments are out"
}

says() {
	grep -q "$1" "$WORK/log" || fail "it does not say \"$1\""
}

# all_right NAME COMMAND...: each message, of any size, and each byte.
all_right() {
	NAME=$1
	start "${@:2}" "$EXAMPLES/gpu_message_server" "${MEMORY[@]}" --connections 1
	client 0 --messages 10000
	ended 0
	[[ $(sed -n 's/^messages  *//p' "$WORK/log") == "$(sed -n 's/ messages of \([0-9]* bytes\)/ of \1, 0 wrong/p' "$WORK/client")" ]] ||
		fail "not all came"
	echo "$NAME: $(sed -n 's/^messages  *//p' "$WORK/log")"
}

bad_ones() {
	NAME='wrong byte'
	start "$EXAMPLES/gpu_message_server" "${MEMORY[@]}" --connections 1
	client 0 --messages 1000 --corrupt
	ended 1
	says 'wrong bytes in message 500'
	says ' 1 wrong'
	NAME='too long'
	start "$EXAMPLES/gpu_message_server" --message 4 --connections 1
	client 1 --messages 1000 --message 5
	ended 1
	says 'a message is longer than 4 KiB'
}

# Empty messages without end, ends within a header and within a message, resets, silence: who does that loses its own connection.
hostile_ones() {
	NAME=hostile
	start "$@" "$EXAMPLES/gpu_message_server" --idle 2
	for mode in 'leave 2 3' 'leave 30 65535' 'idle 5 11' 'reset 30'; do
		# shellcheck disable=SC2086 # words
		timeout 100 "$HOSTILE" ${mode%% *} "$PORT" ${mode#* } >"$WORK/hostile" || fail "hostile $mode ended with $?"
		client 0 --messages 100
	done
	kill "$SERVER"
	ended 1
	says 'it ended within a message'
	says 'silent for too long'
	says ', 0 wrong'
}

MEMORY=()
all_right 'host memory'
bad_ones
hostile_ones
all_right 'by system calls' "$WITHOUT_URING" EPERM
hostile_ones "$WITHOUT_URING" EPERM
MEMORY=(--backend cuda)
export LD_LIBRARY_PATH=$FAKE${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
all_right 'memory that the processor cannot map'
all_right 'the same by system calls' "$WITHOUT_URING" EPERM
bad_ones
