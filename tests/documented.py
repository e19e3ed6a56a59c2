#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is the whole interface documented, and does what is said of it agree? Three places say it: the map of exported symbols, the
comments in the public headers, and the manual pages. What is wrong is printed, one line each.

- Each exported symbol has a comment in a header, and a page with it in NAME and with the header's prototype in SYNOPSIS, behind
  the header's name (In).
- A function's errnos in ERRORS are those of its comment, "other" included. ERRORS has lists, each after a sentence that names
  the functions (Fn) it is for. One that returns int has some, or its comment says that it does not fail.
- Each member of a public structure is an item (It) of a page that names the structure, and each constant is mentioned. A page
  that lists the members ("The members of") shows the structure as the header has it, without comments.
- What a page calls devmem_ or DEVMEM_ is in a header, but for variables of the environment (Ev); what it says to see is there.
- The table in devmem(7) has each function once. It says EEXIST of those whose comment says what they do in a forked child, and
  "own" of those that another thread cannot call (EPERM).
- The program in devmem(7) is examples/minimal/receive.c.

After that the checks are checked: on copies of the tree that were damaged each of them must report.
"""
import glob
import os
import re
import shutil
import sys
import tempfile

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PARTS = ("src/devmem.map", "include/devmem", "man", "examples/minimal")
OTHER = "other"


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as file:
        return file.read()


def spaced(text):
    return " ".join(text.split())


# ------------------------------------------------------------------------------------ headers


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


class Function:
    def __init__(self, returns, name, arguments, comment):
        self.returns, self.name, self.comment = spaced(returns), name, comment
        self.prototype = spaced(f"{self.returns}{'' if self.returns.endswith('*') else ' '}{name}({spaced(arguments)})")
        self.errnos = set(re.findall(r"-(E[A-Z0-9]+)\b", comment))
        if re.search(r"^ \* other\s", comment, re.M):
            self.errnos.add(OTHER)


def functions(header):
    """Of one header. A declaration without a comment, right behind another, shares that one's."""
    found, comment = {}, ""
    pattern = r"(?P<comment>/\*\*.*?\*/)|(?P<gap>\n\n)|^DEVMEM_API (?P<returns>[^;]*?)(?P<name>devmem_\w+)\((?P<arguments>[^;]*)\);"
    for match in re.finditer(pattern, header, re.M | re.S):
        if match["comment"]:
            comment = match["comment"]
        elif match["gap"]:
            comment = ""
        else:
            found[match["name"]] = Function(match["returns"], match["name"], match["arguments"], comment)
    return found


def structures(text):
    """Names, and of each that has any its members; functions and unions are looked into."""
    found = {name: [] for name in re.findall(r"\bstruct (devmem_\w+);", text)}
    for name, body in re.findall(r"^struct (devmem_\w+) \{\n(.*?)^\};", text, re.M | re.S):
        body = re.sub(r"union \{|\};", "", body)
        found[name] = [(re.search(r"\(\*(\w+)\)", member) or re.search(r"(\w+)(?:\[\w+\])?\s*$", member))[1]
                       for member in body.split(";") if member.strip()]
    return found


class Headers:
    def __init__(self, top):
        paths = sorted(glob.glob(os.path.join(top, "include/devmem/*.h")))
        texts = [read(top, path) for path in paths]
        bare = without_comments("\n".join(texts))
        self.functions, self.header_of = {}, {}
        for path, text in zip(paths, texts):
            found = functions(text)
            self.functions.update(found)
            self.header_of.update((name, os.path.relpath(path, os.path.join(top, "include"))) for name in found)
        self.structures = structures(bare)
        self.macros = set(re.findall(r"^#define (DEVMEM_\w+)\(", bare, re.M))
        self.constants = set(re.findall(r"^#define (DEVMEM_\w+)\s+\d", bare, re.M) + re.findall(r"^\t(DEVMEM_\w+) = ", bare, re.M))
        self.words = set(re.findall(r"\b(?:devmem|DEVMEM)_\w+", bare))


# ------------------------------------------------------------------------------------ pages


def arguments(line):
    """Of an mdoc macro: words, or what stands between quotes."""
    return [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', line)]


class Page:
    def __init__(self, top, path):
        self.path = path
        text = read(top, path)
        self.lines = text.split("\n")
        self.text = text
        self.sections = dict(re.findall(r"^\.Sh (.*)\n((?:(?!\.Sh ).*\n)*)", text, re.M))
        self.names = re.findall(r"^\.Nm ([\w-]+)", self.sections.get("NAME", ""), re.M)
        self.prototypes = self.find_prototypes()
        self.errnos = self.find_errnos()
        self.items = self.find_items()

    def is_function(self):
        return self.path.endswith(".3")

    def find_prototypes(self):
        """Name: the whole, as in a header. includes has the header that it is behind."""
        self.includes = {}
        found, header, returns, name, parts = {}, "", "", "", []

        def put(name, parts):
            self.includes[name] = header
            found[name] = spaced(f"{returns}{'' if returns.endswith('*') else ' '}{name}({', '.join(parts)})")

        for line in self.sections.get("SYNOPSIS", "").split("\n"):
            macro, *rest = arguments(line) or [""]
            if macro == ".In":
                header = rest[0]
            elif macro == ".Ft":
                returns = spaced(" ".join(rest))
            elif macro == ".Fn":
                put(rest[0], rest[1:])
            elif macro == ".Fo":
                name, parts = rest[0], []
            elif macro == ".Fa":
                parts += rest
            elif macro == ".Fc":
                put(name, parts)
        return found

    def find_errnos(self):
        """Function: those of the lists that follow its name in ERRORS."""
        found, names, listed, depth = {}, [], False, 0
        for line in self.sections.get("ERRORS", "").split("\n"):
            if line.startswith(".Bl "):
                depth += 1
            elif line == ".El":
                depth -= 1
                listed = True
            elif line.startswith(".Fn ") and not depth:
                names = [] if listed else names
                listed = False
                names.append(arguments(line)[1])
            elif line.startswith(".It ") and depth == 1:
                for name in names:
                    found.setdefault(name, set()).update(re.findall(r"\bEr (E[A-Z0-9]+)", line) or [arguments(line)[1]])
        return found

    def find_items(self):
        """Members that are items: .It Va one , another; .It Fn operation ...; .It Xo Fo operation."""
        found = set()
        for line in self.lines:
            if line.startswith(".It Va "):
                found.update(re.findall(r"\w+", line[len(".It Va "):]))
            elif re.match(r"\.It (Xo )?F[no] ", line):
                found.add(re.match(r"\.It (?:Xo )?F[no] (\w+)", line)[1])
        return found


def pages_of(top):
    paths = sorted(glob.glob(os.path.join(top, "man/*.[137]")))
    return [Page(top, os.path.relpath(path, top)) for path in paths]


# ------------------------------------------------------------------------------------ compared


def difference(one, other):
    return ", ".join(sorted(one - other))


def check_comments(exported, headers):
    for name in sorted(exported - set(headers.functions)):
        yield f"{name} is exported, and no header declares it"
    for name in sorted(set(headers.functions) - exported):
        yield f"{name} is declared, and not exported"
    for name, function in sorted(headers.functions.items()):
        if f"{name}()" not in function.comment:
            yield f"{name} has no comment in its header"
        elif function.returns == "int" and not function.errnos and "Does not fail" not in spaced(function.comment):
            yield f"{name} returns int, and its comment neither lists errnos nor says that it does not fail"


def check_functions(exported, headers, pages):
    for name in sorted(exported & set(headers.functions)):
        of = [page for page in pages if page.is_function() and name in page.names]
        if len(of) != 1:
            yield f"{name} is in NAME of {len(of)} pages: {', '.join(page.path for page in of) or 'it has none'}"
            continue
        page, function = of[0], headers.functions[name]
        if page.prototypes.get(name) != function.prototype:
            yield f"{page.path}: SYNOPSIS has \"{page.prototypes.get(name)}\", and the header \"{function.prototype}\""
        elif page.includes.get(name) != headers.header_of[name]:
            yield f"{page.path}: SYNOPSIS has {name} behind {page.includes.get(name)}, and it is in {headers.header_of[name]}"
        listed = page.errnos.get(name, set())
        if function.returns != "int":
            listed = set(re.findall(r"\bEr (E[A-Z0-9]+)", page.text)) & function.errnos
        if listed - function.errnos:
            yield f"{page.path}: ERRORS of {name} has what its comment has not: {difference(listed, function.errnos)}"
        if function.errnos - listed:
            yield f"{page.path}: ERRORS of {name} lacks what its comment has: {difference(function.errnos, listed)}"


def check_names(exported, headers, pages):
    known = exported | set(headers.structures) | headers.macros
    for page in (page for page in pages if page.is_function()):
        if os.path.basename(page.path)[:-len(".3")] not in page.names:
            yield f"{page.path}: NAME has not the page's own name"
        for name in page.names:
            if name not in known:
                yield f"{page.path}: {name} is in NAME, and neither exported nor a structure or macro of a header"
        if re.findall(r"^\.Nm ", page.text, re.M) != re.findall(r"^\.Nm ", page.sections.get("NAME", ""), re.M):
            yield f"{page.path}: Nm outside of NAME: what is installed under other names is found by it"
    for page in pages:
        for name in sorted(set(re.findall(r"^\.(?:It )?F[no] (devmem_\w+)", page.text, re.M)) - exported):
            yield f"{page.path}: {name} is no function"
        title = set(re.findall(r"^\.Dt (\w+)", page.text, re.M))
        environment = set(re.findall(r"^\.(?:It )?Ev (\w+)", page.text, re.M))
        words = set(re.findall(r"\b(?:devmem|DEVMEM)_\w+", page.text))
        for word in sorted(words - headers.words - title - environment):
            yield f"{page.path}: {word} is in no header"


def check_references(pages):
    there = {(name, page.path[-1]) for page in pages for name in page.names}
    for page in pages:
        for name, section in re.findall(r"^\.(?:Pq |Pq)?Xr (devmem\S*|DEVMEM\S*) (\d)", page.text, re.M):
            if (name, section) not in there:
                yield f"{page.path}: there is no {name}({section})"


def check_structures(headers, pages):
    for name, members in sorted(headers.structures.items()):
        items = set()
        for page in pages:
            if re.search(rf"^\.Vt struct {name}\b", page.text, re.M):
                items |= page.items
        for member in members:
            if member not in items:
                yield f"struct {name}: no page that names it (Vt) has an item for {member}"
    words = {word for page in pages for word in re.findall(r"\bDEVMEM_\w+", page.text)}
    for constant in sorted(headers.constants - words):
        yield f"{constant} is mentioned in no page"


def check_table(headers, pages):
    text = "".join(page.text for page in pages if page.path == "man/devmem.7")
    rows = re.findall(r"^\.It Fn (devmem_\w+) Ta (\S+) Ta (\S+) Ta (.*)$", text, re.M)
    listed = [row[0] for row in rows]
    for name in sorted(set(headers.functions) - set(listed)):
        yield f"man/devmem.7: the table of threads has no row for {name}"
    for name in sorted({name for name in listed if listed.count(name) > 1}):
        yield f"man/devmem.7: the table of threads has {name} more than once"
    for name, thread, _, child in rows:
        comment = spaced(headers.functions[name].comment.replace("*", " ")) if name in headers.functions else ""
        if ("in a forked child: another process" in comment.lower() or "in a forked child, another process" in comment) != \
           (child == "Er EEXIST"):
            yield f"man/devmem.7: the table says \"{child}\" of {name} in a child, and its comment something else"
        if "this is not the thread that opened the ring" in comment and thread != "own":
            yield f"man/devmem.7: the table says \"{thread}\" of {name}, and its comment that only the ring's own thread may call it"


def declarations(top):
    """Each public structure as a page shows it: no comments, tabs as eight columns."""
    found = {}
    for path in sorted(glob.glob(os.path.join(top, "include/devmem/*.h"))):
        with open(path, encoding="utf-8") as file:
            text = without_comments(file.read())
        for match in re.finditer(r"^struct (devmem_\w+) \{\n(.*?)^\};", text, re.M | re.S):
            lines = [re.sub(r"(?<=\S)[ \t]+", " ", line.rstrip()) for line in match[2].splitlines() if line.strip()]
            found[match[1]] = f"struct {match[1]} {{\n" + "".join(line.replace("\t", " " * 8) + "\n" for line in lines) + "};\n"
    return found


def check_shown(top, pages):
    for name, declaration in declarations(top).items():
        for page in pages:
            if re.search(rf"^The members of\n\.Vt struct {name}\n", page.text, re.M) and declaration not in page.text:
                yield f"{page.path}: does not show struct {name} as the header has it:\n{declaration}"


def check_program(top, pages):
    program = "".join(read(top, "examples/minimal/receive.c").splitlines(True)[1:]).replace("\\", "\\e")
    if not any(page.path == "man/devmem.7" and f".Bd -literal\n{program}.Ed\n" in page.text for page in pages):
        yield "man/devmem.7: its program is not examples/minimal/receive.c (without the first line; \\e is a backslash there)"


def problems(top):
    exported = set(re.findall(r"^\t(devmem_\w+);", read(top, "src/devmem.map"), re.M))
    headers, pages = Headers(top), pages_of(top)
    return [*check_comments(exported, headers), *check_functions(exported, headers, pages), *check_names(exported, headers, pages),
            *check_references(pages), *check_structures(headers, pages), *check_table(headers, pages),
            *check_shown(top, pages), *check_program(top, pages)]


# ------------------------------------------------------------------------------------ the checks, checked

# File, what is replaced there, by what, and what must be reported then.
DAMAGE = [
    ("src/devmem.map", "\tdevmem_wake;\n", "\tdevmem_wake;\n\tdevmem_sleep;\n", "devmem_sleep is exported, and no header"),
    ("src/devmem.map", "\tdevmem_wake;\n", "", "devmem_wake is declared, and not exported"),
    ("include/devmem/devmem.h", "/** devmem_buffer_size() - its size in bytes. */\n", "", "devmem_buffer_size has no comment"),
    ("include/devmem/devmem.h", "duplicate it to keep it. Does not fail.", "duplicate it to keep it.",
     "devmem_buffer_fd returns int"),
    ("include/devmem/devmem.h", " * -EINTR\ta signal came, perhaps one without a handler, such as SIGCONT: call again, unless\n"
     " *\t\tthe signal asks the program to stop. Nothing is lost\n", "", "ERRORS of devmem_wait has what its comment has not: EINTR"),
    ("include/devmem/devmem.h", " * -EBADF\t@fd is negative\n", " * -EBADF\t@fd is negative\n * -EMFILE\ttoo many\n",
     "ERRORS of devmem_watch lacks what its comment has: EMFILE"),
    ("include/devmem/devmem.h", " * other\tthe error of the exporter\n", "",
     "ERRORS of devmem_buffer_sync has what its comment has not: other"),
    ("include/devmem/devmem.h", "\tuint64_t bytes_placed;", "\tuint64_t moved;\n\tuint64_t bytes_placed;",
     "struct devmem_stats: no page"),
    ("include/devmem/backend.h", "int (*probe)(", "int (*inspect)(",
     "struct devmem_backend: no page that names it (Vt) has an item for inspect"),
    ("include/devmem/devmem.h", "#define DEVMEM_ATTACH_PLACE 1u\n",
     "#define DEVMEM_ATTACH_PLACE 1u\n#define DEVMEM_ATTACH_LATE 2u\n",
     "DEVMEM_ATTACH_LATE is mentioned in no page"),
    ("include/devmem/devmem.h", "devmem_wake(struct devmem_ring *ring);", "devmem_wake(struct devmem_ring *ring, int how);",
     'and the header "void devmem_wake('),
    ("man/devmem_wait.3", ".Nm devmem_wake ,\n", "", "devmem_wake is in NAME of 0 pages"),
    ("man/devmem_wait.3", ".Nm devmem_wake ,\n", ".Nm devmem_wake ,\n.Nm devmem_detach ,\n",
     "devmem_detach is in NAME of 2 pages"),
    ("man/devmem_wait.3", ".Nm devmem_wake ,\n", ".Nm devmem_wake ,\n.Nm devmem_doze ,\n", "devmem_doze is in NAME, and neither"),
    ("man/devmem_wait.3", '.Fn devmem_wake "struct devmem_ring *ring"\n', "", 'SYNOPSIS has "None"'),
    ("man/devmem_wait.3", '.Fa "int timeout_ms"\n', '.Fa "int timeout_s"\n', 'SYNOPSIS has "int devmem_wait('),
    ("man/devmem_plan.3", ".In devmem/admin.h\n", ".In devmem/devmem.h\n", "SYNOPSIS has devmem_plan behind devmem/devmem.h"),
    ("man/devmem_wait.3", ".It Bq Er EINTR\n", ".It Bq Er EIO\n", "ERRORS of devmem_wait lacks what its comment has: EINTR"),
    ("man/devmem_wait.3", ".It Bq Er EINTR\n", ".It Bq Er EIO\n", "ERRORS of devmem_wait has what its comment has not: EIO"),
    ("man/devmem_attach.3", ".Er ECONNABORTED\n", ".Er EPIPE\n",
     "ERRORS of devmem_abort lacks what its comment has: ECONNABORTED"),
    ("man/devmem_ring_open.3", ".It Va merge\n", ".It Va mix\n",
     "struct devmem_ring_opts: no page that names it (Vt) has an item for merge"),
    ("man/devmem_event.3", ".It Dv DEVMEM_EVENT_WOKEN\n", ".It Dv DEVMEM_EVENT_AWOKEN\n", "DEVMEM_EVENT_AWOKEN is in no header"),
    ("man/devmem_release.3", ".Xr devmem_gather 3 ,\n", ".Xr devmem_collect 3 ,\n", "there is no devmem_collect(3)"),
    ("man/devmem_release.3", "Events without", ".Nm devmem_free\nEvents without", "Nm outside of NAME"),
    ("man/devmem_bind_rx.3", "        uint32_t queues;\n", "", "does not show struct devmem_bind_opts as the header has it"),
    ("man/devmem_release.3", "Events without", ".Fn devmem_stats\nEvents without", "devmem_stats is no function"),
    ("man/devmem.7", ".It Fn devmem_wake Ta any Ta no Ta nothing\n", "", "has no row for devmem_wake"),
    ("man/devmem.7", ".It Fn devmem_wake Ta", ".It Fn devmem_send Ta", "has devmem_send more than once"),
    ("man/devmem.7", ".It Fn devmem_send Ta own Ta no Ta Er EEXIST\n", ".It Fn devmem_send Ta own Ta no Ta works\n",
     'says "works" of devmem_send in a child'),
    ("man/devmem.7", ".It Fn devmem_send Ta own", ".It Fn devmem_send Ta any", 'says "any" of devmem_send'),
    ("man/devmem.7", "static size_t total", "static long total", "its program is not examples/minimal/receive.c"),
    ("examples/minimal/receive.c", '"engine %s: ', '"way %s: ', "its program is not examples/minimal/receive.c"),
]


def noticed(top):
    """Copies of @top, each with one damage. Those that nothing was said of."""
    for path, old, new, report in DAMAGE:
        with tempfile.TemporaryDirectory() as copy:
            for part in PARTS:
                to = os.path.join(copy, part)
                os.makedirs(os.path.dirname(to), exist_ok=True)
                (shutil.copytree if os.path.isdir(os.path.join(top, part)) else shutil.copy)(os.path.join(top, part), to)
            text = read(copy, path)
            if old not in text:
                yield f"tests/documented.py: {path} has no {old!r} that could be damaged"
                continue
            with open(os.path.join(copy, path), "w", encoding="utf-8") as file:
                file.write(text.replace(old, new, 1))
            if not any(report in problem for problem in problems(copy)):
                yield f"tests/documented.py: {path} with {new!r} in the place of {old!r}: \"{report}\" was not reported"


def main():
    found = problems(TOP) or list(noticed(TOP))
    print("\n".join(found) or "documented, and damage is noticed")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
