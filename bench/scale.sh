# SPDX-License-Identifier: MIT
# Part of bench/lab.sh: libdevmem as one thing grows and nothing else changes. All points of a curve have the same bytes.
# A count is named CURVE/ENGINE/PAGES/POINT.
# shellcheck shell=bash disable=SC2034,SC2153

# Engine and pages.
CURVES=("devmem small" "devmem default" "zcrx small" "zcrx default")
CONNECTIONS=(1 4 16 64 256 1024)
FEW=16 MANY=1024	# the points of the curve that has a limit
ROOM=1000000		# pages
QUEUES=(1 2 4)
PAGE_SIZES=(4K 8K 16K 32K 64K)
SEGMENTS=(1K 2K)	# smaller than a page: packets that are not merged. TCP's time stamps take 12 bytes of each
TOKENS_SMALL=(64 1024 4096 8192 12288 14336)	# of 16,384 pages, of which the NIC's ring has 1,024
TOKENS_DEFAULT=(16 128 512 768 896)		# of 2,048 pages, of which it has 1,024

# epoll copies: it shows which costs are not due to device memory.
CURVES_CONNECTIONS=("${CURVES[@]}" "epoll none")
CURVES_MANY=("${CURVES[@]}" "devmem coalesced" "zcrx coalesced" "epoll none")

# point CURVE ENGINE PAGES POINT OPTION...
point() {
	local options=(--name "$1/$2/$3/$4")
	if [[ $2 == epoll ]]; then
		receive epoll "$MIB" "${options[@]}" "${@:5}"
		return
	fi
	options+=(--engine "$2")
	case $3 in
	small) options+=("${SMALL[@]}" --buffer "${ROOMY:-64M}") ;;
	default) options+=(--buffer "${ROOMY:-128M}") ;;
	coalesced) options+=(--buffer "$ROOMY" --coalesce 2000) ;;
	esac
	receive receive "$MIB" "${options[@]}" "${@:5}"
}

# at_each CURVE ROW... -- CONNECTIONS...
at_each() {
	local curve=$1 row rows=()
	shift
	while [[ $1 != -- ]]; do
		rows+=("$1")
		shift
	done
	shift
	for CONNECTED; do
		for row in "${rows[@]}"; do
			# shellcheck disable=SC2086 # two words
			point "$curve" $row "$CONNECTED" --connections "$CONNECTED"
		done
	done
	CONNECTED=1
}

# What 1,024 senders have under way fits neither into the NIC's usual ring nor into TCP's share of so small a guest's memory
# (net.ipv4.tcp_mem, which is for all namespaces). Packets would be dropped, and TCP's recovery would be measured. So both
# get more room, and portions as large as devmem-perf's are sent at fixed times. With more bytes, the beginnings of so many
# connections weigh less.
many() {
	local ring memory MIB=$((LARGE_MIB * 8)) PORTION=256K PACE=$((INTERVAL * 4)) ROOMY=512M
	ring=$(ethtool -g lab0 | awk '/^Current/ { now = 1 } now && $1 == "RX:" { print $2; exit }')
	memory=$(nsenter -t 1 -n sysctl -n net.ipv4.tcp_mem)
	nsenter -t 1 -n sysctl -qw net.ipv4.tcp_mem="$ROOM $ROOM $ROOM"
	ethtool -G lab0 rx 4096
	at_each many "${CURVES_MANY[@]}" -- "$FEW" "$MANY"
	ethtool -G lab0 rx "$ring"
	nsenter -t 1 -n sysctl -qw net.ipv4.tcp_mem="$memory"
}

# In the usual room. With more bytes, the beginnings and ends of so many connections weigh less.
connections() {
	local MIB=$LARGE_MIB
	at_each connections "${CURVES_CONNECTIONS[@]}" -- "${CONNECTIONS[@]}"
}

fragments() {
	local size engine
	for engine in devmem zcrx; do
		merge off
		for size in "${SEGMENTS[@]}"; do
			ip -6 route add "$PEER_ADDRESS/128" dev lab0 advmss $((${size%K} * 1024 + 12))
			point fragments "$engine" small "$size"
			ip -6 route del "$PEER_ADDRESS/128" dev lab0
		done
		merge on
		for size in "${PAGE_SIZES[@]}"; do
			point fragments "$engine" default "$size" --page "$size"
		done
	done
}

# One ring has all queues; with zcrx a ring can have only one. Each queue's own ring takes 64 MiB of the largest pages.
queues() {
	local n
	ethtool -L lab0 combined 8
	for n in "${QUEUES[@]}"; do
		CONNECTED=$FEW
		point queues devmem small "$n" --connections "$FEW" --queues "$n"
		point queues devmem default "$n" --connections "$FEW" --queues "$n" --buffer 512M
	done
	CONNECTED=1
	ethtool -L lab0 combined 4
}

# Four times the buffer, so that the kept fragments are replaced.
tokens() {
	local n engine MIB=$LARGE_MIB
	for engine in devmem zcrx; do
		for n in "${TOKENS_SMALL[@]}"; do
			point tokens "$engine" small "$n" --hold "$n"
		done
		for n in "${TOKENS_DEFAULT[@]}"; do
			point tokens "$engine" default "$n" --hold "$n"
		done
	done
}

round_scale() {
	merge on
	connections
	fragments
	queues
	tokens
	merge off
}

# Only the curve that has a limit.
round_many() {
	merge on
	many
	merge off
}
