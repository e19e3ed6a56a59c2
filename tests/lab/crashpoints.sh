#!/bin/bash
# SPDX-License-Identifier: MIT
# A transaction killed at every step: strace kills it as it enters a system call that changes a setting or writes to the
# journal, and what is left is restored. Unlike a kill at a random moment this meets each gap between them.
# crashpoints.sh [STEP]: at every STEP-th of them (default 1, which takes some minutes). In the guest.
# crashpoints.sh compact: at each of them while the journal is compacted.
set -euo pipefail

STEP=1 WHAT=once
[[ ${1:-} != compact ]] || WHAT=often
[[ $WHAT == often ]] || STEP=${1:-1}
CALLS=ioctl,sendto,sendmsg,pwrite64,fdatasync,ftruncate,unlink,flock
VIEW=(/devmem/lab/guest/nic-view near)
HELD=0 KILLED=0 MAIN='' at=nowhere

fail() {
	echo "crashpoints: killed at $at: $*"
	exit 1
}

# With strace and its options. "often" is traced only from where it stops: the many rounds before would take minutes.
traced() {
	local status=0 options=(-f -o /tmp/trace -e "trace=$CALLS" "$@")
	: >/tmp/trace
	if [[ $WHAT == once ]]; then
		strace "${options[@]}" /build/tests/lab/lab_journal once 2>/tmp/log
		return
	fi
	/build/tests/lab/lab_journal often 2>/tmp/log &
	MAIN=$!
	until grep -q '^State:.T' "/proc/$MAIN/status" 2>/dev/null; do
		kill -0 "$MAIN" 2>/dev/null || fail "it ended before it stopped: $(cat /tmp/log)"
		sleep 0.1
	done
	strace "${options[@]}" -p "$MAIN" 2>/dev/null &
	until grep -q '^TracerPid:.[1-9]' "/proc/$MAIN/status"; do sleep 0.1; done
	kill -CONT "$MAIN"
	wait "$MAIN" || status=$?
	wait	# strace has written its last line
	return $status
}

# Runs it once and lists the main thread's calls as "NAME NTH CALL": strace counts each name in each thread by itself.
list_calls() {
	traced -y -e signal=none || fail "it fails without that, too: $(cat /tmp/log)"
	awk -v main="$MAIN" 'NR == 1 && !main { main = $1 }
		$1 == main && match($2, /^[a-z0-9]+\(/) { name = substr($2, 1, RLENGTH - 1); print name, ++n[name], $2, $3 }' /tmp/trace
}

# Compaction ends by cutting the journal to a size that is not 0.
while_compacting() {
	local cut
	cut=$(grep -nE '^ftruncate .*</run/devmem/.*, [1-9]' /tmp/all | head -n 1 | cut -d: -f1)
	[[ $cut ]] || fail "the journal was not compacted: this shows nothing"
	sed -n "$((cut - 6)),$((cut + 2))p" /tmp/all
}

killed() {
	local status=0
	traced -e "inject=$1:signal=KILL:when=$2" || status=$?
	case $status in
	0) ;;	# this run made fewer of these calls
	137) KILLED=$((KILLED + 1)) ;;
	*) fail "it ended with $status: $(cat /tmp/log)" ;;
	esac
}

restored() {
	if compgen -G '/run/devmem/*.journal' >/dev/null; then HELD=$((HELD + 1)); fi
	devmemctl restore lab0 >/tmp/log 2>&1 || fail "not restored: $(cat /tmp/log)"
	"${VIEW[@]}" | diff /tmp/before - || fail "the NIC is not as it was; restoring said: $(cat /tmp/log)"
	! compgen -G '/run/devmem/*' || fail "a journal is left"
}

"${VIEW[@]}" >/tmp/before
list_calls >/tmp/all
if [[ $WHAT == often ]]; then while_compacting >/tmp/calls; else awk "!((NR - 1) % $STEP)" /tmp/all >/tmp/calls; fi
while read -r name nth _ <&3; do
	at="$name $nth"
	killed "$name" "$nth"
	restored
done 3</tmp/calls
((HELD > 0)) || fail "nothing was ever left to restore: this shows nothing"
((KILLED * 10 >= $(wc -l </tmp/calls) * 9)) || fail "it was killed $KILLED times of $(wc -l </tmp/calls) only"
echo "killed at $KILLED of $(wc -l </tmp/all) calls; $HELD times there was something to restore"
