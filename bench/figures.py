#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Puts figures into pages: between "<!-- bench FILE: TABLE -->" and "<!-- end -->" stands that table of what
"scripts/bench --json FILE" wrote, "how" is the command and the kernel; nobody writes them by hand.

figures.py [--check] PAGE...: with --check nothing is changed, and status 1 says that a page is not what it should be.
"""
import difflib
import json
import os
import re
import sys

from markdown import padded

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MARKED = re.compile(r"(<!-- bench (\S+): ([^>]*?) -->\n).*?(<!-- end -->)", re.S)


def how(figures):
    run = figures["run"]
    rounds = f"{run['rounds']} rounds: medians, and between which values all lie" if run["rounds"] > 1 else "one round"
    return f"`{figures['command']}` made these figures, in the lab with kernel {run['kernel']}, {rounds}.\n"


def table(figures, name):
    found = figures["tables"][name]
    return "\n".join(padded(found["rows"])) + "\n" + ("\n" + found["note"] + "\n" if found["note"] else "")


def filled(page):
    with open(page, encoding="utf-8") as lines:
        text = lines.read()

    def part(match):
        begin, path, name, end = match.groups()
        with open(os.path.join(TOP, path), encoding="utf-8") as lines:
            figures = json.load(lines)
        return begin + (how(figures) if name == "how" else table(figures, name)) + end

    done, n = MARKED.subn(part, text)
    if not n:
        sys.exit(f"{page}: nothing is marked")
    return text, done


def main():
    check, pages = sys.argv[1:2] == ["--check"], [a for a in sys.argv[1:] if a != "--check"]
    if not pages:
        sys.exit(__doc__)
    status = 0
    for page in pages:
        text, done = filled(page)
        if check and text != done:
            sys.stdout.writelines(difflib.unified_diff(text.splitlines(True), done.splitlines(True), page, "as measured"))
            status = 1
        elif text != done:
            with open(page, "w", encoding="utf-8") as out:
                out.write(done)
    return status


sys.exit(main())
