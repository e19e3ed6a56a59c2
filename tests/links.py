#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every relative link in the tree's Markdown leads to a file that is there, and to a heading in it if it names one.

  links.py FILE...   the pages, from the top of the tree; and sees that bad links would be noticed
"""
import re
import sys
import tempfile
from pathlib import Path

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def without_code(text):
    """Blocks and spans are no links, but lines stay where they are."""
    text = re.sub(r"^(```|~~~).*?^\1", lambda m: "\n" * m[0].count("\n"), text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(text):
    """Of headings, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading).lower()).strip()
        anchor, n = words.replace(" ", "-"), 0
        while anchor + (f"-{n}" if n else "") in found:
            n += 1
        found.add(anchor + (f"-{n}" if n else ""))
    return found


def problems(page):
    for number, line in enumerate(without_code(page.read_text()).splitlines(), 1):
        for link in LINK.findall(line):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            if not target.exists():
                yield f"{page}:{number}: {link}: there is no such file"
            elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text()):
                yield f"{page}:{number}: {link}: there is no such heading"


def unnoticed():
    """Which of these are judged wrongly."""
    cases = {
        "[a](other.md)": 0, "[a](other.md#two-words)": 0, "![a](other.md)": 0, "[a](#here)": 0, "`[a](none.md)`": 0,
        "[a](https://example.org/none.md)": 0, "[a](other.md#two-words-1)": 0, "```\n[a](none.md)\n```": 0,
        "[a](none.md)": 1, "![a](none.svg)": 1, "[a](other.md#no-words)": 1, "[a](#two-words)": 1, "[a](none.md), [b](none.c)": 2,
    }
    with tempfile.TemporaryDirectory() as folder:
        page, other = Path(folder, "page.md"), Path(folder, "other.md")
        other.write_text("# Two `words`\n\n## Two words\n")
        for text, count in cases.items():
            page.write_text(f"# Here\n\n{text}\n")
            if len(list(problems(page))) != count:
                yield f"judged wrongly: {text}"


def main(pages):
    if len(pages) < 5:
        print("no pages to look at")
        return 1
    wrong = [problem for page in pages for problem in problems(Path(page))] or list(unnoticed())
    print(*wrong or [f"{len(pages)} pages"], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
