# SPDX-License-Identifier: MIT
# The NIC gve: the driver is the kernel package's own, and its two devices are a process on the host
# (lab/gve), which QEMU makes PCI devices of the guest (vfio-user).
# shellcheck shell=bash disable=SC2153,SC2034

GVE_QEMU=11.1	# the first with vfio-user-pci

# What can be refused before anything is built. Sets MODEL_PARAMETERS: those of NIC that are not the
# guest's, and NTUPLE, MTU.
read_gve_parameters() {
	local word
	[[ ! $COUNT ]] || die "--count is not possible with --nic gve: the model is a process of its own," \
		"whose packets come whenever the host lets it run"
	MODEL_PARAMETERS=() NTUPLE=1
	for word in $NIC; do
		case $word in
		ntuple=[01]) NTUPLE=${word#*=} ;;
		mtu=*) MTU=${LAB_MTU:-${word#*=}} ;;&
		*) MODEL_PARAMETERS+=("$word") ;;
		esac
	done
}

check_gve() {
	local qemu
	qemu=$(<"$ROOT/work/qemu-version")
	[[ $(printf '%s\n' "$GVE_QEMU" "$qemu" | sort -V | head -n 1) == "$GVE_QEMU" ]] ||
		die "--nic gve needs QEMU $GVE_QEMU, and the root has $qemu, since $SUITE-backports had no other" \
			"when it was made ('scripts/lab clean' makes it again)"
	in_root python3 -c 'import os; os.memfd_create("lab")' 2>/dev/null ||
		die "--nic gve: this machine's kernel has no memfd_create()"
	[[ -x $ROOT$WORK/guest/gve_model ]] || die "--nic gve: the model was not built (has the tree lab/gve?)"
	show_gve_driver
}

# Shows that the driver is the package's: modprobe takes the file that modules.dep names.
show_gve_driver() {
	local file own packaged
	file=$(module_files "$KERNEL" gve | tail -n 1)
	[[ $file ]] || die "kernel $KERNEL has no gve"
	own=$(md5sum <"$ROOT/usr/lib/modules/$KERNEL/$file" | cut -d' ' -f1)
	packaged=$(awk -v file="lib/modules/$KERNEL/$file" '
		substr($2, length($2) - length(file) + 1) == file { print $1 }' "$ROOT/work/kernel-$KERNEL")
	say "${file##*/} of $KERNEL: md5 $own, the package's ${packaged:-is not known}"
	[[ $own == "$packaged" ]] || die "$ROOT/usr/lib/modules/$KERNEL/$file is not the package's"
}

# Starts the model, which dies with this script. QEMU needs both sockets.
start_model() {
	local status=0
	MODEL_PID='' MODEL_STATUS=0
	[[ $NIC_NAME == gve ]] || return 0
	setpriv --pdeathsig TERM timeout -k 2 0 setpriv --pdeathsig KILL "$ROOT$WORK/guest/gve_model" \
		"$RUN/near" "$RUN/far" "$RUN/complaints" "${MODEL_PARAMETERS[@]}" >"$RUN/model" 2>&1 </dev/null &
	MODEL_PID=$!
	until [[ -S $RUN/near && -S $RUN/far ]]; do
		if ! kill -0 "$MODEL_PID" 2>/dev/null; then
			wait "$MODEL_PID" || status=$?
			MODEL_PID=
			cat "$RUN/model" >&2
			die "the gve model did not start (status $status)"
		fi
		sleep 0.02
	done
}

# The model maps the guest's memory, so QEMU must be able to hand that over. Each device has a root
# port of its own, as a card in a slot has.
add_gve_arguments() {
	local end chassis=0
	QEMU+=(-object "memory-backend-memfd,id=ram,size=${MEMORY}M,share=on" -machine memory-backend=ram)
	for end in near far; do
		chassis=$((chassis + 1))
		QEMU+=(-device "pcie-root-port,id=$end,chassis=$chassis"
			-device "{\"driver\":\"vfio-user-pci\",\"bus\":\"$end\",\"socket\":{\"type\":\"unix\",\"path\":\"$RUN/$end\"}}")
	done
}

# Waits for QEMU, and kills it if the model dies before: the guest would only hang.
wait_with_model() {
	local ended status=0
	wait -n -p ended "$QEMU_PID" "$MODEL_PID" || status=$?
	if [[ $ended == "$QEMU_PID" ]]; then
		QEMU_STATUS=$status
		return
	fi
	MODEL_PID='' MODEL_STATUS=$status
	((status == 0)) || kill "$QEMU_PID"
	wait "$QEMU_PID" || QEMU_STATUS=$?
}

# The model ends by itself when QEMU has hung up. One that has to be killed is as good as dead.
end_model() {
	[[ ${MODEL_PID:-} ]] || return 0
	kill "$MODEL_PID" 2>/dev/null || true
	wait "$MODEL_PID" 2>/dev/null || MODEL_STATUS=$?
	((MODEL_STATUS != 143)) || MODEL_STATUS=0	# 128 + SIGTERM, which is ours
	MODEL_PID=
}

# Shows what a driver should not have done, if there was anything.
show_complaints() {
	[[ -s $RUN/complaints ]] || return 0
	say "the gve model complained:"
	head -n 70 "$RUN/complaints" >&2
}
