# SPDX-License-Identifier: MIT
# The target docs: an HTML site of pages and manual pages in the build folder's site/. It is not a part of all.
find_program(DEVMEM_CMARK cmark-gfm)
find_program(DEVMEM_MANDOC mandoc)
find_package(Python3 3.9 COMPONENTS Interpreter QUIET)
mark_as_advanced(DEVMEM_CMARK DEVMEM_MANDOC)
if(DEVMEM_CMARK AND DEVMEM_MANDOC AND Python3_FOUND)
	add_custom_target(docs VERBATIM COMMENT "Making the site"
		COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_SOURCE_DIR}/docs/site/build.py ${CMAKE_CURRENT_BINARY_DIR}/site
			${DEVMEM_CMARK} ${DEVMEM_MANDOC})
else()
	add_custom_target(docs VERBATIM
		COMMAND ${CMAKE_COMMAND} -E echo "docs: needs python3, cmark-gfm and mandoc (Debian: packages of these names)"
		COMMAND ${CMAKE_COMMAND} -E false)
endif()
