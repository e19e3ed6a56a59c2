#!/bin/sh
# SPDX-License-Identifier: MIT
# suite.sh ENGINE [PROGRAM]...: the receive tests with one engine, in one guest. It stops at the first program that
# fails; at the end the cases that this engine cannot have are named, each with its reason.
set -eu

export DEVMEM_TEST_ENGINE="$1"
shift
[ $# -gt 0 ] || set -- receive backpressure faults ends held options scale pending sock threads lifecycle	# the last one ends without a NIC

for program in "$@"; do
	started=$(date +%s)
	# Shown as it comes, so that a case that hangs is named.
	{
		status=0
		/build/tests/lab/lab_"$program" 2>&1 || status=$?
		echo "$status" >/tmp/status
	} | tee /tmp/"$program".log
	read -r status </tmp/status
	echo "== $DEVMEM_TEST_ENGINE $program: status $status after $(($(date +%s) - started)) s"
	[ "$status" -eq 0 ] || exit "$status"
done
echo "== cases that $DEVMEM_TEST_ENGINE cannot have:"
for program in "$@"; do
	sed -n 's/^cannot  //p' /tmp/"$program".log
done
