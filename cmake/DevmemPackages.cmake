# SPDX-License-Identifier: MIT
# Debian packages, for those who want some of their own: libdevmem0, libdevmem-dev, devmem-tools. What they depend on is found by
# dpkg-shlibdeps.
if(NOT DEVMEM_MAINTAINER)
	message(FATAL_ERROR "DEVMEM_DEB is ON: packages name who made them, -DDEVMEM_MAINTAINER=\"A Name <address>\"")
endif()
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "${DEVMEM_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")	# each package has its own
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/cmake/DevmemPackagesDocs.cmake)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime dev tools)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 0cpack1)	# older than what Debian itself may make of this version, -1
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# Of the same version: devmemctl has more of the library in it than the interface.
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_COMPONENT_DEV_DEPENDS runtime)
set(CPACK_COMPONENT_TOOLS_DEPENDS runtime)

# devmem_package(COMPONENT NAME SECTION SUMMARY TEXT): with its licence where Debian has it. TEXT is what all of them say, and this.
set(DEVMEM_PACKAGES_ABOUT
	"libdevmem is a C library for Linux device-memory TCP: a NIC writes the\n"
	"payload of connections straight into a dma-buf, of a GPU for instance, and\n"
	"sends from there. Where a machine cannot do that, bytes are copied.\n\n")
function(devmem_package component name section summary)
	string(TOUPPER ${component} upper)
	string(CONCAT text "${summary}\n" ${DEVMEM_PACKAGES_ABOUT} ${ARGN})
	install(FILES LICENSES/MIT.txt DESTINATION share/doc/${name} RENAME copyright COMPONENT ${component})
	set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
	set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section} PARENT_SCOPE)
	set(CPACK_COMPONENT_${upper}_DESCRIPTION "${text}" PARENT_SCOPE)
endfunction()
devmem_package(runtime libdevmem${PROJECT_VERSION_MAJOR} libs "Linux device-memory TCP: shared library"
	"This package has the shared library, which programs are linked with.\n")
devmem_package(dev libdevmem-dev libdevel "Linux device-memory TCP: headers, static library and examples"
	"This package has what programs are built with: headers, the static library,\n"
	"files for pkg-config and CMake, manual pages, and examples as source.\n")
devmem_package(tools devmem-tools net "Linux device-memory TCP: tools"
	"This package has devmemctl, which says what is in the way of it on a\n"
	"machine and what to do, devmem-nc, a netcat over device memory, and\n"
	"devmem-perf, which measures it between two machines.\n")

# The loader's cache by a trigger, as Debian wants it. cpack up to 3.31 at least adds scripts that do it once more, unless there are
# some already: it is told of two that are not there, and warns that it leaves them out. [CPackDeb.cmake, cmCPackDebGenerator.cxx]
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_BINARY_DIR}/triggers
	${CMAKE_CURRENT_BINARY_DIR}/missing-on-purpose/postinst ${CMAKE_CURRENT_BINARY_DIR}/missing-on-purpose/postrm)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_CURRENT_BINARY_DIR})
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "liburing-dev (>= ${DEVMEM_LIBURING_MIN}), libnl-genl-3-dev (>= ${DEVMEM_LIBNL_MIN})")
include(CPack)
