# SPDX-License-Identifier: MIT
# What a builder may choose, and the warnings that every target of ours gets.
option(DEVMEM_WERROR "Treat warnings as errors" OFF)
option(DEVMEM_TOOLS "Build and install devmemctl, devmem-nc, devmem-perf and their manual pages" ON)
option(DEVMEM_DEB "Have cpack make packages for Debian (the preset deb does)" OFF)
set(DEVMEM_MAINTAINER "" CACHE STRING "Whom they name: A Name <address>")
option(DEVMEM_HARDEN "Harden what is built: see cmake/DevmemHarden.cmake" ON)
set(DEVMEM_SANITIZE "" CACHE STRING "Sanitizers for everything, as in -fsanitize= (address,undefined)")
option(DEVMEM_FUZZ "Instrument everything for libFuzzer, and link the fuzz targets with it (clang)" OFF)
set(DEVMEM_UNIT_TESTS AUTO CACHE STRING "Build the unit tests, which need cmocka: AUTO, ON or OFF")
set(DEVMEM_CHECK_CUDA AUTO CACHE STRING "Compare our picture of CUDA's driver with cuda.h: AUTO, ON or OFF")
set(DEVMEM_CHECK_DRM AUTO CACHE STRING "Compare our picture of libdrm with its headers: AUTO, ON or OFF")

if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
add_compile_definitions(_FILE_OFFSET_BITS=64)	# journals have locks beyond what 32 bits hold: internal.h refuses less

if(DEVMEM_SANITIZE)
	add_compile_options(-fsanitize=${DEVMEM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
	add_link_options(-fsanitize=${DEVMEM_SANITIZE})
endif()

# Without the instrumentation libFuzzer is blind: it stops at once, or tries inputs that lead nowhere new.
if(DEVMEM_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
	add_link_options(-fsanitize=fuzzer-no-link)
endif()

include(DevmemHarden)

add_library(devmem_warnings INTERFACE)
target_compile_options(devmem_warnings INTERFACE
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith
	-Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough $<$<BOOL:${DEVMEM_WERROR}>:-Werror>)

function(devmem_compile_check what file headers)
	add_library(devmem_check_${what} OBJECT tests/headers/${file})
	target_include_directories(devmem_check_${what} PRIVATE include src)
	target_include_directories(devmem_check_${what} SYSTEM PRIVATE ${headers})
	target_compile_definitions(devmem_check_${what} PRIVATE _GNU_SOURCE)
	target_link_libraries(devmem_check_${what} PRIVATE devmem_warnings)
endfunction()

# devmem_check(NAME MODULE FILE): compile tests/headers/FILE if pkg-config finds MODULE. FILE compares our declarations of a library
# that we load at run time with that library's own headers. DEVMEM_CHECK_NAME is AUTO, ON or OFF.
function(devmem_check name module file)
	if(DEVMEM_CHECK_${name} STREQUAL "OFF")
		return()
	endif()
	pkg_check_modules(CHECK_${name} ${module})
	if(NOT CHECK_${name}_FOUND)
		if(DEVMEM_CHECK_${name} STREQUAL "ON")
			message(FATAL_ERROR "DEVMEM_CHECK_${name} is ON and the headers of ${module} were not found")
		endif()
		set(DEVMEM_CHECK_${name} "OFF (no headers)" PARENT_SCOPE)
		return()
	endif()
	devmem_compile_check(${module} ${file} "${CHECK_${name}_INCLUDE_DIRS}")
	set(DEVMEM_CHECK_${name} ON PARENT_SCOPE)
endfunction()

# The same with CUDA's toolkit, which pkg-config does not know.
function(devmem_check_cuda)
	if(DEVMEM_CHECK_CUDA STREQUAL "OFF")
		return()
	endif()
	find_path(DEVMEM_CUDA_INCLUDE cudaTypedefs.h PATHS /usr/local/cuda/include NO_DEFAULT_PATH)
	find_path(DEVMEM_CUDA_INCLUDE cudaTypedefs.h)
	mark_as_advanced(DEVMEM_CUDA_INCLUDE)
	if(NOT DEVMEM_CUDA_INCLUDE)
		if(DEVMEM_CHECK_CUDA STREQUAL "ON")
			message(FATAL_ERROR "DEVMEM_CHECK_CUDA is ON and cuda.h was not found: DEVMEM_CUDA_INCLUDE says where it is")
		endif()
		set(DEVMEM_CHECK_CUDA "OFF (no headers)" PARENT_SCOPE)
		return()
	endif()
	devmem_compile_check(cuda cuda_check.c ${DEVMEM_CUDA_INCLUDE})
	set(DEVMEM_CHECK_CUDA ON PARENT_SCOPE)
endfunction()
