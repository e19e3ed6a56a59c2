#!/bin/bash
# SPDX-License-Identifier: MIT
# devmem-nc with programs that are not ours at the other end, both ways: the kernel's ncdevmem, socat and iperf3; and with
# itself. Then what goes wrong: bytes that are wrong, packets that were not split or came to the wrong queue, signals; there it
# is compared with ncdevmem, where that does the same. Run it on the host; it starts itself in the lab.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
if [[ ! ${DEVMEM_LAB:-} ]]; then
	# two buffers of 64 MiB in huge pages at a time, and pages come back only some time after a program ends
	exec "$HERE/scripts/lab" run --selftests --hugepages 256 --timeout 600 "$@" -- /devmem/tests/lab/nc_peers.sh
fi

NCDEVMEM=/selftests/tools/testing/selftests/drivers/net/hw/ncdevmem
NEAR=2001:db8:1ab::1 FAR=2001:db8:1ab::2	# lab0, lab1
NEAR4=192.0.2.1 FAR4=192.0.2.2
PORT=5201
FAULT=/devmem/lab/guest/nic-fault
# shellcheck source=/dev/null
. "$HERE/tests/lab/peers.sh"
IN=$WORK/in OUT=$WORK/received BYTES=$((16 << 20))

# receive OPTION...: what came is in $OUT.
receive() {
	rm -f "$LOG" "$OTHER" "$JSON" "$OUT"
	# shellcheck disable=SC2016 # expanded by the inner shell
	serve sh -c 'out=$1 && shift && exec "$@" >"$out"' sh "$OUT" devmem-nc -f lab0 -l -p $PORT --json "$JSON" "$@"
}

same() {
	cmp "$IN" "$OUT" || fail "something else came out"
}

# ends STATUS COMMAND...: from far.
ends() {
	local want=$1 status=0
	shift
	ip netns exec far timeout 120 "$@" >"$OTHER" 2>&1 || status=$?
	((status == want)) || fail "$* ended with $status instead of $want"
}

# served_with STATUS
served_with() {
	local status=0
	wait "$SERVER" || status=$?
	((status == $1)) || fail "the server ended with $status instead of $1"
}

says() {
	grep -qE -- "$2" "$1" || fail "nothing like \"$2\""
}

# Lines of bytes that count, as -v 255 has it.
make_input() {
	python3 -c 'import sys
period = bytes((i + 1) % 255 or 10 for i in range(255))
sys.stdout.buffer.write((period * (int(sys.argv[1]) // 255 + 1))[:int(sys.argv[1])])' "$BYTES" >"$IN"
	head -c 64K "$IN" >"$IN.short"
}

# ------------------------------------------------------------------------------------ itself

# No byte is copied at either end, or -L fails.
both_ends() {
	receive -L -s $NEAR "$@"
	connect devmem-nc -f lab1 -s $NEAR -p $PORT -L --json "$JSON.sent" <"$IN"
	served
	same
	has bytes_device $BYTES
	has bytes $BYTES
	has tokens_outstanding 0
	has nic_restored true
	# as large as they were while the queue was bound: with zcrx that is not before a connection is attached
	if [[ $* == *4096* ]]; then has page_size 4096; else (($(figure page_size) > 4096)) || fail "small pages"; fi
	(($(figure release_operations) * 2 < $(figure fragments))) || [[ $* == *zcrx* ]] || fail "fragments go back one at a time"
	JSON=$JSON.sent
	has bytes_sent $BYTES
	has bytes_sent_copied 0
	has sends_outstanding 0
	(($(figure most_sends) > 1)) || fail "sends wait for each other"
	echo "== devmem-nc to devmem-nc${*:+, $*}: $((BYTES >> 20)) MiB without a copy at either end, up to $(figure most_sends)" \
		"sends under way"
	JSON=${JSON%.sent}
}

# ------------------------------------------------------------------------------------ socat

from_socat() {
	receive
	connect socat -u "OPEN:$IN" "$1:$PORT"
	served
	same
	nearly $BYTES bytes_device
	echo "== socat to devmem-nc, $1: $(figure bytes_device) of $BYTES bytes in device memory, $(figure fragments) fragments" \
		"given back by $(figure release_operations) calls"
}

# A rule that looks at the sender's address and port too.
from_socat_by_its_port() {
	receive -s $NEAR4 -c $FAR4 -v 255
	connect socat -u "OPEN:$IN" "TCP4:$NEAR4:$PORT,bind=$FAR4:$PORT,reuseaddr"
	served
	has bytes_device $BYTES
	has wrong_bytes 0
	says "$OUT" '^Validated buffer$'
	# from another port it is another flow
	receive -s $NEAR4 -c $FAR4 -v 255
	connect socat -u "OPEN:$IN.short" "TCP4:$NEAR4:$PORT"
	served
	has bytes_device 0
	has bytes_plain 65536
	echo "== socat to devmem-nc -c: from its port into device memory, from another one not"
}

to_socat() {
	serve socat -u "$1-LISTEN:$PORT,reuseaddr" "CREATE:$OUT"
	connect devmem-nc -f lab1 -s "$2" -p $PORT -L --json "$JSON" "${@:3}" <"$IN"
	served
	same
	rm "$OUT"
	has bytes_sent $BYTES
	has bytes_sent_copied 0
	echo "== devmem-nc to socat, $*: $((BYTES >> 20)) MiB, none copied"
}

# ------------------------------------------------------------------------------------ the kernel's ncdevmem

# It waits after each line until that is acknowledged; so lab0 acknowledges at once.
from_ncdevmem() {
	ip route replace 2001:db8:1ab::/64 dev lab0 quickack 1
	receive -s $NEAR -v 255 -L
	connect "$NCDEVMEM" -f lab1 -s $NEAR -p $PORT <"$IN.short"
	served
	ip route replace 2001:db8:1ab::/64 dev lab0 quickack 0
	has bytes_device 65536
	has wrong_bytes 0
	echo "== ncdevmem to devmem-nc: 64 KiB in $(grep -c '^sendmsg_ret' "$OTHER") sends, every byte right, none copied"
}

# It compares each byte, and counts those in device memory.
to_ncdevmem() {
	serve "$NCDEVMEM" -l -f lab0 -s $NEAR -p $PORT -v 255
	connect devmem-nc -f lab1 -s $NEAR -p $PORT -L --json "$JSON" "$@" <"$IN"
	served
	[[ $(sed -n 's/.*total_received=\([0-9]*\)$/\1/p' "$LOG" | tail -n 1) == "$BYTES" ]] || fail "not all in device memory"
	says "$LOG" '^Validated buffer$'
	! grep -q 'Failed validation' "$LOG" || fail "wrong bytes"
	# the kernel takes 1,024 pieces at a time
	[[ ! ${2:-} ]] || (($(figure send_operations) >= BYTES / (1024 * $2))) || fail "they were not pieces of $2 bytes"
	echo "== devmem-nc to ncdevmem${*:+, $*}: $((BYTES >> 20)) MiB, every byte right"
}

# Both ends by each other's command line and output, as a script would have them.
in_its_place() {
	local total
	ln -sf /build/tools/devmem-nc "$WORK/ncdevmem"
	serve "$WORK/ncdevmem" -l -f lab0 -s $NEAR -p $PORT -v 255 -t 2 -q 1 -b 4096
	connect "$WORK/ncdevmem" -f lab1 -s $NEAR -p $PORT <"$IN.short"
	served
	says "$LOG" '^using queues 2\.\.3$'
	says "$LOG" '^got dmabuf id=[1-9]'
	says "$LOG" '^received frag_page=[0-9]+, in_page_offset=[0-9]+, frag_offset=[0-9]+, frag_size=[0-9]+, token=[0-9]+, '
	says "$LOG" '^received .*, total_received=65536, dmabuf_id=[1-9][0-9]*$'
	says "$LOG" '^Validated buffer$'
	says "$LOG" '^ncdevmem: client exited$'
	total=$(sed -n 's/^total_received=\([0-9]*\)$/\1/p' "$LOG" | tail -n 1)
	[[ $total == 65536 ]] || fail "$total bytes through device memory"
	says "$OTHER" '^got tx dmabuf id=[1-9]'
	says "$OTHER" '^tx complete \[0,0\]$'
	says "$OTHER" '^ncdevmem: tx ok$'
	echo "== by the name ncdevmem: its lines, and its figures"
}

probes() {
	local before after
	before=$(/devmem/lab/guest/nic-view near)
	devmem-nc -f lab0 --json "$JSON" || fail "the probe ended with $?"
	tr -d '\n ' <"$JSON" | grep -q '"queues":\[2,3\]' || fail "not the upper half of the queues"
	devmem-nc -f lab0 -b 4096 --json "$JSON" || fail "the probe ended with $?"
	has page_size 4096
	devmem-nc -f lab0 -b 16K --json "$JSON" || fail "the probe ended with $?"
	has page_size 16384
	devmem-nc -f lab0 -t 3 -q 1 -e zcrx --json "$JSON" || fail "the probe ended with $?"
	has page_size null
	! devmem-nc -f lab0 -t 0 -q 4 >"$LOG" 2>&1 || fail "no queue was left, and nothing said"
	! devmem-nc -f lab0 -t 9 >"$LOG" 2>&1 || fail "there is no queue 9"
	says "$LOG" 'has no RX queue 9'
	after=$(/devmem/lab/guest/nic-view near)
	[[ $before == "$after" ]] || fail "the NIC is not as it was: $(diff <(echo "$before") <(echo "$after"))"
	echo "== probes: can, with pages of 16 KiB too; cannot, and says why"
}

# ------------------------------------------------------------------------------------ iperf3

# Its port must be free at both ends, and our rule looks at the sender's: the control connection is an ordinary one.
from_iperf3() {
	local sent PORT=5211
	rm -f "$JSON"
	"$HERE/tests/lab/iperf3_control.py" receive $NEAR $PORT 0 devmem-nc -f lab0 -l -s $NEAR -c $FAR -p $PORT --no-progress \
		--json "$JSON" >"$OUT" 2>"$LOG" &
	SERVER=$!
	until [[ $(ss -Hlt "sport = :$PORT") ]]; do
		kill -0 $SERVER || fail "the control connection's other end has gone"
		sleep 0.1
	done
	connect iperf3 -c $NEAR -p $PORT --cport $PORT -n $BYTES -l 128K
	served
	sent=$(<"$OUT")
	has bytes $((sent + 37))
	nearly $((sent + 37)) bytes_device
	((sent >= BYTES)) || fail "iperf3 sent $sent bytes"
	echo "== iperf3 to devmem-nc: $sent bytes and its cookie of 37, $(figure bytes_device) in device memory"
}

to_iperf3() {
	local got PORT=5212
	ip netns exec far timeout 120 iperf3 -s -1 -p $PORT >"$LOG" 2>&1 &
	SERVER=$!
	until [[ $(ip netns exec far ss -Hlt "sport = :$PORT") ]]; do
		kill -0 $SERVER || fail "iperf3 has gone"
		sleep 0.1
	done
	got=$("$HERE/tests/lab/iperf3_control.py" send $FAR $PORT $BYTES devmem-nc -f lab0 -s $FAR -p $PORT -L --json "$JSON" \
		2>"$OTHER") || fail "devmem-nc, or what talks with iperf3, failed: $got"
	served
	[[ $got == "$BYTES" ]] || fail "iperf3 received $got bytes of $BYTES"
	has bytes_sent $((BYTES + 37))
	has bytes_sent_copied 0
	echo "== devmem-nc to iperf3: it says that it received $got bytes; none copied"
}

# ------------------------------------------------------------------------------------ what goes wrong

wrong_bytes() {
	receive -s $NEAR -v 254
	ends 0 socat -u "OPEN:$IN.short" "TCP6:[$NEAR]:$PORT"
	served_with 1
	says "$LOG" '^Failed validation: expected=10, actual=254, index=253$'
	says "$LOG" 'validation failed: '
	has ok false
	has nic_restored true
	# one byte of all of them; the original lets that pass
	receive -s $NEAR -v 255
	{ head -c 40000 "$IN" && printf x && tail -c +40002 "$IN"; } >"$IN.wrong"
	ends 0 devmem-nc -f lab1 -s $NEAR -p $PORT <"$IN.wrong"
	served_with 1
	has wrong_bytes 1
	says "$LOG" 'the first at 40000 of the stream'
	serve "$NCDEVMEM" -l -f lab0 -s $NEAR -p $PORT -v 254
	ip netns exec far socat -u "OPEN:$IN.short" "TCP6:[$NEAR]:$PORT" >"$OTHER" 2>&1 || true
	served_with 1
	echo "== wrong bytes: devmem-nc fails, with one of $BYTES too, and so does ncdevmem, with many"
}

# Every packet comes to another queue than the one that is bound.
wrong_queue() {
	$FAULT misroute_every 1
	receive -s $NEAR
	ends 0 socat -u "OPEN:$IN" "TCP6:[$NEAR]:$PORT"
	served
	same
	has bytes_plain $BYTES
	has bytes_device 0
	says "$LOG" 'copied: .* 16 MiB that came through an ordinary queue'
	receive -s $NEAR -L
	ip netns exec far socat -u "OPEN:$IN" "TCP6:[$NEAR]:$PORT" >"$OTHER" 2>&1 || true
	served_with 1
	says "$LOG" '-L does not allow it: flow steering error'
	has ok false
	has nic_restored true
	serve "$NCDEVMEM" -l -f lab0 -s $NEAR -p $PORT -L
	ip netns exec far socat -u "OPEN:$IN" "TCP6:[$NEAR]:$PORT" >"$OTHER" 2>&1 || true
	served_with 1
	says "$LOG" 'flow steering error'
	$FAULT misroute_every 0
	echo "== the wrong queue: $((BYTES >> 20)) MiB received and reported as copied; with -L it fails, and so does ncdevmem"
}

# Of every third packet some bytes stay in the header's buffer.
unsplit() {
	local linear
	$FAULT nosplit_every 3
	receive -s $NEAR
	ends 0 socat -u "OPEN:$IN" "TCP6:[$NEAR]:$PORT"
	served
	same
	(($(figure bytes_linear) > 0 && $(figure bytes_device) > 0)) || fail "all of one kind"
	has bytes $BYTES
	linear=$(figure bytes_linear)
	for program in devmem-nc "$NCDEVMEM"; do
		serve "$program" -l -f lab0 -s $NEAR -p $PORT -L
		ip netns exec far socat -u "OPEN:$IN" "TCP6:[$NEAR]:$PORT" >"$OTHER" 2>&1 || true
		served_with 1
		says "$LOG" 'SCM_DEVMEM_LINEAR'
	done
	$FAULT nosplit_every 0
	echo "== packets that were not split: received in order, $linear bytes reported as copied; with -L it fails, and so" \
		"does ncdevmem"
}

# Settings that are somebody else's: of who holds queue 2, and the administrator's rule.
settings_kept() {
	local rule before
	gpu_recv_server --no-progress -p 5300 lab0 >"$WORK/holder" 2>&1 &
	HOLDER=$!
	until [[ $(ss -Hlt "sport = :5300") ]]; do
		kill -0 $HOLDER || fail "$(cat "$WORK/holder")"
		sleep 0.1
	done
	rule=$(ethtool -N lab0 flow-type tcp6 dst-port $PORT action 2 | sed -n 's/.*ID //p')
	before=$(/devmem/lab/guest/nic-view near)
	receive -s $NEAR -n -t 2 -q 1
	[[ $(/devmem/lab/guest/nic-view near) == "$before" ]] || fail "-n, and settings were changed"
	connect devmem-nc -f lab1 -s $NEAR -p $PORT <"$IN"
	served
	same
	nearly $BYTES bytes_device
	ethtool -N lab0 delete "$rule"
	kill -TERM $HOLDER
	wait $HOLDER || fail "$(cat "$WORK/holder")"
	# and where nobody has made them
	! devmem-nc -f lab0 -l -s $NEAR -p $PORT -n >"$LOG" 2>&1 || fail "-n, and a header split that is off"
	says "$LOG" 'tcp-data-split'
	echo "== -n: bytes come by others' settings, none was changed"
}

interrupted() {
	local before signal
	before=$(/devmem/lab/guest/nic-view near)
	for signal in TERM HUP; do
		receive -s $NEAR -q 2
		[[ $(/devmem/lab/guest/nic-view near) != "$before" ]] || fail "the NIC was not changed"
		pkill -$signal -P $SERVER devmem-nc
		served_with $((128 + $(kill -l $signal)))
		[[ $(/devmem/lab/guest/nic-view near) == "$before" ]] || fail "SIG$signal: the NIC is not as it was"
		has nic_restored true
	done
	echo "== interrupted: the NIC is as it was"
}

make_input
both_ends
both_ends -q 2 -b 4096
both_ends --engine zcrx
from_socat "TCP6:[$NEAR]"
from_socat "TCP4:$NEAR4"
from_socat_by_its_port
to_socat TCP6 $NEAR
to_socat TCP4 $NEAR4 --engine syscall
from_ncdevmem
to_ncdevmem
to_ncdevmem -z 400
in_its_place
probes
from_iperf3
to_iperf3
wrong_bytes
wrong_queue
unsplit
settings_kept
interrupted
