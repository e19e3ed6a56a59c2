#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the guest of scripts/bench: the kernel's ncdevmem, the leanest loops, plain epoll and libdevmem receive the
# same bytes; others echo and send. Prints lines of JSON. bench/lab.sh MIB ROUNDS CALLS-MIB PART...
#
#   devmem	engine devmem and its leanest loop, 4 KiB pages; ncdevmem
#   zcrx		engine zcrx and its leanest loop, 4 KiB pages and 64 KiB pages
#   copy		engine copy and epoll
#   pages	engine devmem with default options, and at 4 KiB
#   echo		from device memory to device memory and back, and an echo that copies
#   guards	engine devmem with and without the filters against urgent data, whose cost falls on the NIC's processor
#   send		from device memory: libdevmem, its leanest loop, and a plain send
#
# There are three processors: 0 for the far end, 1 for the NIC's threads, 2 for the measured program.
set -euo pipefail

MIB=$1 ROUNDS=$2 CALLS_MIB=$3 PARTS=("${@:4}")
LARGE_MIB=$((MIB * 4))	# for programs that execute little per byte, so that beginning and end weigh less
SMALL=(--page 4K) LARGE=(--page 64K --buffer 128M) ECHO=(--buffer 128M)
PORTION=64K		# what the sender passes to TCP at a time
WINDOW=4M		# what an echo's client has under way
INTERVAL=200		# microseconds between portions of paced traffic: 328 MB/s
PACE=0
CONNECTED=1		# connections
ulimit -n 4096		# for 1,024 of them
VERIFY=()
ADDRESS=2001:db8:1ab::1
SENDER=0 NIC=1 RECEIVER=$(($(nproc --all) - 1))
TRACE=/sys/kernel/tracing/events/raw_syscalls/sys_enter/trigger
BUFFERS=/sys/kernel/debug/dma_buf/bufinfo
LOG=/tmp/bench.log
HERE=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=/dev/null
. "$HERE/peers.sh"
# shellcheck source=/dev/null
. "$HERE/scale.sh"

fail() {
	tail -n 5 "$LOG" >&2
	echo "bench: $*" >&2
	exit 1
}

# Has packets handled on the NIC's processor, whoever sends, and not in the middle of a receiver.
thread_nics() {
	echo 1 >/sys/class/net/lab0/threaded
	ip netns exec far sh -c 'echo 1 >/sys/class/net/lab1/threaded'
}

# Binding a queue gives it a new thread, so this must run after each bind.
pin_nics() {
	local pid
	for pid in $(pgrep '^napi/lab'); do
		taskset -pc "$NIC" "$pid" >/dev/null
	done
}

# Waits until the last receiver's buffer is freed, so that the next receiver does not pay for that. It is freed with its
# last packet, which can wait on another processor for the next one (net/core/skbuff.c: skb_attempt_defer_free), or for
# a page pool's next check.
settle() {
	local cpu tries
	for tries in {1..100}; do
		for ((cpu = 0; cpu <= RECEIVER; cpu++)); do
			taskset -c "$cpu" bash -c 'echo >/dev/udp/127.0.0.1/9'
		done
		! grep -q '^Total 0 objects' "$BUFFERS" || return 0
		sleep 0.5
	done
	fail "a buffer is not freed ($tries tries)"
}

# wait_for PID [PORT]: waits until the program says that it listens, or listens on the port
wait_for() {
	local tries
	for tries in {1..200}; do
		! grep -qi 'listening\|waiting or connection' "$LOG" || return 0
		[[ ! ${2:-} || ! $(ss -Hlt "sport = :$2") ]] || return 0
		kill -0 "$1" 2>/dev/null || break
		sleep 0.05
	done
	fail "the receiver does not listen ($tries)"
}

# far PROGRAM ARGUMENT...
far() {
	ip netns exec far taskset -c "$SENDER" "/build/bench/$1" "${@:2}" || fail "$1"
}

# start PROGRAM MIB OPTION...: starts the measured program, which prints a line of JSON, and waits until it is ready for its
# other end
start() {
	local program=$1 mib=$2
	shift 2
	settle
	: >"$LOG"
	"/build/bench/$program" --bytes "${mib}M" --pin "$RECEIVER" "$@" 2>"$LOG" &
	STARTED=$!
	wait_for "$STARTED"
	pin_nics
}

finish() {
	wait "$STARTED" || fail "$1"
}

# receive PROGRAM MIB OPTION...
receive() {
	start "$@"
	far bench_send "$ADDRESS" 5400 "$CONNECTED" "${2}M" "$PORTION" "$PACE"
	finish "$1"
}

# echo_of PROGRAM MIB OPTION...
echo_of() {
	start "$@"
	far bench_echo_client "${VERIFY[@]}" "$ADDRESS" 5400 1 "${2}M" "$PORTION" "$WINDOW" "$PACE"
	finish "$1"
}

# send_from PROGRAM MIB OPTION...
send_from() {
	start "$@"
	far bench_sink "$ADDRESS" 5400 1
	finish "$1"
}

# Under a name of its own, so that it is not taken for one of the counts that are compared.
receive_apart() {
	receive "$1" "$2" --name apart "${SMALL[@]}"
}

# calls COMMAND-NAME COMMAND...: prints "TOTAL WRITES", the exact numbers of system calls that processes of this name make
calls() {
	local name=$1
	shift
	echo "hist:keys=id if comm == \"$name\"" >"$TRACE"
	"$@" >/dev/null
	grep -q 'Dropped: 0$' "${TRACE%/*}/hist" || fail "system calls were not counted"
	sed -n 's/^{ id: *\([0-9]*\) *} hitcount: *\([0-9]*\)$/\1 \2/p' "${TRACE%/*}/hist" |
		awk '{ n += $2 } $1 == 1 { w += $2 } END { print n + 0, w + 0 }'
	echo "!hist:keys=id if comm == \"$name\"" >"$TRACE"
}

# Counts with two amounts: the difference does not include set-up.
count_calls() {
	local what=$1 name=$2 few many
	shift 2
	few=$(calls "$name" "$@" 1)
	many=$(calls "$name" "$@" $((CALLS_MIB + 1)))
	printf '{"name": "calls", "of": "%s", "mib": %d, "calls": %d, "writes": %d}\n' "$what" "$CALLS_MIB" \
		$((${many% *} - ${few% *})) $((${many#* } - ${few#* }))
}

# Merges packets to up to 64 KiB, as hardware with LRO or HW-GRO does, so that large pages are filled.
merge() {
	ethtool -K lab0 rx-gro-hw "$1"
	[[ $(ethtool -k lab0 | sed -n 's/^rx-gro-hw: //p') == "$1" ]] || fail "merging cannot be turned $1"
}

# pages SIZE: sets an MTU whose payload fills pages of this size. With an MTU of 9,000 the payload is 8,928 bytes: two pages
# of 4 KiB and a rest that takes a page by itself, which makes a third more fragments. 8,192 bytes are two pages. But where
# pages are large and packets are merged, more bytes fit with larger packets.
pages() {
	local mtu=9000
	[[ $1 != 4K ]] || mtu=8264
	ip link set lab0 mtu $mtu
	ip -n far link set lab1 mtu $mtu
}

count_all_calls() {
	count_calls libdevmem receive receive_apart receive
	count_calls leanest leanest receive_apart leanest
	count_calls ncdevmem ncdevmem by ncdevmem small apart
}

# pair LOOP NAME SUFFIX MIB OPTION...: runs the loop and libdevmem, one after the other
pair() {
	local loop=$1 name=$2 suffix=$3 mib=$4
	shift 4
	receive "$loop" "$mib" --name "$loop$suffix" "$@"
	receive receive "$mib" --name "$name$suffix" --engine "${name#libdevmem-}" "$@"
}

round_devmem() {
	pages 4K
	receive leanest "$MIB" "${SMALL[@]}"
	receive receive "$MIB" "${SMALL[@]}"
	PACE=$INTERVAL
	receive leanest "$MIB" --name leanest-paced "${SMALL[@]}"
	receive receive "$MIB" --name libdevmem-paced "${SMALL[@]}"
	PACE=0
	settle
	/build/bench/pingpong 2000 "$RECEIVER" "$SENDER" 2>/dev/null
	pages 64K
}

round_zcrx() {
	pages 4K
	pair leanest_zcrx libdevmem-zcrx -small "$MIB" "${SMALL[@]}"
	pages 64K
	merge on
	pair leanest_zcrx libdevmem-zcrx -large "$LARGE_MIB" "${LARGE[@]}"
	PACE=$INTERVAL
	pair leanest_zcrx libdevmem-zcrx -large-paced "$MIB" "${LARGE[@]}"
	receive leanest_zcrx "$MIB" --name leanest_zcrx-mark --lowat 3M "${LARGE[@]}"
	PACE=0
	merge off
}

round_copy() {
	pair epoll libdevmem-copy "" "$LARGE_MIB"
	receive epoll "$LARGE_MIB" --name epoll-mark --lowat 512K
	PACE=$INTERVAL
	pair epoll libdevmem-copy -paced "$MIB"
	receive epoll "$MIB" --name epoll-mark-paced --lowat 512K
	PACE=0
}

round_pages() {
	merge on
	receive receive "$LARGE_MIB" --name pages-default --buffer 128M
	receive receive "$LARGE_MIB" --name pages-small --buffer 128M "${SMALL[@]}"
	merge off
}

round_guards() {
	local which
	pages 4K
	for which in none sockets ingress both; do
		receive receive "$MIB" --name "guards-$which" --guard "$which" "${SMALL[@]}"
	done
	pages 64K
}

# Keeps the work that hardware would do to send off the processor that is counted.
wire_apart() {
	local file
	for file in /sys/kernel/debug/labnic/lab?/wire_apart; do
		echo "$1" >"$file"
	done
}

# Checks, without counting, that the bytes that come back are those that were sent.
verify() {
	VERIFY=(--pattern)
	"$@" --name apart >/dev/null
	VERIFY=()
}

echo_apart() {
	echo_of "$1" "$2" --name apart "${ECHO[@]}"
}

begin_echo() {
	local CALLS_MIB=$((CALLS_MIB * 4))
	merge on
	wire_apart 1
	verify echo_of bench_echo 16 "${ECHO[@]}"
	verify echo_of bench_echo_copy 16
	count_calls echo bench_echo echo_apart bench_echo
	count_calls echo_copy bench_echo_copy echo_apart bench_echo_copy
	wire_apart 0
	merge off
}

round_echo() {
	merge on
	wire_apart 1
	echo_of bench_echo_copy "$LARGE_MIB"
	echo_of bench_echo "$LARGE_MIB" "${ECHO[@]}"
	PACE=$INTERVAL
	echo_of bench_echo_copy "$MIB" --name echo_copy-paced
	echo_of bench_echo "$MIB" --name echo-paced "${ECHO[@]}"
	PACE=0
	merge off
	echo_of bench_echo_copy "$MIB" --name echo_copy-small
	echo_of bench_echo "$MIB" --name echo-small "${SMALL[@]}"
	wire_apart 0
}

# Sets the limit of TCP's send buffers. Bytes in device memory take no kernel memory there. With the default of 4 MiB, a
# program that sends 1 MiB at a time is woken twice as often, to send what was left over.
send_buffers() {
	if [[ $1 == restore ]]; then
		sysctl -qw net.ipv4.tcp_wmem="$SEND_BUFFERS"
		return
	fi
	SEND_BUFFERS=$(</proc/sys/net/ipv4/tcp_wmem)
	sysctl -qw net.ipv4.tcp_wmem="4096 16384 $1"
}

round_send() {
	send_buffers $((32 << 20))
	wire_apart 1
	send_from bench_tx_plain "$LARGE_MIB"
	send_from bench_leanest_tx "$LARGE_MIB"
	send_from bench_tx "$LARGE_MIB"
	wire_apart 0
	send_buffers restore
}

printf '{"name": "run", "kernel": "%s", "mib": %d, "rounds": %d, "parts": "%s"}\n' "$(uname -r)" "$MIB" "$ROUNDS" \
	"${PARTS[*]}"
thread_nics
# Runs the same code on one processor after the other: each run must have its own count.
taskset -c "$SENDER" /build/bench/bench_control control-sender
taskset -c "$RECEIVER" /build/bench/bench_control control-receiver
[[ ${PARTS[*]} != *devmem* ]] || count_all_calls
[[ ${PARTS[*]} != *echo* ]] || begin_echo
[[ ${PARTS[*]} != *peers* ]] || begin_peers
for ((round = 0; round < ROUNDS; round++)); do
	for part in "${PARTS[@]}"; do
		"round_$part"
	done
done
