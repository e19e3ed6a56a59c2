// SPDX-License-Identifier: MIT
/* Completions for shells, made from the tables of verbs and options. The build runs this. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"

/* ----------------------------------------------------------------------------------------- bash */

static void bash_words(const struct ctl_verb *verb)
{
	for (const char *letter = verb->letters; *letter; letter++)
		printf("--%s ", ctl_option(*letter)->name);
	printf("--help");
}

static void bash_verb(const struct ctl_verb *verb)
{
	printf("\t%s)\n\t\twords='", verb->name);
	bash_words(verb);
	printf("'\n%s\t\t;;\n", verb->no_interface ? "" : "\t\tinterfaces=1\n");
}

/* An option's values. An option means the same with each verb. */
static void bash_values(const struct ctl_option *o)
{
	if (!o->value)
		return;
	printf("\t-%c | --%s)\n", o->letter, o->name);
	if (o->values && !strcmp(o->values, CTL_FOLDERS))
		printf("\t\tcompopt -o filenames 2>/dev/null || :\n"
		       "\t\tmapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n");
	else if (o->values)
		printf("\t\tmapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\")\n", o->values);
	printf("\t\treturn\n\t\t;;\n");
}

/* Names of interfaces are chosen by others: they are quoted, and no shell expands them. */
static const char bash_begin[] = "# bash completion for devmemctl(1), made by \"devmemctl "
				 "completion bash\"\n"
				 "_devmemctl_interfaces() {\n"
				 "\tlocal path name\n"
				 "\tfor path in /sys/class/net/*/ifindex; do\n"
				 "\t\tname=${path%/ifindex} name=${name##*/}\n"
				 "\t\t[[ $name != \"$1\"* ]] || COMPREPLY+=(\"$(printf %q "
				 "\"$name\")\")\n"
				 "\tdone\n"
				 "}\n\n"
				 "_devmemctl() {\n"
				 "\tlocal cur=${COMP_WORDS[COMP_CWORD]} "
				 "prev=${COMP_WORDS[COMP_CWORD - 1]} words= interfaces=\n"
				 "\tCOMPREPLY=()\n"
				 "\tif [[ $cur == = ]]; then\n"
				 "\t\tcur=\n"
				 "\telif [[ $prev == = ]]; then\n"
				 "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
				 "\tfi\n";

static const char bash_end[] = "\tesac\n"
			       "\tif [[ $cur == -* ]]; then\n"
			       "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
			       "\telif [[ $interfaces ]]; then\n"
			       "\t\t_devmemctl_interfaces \"$cur\"\n"
			       "\tfi\n"
			       "}\n"
			       "complete -F _devmemctl devmemctl\n";

static void bash(const struct ctl_verb *const *verbs, size_t n)
{
	bool done[128] = { false };

	fputs(bash_begin, stdout);
	printf("\tif ((COMP_CWORD == 1)); then\n\t\tmapfile -t COMPREPLY < <(compgen -W '");
	for (size_t i = 0; i < n; i++)
		printf("%s ", verbs[i]->name);
	printf("--help --version' -- \"$cur\")\n\t\treturn\n\tfi\n\tcase $prev in\n");
	for (size_t i = 0; i < n; i++)
		for (const char *letter = verbs[i]->letters; *letter; letter++) {
			if (!done[(unsigned char)*letter])
				bash_values(ctl_option(*letter));
			done[(unsigned char)*letter] = true;
		}
	printf("\tesac\n\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; i < n; i++)
		bash_verb(verbs[i]);
	fputs(bash_end, stdout);
}

/* ------------------------------------------------------------------------------------------ zsh */

/* Text inside single quotes, in which _arguments() has brackets and colons of its own. */
static void zsh_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\'", stdout);
		else if (strchr("[]:\\", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void zsh_option(const struct ctl_option *o)
{
	printf(" \\\n\t\t\t'(-%c --%s)'{-%c,--%s%s}'[", o->letter, o->name, o->letter, o->name,
	       o->value ? "=" : "");
	zsh_text(*o->what ? o->what : o->name);
	putchar(']');
	if (o->value && o->values && !strcmp(o->values, CTL_FOLDERS))
		printf(":%s:_files -/", o->value);
	else if (o->value && o->values)
		printf(":%s:(%s)", o->value, o->values);
	else if (o->value)
		printf(":%s: ", o->value);
	putchar('\'');
}

static void zsh_verb(const struct ctl_verb *verb)
{
	printf("\t%s)\n\t\t_arguments -s", verb->name);
	for (const char *letter = verb->letters; *letter; letter++)
		zsh_option(ctl_option(*letter));
	zsh_option(ctl_option('h'));
	if (!verb->no_interface)
		printf(" \\\n\t\t\t'%s:interface:_net_interfaces'",
		       verb->needs_interface ? "1" : "1:");
	printf("\n\t\t;;\n");
}

static void zsh(const struct ctl_verb *const *verbs, size_t n)
{
	printf("#compdef devmemctl\n"
	       "# zsh completion for devmemctl(1), made by \"devmemctl completion zsh\"\n"
	       "_devmemctl() {\n"
	       "\tlocal -a verbs\n"
	       "\tlocal verb=$words[2]\n"
	       "\tverbs=(\n");
	for (size_t i = 0; i < n; i++) {
		printf("\t\t'%s:", verbs[i]->name);
		zsh_text(verbs[i]->what);
		printf("'\n");
	}
	printf("\t\t'--help' '--version'\n"
	       "\t)\n"
	       "\tif ((CURRENT == 2)); then\n"
	       "\t\t_describe -t verbs verb verbs\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tshift words\n"
	       "\t((CURRENT--))\n"
	       "\tcase $verb in\n");
	for (size_t i = 0; i < n; i++)
		zsh_verb(verbs[i]);
	printf("\tesac\n"
	       "}\n"
	       "_devmemctl \"$@\"\n");
}

int ctl_completion(const char *shell, const struct ctl_verb *const *verbs, size_t n)
{
	if (!strcmp(shell, "bash"))
		bash(verbs, n);
	else if (!strcmp(shell, "zsh"))
		zsh(verbs, n);
	else
		return CTL_USAGE;
	return CTL_OK;
}
