/* SPDX-License-Identifier: MIT */
/*
 * DEVMEM_OPTS: an options structure with its size filled in, for one call, in C and in C++. Part of devmem.h.
 *
 *   devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .queues = 4, .engine = "devmem"), &binding);
 *
 * In C it lives as long as the block that it stands in, in C++ until the end of the statement. C++ has had such initializers
 * from C++20 on, in the order of the members alone, and compilers warn of those that are not there: so what is given is
 * assigned, from C++11 on and in any order. As in any macro, a value with a comma in it wants parentheses.
 */
#ifndef DEVMEM_OPTS_H
#define DEVMEM_OPTS_H

#include <stddef.h>

#ifndef __cplusplus

#define DEVMEM_OPTS(type, ...) (&(struct type){ .size = sizeof(struct type), __VA_ARGS__ })

#else

extern "C++" {
template <typename Opts> struct devmem_opts_of {
	Opts opts;

	template <typename Set> explicit devmem_opts_of(const Set &set) : opts()
	{
		opts.size = sizeof(opts);
		set(opts);
	}
	const Opts *get() const { return &opts; }
};
}

#define DEVMEM_OPTS(type, ...) (devmem_opts_of<type>([&](type &devmem_o) { DEVMEM_OPTS_SET(__VA_ARGS__) }).get())

/* Each of up to twelve ".member = value": the object's name goes before it. */
#define DEVMEM_OPTS_SET(...) \
	DEVMEM_OPTS_PICK(__VA_ARGS__, DEVMEM_OPTS_12, DEVMEM_OPTS_11, DEVMEM_OPTS_10, DEVMEM_OPTS_9, DEVMEM_OPTS_8, \
			 DEVMEM_OPTS_7, DEVMEM_OPTS_6, DEVMEM_OPTS_5, DEVMEM_OPTS_4, DEVMEM_OPTS_3, DEVMEM_OPTS_2, \
			 DEVMEM_OPTS_1, 0)(__VA_ARGS__)
#define DEVMEM_OPTS_PICK(a, b, c, d, e, f, g, h, i, j, k, l, set, ...) set
#define DEVMEM_OPTS_1(a) static_cast<void>(devmem_o a);
#define DEVMEM_OPTS_2(a, ...) DEVMEM_OPTS_1(a) DEVMEM_OPTS_1(__VA_ARGS__)
#define DEVMEM_OPTS_3(a, ...) DEVMEM_OPTS_1(a) DEVMEM_OPTS_2(__VA_ARGS__)
#define DEVMEM_OPTS_4(a, ...) DEVMEM_OPTS_1(a) DEVMEM_OPTS_3(__VA_ARGS__)
#define DEVMEM_OPTS_5(a, ...) DEVMEM_OPTS_1(a) DEVMEM_OPTS_4(__VA_ARGS__)
#define DEVMEM_OPTS_6(a, ...) DEVMEM_OPTS_1(a) DEVMEM_OPTS_5(__VA_ARGS__)
#define DEVMEM_OPTS_7(a, ...) DEVMEM_OPTS_1(a) DEVMEM_OPTS_6(__VA_ARGS__)
#define DEVMEM_OPTS_8(a, ...) DEVMEM_OPTS_1(a) DEVMEM_OPTS_7(__VA_ARGS__)
#define DEVMEM_OPTS_9(a, ...) DEVMEM_OPTS_1(a) DEVMEM_OPTS_8(__VA_ARGS__)
#define DEVMEM_OPTS_10(a, ...) DEVMEM_OPTS_1(a) DEVMEM_OPTS_9(__VA_ARGS__)
#define DEVMEM_OPTS_11(a, ...) DEVMEM_OPTS_1(a) DEVMEM_OPTS_10(__VA_ARGS__)
#define DEVMEM_OPTS_12(a, ...) DEVMEM_OPTS_1(a) DEVMEM_OPTS_11(__VA_ARGS__)

#endif

#endif /* DEVMEM_OPTS_H */
