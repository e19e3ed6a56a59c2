#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""map.py <FILES: the list of files in CONTRIBUTING.md ("Where things live") and the tree, whose files are given, say the same.

- Every file of src/, tools/, examples/ and tests/ is covered by a line, but for CMakeLists.txt. A folder covers all that is in it.
- A room of src/ is described by the first sentence of its main header, the one that begins with "Room NAME: ". backends has no
  header that all of its files share: memory.h says what it is.
- No line names what is not there: neither the paths that it begins with, nor other files of their folders among its words.

After that the check is checked: on lists that were damaged it must report.
"""
import fnmatch
import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
FOLDERS = ("src/", "tools/", "examples/", "tests/")
LIST = re.compile(r"## Where things live\n\n```\n(.*?)```", re.S)
NAME = re.compile(r"[\w*./-]+\.(?:\[ch\]|[ch]|py|sh|json|svg|map|ptx|sed)(?!\w)|[\w*-]+(?:/[\w*-]+)*/(?![^\s:,;)])")


def lines(text):
    """What is indented goes on with the line before it."""
    return re.sub(r"\n +", " ", LIST.search(text)[1]).splitlines()


def names(line):
    """Patterns for fnmatch, each with the folder that the line begins with, unless it has its own."""
    first = line.split()[0]
    folder = first if first.endswith("/") else first.rpartition("/")[0] + "/"
    for name in [first] + NAME.findall(line[len(first):]):
        name += "*" if name.endswith("/") else ""
        yield [name] if name.startswith(folder) else [folder + name, name]


def headers(files):
    """The text of each header in src/."""
    for file in files:
        if re.fullmatch(r"src/.*\.h", file):
            with open(os.path.join(TOP, file), encoding="utf-8") as header:
                yield file, header.read()


def rooms(texts):
    """Of each room: the header that says what it is, and what that says, as one line without its full stop."""
    found = {}
    for file, text in texts:
        said = re.match(r"/\* SPDX.*\n/\*\s+(?:\* )?Room (\w+): (.*?)\.(?=\s)", text, re.S)
        if said:
            found[said[1]] = file, re.sub(r"\s*\n \*\s*", " ", said[2])
    return found


def undescribed(text, described, files):
    """Complaints about rooms without a sentence, and about lines that say something else than the header."""
    begins = {line.split()[0]: line.split(None, 1)[1] for line in lines(text)}
    for room in sorted({file.split("/")[1] for file in files if re.fullmatch(r"src/\w+/.*", file)} - {"backends"}):
        if room not in described:
            yield f'no header of src/{room}/ begins with "Room {room}: "'
    for room, (file, said) in described.items():
        if not begins.get(f"src/{room}/", "").lower().startswith(said.lower()):
            yield f'CONTRIBUTING.md: the line of src/{room}/ does not begin as {file} says: "{said}"'


def check(text, files, described=None):
    complaints, covered = [], set()
    if described is not None:
        complaints += undescribed(text, described, files)
    for line in lines(text):
        for patterns in names(line):
            found = next(filter(None, (fnmatch.filter(files, pattern) for pattern in patterns)), [])
            covered.update(found)
            if not found:
                complaints.append(f"CONTRIBUTING.md names {patterns[-1]}, which is not there: {line[:60]}")
    return complaints + [f"no line of CONTRIBUTING.md covers {file}" for file in files
                         if file.startswith(FOLDERS) and file not in covered and not file.endswith("/CMakeLists.txt")]


def self_test(text, files):
    """Each damage, and what must be said of it."""
    damages = (
        ("a file that is new", text, files + ["src/brand_new.c"], "src/brand_new.c"),
        ("a file that is gone", text, [file for file in files if file != "src/tx/tx_io.c"], "tx_io.c"),
        ("a folder that is gone", text, [file for file in files if not file.startswith("tests/gpu/")], "tests/gpu/"),
        ("a line that is lost", text.replace("src/ring.h ", "src/port.h "), files, "src/ring.h"),
        ("a name among the words", text.replace("overtake.c", "handed.c"), files, "handed.c"),
    )
    missed = [f"map.py does not see {what}" for what, changed, there, word in damages
              if not any(word in complaint for complaint in check(changed, there))]
    described = rooms(headers(files))
    file, said = described["nic"]
    for what, damaged in (("another sentence", dict(described, nic=(file, said + " and more"))),
                          ("a room without one", {room: of for room, of in described.items() if room != "nic"})):
        if not any("src/nic/" in complaint for complaint in undescribed(text, damaged, files)):
            missed.append(f"map.py does not see {what}")
    return missed


def main():
    with open(os.path.join(TOP, "CONTRIBUTING.md"), encoding="utf-8") as file:
        text = file.read()
    files = sys.stdin.read().splitlines()
    complaints = check(text, files, rooms(headers(files))) or self_test(text, files)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
