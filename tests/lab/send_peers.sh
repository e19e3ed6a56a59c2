#!/bin/bash
# SPDX-License-Identifier: MIT
# Who sends from device memory, with programs that are not ours at the other end: the kernel's ncdevmem, which receives and
# sends, and socat; and with our own, so that both ends have no copy. Run it on the host; it starts itself in the lab.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
if [[ ! ${DEVMEM_LAB:-} ]]; then
	# ncdevmem's buffer has 64 MB of huge pages, and pages come back only some time after it ends
	exec "$HERE/scripts/lab" run --selftests --hugepages 160 --timeout 600 "$@" -- /devmem/tests/lab/send_peers.sh
fi

NCDEVMEM=/selftests/tools/testing/selftests/drivers/net/hw/ncdevmem
NEAR=2001:db8:1ab::1	# lab0
PORT=5201
FAULT=/devmem/lab/guest/nic-fault
# shellcheck source=/dev/null
. "$HERE/tests/lab/peers.sh"

# send OPTION...: from device memory, and without a copy.
send() {
	connect send_client --device lab1 "$@" "$NEAR" $PORT
	grep -q ' MiB sent from device memory, 0.0 MiB copied on their way; engine devmem: ' "$OTHER" ||
		fail "it was not sent without a copy"
}

# ------------------------------------------------------------------------------------ our own at both ends

device_to_device() {
	local bytes=$((1 << 30))
	serve gpu_recv_server --verify --no-progress --queues 2 --connections 8 --json "$JSON" lab0
	send --connections 8 --bytes 128M
	served
	has engine '"devmem"'
	has bytes $bytes
	nearly $bytes bytes_device
	has verified true
	has tokens_outstanding 0
	has nic_restored true
	echo "== device to device: $(($(figure bytes_device) >> 20)) MiB of $((bytes >> 20)) on 8 connections without a copy," \
		"verified"
}

# echoed ENGINE CLIENT-OPTION...: four connections, and what comes back is checked.
echoed() {
	local engine=$1 bytes=$((4 * 32 << 20))
	shift
	serve /build/examples/gpu_echo_server --no-progress --connections 4 ${engine:+--engine "$engine"} --json "$JSON" lab0
	connect send_client --echo --connections 4 --bytes 32M "$@" "$NEAR" $PORT
	served
	has engine "\"${engine:-devmem}\""
	has bytes $bytes
	has bytes_sent $bytes
	has bytes_sent_copied 0
	has connections 4
	has tx_engine '"devmem"'
	has sends_outstanding 0
	has tokens_outstanding 0
	has nic_restored true
	(($(figure send_notices) > 0)) || fail "nobody said when memory was free"
	[[ $engine == zcrx ]] || nearly $bytes bytes_device
	echo "== echo, ${engine:-devmem}${*:+, $*}: $((bytes >> 20)) MiB came back as they were sent," \
		"$(figure sends) sends by $(figure send_operations) sendmsg, nothing copied, nothing outstanding"
}

# Of every third packet some bytes stay in host memory: they are placed in the spill buffer, and sent from there in turn.
echoed_from_spill() {
	local bytes=$((4 * 8 << 20))
	serve /build/examples/gpu_echo_server --no-progress --connections 4 --json "$JSON" lab0
	$FAULT nosplit_every 3
	connect send_client --echo --connections 4 --bytes 8M "$NEAR" $PORT
	$FAULT nosplit_every 0
	served
	has bytes $bytes
	has bytes_sent $bytes
	has bytes_sent_copied 0
	has sends_outstanding 0
	has tokens_outstanding 0
	has nic_restored true
	(($(figure bytes_host) > 0)) || fail "no packet was left unsplit"
	echo "== echo of packets that were not split: $(figure bytes_host) bytes in host memory, and all of" \
		"$((bytes >> 20)) MiB were sent without a copy"
}

# All packets come through another queue: more than the spill buffer has room for, which sends give back.
echoed_all_from_spill() {
	local bytes=$((4 * 16 << 20))
	$FAULT misroute_every 1
	serve /build/examples/gpu_echo_server --no-progress --connections 4 "$@" --json "$JSON" lab0
	connect send_client --echo --connections 4 --bytes 16M "$NEAR" $PORT
	$FAULT misroute_every 0
	served
	has bytes_host $bytes
	has bytes_sent $bytes
	has sends_outstanding 0
	has tokens_outstanding 0
	has nic_restored true
	echo "== echo${*:+, $*}, all of $((bytes >> 20)) MiB from a spill buffer of 4: sent without a copy"
}

# ------------------------------------------------------------------------------------ the kernel's ncdevmem

# It counts the bytes that came through device memory, and compares each of them.
to_ncdevmem() {
	local bytes=$((16 << 20)) total
	serve "$NCDEVMEM" -l -f lab0 -s $NEAR -p $PORT -v 7
	send --modulo 7 --bytes 16M
	served
	total=$(sed -n 's/.*total_received=\([0-9]*\)$/\1/p' "$LOG" | tail -n 1)
	[[ $total == "$bytes" ]] || fail "$total bytes through device memory instead of $bytes"
	grep -q '^Validated buffer' "$LOG" || fail "nothing was validated"
	! grep -q 'Failed validation\|SCM_DEVMEM_LINEAR' "$LOG" || fail "wrong bytes, or bytes out of place"
	echo "== ncdevmem received $((bytes >> 20)) MiB from our device sender, and validated them"
}

# A wrong byte, and it says so: the validation is one.
to_ncdevmem_wrong() {
	serve "$NCDEVMEM" -l -f lab0 -s $NEAR -p $PORT -v 7
	ip netns exec far timeout 60 send_client --device lab1 --modulo 6 --bytes 1M $NEAR $PORT >"$OTHER" 2>&1 || true
	wait "$SERVER" && fail "wrong bytes were taken for right"
	grep -q 'validation failed' "$LOG" || fail "it failed, but not for the wrong bytes"
	echo "== ncdevmem noticed bytes that were wrong"
}

# It sends each line by itself and waits until that is acknowledged; so lab0 acknowledges at once.
from_ncdevmem() {
	local bytes=$((256 << 10))
	ip route replace 2001:db8:1ab::/64 dev lab0 quickack 1
	serve gpu_recv_server --verify --no-progress --connections 1 --json "$JSON" lab0
	connect "$NCDEVMEM" -f lab1 -s $NEAR -p $PORT <"$WORK/pattern.256K"
	served
	ip route replace 2001:db8:1ab::/64 dev lab0 quickack 0
	grep -q '^tx complete' "$OTHER" || fail "ncdevmem did not send"
	has bytes $bytes
	has bytes_device $bytes
	has verified true
	has nic_restored true
	echo "== ncdevmem sent $((bytes >> 10)) KiB from a udmabuf, $(grep -c '^sendmsg_ret' "$OTHER") sends, to our receiver:" \
		"verified"
}

# ------------------------------------------------------------------------------------ socat

# The pattern by an ordinary sender, through the loopback interface.
make_pattern() {
	serve socat -u TCP6-LISTEN:$PORT,reuseaddr "CREATE:$WORK/pattern"
	send_client --bytes 16M ::1 $PORT >"$OTHER" 2>&1 || fail "the ordinary sender ended with $?"
	served
	head -c 256K "$WORK/pattern" >"$WORK/pattern.256K"
}

to_socat() {
	serve socat -u TCP6-LISTEN:$PORT,reuseaddr "CREATE:$WORK/received"
	send --bytes 16M
	served
	cmp "$WORK/pattern" "$WORK/received" || fail "socat received something else"
	echo "== socat received 16 MiB from our device sender: $(sha256sum <"$WORK/received" | head -c 16)… as from an ordinary one"
	rm "$WORK/received"
}

device_to_device
echoed ''
echoed '' --device lab1
echoed syscall
echoed zcrx
echoed_from_spill
echoed_all_from_spill
echoed_all_from_spill --engine syscall
make_pattern
to_socat
to_ncdevmem
to_ncdevmem_wrong
from_ncdevmem
