#!/bin/sh
# SPDX-License-Identifier: MIT
# needs.sh LIBRARY: what the library is loaded with. The libraries of devices are looked for when they are asked for, so
# that nobody needs them who has no such device.
set -eu

needs=$(ldd "$1")
echo "$needs"
echo "$needs" | grep -q liburing	# else this shows nothing
! echo "$needs" | grep -i -E 'cuda|nvidia|libdrm|hsa|amdhip|ze_loader'
