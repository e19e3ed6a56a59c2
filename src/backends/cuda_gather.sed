# SPDX-License-Identifier: MIT
# Turns cuda_gather.ptx into C, as the build and tests/gpu/run compile it: comments and empty lines go, each other line becomes
# a line of one string.
1i\
/* Generated from cuda_gather.ptx. */\
#include "backends/cuda_gather.h"\
\
const char devmem__cuda_gather_ptx[] =
$a\
	;
/^[[:blank:]]*\/\//d
/^[[:blank:]]*$/d
s/[\\"]/\\&/g
s/.*/	"&\\n"/
