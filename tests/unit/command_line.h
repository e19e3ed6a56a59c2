/* SPDX-License-Identifier: MIT */
/* A tool's command line, as its parser has it. */
#ifndef COMMAND_LINE_H
#define COMMAND_LINE_H

/*
 * command_line() - calls @parse with @program and the words of @line. What it says of them is for
 * people, and not for the test's output. Returns what it returned; strings that it kept live until
 * the next call.
 */
int command_line(const char *program, const char *line,
		 int (*parse)(int argc, char **argv, void *opt), void *opt);

#endif
