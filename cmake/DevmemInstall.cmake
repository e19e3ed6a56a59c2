# SPDX-License-Identifier: MIT
# What is installed, apart from tools and their pages (tools/CMakeLists.txt). Nothing in it knows where it was built, or the
# prefix: the tree can be moved. No program or library has an RPATH: outside of the loader's folders it takes ldconfig, or
# LD_LIBRARY_PATH. Components: runtime (the shared library), dev, tools.
include(CMakePackageConfigHelpers)
set(DEVMEM_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/devmem)
set(DEVMEM_EXAMPLES_DIR ${CMAKE_INSTALL_DOCDIR}/examples)

install(TARGETS devmem EXPORT devmemTargets
	LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev
	INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS devmem_static EXPORT devmemStaticTargets
	ARCHIVE COMPONENT dev
	INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES include/devmem/devmem.h include/devmem/opts.h include/devmem/admin.h include/devmem/backend.h
	include/devmem/cuda.h include/devmem/drm.h
	DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/devmem COMPONENT dev)

# Manual pages. Whatever else a page has in NAME is found by a page of one line, which leads to it.
file(GLOB DEVMEM_PAGES CONFIGURE_DEPENDS man/*.3)
set(DEVMEM_ALIASES ${CMAKE_CURRENT_BINARY_DIR}/man3)
file(REMOVE_RECURSE ${DEVMEM_ALIASES})
foreach(page IN LISTS DEVMEM_PAGES)
	cmake_path(GET page STEM of)
	file(STRINGS ${page} names REGEX "^\\.Nm ")
	list(TRANSFORM names REPLACE "^\\.Nm ([A-Za-z0-9_]+).*" "\\1")
	list(REMOVE_ITEM names ${of})
	foreach(name IN LISTS names)
		file(WRITE ${DEVMEM_ALIASES}/${name}.3 ".so man3/${of}.3\n")
	endforeach()
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${DEVMEM_PAGES})
install(FILES ${DEVMEM_PAGES} DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT dev)
install(DIRECTORY ${DEVMEM_ALIASES}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT dev)
install(FILES man/devmem.7 DESTINATION ${CMAKE_INSTALL_MANDIR}/man7 COMPONENT dev)

# pkg-config: relative to the file itself. A folder that was given as absolute stays that.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} OR IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
	set(DEVMEM_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
	set(DEVMEM_PC_LIBDIR ${CMAKE_INSTALL_FULL_LIBDIR})
	set(DEVMEM_PC_INCLUDEDIR ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
	file(RELATIVE_PATH DEVMEM_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
	string(REGEX REPLACE "/$" "" DEVMEM_PC_PREFIX "\${pcfiledir}/${DEVMEM_PC_PREFIX}")
	set(DEVMEM_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
	set(DEVMEM_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(pkgconfig/devmem.pc.in devmem.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/devmem.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)

# find_package(devmem). Each minor version of 0 may break what is older.
configure_file(cmake/devmemConfig.cmake.in devmemConfig.cmake @ONLY)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/devmemConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/devmemConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/devmemConfigVersion.cmake
	DESTINATION ${DEVMEM_CMAKE_DIR} COMPONENT dev)
install(EXPORT devmemTargets NAMESPACE devmem:: DESTINATION ${DEVMEM_CMAKE_DIR} COMPONENT dev)
install(EXPORT devmemStaticTargets NAMESPACE devmem:: DESTINATION ${DEVMEM_CMAKE_DIR} COMPONENT dev)

install(DIRECTORY examples/ DESTINATION ${DEVMEM_EXAMPLES_DIR} COMPONENT dev
	FILES_MATCHING PATTERN *.c PATTERN *.cpp PATTERN *.cu PATTERN *.ptx PATTERN *.h PATTERN CMakeLists.txt PATTERN Makefile PATTERN *.service)
# Beside README.md as in the tree, so that links between pages lead on.
include(cmake/DevmemPages.cmake)
set(DEVMEM_DOCS ${CMAKE_CURRENT_BINARY_DIR}/pages)
file(GLOB pages RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS docs/*.md)
file(REMOVE_RECURSE ${DEVMEM_DOCS})
foreach(page IN LISTS pages ITEMS README.md NEWS.md SECURITY.md)
	devmem_installed_page(${CMAKE_CURRENT_SOURCE_DIR}/${page} ${DEVMEM_DOCS}/${page})
endforeach()
install(DIRECTORY ${DEVMEM_DOCS}/ DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs COMPONENT dev FILES_MATCHING PATTERN *.svg PATTERN site EXCLUDE)
install(FILES LICENSES/MIT.txt DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev)
