# SPDX-License-Identifier: MIT
# Debian packages, for those who want some of their own: libdevmem0, libdevmem-dev, devmem-tools. What they depend on is found by
# dpkg-shlibdeps.
if(NOT DEVMEM_MAINTAINER)
	message(FATAL_ERROR "DEVMEM_DEB is ON: packages name who made them, -DDEVMEM_MAINTAINER=\"A Name <address>\"")
endif()
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "${DEVMEM_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/cmake/DevmemPackagesDocs.cmake)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime dev tools)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# Of the same version: devmemctl has more of the library in it than the interface.
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_COMPONENT_DEV_DEPENDS runtime)
set(CPACK_COMPONENT_TOOLS_DEPENDS runtime)

# devmem_package(COMPONENT NAME SECTION SENTENCE): with its licence where Debian has it.
function(devmem_package component name section sentence)
	string(TOUPPER ${component} upper)
	install(FILES LICENSES/MIT.txt DESTINATION share/doc/${name} RENAME copyright COMPONENT ${component})
	set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
	set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section} PARENT_SCOPE)
	set(CPACK_COMPONENT_${upper}_DESCRIPTION "${sentence}" PARENT_SCOPE)
endfunction()
devmem_package(runtime libdevmem${PROJECT_VERSION_MAJOR} libs "the shared library")
devmem_package(dev libdevmem-dev libdevel "headers, the static library, manual pages and examples")
devmem_package(tools devmem-tools net "devmemctl, devmem-nc and devmem-perf")

# The loader's cache by a trigger, as Debian wants it. (cpack 3.25 adds scripts that do it once more.)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_BINARY_DIR}/triggers)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_CURRENT_BINARY_DIR})
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "liburing-dev (>= ${DEVMEM_LIBURING_LEAST}), libnl-genl-3-dev (>= ${DEVMEM_LIBNL_LEAST})")
include(CPack)
