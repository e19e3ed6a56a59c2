# SPDX-License-Identifier: MIT
# cpack runs this on what is about to be packed: Debian wants manual pages compressed, and a changelog in each package.
file(GLOB_RECURSE pages ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*.1 ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*.3
	${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*.7)
list(FILTER pages INCLUDE REGEX "/man[137]/[^/]*$")	# and no library
file(GLOB_RECURSE copyrights ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/copyright)
if(NOT pages OR NOT copyrights)
	message(FATAL_ERROR "no manual pages, or no licences, in ${CPACK_TEMPORARY_INSTALL_DIRECTORY}")
endif()
set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(changelogs)
foreach(copyright IN LISTS copyrights)
	cmake_path(REPLACE_FILENAME copyright changelog.Debian OUTPUT_VARIABLE changelog)
	file(WRITE ${changelog} "devmem (${version}) unstable; urgency=medium\n\n  * libdevmem ${CPACK_PACKAGE_VERSION}, packed by cpack.\n\n"
		" -- ${CPACK_PACKAGE_CONTACT}  ${date}\n")
	list(APPEND changelogs ${changelog})
endforeach()
execute_process(COMMAND gzip -9nf ${pages} ${changelogs} COMMAND_ERROR_IS_FATAL ANY)
