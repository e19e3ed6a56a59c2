#!/bin/bash
# SPDX-License-Identifier: MIT
# A transaction killed at every step: strace kills it as it enters its n-th system call of those that change something or
# write to the journal, and what is left is restored. Unlike a kill at a random moment this meets each gap between them.
# crashpoints.sh [STEP]: every STEP-th of them (default 1, which takes some minutes). In the guest.
set -euo pipefail

STEP=${1:-1}
CALLS=ioctl,sendto,sendmsg,pwrite64,ftruncate,unlink,flock
VIEW=(/devmem/lab/guest/nic-view near)
DONE='' HELD=0 n=1

fail() {
	echo "crashpoints: killed at call $n: $*"
	exit 1
}

"${VIEW[@]}" >/tmp/before
while [[ ! $DONE ]]; do
	status=0
	strace -f -o /tmp/trace -e "trace=$CALLS" -e "inject=$CALLS:signal=KILL:when=$n" \
		/build/tests/lab/lab_journal once 2>/tmp/log || status=$?
	case $status in
	0) DONE=1 ;;
	137) ;;
	*) fail "it ended with $status: $(cat /tmp/log)" ;;
	esac
	if compgen -G '/run/devmem/*.journal' >/dev/null; then HELD=$((HELD + 1)); fi
	devmemctl restore lab0 >/tmp/log 2>&1 || fail "not restored: $(cat /tmp/log)"
	"${VIEW[@]}" | diff /tmp/before - || fail "the NIC is not as it was; restoring said: $(cat /tmp/log)"
	! compgen -G '/run/devmem/*.journal' || fail "a journal is left"
	n=$((n + STEP))
done
((HELD > 0)) || fail "nothing was ever left to restore: this shows nothing"
echo "killed at $(((n - 1) / STEP - 1)) of $n calls; $HELD times there was something to restore"
