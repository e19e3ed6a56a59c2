# SPDX-License-Identifier: MIT
# Part of bench/lab.sh: the same bytes by every receiver there is. The kernel's ncdevmem and iou-zcrx, and iperf3, have no
# marks: what is counted is all that their processor executes while their other end runs, so what they print and control is
# in it. The NIC merges for all of them, as hardware with LRO or HW-GRO does.
# shellcheck shell=bash disable=SC2034,SC2153

HW=/selftests/tools/testing/selftests/drivers/net/hw
PEERS=/tmp/peers		# links, by which a server's calls are told from those of a client of the same name
PEER_PORT=5201 PEER_ADDRESS=2001:db8:1ab::2
ZCRX_QUEUE=3 ZCRX_PORT=5202	# iou-zcrx changes nothing of the NIC by itself
ZCRX_MIB=2			# it has a pattern of so much, and ends when that is over
IPERF3_AMOUNT=()		# what is asked for, unless an amount: it looks once in a second whether that was sent
PRINTING_MIB=16			# for what takes long because it prints a line for each fragment

# Receiver and pages. What copies has no pages; what is not ours takes those of 4 KiB.
MATRIX=(
	"ncdevmem small" "iou-zcrx small" "iperf3 none" "epoll none" "copy none"
	"leanest small" "devmem small" "syscall small" "leanest_zcrx small" "zcrx small"
	"leanest default" "devmem default" "syscall default" "leanest_zcrx default" "zcrx default"
)

# serve NAME PORT COMMAND...: on the receiver's processor, until it listens
serve() {
	local name=$1 port=$2 program=$3
	shift 3
	: >"$LOG"
	mkdir -p "$PEERS"
	ln -sfn "$(type -P "$program")" "$PEERS/$name"
	# What it prints goes nowhere, and what it writes there is counted apart.
	taskset -c "$RECEIVER" "$PEERS/$name" "$@" >/dev/null 2>"$LOG" &
	STARTED=$!
	wait_for "$STARTED" "$port"
	pin_nics
}

# around NAME MIB COMMAND...: counted while this runs at the far end
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

# Our line, with what its report says, which comes first: its seconds leave out how it came to be.
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

# Debian 13's ethtool cannot set it. It stays as it is: for receivers that set it by themselves it makes no difference.
no_threshold() {
	local ynl=/selftests/tools/net/ynl/pyynl/cli.py
	python3 "$ynl" --no-schema --spec /selftests/Documentation/netlink/specs/ethtool.yaml --do rings-set \
		--json '{"header": {"dev-name": "lab0"}, "hds-thresh": 0}' >"$LOG" 2>&1 || fail "hds-thresh cannot be set"
}

# What iou-zcrx.py does for it.
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

# What its threads are called.
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

# each_receiver FUNCTION: with receiver and pages
each_receiver() {
	local row
	merge on
	for row in "${MATRIX[@]}"; do
		absent "${row% *}" || "$1" "${row% *}" "${row#* }"
	done
	merge off
}

# Where little is called for each byte, a larger amount; where no more than 2 MiB can come, the difference to 1.
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

# What prints, or ends after 2 MiB, has none.
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

# Of an ordinary boot, in which time passes.
round_rates() {
	local IPERF3_AMOUNT=(-t2)
	each_receiver rate_of
}
