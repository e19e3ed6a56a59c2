#!/bin/bash
# SPDX-License-Identifier: MIT
# One unchanged binary of the example, wherever it runs: it copies on this machine's loopback, by system calls where
# io_uring is refused; and in the lab it receives without a copy on a bound queue, by the engine that it is asked for.
# Same verified bytes, honest statistics. Run it on the host; it starts itself in the lab.
set -euo pipefail

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
MIB=64 CONNECTIONS=8
BYTES=$((MIB << 20))

fail() {
	echo "engines: $*"
	exit 1
}

# ------------------------------------------------------------------------------------ on this machine

# The lab's binary, with the libraries of the root that it was built in.
on_this_machine() {
	local libraries
	# shellcheck disable=SC2034 # what the files in scripts/lib use
	ME=engines
	for file in common root build; do
		# shellcheck source=/dev/null
		. "$TREE/scripts/lib/$file.sh"
	done
	"$TREE/scripts/lab" prepare
	make_cache
	set_root
	set_work
	libraries=$ROOT/usr/lib/x86_64-linux-gnu
	LD_LIBRARY_PATH='' "$TREE/tests/unit/example.sh" "$ROOT$WORK/build/examples" "$ROOT$WORK/build/tests/unit/without_uring" \
		"$libraries/ld-linux-x86-64.so.2" --library-path "$ROOT$WORK/build:$libraries"
	echo "on this machine: copied, and by system calls where io_uring is refused"
	SUM=$(sha256sum <"$ROOT$WORK/build/examples/gpu_recv_server")
}

# ------------------------------------------------------------------------------------ in the lab

has() {
	grep -q "\"$1\": $2,\?$" /share/demo.json || fail "$1 is not $2: $(cat /share/demo.json)"
}

figure() {
	sed -n "s/.*\"$1\": \([0-9]*\),\?$/\1/p" /share/demo.json
}

# receive WHAT ENGINE-ASKED-FOR QUEUES ENGINE-EXPECTED LEAST-DEVICE-BYTES MOST
receive() {
	local device
	rm -f /share/demo.json
	/devmem/lab/guest/demo "$MIB" $CONNECTIONS "$3" 64 --no-progress "$2" || fail "$1: it failed"
	has engine "\"$4\""
	has bytes "$BYTES"
	device=$(figure bytes_device)
	((device >= $5 && device <= $6)) || fail "$1: $device bytes without a copy, not $5 to $6"
	has bytes_host $((BYTES - device))
	has connections $CONNECTIONS
	has verified true
	has tokens_outstanding 0
	has nic_restored true
	echo "== $1: engine $4, $((device >> 20)) MiB of $MIB without a copy"
}

# exchange WHAT SERVER...: with a sender at the other end, on port 5202; all comes without a copy.
exchange() {
	local what=$1 server
	shift
	rm -f /share/demo.json
	"$@" --verify --connections $CONNECTIONS --port 5202 --json /share/demo.json lab0 2>/tmp/log &
	server=$!
	until grep -q listening /tmp/log; do kill -0 $server && sleep 0.1; done
	ip netns exec far /build/examples/send_client --connections $CONNECTIONS --bytes $((BYTES / CONNECTIONS)) \
		192.0.2.1 5202 || fail "$what: the sender failed"
	wait $server || fail "$what: $(cat /tmp/log)"
	has bytes_device "$BYTES"
	has verified true
	has tokens_outstanding 0
	has nic_restored true
}

# Messages of 100 KiB, each put in one piece: what came without a copy, and whether that is right.
gather() {
	exchange gathered gpu_gather_server --message 100
	echo "== $(grep gathered /tmp/log)"
}

epoll() {
	exchange epoll gpu_epoll_server --engine "$1" --no-progress
	has engine "\"$1\""
	echo "== in an epoll loop, engine $1"
}

# One of them copies, and both have half of the connections.
several_nics() {
	local server half=$((CONNECTIONS / 2)) each=$((BYTES / CONNECTIONS))
	gpu_nics_server --verify --connections $CONNECTIONS --port 5202 --json /tmp/nics lab0 lo 2>/tmp/log &
	server=$!
	until (($(grep -c listening /tmp/log) == 2)); do kill -0 $server && sleep 0.1; done
	send_client --connections $half --bytes $each 127.0.0.1 5202 || fail "several NICs: the sender on loopback failed"
	ip netns exec far /build/examples/send_client --connections $half --bytes $each 192.0.2.1 5202 ||
		fail "several NICs: the sender failed"
	wait $server || fail "several NICs: $(cat /tmp/log)"
	cp /tmp/nics.0 /share/demo.json
	has engine '"devmem"'
	has bytes_device $((BYTES / 2))
	has connections $half
	has verified true
	has tokens_outstanding 0
	has nic_restored true
	cp /tmp/nics.1 /share/demo.json
	has engine '"copy"'
	has bytes_host $((BYTES / 2))
	has connections $half
	has verified true
	echo "== on two NICs: lab0 without a copy, lo with one"
}

in_the_lab() {
	local program=/build/examples/gpu_recv_server
	[[ $(sha256sum <"$program") == "$1" ]] || fail "not the binary that ran outside"
	mkdir -p /share
	receive "nothing asked for" "" 2 devmem "$BYTES" "$BYTES"
	# its queue is taken when the first connection is attached: what came before that is copied, and counted as such
	receive "zcrx asked for" zcrx 1 zcrx $((BYTES / 2)) "$BYTES"
	receive "copy asked for" copy 2 copy 0 0
	receive "syscall asked for" syscall 2 syscall "$BYTES" "$BYTES"
	gather
	epoll devmem
	epoll syscall
	several_nics
	sysctl -q -w kernel.io_uring_disabled=2
	receive "io_uring disabled by sysctl" "" 2 syscall "$BYTES" "$BYTES"
	if "$program" --engine zcrx lab0 2>/tmp/log; then fail "zcrx without io_uring"; fi
	grep -q 'io_uring is disabled by policy' /tmp/log || fail "zcrx is refused without its reason: $(cat /tmp/log)"
	sysctl -q -w kernel.io_uring_disabled=0
	"$TREE/tests/unit/example.sh" /build/examples /build/tests/unit/without_uring
	echo "== loopback in the lab: copied"
}

if [[ ${DEVMEM_LAB:-} ]]; then
	in_the_lab "$1"
else
	on_this_machine
	exec "$TREE/scripts/lab" run "$@" -- /devmem/tests/lab/engines.sh "$SUM"
fi
