# SPDX-License-Identifier: MIT
# Part of bench/lab.sh: every receiver there is receives the same bytes. The kernel's ncdevmem and iou-zcrx, and iperf3, have
# no marks. So everything is counted that their processor executes while their other end runs, printing and control included.
# The NIC merges packets for all of them, as hardware with LRO or HW-GRO does.
# shellcheck shell=bash disable=SC2034,SC2153

HW=/selftests/tools/testing/selftests/drivers/net/hw
PEERS=/tmp/peers		# links that give servers another name than their clients, to count their system calls apart
PEER_PORT=5201 PEER_ADDRESS=2001:db8:1ab::2
ZCRX_QUEUE=3 ZCRX_PORT=5202	# iou-zcrx does not set up the NIC itself
ZCRX_MIB=2			# its pattern has so much, and it ends after that
IPERF3_AMOUNT=()		# its option for the length, if not an amount, whose end it checks only once a second
PRINTING_MIB=16			# for ncdevmem, which is slow because it prints a line for each fragment

# Receivers and pages. Receivers that copy have no pages; those of others use pages of 4 KiB.
MATRIX=(
	"ncdevmem small" "iou-zcrx small" "iperf3 none" "epoll none" "copy none"
	"leanest small" "devmem small" "syscall small" "leanest_zcrx small" "zcrx small"
	"leanest default" "devmem default" "syscall default" "leanest_zcrx default" "zcrx default"
)

# serve NAME PORT COMMAND...: starts it on the receiver's processor and waits until it listens
serve() {
	local name=$1 port=$2 program=$3
	shift 3
	: >"$LOG"
	mkdir -p "$PEERS"
	ln -sfn "$(type -P "$program")" "$PEERS/$name"
	# Its output is discarded; its writes are counted apart.
	taskset -c "$RECEIVER" "$PEERS/$name" "$@" >/dev/null 2>"$LOG" &
	STARTED=$!
	wait_for "$STARTED" "$port"
	pin_nics
}

# around NAME MIB COMMAND...: counts while the command runs at the far end
around() {
	taskset -c "$SENDER" /build/bench/bench_around "$1" "$2M" ip netns exec far "${@:3}" || fail "the other end of $1"
}

# ncdevmem NAME MIB
ncdevmem() {
	serve ncdevmem "" $HW/ncdevmem -l -f lab0 -s "$ADDRESS" -c $PEER_ADDRESS -p $PEER_PORT
	around "$1" "$2" /build/bench/bench_send "$ADDRESS" $PEER_PORT 1 "$2M" "$PORTION" 0 $PEER_PORT
	finish ncdevmem
}

# iperf3 NAME MIB
iperf3() {
	serve iperf3-server $PEER_PORT iperf3 -s -1 -p $PEER_PORT
	around "$1" "$2" /usr/bin/iperf3 -c "$ADDRESS" -p $PEER_PORT "${IPERF3_AMOUNT[@]:--n$2M}" -J >"$LOG.iperf3"
	finish iperf3
	iperf3_result <"$LOG.iperf3"
}

# Puts iperf3's own figures, which come first, into our line: its seconds do not include set-up.
iperf3_result() {
	awk '/"sum_received"/ { inside = 1 }
		inside && /"seconds":/ { gsub(/[^0-9.]/, ""); seconds = $0 }
		inside && /"bytes":/ { gsub(/[^0-9]/, ""); bytes = $0; inside = 0 }
		/^{"name"/ {
			sub(/"bytes": [0-9]*/, "\"bytes\": " bytes)
			sub(/"seconds": [0-9.]*/, "\"seconds\": " seconds)
			print
		}'
}

# Sets hds-thresh to 0, which Debian 13's ethtool cannot do. It is not restored: receivers that set it by themselves are not
# affected.
no_threshold() {
	local ynl=/selftests/tools/net/ynl/pyynl/cli.py
	python3 "$ynl" --no-schema --spec /selftests/Documentation/netlink/specs/ethtool.yaml --do rings-set \
		--json '{"header": {"dev-name": "lab0"}, "hds-thresh": 0}' >"$LOG" 2>&1 || fail "hds-thresh cannot be set"
}

# Sets up the NIC as iou-zcrx.py does.
prepare_zcrx() {
	ethtool -G lab0 tcp-data-split on
	ethtool -X lab0 equal $ZCRX_QUEUE
	ZCRX_RULE=$(ethtool -N lab0 flow-type tcp6 dst-port $ZCRX_PORT action $ZCRX_QUEUE | sed -n 's/.*ID //p')
	[[ $ZCRX_RULE ]] || fail "no rule for iou-zcrx"
}

undo_zcrx() {
	ethtool -N lab0 delete "$ZCRX_RULE"
	ethtool -X lab0 default
	ethtool -G lab0 tcp-data-split off
}

# iou-zcrx NAME MIB
iou-zcrx() {
	prepare_zcrx
	serve iou-zcrx-server $ZCRX_PORT $HW/iou-zcrx -s -p $ZCRX_PORT -i lab0 -q $ZCRX_QUEUE
	around "$1" "$2" $HW/iou-zcrx -c -h "$ADDRESS" -p $ZCRX_PORT -l 65536 -z $(($2 << 20))
	finish iou-zcrx
	undo_zcrx
}

# by RECEIVER PAGES NAME MIB
by() {
	local options=(--name "$3")
	pages 64K
	case $2 in
	small) options+=("${SMALL[@]}") && pages 4K ;;
	default) options+=(--buffer 128M) ;;
	esac
	case $1 in
	ncdevmem | iou-zcrx | iperf3) settle && "$1" "$3" "$4" ;;
	epoll) receive epoll "$4" --name "$3" ;;
	leanest*) receive "$1" "$4" "${options[@]}" ;;
	*) receive receive "$4" --engine "$1" "${options[@]}" ;;
	esac
}

# amount RECEIVER PAGES
amount() {
	case $1-$2 in
	iou-zcrx-*) echo $ZCRX_MIB ;;
	ncdevmem-*) echo $PRINTING_MIB ;;
	*-small) echo "$MIB" ;;
	*) echo "$LARGE_MIB" ;;
	esac
}

# The command name of the receiver's threads.
command_of() {
	case $1 in
	iou-zcrx | iperf3) echo "$1-server" ;;
	ncdevmem | epoll | leanest*) echo "$1" ;;
	*) echo receive ;;
	esac
}

absent() {
	[[ $1 == iou-zcrx && ! -x $HW/iou-zcrx ]]
}

tell_absent() {
	printf '{"name": "absent", "of": "iou-zcrx", "why": "%s"}\n' \
		"$(head -n 1 $HW/iou-zcrx.missing 2>/dev/null | tr -d '[:punct:]' || echo 'not in this kernel')"
}

# each_receiver FUNCTION: calls it with each receiver and its pages
each_receiver() {
	local row
	merge on
	for row in "${MATRIX[@]}"; do
		absent "${row% *}" || "$1" "${row% *}" "${row#* }"
	done
	merge off
}

# Receivers with few calls per byte get a larger amount. One that takes only 2 MiB is compared with 1 MiB.
count_calls_of() {
	local CALLS_MIB=64
	case $1 in
	iou-zcrx) CALLS_MIB=$((ZCRX_MIB - 1)) ;;
	ncdevmem) CALLS_MIB=$PRINTING_MIB ;;
	esac
	count_calls "peer-$1-$2" "$(command_of "$1")" by "$1" "$2" apart
}

count_of() {
	by "$1" "$2" "peer-$1-$2" "$(amount "$1" "$2")"
}

# Receivers that print, or that end after 2 MiB, have no rate.
rate_of() {
	[[ $1 == ncdevmem || $1 == iou-zcrx ]] || by "$1" "$2" "rate-$1-$2" "$LARGE_MIB"
}

begin_peers() {
	no_threshold
	! absent iou-zcrx || tell_absent
	each_receiver count_calls_of
}

round_peers() {
	each_receiver count_of
}

# For an ordinary boot, in which real time passes.
round_rates() {
	local IPERF3_AMOUNT=(-t2)
	each_receiver rate_of
}
