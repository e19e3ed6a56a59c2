#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest, around the command of "scripts/lab run --count": tells programs where to say what their counts are
# called (mark.h), and afterwards the host which function lies where.

for port in /sys/class/virtio-ports/*; do
	[[ $(<"$port/name") != lab.count ]] || LAB_COUNT=/dev/${port##*/}
done
export LAB_COUNT
sed 's/^/map /' /proc/self/maps >"$LAB_COUNT"	# of the C library, which is mapped here first
status=0
"$@" || status=$?
sed -n 's/^\([0-9a-f]*\) [tTwW] /symbol \1 /p' /proc/kallsyms >"$LAB_COUNT"
exit $status
