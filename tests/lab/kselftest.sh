#!/bin/bash
# SPDX-License-Identifier: MIT
# kselftest.sh [PROGRAM [ARGUMENT]...]: the kernel's own drivers/net/hw/devmem.py of the version that runs, unchanged, over
# the lab's NIC, with PROGRAM in the place of ncdevmem; ncdevmem: itself. ARGUMENTs go to the test (-t check_rx). FAMILY=4:
# over IPv4. TEST=nk_devmem.py or userns_devmem.py: the same through a netkit, whose queue is leased from the NIC; the latter in
# a user namespace. Without a PROGRAM, all three with ours, and devmem.py with the original; over gve (NIC=gve) devmem.py
# with both. Run it on the host; it starts itself in the lab. The output is TAP, one stream after the other, each with a line before it that begins with "==".
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
if [[ ! ${DEVMEM_LAB:-} ]]; then
	# the tests have 64 huge pages reserved, which are two buffers; pages come back only some time after a program ends
	exec "$HERE/scripts/lab" run --nic "${NIC:-labnic}" --selftests --hugepages 256 --timeout 600 -- \
		env FAMILY="${FAMILY:-6}" TEST="${TEST:-devmem.py}" /devmem/tests/lab/kselftest.sh "$@"
fi

OURS=/build/tools/devmem-nc
cd /selftests/tools/testing/selftests/drivers/net/hw
PATH=$PATH:/selftests/usr/sbin	# bpftool
export NETIF=lab0 REMOTE_TYPE=netns REMOTE_ARGS=far
export LOCAL_PREFIX_V6=2001:db8:1ac::/64	# of the netkit
export PYTHONDONTWRITEBYTECODE=1	# into memory, where nobody looks for it again
STATUS=0

# addresses 4|6: those alone, so that the test has no choice.
addresses() {
	unset LOCAL_V4 REMOTE_V4 LOCAL_V6 REMOTE_V6
	if [[ $1 == 4 ]]; then
		export LOCAL_V4=192.0.2.1 REMOTE_V4=192.0.2.2
	else
		export LOCAL_V6=2001:db8:1ab::1 REMOTE_V6=2001:db8:1ab::2
	fi
}

# run_test TEST ARGUMENT...: those of netkit take the network namespace of process 1 for the one that the NIC is in.
run_test() {
	local wrapped=()
	[[ $1 == devmem.py ]] || wrapped=(unshare --pid --fork --mount-proc)
	"${wrapped[@]}" python3 "$@"
}

# A test binds the same random port at both ends, and fails if a connection of an earlier one is still in TIME_WAIT there.
forget_ports() {
	local end
	for end in near far; do
		nsenter --net="/run/netns/$end" ss -K -tan state time-wait >/dev/null 2>&1 || true
	done
}

# cases TEST PROGRAM FAMILY ARGUMENT...: what is put over the file has its name, so that it says what ncdevmem says.
cases() {
	local test=$1 program=$2 family=$3 began=$SECONDS
	shift 3
	echo "== $test, IPv$family, $(basename "$program")"
	addresses "$family"
	forget_ports
	[[ $program == ncdevmem ]] || mount --bind "$program" ncdevmem
	/devmem/lab/guest/nic-view >/tmp/before
	run_test "$test" "$@" | tee /tmp/tap || STATUS=$?
	# They ask the program first whether it can be. Here it can, so a skip for that reason is its failure; but gve has 4 KiB pages alone.
	[[ $LAB_NIC_NAME != gve ]] || sed -i '/rx-page-size/d' /tmp/tap
	if grep -q '# SKIP Test requires devmem' /tmp/tap; then
		echo "kselftest: $program -f lab0 says that it cannot be"
		STATUS=1
	fi
	/devmem/lab/guest/nic-view | diff /tmp/before - || { echo "kselftest: the NIC is not as it was" && STATUS=1; }
	[[ $program == ncdevmem ]] || umount ncdevmem
	echo "$((SECONDS - began)) s"
}

if (($#)); then
	cases "$TEST" "$1" "$FAMILY" "${@:2}"
elif [[ $LAB_NIC_NAME == gve ]]; then
	cases devmem.py $OURS 6
	cases devmem.py ncdevmem 6
else
	cases devmem.py $OURS 6
	cases devmem.py $OURS 4 -t check_rx -t check_tx
	cases devmem.py ncdevmem 6
	cases nk_devmem.py $OURS 6
	cases userns_devmem.py $OURS 6
fi
exit "$STATUS"
