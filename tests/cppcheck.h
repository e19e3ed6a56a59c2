/* SPDX-License-Identifier: MIT */
/* For cppcheck (tests/analyze.sh), which does not see libnl's headers: a macro that is a loop. */
#define nla_for_each_nested(pos, nla, rem) for (pos = nla, rem = 1; rem; pos++)
