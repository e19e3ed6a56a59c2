# SPDX-License-Identifier: MIT
# devmem_installed_page(FROM TO): a page of the tree as it is installed, in TO. Links lead to what is installed beside it; manual
# pages, headers and what only the source has are named instead. tests/install.sh looks for links that lead nowhere.
function(devmem_installed_page from to)
	file(READ ${from} page)
	set(up "(\\.\\./)?")
	# a text that says no more than the link
	string(REGEX REPLACE "\\[man/([^]]*)\\.([137])\\]\\(${up}man/[^)]*\\)" "`\\1(\\2)`" page "${page}")
	string(REGEX REPLACE "\\[devmem[^]]*\\]\\(${up}man/([^)]*)\\.([137])\\)" "`\\2(\\3)`" page "${page}")
	string(REGEX REPLACE "\\[[^] ]*\\.h\\]\\(${up}include/([^)]*)\\)" "`<\\2>`" page "${page}")
	string(REGEX REPLACE "\\[(CONTRIBUTING\\.md|(lab|tools)/README\\.md)\\]\\([^)]*\\)" "`\\1` (in the source)" page "${page}")
	# and any other
	string(REGEX REPLACE "\\[([^]]*)\\]\\(${up}man/([^)]*)\\.([137])\\)" "\\1 (`\\3(\\4)`)" page "${page}")
	string(REGEX REPLACE "\\[([^]]*)\\]\\(${up}include/([^)]*)\\)" "\\1 (`<\\3>`)" page "${page}")
	string(REGEX REPLACE "\\[([^]]*)\\]\\(${up}((CONTRIBUTING\\.md|lab/|tools/)[^)#]*)[^)]*\\)" "\\1 (`\\3` in the source)" page "${page}")
	string(REPLACE "](LICENSES)" "](MIT.txt)" page "${page}")	# where it is installed
	file(WRITE ${to} "${page}")
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${from})
endfunction()
