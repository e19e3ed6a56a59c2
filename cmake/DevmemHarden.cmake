# SPDX-License-Identifier: MIT
# What makes a memory error harder to exploit, in every build but a debug or a sanitized one, as far as the compiler has it:
# full RELRO with BIND_NOW, stack protector and stack clash protection, FORTIFY, and protection of the control flow (CET on
# x86-64, BTI and PAC on arm64). tests/install.sh looks for each in the installed files.
if(NOT DEVMEM_HARDEN OR DEVMEM_SANITIZE OR DEVMEM_FUZZ OR CMAKE_BUILD_TYPE STREQUAL "Debug")
	return()
endif()

include(CheckCCompilerFlag)
include(CheckLinkerFlag)

set(CMAKE_REQUIRED_FLAGS -Werror)	# clang only warns of what is another processor's
foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
	string(MAKE_C_IDENTIFIER "DEVMEM_HAS${flag}" known)
	check_c_compiler_flag(${flag} ${known})
	if(${known})
		add_compile_options($<$<COMPILE_LANGUAGE:C>:${flag}>)
	endif()
endforeach()
unset(CMAKE_REQUIRED_FLAGS)
foreach(flag relro now)
	check_linker_flag(C -Wl,-z,${flag} DEVMEM_HAS_Z_${flag})
	if(DEVMEM_HAS_Z_${flag})
		add_link_options(LINKER:-z,${flag})
	endif()
endforeach()
# A distribution may have chosen a higher level.
if(NOT CMAKE_C_FLAGS MATCHES "_FORTIFY_SOURCE")
	add_compile_options($<$<COMPILE_LANGUAGE:C>:-U_FORTIFY_SOURCE> $<$<COMPILE_LANGUAGE:C>:-D_FORTIFY_SOURCE=2>)
endif()
