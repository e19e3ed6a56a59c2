#!/bin/bash
# SPDX-License-Identifier: MIT
# user.sh FOLDER: where the packages are installed, a user's programs build with them in FOLDER, and receive.
# shellcheck disable=SC2034 # what lib.sh uses
set -euo pipefail
export LC_ALL=C

ME=user
WORK=$(mktemp -d)
DOC=/usr/share/doc/devmem
CXX_COMPILERS=(c++)

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
trap 'end_receiver; rm -rf "$WORK"' EXIT
mkdir "$1"
cd "$1"
by_pkg_config
by_pkg_config_static
by_cmake
examples_build
