# SPDX-License-Identifier: MIT
# What a builder may choose, and the warnings that every target of ours gets.
option(DEVMEM_WERROR "Treat warnings as errors" OFF)
option(DEVMEM_TOOLS "Build and install devmemctl and its manual pages" ON)
set(DEVMEM_SANITIZE "" CACHE STRING "Sanitizers for everything, as in -fsanitize= (address,undefined)")
set(DEVMEM_UNIT_TESTS AUTO CACHE STRING "Build the unit tests, which need cmocka: AUTO, ON or OFF")

if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)

if(DEVMEM_SANITIZE)
	add_compile_options(-fsanitize=${DEVMEM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
	add_link_options(-fsanitize=${DEVMEM_SANITIZE})
endif()

add_library(devmem_warnings INTERFACE)
target_compile_options(devmem_warnings INTERFACE
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith
	-Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough $<$<BOOL:${DEVMEM_WERROR}>:-Werror>)
