#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every error message of the library is in docs/troubleshooting.md with its errno, and none that the library does not say.

A message is the format of devmem__fail() and its like, with "…" for each conversion. On the page it is a code span in the
first column of a table, and its errno is in the second: "any" where it is the kernel's, or a driver's. So are the log's own
errors and warnings, with their level in the place of an errno; what it tells for information and debugging is not listed.

  error_messages.py [TREE]          compare, and see that damage would be noticed
  error_messages.py --list [TREE]   what the source says: file, line, errno, message
"""
import re
import shutil
import sys
import tempfile
from pathlib import Path

PAGE = "docs/troubleshooting.md"
FLOOR = 300			# fewer than this, and it is the extraction that is broken
CALLS = {			# which argument is the errno, and which the format
    "devmem__fail": (0, 1),
    "devmem_backend_fail": (0, 1),
    "devmem__nl_fail": (1, 2),
    "devmem__log": (0, 1),
}
LEVEL = "DEVMEM_LOG_"
LISTED = {"error", "warning"}	# of the log
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])+\'|[A-Za-z_]\w*|\d\w*|->|\s+|.', re.S)
CONVERSION = re.compile(r"%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+)?)?(?:hh|h|ll|l|z|j|t)?[diouxXcsp]")
STRING_MACRO = re.compile(r'^#define[ \t]+(\w+)[ \t]+((?:"(?:\\.|[^"\\])*"[ \t]*(?:\\\n\s*)?)+)$', re.M)
ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class Bad(Exception):
    pass


def tokens_of(text):
    """(token, line) without blanks and comments."""
    line, tokens = 1, []
    for token in TOKEN.findall(text):
        if not token.isspace() and not token.startswith(("/*", "//")):
            tokens.append((token, line))
        line += token.count("\n")
    return tokens


def arguments(tokens, begin):
    """Of the call whose "(" is at @begin: a list of tokens for each."""
    depth, found = 0, [[]]
    for token, _ in tokens[begin:]:
        if token in "([{":
            depth += 1
            if depth == 1:
                continue
        elif token in ")]}":
            depth -= 1
            if not depth:
                return found
        elif token == "," and depth == 1:
            found.append([])
            continue
        found[-1].append(token)
    raise Bad("a call without an end")


def unquote(token):
    return re.sub(r"\\(.)", lambda m: ESCAPES[m[1]], token[1:-1])


def branches(tokens):
    """Of "a ? b : c ? d : e": b, d, e. Parentheses around all of it do not count."""
    while tokens and tokens[0] == "(" and tokens[-1] == ")":
        tokens = tokens[1:-1]
    if "?" not in tokens:
        return [tokens]
    first, depth, nested = tokens.index("?"), 0, 0
    for at in range(first + 1, len(tokens)):
        token = tokens[at]
        depth += (token in "([{") - (token in ")]}")
        if depth:
            continue
        nested += token == "?"
        if token == ":":
            if not nested:
                return branches(tokens[first + 1:at]) + branches(tokens[at + 1:])
            nested -= 1
    raise Bad("a ? without a :")


def text_of(tokens, macros):
    """String literals, and macros that are some, put together."""
    text = ""
    for token in tokens:
        if token.startswith('"'):
            text += unquote(token)
        elif token.startswith("PRI"):
            text += "u"
        elif token in macros:
            text += macros[token]
        else:
            raise Bad("a format that is no literal: " + " ".join(tokens))
    return text


def message_of(fmt):
    kept = CONVERSION.sub("…", fmt.replace("%%", "\0")).replace("\0", "%")
    return re.sub("…+", "…", kept)


def errnos_of(tokens):
    """The names in the argument, or of a variable "any"; of a level its word."""
    names = set()
    for branch in branches(tokens):
        if branch[0].startswith(LEVEL):
            names.add(branch[0][len(LEVEL):].lower())
        else:
            names.add(branch[-1] if re.fullmatch(r"-?E[A-Z0-9]+", "".join(branch)) else "any")
    return names


def in_file(path, text):
    """(line, errnos, message) of each."""
    macros = {name: text_of(re.findall(r'"(?:\\.|[^"\\])*"', value), {}) for name, value in STRING_MACRO.findall(text)}
    tokens = tokens_of(text)
    for at, (token, line) in enumerate(tokens[:-1]):
        if token not in CALLS or tokens[at + 1][0] != "(" or tokens[at - 1][0] in ("int", "void", "#"):
            continue		# else it is the function itself
        try:
            given = arguments(tokens, at + 1)
            errno, fmt = (given[i] for i in CALLS[token])
            if token == "devmem__log" and not errnos_of(errno) & LISTED:
                continue
            for branch in branches(fmt):
                message = message_of(text_of(branch, macros))
                if re.search("[A-Za-z]{2}", message):	# not one that was made elsewhere and is handed on
                    yield line, errnos_of(errno), message
        except (Bad, ValueError) as problem:
            raise Bad(f"{path}:{line}: {problem}") from problem


def in_source(tree):
    """{message: (errnos, where)}"""
    found = {}
    for path in sorted(tree.glob("src/**/*.c")):
        name = str(path.relative_to(tree))
        for line, errnos, message in in_file(name, path.read_text()):
            known, where = found.setdefault(message, (set(), []))
            known |= errnos
            where.append(f"{name}:{line}")
    return found


def on_page(text):
    """{message: (errnos, line)}, and what is wrong with the page itself."""
    found, wrong = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("| `"):
            continue
        cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) != 3 or not cells[2]:
            wrong.append(f"{PAGE}:{number}: not message, errno and what to do")
            continue
        for message in re.findall("`([^`]*)`", cells[0]):
            if message in found:
                wrong.append(f"{PAGE}:{number}: a second time: {message}")
            found[message] = (set(cells[1].split(", ")), number)
    return found, wrong


def problems(tree):
    said = in_source(tree)
    listed, wrong = on_page((tree / PAGE).read_text())
    for message, (errnos, where) in said.items():
        if message not in listed:
            wrong.append(f"{where[0]}: not in {PAGE}: {message}")
        elif errnos != listed[message][0]:
            wrong.append(f"{PAGE}:{listed[message][1]}: {where[0]} has errno {', '.join(sorted(errnos))}: {message}")
    for message, (_, number) in listed.items():
        if message not in said:
            wrong.append(f"{PAGE}:{number}: nothing in src says this: {message}")
    if len(said) < FLOOR:
        wrong.append(f"only {len(said)} messages were found in src, of {FLOOR} or more")
    return wrong


def damaged(tree):
    """What would not be noticed: each kind of damage is done to a copy."""
    name, old = "src/memory/backend.c", "devmem_buffer_create: a buffer of 0 bytes"
    row = next(line for line in (tree / PAGE).read_text().splitlines() if old in line)
    warns, warning = "src/recv/backpressure.c", "a buffer runs low"
    warns_so = re.search(rf'{LEVEL}WARNING,\s+"{warning}', (tree / warns).read_text())[0]
    damages = {
        "a row that is gone": (PAGE, row + "\n", ""),
        "a letter on the page": (PAGE, old, old.replace("bytes", "bites")),
        "another errno": (PAGE, row, row.replace("| EINVAL |", "| EIO |")),
        "a row of two columns": (PAGE, row, row.replace("| EINVAL |", "|")),
        "a row twice": (PAGE, row, f"{row}\n{row}"),
        "a letter in the source": (name, old, old.replace("bytes", "bites")),
        "a message that nobody gives": (name, f'devmem__fail(EINVAL, "{old}")', "-EINVAL"),
        "a new one": (name, f'"{old}"', f'bytes ? "{old}" : "an" /* , */ "other (%" PRIu64 ", one)"'),
        "another errno in the source": (name, f'EINVAL, "{old}"', f'EIO, "{old}"'),
        "a letter in a warning": (warns, warning, warning.replace("low", "dry")),
        "a warning that is information": (warns, warns_so, warns_so.replace("WARNING", "INFO")),
        "a warning that is an error": (warns, warns_so, warns_so.replace("WARNING", "ERROR")),
    }
    for damage, (file, before, after) in damages.items():
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder)
            shutil.copytree(tree / "src", copy / "src")
            (copy / PAGE).parent.mkdir()
            shutil.copy(tree / PAGE, copy / PAGE)
            text = (copy / file).read_text()
            if text.count(before) != 1:
                yield f"cannot do damage to {file}: '{before}' is there {text.count(before)} times"
                continue
            (copy / file).write_text(text.replace(before, after))
            if not problems(copy):
                yield f"damage was not noticed: {damage}"


def main(arguments):
    listing = arguments[:1] == ["--list"]
    rest = arguments[listing:]
    tree = Path(rest[0]) if rest else Path(__file__).resolve().parent.parent
    if listing:
        for message, (errnos, where) in in_source(tree).items():
            print(",".join(where), ", ".join(sorted(errnos)), message, sep="\t")
        return 0
    wrong = problems(tree) or list(damaged(tree))
    print(*wrong or [f"{len(in_source(tree))} messages"], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
