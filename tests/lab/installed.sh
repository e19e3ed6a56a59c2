#!/bin/bash
# SPDX-License-Identifier: MIT
# In the lab, with /share as tests/fresh_root.sh leaves it: the programs that were built in a fresh root receive on the NIC, each byte
# without a copy, with the library of the package. Nothing else of the project is loaded.
# shellcheck disable=SC2034 # what lib.sh uses
set -euo pipefail
export LC_ALL=C

ME=installed
WORK=$(mktemp -d)
DOC=/nowhere CXX_COMPILERS=()
BYTES=$((16 << 20))
INTERFACE=lab0 ADDRESS=192.0.2.1 SENDER=(ip netns exec far) EXPECTED="engine devmem: $BYTES bytes, $BYTES without a copy"

# shellcheck source=/dev/null
. /devmem/tests/install/lib.sh
trap end_receiver EXIT
dpkg-deb -x /share/libdevmem0_*.deb /
ldconfig
cd /share
ldd ./c | grep 'libdevmem\.so\.0 => /lib/x86_64-linux-gnu/' >/dev/null || fail "the package's library is not used: $(ldd ./c)"
shared ./c
notices ./c
shared ./c++
static ./c_static
static ./c_all_static
shared user/c_devmem
static user/c_devmem_static
static user/cxx_devmem_static
