# SPDX-License-Identifier: MIT
# Part of bench/lab.sh: libdevmem as something grows, and nothing else changes. Each curve has the same bytes at all of its
# points. What is counted is called CURVE/ENGINE/PAGES/POINT.
# shellcheck shell=bash disable=SC2034,SC2153

# Engine and pages.
CURVES=("devmem small" "devmem default" "zcrx small" "zcrx default")
CONNECTIONS=(1 4 16 64 256 1024)
FEW=16 MANY=1024	# what has a limit
QUEUES=(1 2 4)
PAGE_SIZES=(4K 8K 16K 32K 64K)
SEGMENTS=(1K 2K)	# of less than a page: packets that are not merged. TCP takes 12 bytes off for its time stamps
TOKENS_SMALL=(64 1024 4096 8192 12288 14336)	# of 16,384 pages, of which the NIC's ring has 1,024
TOKENS_DEFAULT=(16 128 512 768 896)		# of 2,048 pages, of which it has 1,024

# What copies, to see what is not of device memory.
CURVES_MANY=("${CURVES[@]}" "epoll none")

# point CURVE ENGINE PAGES POINT OPTION...
point() {
	local options=(--name "$1/$2/$3/$4")
	if [[ $2 == epoll ]]; then
		receive epoll "$MIB" "${options[@]}" "${@:5}"
		return
	fi
	options+=(--engine "$2")
	case $3 in
	small) options+=("${SMALL[@]}") ;;
	default) options+=(--buffer 128M) ;;
	esac
	receive receive "$MIB" "${options[@]}" "${@:5}"
}

# The more bytes, the less the beginnings and ends of so many weigh.
connections() {
	local n row MIB=$LARGE_MIB
	for n; do
		CONNECTED=$n
		for row in "${CURVES_MANY[@]}"; do
			# shellcheck disable=SC2086 # two words
			point connections $row "$n" --connections "$n"
		done
	done
	CONNECTED=1
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

# One ring has them all; with zcrx it can have only one. Their own rings need room: 64 MiB of the largest pages each.
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

# Four times the buffer, so that what is kept comes round.
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
	connections "${CONNECTIONS[@]}"
	fragments
	queues
	tokens
	merge off
}

# Only what has a limit.
round_many() {
	merge on
	connections "$FEW" "$MANY"
	merge off
}
