#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""build.py OUT [CMARK [MANDOC]]: makes an HTML site of the tree's pages and manual pages in the folder OUT.

Markdown goes through cmark-gfm: GitHub wrote it, so a page looks here as it does there, tables included, and it is one small C
program in Debian. Manual pages go through mandoc. This script adds what neither has: a frame with the index around each page,
GitHub's anchors for headings, and links that lead from page to page. A source file that a page links to becomes a page, too.

Status 1, and a list, if a link leads nowhere. After that the check is checked: a link that was broken must be found.
"""
import html
import re
import shutil
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent.parent
GUIDES = [      # the index: a heading, and pages with their names in it
    ("Start", [("README.md", "Overview"), ("docs/lab.md", "In the lab"), ("docs/hardware.md", "On hardware"),
               ("docs/building.md", "Building"), ("docs/porting.md", "Porting")]),
    ("Build something", [("docs/framing.md", "Messages"), ("docs/threads.md", "Threads and queues"),
                         ("docs/event-loops.md", "Event loops"), ("docs/tuning.md", "Tuning"),
                         ("docs/containers.md", "Containers"), ("docs/security.md", "Security")]),
    ("Look up", [("man/index", "Manual pages"), ("docs/troubleshooting.md", "Troubleshooting"), ("docs/faq.md", "FAQ"),
                 ("docs/glossary.md", "Glossary"), ("docs/architecture.md", "Architecture"),
                 ("docs/benchmarks.md", "Benchmarks"), ("docs/scaling.md", "Scaling")]),
    ("Project", [("NEWS.md", "News"), ("CONTRIBUTING.md", "Contributing"), ("SECURITY.md", "Reporting"),
                 ("tools/README.md", "Tools"), ("lab/README.md", "The lab's reference"), ("lab/gve/README.md", "The gve model")]),
]
SECTIONS = {"7": "Overview", "3": "Library", "1": "Tools"}
FRAME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · libdevmem</title><link rel="stylesheet" href="{up}style.css"></head>
<body><nav><a class="home" href="{up}index.html">libdevmem</a>{index}</nav><main>
{body}</main></body></html>
"""
HREF = re.compile(r'(<(?:a|img)\b[^>]*?\b(?:href|src)=")([^"]*)(")')


def target_of(path):
    """Where the page of this file of the tree is in the site."""
    if path == "README.md":
        return "index.html"
    if path == "man/index":
        return "man/index.html"
    if path.endswith(".md"):
        return path[:-3] + ".html"
    return path if path.endswith(".svg") else path + ".html"


def up_from(target):
    return "../" * target.count("/")


def anchor_of(heading, used):
    """GitHub's, as tests/links.py has it."""
    text = html.unescape(re.sub(r"<[^>]*>", "", heading))
    base = re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")
    name, n = base, 0
    while name in used:
        n += 1
        name = f"{base}-{n}"
    used.add(name)
    return name


def run(command, given=None):
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True, cwd=TREE).stdout


class Site:
    def __init__(self, out, cmark, mandoc):
        self.out, self.cmark, self.mandoc = Path(out), cmark, mandoc
        self.pages = {}         # where in the site: its text
        self.sources = set()    # files that pages link to
        self.manuals = {path.name: path for path in sorted((TREE / "man").glob("*.[137]"))}
        self.alias = {}         # devmem_wake.3: devmem_wait.3.html
        for name, path in self.manuals.items():
            section = name.rsplit(".", 1)[1]
            for other in re.findall(r"^\.Nm (\S+)", path.read_text().partition(".Nd")[0], re.M):
                self.alias[f"{other}.{section}"] = name + ".html"
            self.alias[name] = name + ".html"

    def frame(self, target, title, body):
        up = up_from(target)
        groups = []
        for heading, entries in GUIDES:
            links = "".join(f'<li{" class=here" if target_of(path) == target else ""}><a href="{up}{target_of(path)}">{name}</a></li>'
                            for path, name in entries if path == "man/index" or (TREE / path).exists())
            groups.append(f"<h2>{heading}</h2><ul>{links}</ul>")
        self.pages[target] = FRAME.format(title=html.escape(title), up=up, index="".join(groups), body=body)

    def link(self, path, url):
        """The link @url of the tree's file @path, as it is in the site."""
        if re.match(r"[a-z]+:|#", url):
            return url
        name, _, anchor = url.partition("#")
        found = (TREE / path).parent.joinpath(name).resolve()
        if not found.is_relative_to(TREE) or not found.exists():
            return url          # found by check()
        leads = str(found.relative_to(TREE))
        if not leads.endswith((".md", ".svg")) and not leads.startswith("man/"):
            self.sources.add(leads)
        return up_from(target_of(path)) + target_of(leads) + (f"#{anchor}" if anchor else "")

    def markdown(self, path):
        text = run([self.cmark, "-e", "table", "-e", "autolink", "-e", "strikethrough"], (TREE / path).read_text())
        text = text.replace("<!-- raw HTML omitted -->\n", "")
        text = HREF.sub(lambda m: m[1] + self.link(path, m[2]) + m[3], text)
        used = set()
        text = re.sub(r"<h([1-6])>(.*?)</h\1>", lambda m: f'<h{m[1]} id="{anchor_of(m[2], used)}">{m[2]}</h{m[1]}>', text)
        text = text.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
        title = re.search(r"<h1[^>]*>(.*?)</h1>", text)
        self.frame(target_of(path), re.sub(r"<[^>]*>", "", title[1]) if title else path, text)

    def manual(self, name):
        text = run([self.mandoc, "-T", "html", "-O", "fragment,man=%N.%S", f"man/{name}"])

        def led(m):
            known = re.fullmatch(r"(\S+\.[1-9]\w*)", m[2])
            if not known or re.match(r"[a-z]+:|#", m[2]):
                return m[0]
            return m[1] + self.alias.get(m[2], f"https://manpages.debian.org/{m[2]}") + m[3]

        self.frame(f"man/{name}.html", name.replace(".", "(", 1) + ")", HREF.sub(led, text))

    def manual_index(self):
        body = ["<h1>Manual pages</h1>"]
        for section, heading in SECTIONS.items():
            rows = []
            for name, path in self.manuals.items():
                if name.endswith("." + section):
                    head, _, rest = path.read_text().partition(".Nd ")
                    names = [n.rstrip(" ,") for n in re.findall(r"^\.Nm (.*)", head, re.M)] or [name[:-2]]
                    rows.append(f'<tr><td><a href="{name}.html">{html.escape(", ".join(names))}</a></td>'
                                f'<td>{html.escape(rest.splitlines()[0])}</td></tr>')
            body.append(f"<h2>{heading} ({section})</h2><table>{''.join(rows)}</table>")
        self.frame("man/index.html", "Manual pages", "".join(body))

    def source(self, path):
        found = TREE / path
        files = sorted(f for f in found.iterdir() if f.is_file()) if found.is_dir() else [found]
        text = "\n".join(f.read_text() for f in files)
        self.frame(target_of(path), path, f"<h1>{path}</h1><pre><code>{html.escape(text)}</code></pre>")

    def make(self):
        pages = [path for _, entries in GUIDES for path, _ in entries if path.endswith(".md") and (TREE / path).exists()]
        listed = set(pages)
        missing = [str(p.relative_to(TREE)) for p in sorted((TREE / "docs").glob("*.md")) if str(p.relative_to(TREE)) not in listed]
        for path in pages:
            self.markdown(path)
        for name in self.manuals:
            self.manual(name)
        self.manual_index()
        for path in sorted(self.sources):
            self.source(path)
        return [f"{path}: not in the index of docs/site/build.py" for path in missing]

    def check(self, pages):
        ids = {target: set(re.findall(r'\bid="([^"]*)"', text)) for target, text in pages.items()}
        for target, text in pages.items():
            for _, url, _ in HREF.findall(text):
                if re.match(r"[a-z]+:", url):
                    continue
                name, _, anchor = html.unescape(url).partition("#")
                leads = str((Path("/") / target).parent.joinpath(name).resolve())[1:] if name else target
                if leads in pages:
                    if anchor and anchor not in ids[leads]:
                        yield f"{target}: {url}: no such anchor"
                elif leads != "style.css" and not (leads.endswith(".svg") and (TREE / leads).exists()):
                    yield f"{target}: {url}: no such page"

    def damages(self):
        """Links that are broken, and not noticed."""
        for what, old, new in (("a page", 'href="docs/lab.html"', 'href="docs/lob.html"'),
                               ("an anchor", 'href="docs/lab.html"', 'href="docs/lab.html#nowhere"')):
            text = self.pages["index.html"].replace(old, new)
            if text == self.pages["index.html"] or not list(self.check({**self.pages, "index.html": text})):
                yield f"not noticed: {what} that is not there"

    def write(self):
        shutil.rmtree(self.out, ignore_errors=True)
        for target, text in self.pages.items():
            path = self.out / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for picture in (TREE / "docs").glob("*.svg"):
            shutil.copy(picture, self.out / "docs")
        shutil.copy(TREE / "docs/site/style.css", self.out)


def main(arguments):
    if not 1 <= len(arguments) <= 3:
        sys.exit(__doc__)
    site = Site(*(arguments + ["cmark-gfm", "mandoc"][len(arguments) - 1:]))
    wrong = site.make() + list(site.check(site.pages)) or list(site.damages())
    site.write()
    print(*wrong or [f"{len(site.pages)} pages in {site.out}"], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
