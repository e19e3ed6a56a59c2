// SPDX-License-Identifier: MIT
/* devmemctl: checks whether a machine is ready for device memory, shows what is bound, plans
 * buffers, lists backends and features, and restores what a crash left changed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/internal.h"

#include "ctl.h"
#include "out.h"
#include "suggest.h"

static const struct ctl_verb *const verbs[] = {
	&ctl_doctor, &ctl_show, &ctl_plan, &ctl_backends, &ctl_features, &ctl_restore,
};

static int usage(void)
{
	printf("usage: devmemctl VERB [ARGUMENT]...\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		printf("  %-10s %s\n", verbs[i]->name, verbs[i]->what);
	printf("\n\"devmemctl VERB --help\" lists the options; \"man devmemctl-VERB\" has the "
	       "details.\n"
	       "  -h, --help\n  -V, --version\n");
	return CTL_OK;
}

int ctl_failed(int err)
{
	fprintf(stderr, "devmemctl: ");
	out_text(stderr, devmem_error());
	fprintf(stderr, "\n");
	return err == -ENODEV ? CTL_USAGE : CTL_NO;
}

static int version(void)
{
	printf("devmemctl %s\n", devmem_version());
	return CTL_OK;
}

static int run_verb(const struct ctl_verb *verb, int argc, char **argv)
{
	struct ctl_options opt;
	bool help;
	int status = ctl_parse(verb, argc, argv, &opt, &help);

	if (status)
		return status;
	if (!help)
		return verb->run(&opt);
	ctl_help(verb);
	return CTL_OK;
}

static int completion(const char *shell)
{
	int status = ctl_completion(shell, verbs, ARRAY_SIZE(verbs));

	if (status)
		fprintf(stderr, "devmemctl: completions are for bash and zsh\n");
	return status;
}

static int not_a_verb(const char *word)
{
	const char *names[ARRAY_SIZE(verbs)], *similar;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		names[i] = verbs[i]->name;
	similar = suggest(word, names, ARRAY_SIZE(verbs));
	fprintf(stderr, "devmemctl: ");
	out_text(stderr, *word ? word : "the verb");
	if (similar)
		fprintf(stderr, " is not a verb: did you mean \"devmemctl %s\"?\n", similar);
	else
		fprintf(stderr, " is %s: see \"devmemctl --help\"\n",
			*word ? "not a verb" : "missing");
	return CTL_USAGE;
}

static int run(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (!strcmp(word, "-h") || !strcmp(word, "--help"))
		return usage();
	if (!strcmp(word, "-V") || !strcmp(word, "--version"))
		return version();
	/* for the build, so it is not in --help */
	if (!strcmp(word, "completion") && argc == 3)
		return completion(argv[2]);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(word, verbs[i]->name))
			return run_verb(verbs[i], argc - 1, argv + 1);
	return not_a_verb(word);
}

int main(int argc, char **argv)
{
	return out_finish(run(argc, argv), CTL_NO);
}
