#!/bin/bash
# SPDX-License-Identifier: MIT
# kselftest.sh [PROGRAM [ARGUMENT]...]: the kernel's own drivers/net/hw/devmem.py of the version that runs, unchanged, over
# the lab's NIC, with PROGRAM in the place of ncdevmem; ncdevmem: itself. ARGUMENTs go to the test (-t check_rx). FAMILY=4:
# over IPv4. Without a PROGRAM, with ours and with the original. Run it on the host; it starts itself in the lab. The output is
# TAP, one stream after the other, each with a line before it that begins with "==".
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
if [[ ! ${DEVMEM_LAB:-} ]]; then
	# the tests have 64 huge pages reserved, which are two buffers; pages come back only some time after a program ends
	exec "$HERE/scripts/lab" run --selftests --hugepages 256 -- env FAMILY="${FAMILY:-6}" /devmem/tests/lab/kselftest.sh "$@"
fi

OURS=/build/tools/devmem-nc
cd /selftests/tools/testing/selftests/drivers/net/hw
export NETIF=lab0 REMOTE_TYPE=netns REMOTE_ARGS=far
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

# What is put over the file has its name, so that it says what ncdevmem says.
cases() {
	local program=$1 family=$2
	shift 2
	echo "== devmem.py, IPv$family, $(basename "$program")"
	addresses "$family"
	[[ $program == ncdevmem ]] || mount --bind "$program" ncdevmem
	/devmem/lab/guest/nic-view >/tmp/before
	python3 devmem.py "$@" | tee /tmp/tap || STATUS=$?
	# what they ask the program first; here it can be, so that a skip for that reason is its failure
	if grep -q '# SKIP Test requires devmem' /tmp/tap; then
		echo "kselftest: $program -f lab0 says that it cannot be"
		STATUS=1
	fi
	/devmem/lab/guest/nic-view | diff /tmp/before - || { echo "kselftest: the NIC is not as it was" && STATUS=1; }
	[[ $program == ncdevmem ]] || umount ncdevmem
}

if (($#)); then
	cases "$1" "$FAMILY" "${@:2}"
else
	cases $OURS 6
	cases $OURS 4 -t check_rx -t check_tx
	cases ncdevmem 6
fi
exit "$STATUS"
