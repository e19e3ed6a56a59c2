# SPDX-License-Identifier: MIT
# completion.zsh FOLDER: types into a zsh that has the folder's completions, and looks at what that makes of it.
zmodload zsh/zpty

# becomes TYPED WANTED
becomes() {
	local seen
	zpty -w type "$1"$'\t'
	zpty -r -m type seen "*$2*" || { print "\"$1\" does not become \"$2\": $seen"; exit 1; }
	zpty -w -n type $'\C-u'
}

zpty type zsh -f -i
zpty -w type "PS1= TERM=dumb; fpath=('$1' \$fpath); autoload -Uz compinit; compinit -u -D; unsetopt prompt_cr prompt_sp; print re''ady"
zpty -r -m type seen '*ready*' || exit 1
becomes 'devmemctl doc' 'devmemctl doctor '
becomes 'devmemctl doctor --bac' '--backend='
becomes 'devmemctl doctor --backend dma' 'dma-heap '
becomes 'devmemctl plan --conn' '--connections='
becomes 'devmemctl feat' 'devmemctl features '
zpty -d type
