/* SPDX-License-Identifier: MIT */
/*
 * DEVMEM_OPTS: an options structure with its size filled in, for one call, in C and in C++. Part of
 * devmem.h.
 *
 *   devmem_bind_rx(nic, buffer, DEVMEM_OPTS(devmem_bind_opts, .queues = 4, .engine = "devmem"),
 *   &binding);
 *
 * In C it lives as long as the block that it stands in, in C++ until the end of the statement. C++
 * has had such initializers from C++20 on, in the order of the members alone, and compilers warn of
 * those that are not there: so what is given is assigned, from C++11 on and in any order. As in any
 * macro, a value with a comma in it wants parentheses.
 */
#ifndef DEVMEM_OPTS_H
#define DEVMEM_OPTS_H

#include <stddef.h>

#ifndef __cplusplus

/* ISO C wants an argument for "...", and there may be no members: so the type is the first of
 * them. */
#define DEVMEM_OPTS(...)                             \
	(&(struct DEVMEM_OPTS_TYPE(__VA_ARGS__, 0)){ \
		DEVMEM_OPTS_MEMBERS(__VA_ARGS__,     \
				    .size = sizeof(struct DEVMEM_OPTS_TYPE(__VA_ARGS__, 0))) })
#define DEVMEM_OPTS_TYPE(type, ...)    type
#define DEVMEM_OPTS_MEMBERS(type, ...) __VA_ARGS__

#else

/*
 * Members are assigned by an expression, which may stand anywhere. A lambda would be shorter, but
 * may not capture everything at namespace scope, nor structured bindings before C++20. An
 * expression cannot name a temporary: so each thread remembers the one that it is filling in. Those
 * that are made for one of its values come and go meanwhile.
 */
extern "C++" {
template <typename Opts> class devmem_opts_of
{
	Opts opts;
	devmem_opts_of *outer;

	static devmem_opts_of *&current()
	{
		static thread_local devmem_opts_of *innermost;

		return innermost;
	}

      public:
	devmem_opts_of() : opts(), outer()
	{
		opts.size = sizeof(opts);
	}
	static void begin(devmem_opts_of &&temporary)
	{
		temporary.outer = current();
		current() = &temporary;
	}
	static Opts &now()
	{
		return current()->opts;
	}
	static const Opts *end()
	{
		devmem_opts_of *done = current();

		current() = done->outer;
		return &done->opts;
	}
};
}

/* The type, and up to twelve ".member = value": the object's name goes before each. */
#define DEVMEM_OPTS(...)                                                               \
	(DEVMEM_OPTS_BEGIN(__VA_ARGS__, 0),                                            \
	 DEVMEM_OPTS_PICK(__VA_ARGS__, DEVMEM_OPTS_12, DEVMEM_OPTS_11, DEVMEM_OPTS_10, \
			  DEVMEM_OPTS_9, DEVMEM_OPTS_8, DEVMEM_OPTS_7, DEVMEM_OPTS_6,  \
			  DEVMEM_OPTS_5, DEVMEM_OPTS_4, DEVMEM_OPTS_3, DEVMEM_OPTS_2,  \
			  DEVMEM_OPTS_1, DEVMEM_OPTS_0, 0)(__VA_ARGS__),               \
	 DEVMEM_OPTS_END(__VA_ARGS__, 0))
#define DEVMEM_OPTS_PICK(type, a, b, c, d, e, f, g, h, i, j, k, l, choice, ...) choice

#define DEVMEM_OPTS_BEGIN(type, ...) devmem_opts_of<type>::begin(devmem_opts_of<type>())
#define DEVMEM_OPTS_END(type, ...)   devmem_opts_of<type>::end()
#define DEVMEM_OPTS_0(type)	     static_cast<void>(0)
#define DEVMEM_OPTS_1(type, a)	     static_cast<void>(devmem_opts_of<type>::now() a)
#define DEVMEM_OPTS_2(type, a, ...)  DEVMEM_OPTS_1(type, a), DEVMEM_OPTS_1(type, __VA_ARGS__)
#define DEVMEM_OPTS_3(type, a, ...)  DEVMEM_OPTS_1(type, a), DEVMEM_OPTS_2(type, __VA_ARGS__)
#define DEVMEM_OPTS_4(type, a, ...)  DEVMEM_OPTS_1(type, a), DEVMEM_OPTS_3(type, __VA_ARGS__)
#define DEVMEM_OPTS_5(type, a, ...)  DEVMEM_OPTS_1(type, a), DEVMEM_OPTS_4(type, __VA_ARGS__)
#define DEVMEM_OPTS_6(type, a, ...)  DEVMEM_OPTS_1(type, a), DEVMEM_OPTS_5(type, __VA_ARGS__)
#define DEVMEM_OPTS_7(type, a, ...)  DEVMEM_OPTS_1(type, a), DEVMEM_OPTS_6(type, __VA_ARGS__)
#define DEVMEM_OPTS_8(type, a, ...)  DEVMEM_OPTS_1(type, a), DEVMEM_OPTS_7(type, __VA_ARGS__)
#define DEVMEM_OPTS_9(type, a, ...)  DEVMEM_OPTS_1(type, a), DEVMEM_OPTS_8(type, __VA_ARGS__)
#define DEVMEM_OPTS_10(type, a, ...) DEVMEM_OPTS_1(type, a), DEVMEM_OPTS_9(type, __VA_ARGS__)
#define DEVMEM_OPTS_11(type, a, ...) DEVMEM_OPTS_1(type, a), DEVMEM_OPTS_10(type, __VA_ARGS__)
#define DEVMEM_OPTS_12(type, a, ...) DEVMEM_OPTS_1(type, a), DEVMEM_OPTS_11(type, __VA_ARGS__)

#endif

#endif /* DEVMEM_OPTS_H */
