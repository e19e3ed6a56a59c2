#!/bin/bash
# SPDX-License-Identifier: MIT
# The kernel's own ncdevmem receives over the lab's NIC and validates what it got: proof that
# the NIC is right, from a program that is not ours. Then the same with bytes that are wrong,
# which must fail. Run it on the host; it starts itself in the lab.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
if [[ ! ${DEVMEM_LAB:-} ]]; then
	# Two of its buffers of 64 MB, and pages come back only some time after it ends.
	exec "$HERE/scripts/lab" run --selftests --hugepages 160 "$@" -- \
		/devmem/tests/lab/ncdevmem.sh
fi

NCDEVMEM=/selftests/tools/testing/selftests/drivers/net/hw/ncdevmem
PORT=5201
BYTES=4M
LOG=/tmp/ncdevmem.log

# send PATTERN LENGTH: from the other end. ncdevmem wants the sender to use its own port.
send() {
	yes "$(printf '%b' "$1")" | head -c "$2" |
		ip netns exec far socat -u - \
			"TCP6:[2001:db8:1ab::1]:$PORT,bind=[2001:db8:1ab::2]:$PORT,reuseaddr"
}

wait_for_listener() {
	local tries
	for tries in {1..100}; do
		[[ $(ss -Hlt "sport = :$PORT") ]] && return
		kill -0 "$1" 2>/dev/null || break
		sleep 0.1
	done
	echo "ncdevmem does not listen (after $tries tries)"
	return 1
}

# receive PATTERN: ncdevmem's own exit status, what it said in $LOG.
receive() {
	local server status=0
	"$NCDEVMEM" -l -f lab0 -s 2001:db8:1ab::1 -c 2001:db8:1ab::2 -p "$PORT" -v 7 \
		>"$LOG" 2>&1 &
	server=$!
	wait_for_listener "$server" || { cat "$LOG"; return 1; }
	# It closes the connection at the first wrong bytes, which socat reports.
	send "$1" "$BYTES" 2>>"$LOG" || true
	wait "$server" || status=$?
	return "$status"
}

# Every byte came through the dma-buf (it counts no others) and every run was compared.
check_received() {
	local total expected=$((4 << 20))
	total=$(sed -n 's/.*total_received=\([0-9]*\)$/\1/p' "$LOG" | tail -n 1)
	[[ $total == "$expected" ]] || fail "$total bytes through device memory instead of $expected"
	grep -q '^Validated buffer' "$LOG" || fail "nothing was validated"
	! grep -q 'Failed validation' "$LOG" || fail "wrong bytes"
	! grep -q SCM_DEVMEM_LINEAR "$LOG" || fail "some bytes did not land in device memory"
}

fail() {
	tail -n 30 "$LOG"
	echo "ncdevmem: $*"
	exit 1
}

receive '\x01\x02\x03\x04\x05\x06' || fail "it failed"
check_received
echo "ncdevmem received $BYTES through device memory and validated them"

# The sixth byte is wrong.
if receive '\x01\x02\x03\x04\x05\x07'; then
	fail "wrong bytes were taken for right"
fi
grep -q 'validation failed' "$LOG" || fail "it failed, but not for the wrong bytes"
echo "ncdevmem noticed wrong bytes"
