/* SPDX-License-Identifier: MIT */
/*
 * DEVMEM_OPTS: makes an options structure, with its size filled in, for one call; in C and in C++.
 * Part of devmem.h.
 *
 *   devmem_bind_rx(nic, buffer,
 *                  DEVMEM_OPTS(devmem_bind_opts, .queues = 4, .engine = "devmem"), &binding);
 *
 * In C the structure lives as long as the block that encloses it, in C++ until the end of the
 * statement. C++ has designated initializers only from C++20 on and only in the order of the
 * members, and compilers warn about members that are left out. So in C++ the macro assigns each
 * value instead: that works from C++11 on and in any order. As in any macro, a value that contains
 * a comma needs parentheses.
 */
#ifndef DEVMEM_OPTS_H
#define DEVMEM_OPTS_H

#include <stddef.h>

#ifndef __cplusplus

/* ISO C requires an argument for "...", and there may be no members: so the type is part of "...",
 * as its first argument. */
#define DEVMEM_OPTS(...)                             \
	(&(struct DEVMEM_OPTS_TYPE(__VA_ARGS__, 0)){ \
		DEVMEM_OPTS_MEMBERS(__VA_ARGS__,     \
				    .size = sizeof(struct DEVMEM_OPTS_TYPE(__VA_ARGS__, 0))) })
#define DEVMEM_OPTS_TYPE(type, ...)    type
#define DEVMEM_OPTS_MEMBERS(type, ...) __VA_ARGS__

#else

/*
 * Members are assigned by an expression, which may stand anywhere. A lambda would be shorter, but
 * it may not capture everything at namespace scope, nor structured bindings before C++20. An
 * expression cannot name a temporary, so each thread remembers the structure that it is filling in.
 * Its values may contain DEVMEM_OPTS too: those structures are begun and ended in between, like a
 * stack.
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

/* The type, and up to twelve ".member = value": each is appended to the structure's name. */
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
