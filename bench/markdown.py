# SPDX-License-Identifier: MIT
"""Tables in Markdown, padded so that a terminal shows them as well, and how figures are written in them."""
import statistics


def spread(rounds, digits=1):
    """The median, and between which values all rounds lie."""
    rounds = list(rounds)
    median, least, most = (f"{f(rounds):.{digits}f}" for f in (statistics.median, min, max))
    return median if least == most else f"{median} ({least}–{most})"


def padded(rows, left=1):
    """The first row is the head, and the first column is text. Columns without anything are left out."""
    filled = [i for i in range(len(rows[0])) if i < left or any(row[i] for row in rows[1:])]
    width = {i: max(3, *(len(row[i]) for row in rows)) for i in filled}
    lines = []
    for row in rows:
        cells = (row[i].ljust(width[i]) if i < left else row[i].rjust(width[i]) for i in filled)
        lines.append("| " + " | ".join(cells) + " |")
    rule = ("-" * (width[i] + 2) if i < left else "-" * (width[i] + 1) + ":" for i in filled)
    return lines[:1] + ["|" + "|".join(rule) + "|"] + lines[1:]


class Table:
    """Everything that is found out: one table after the other, each under its head; and the same for programs."""

    def __init__(self):
        self.missed = 0
        self.figures = {"tables": {}}
        self.rows = []

    def head(self, what, *columns):
        self.rows = [(what, *columns, "ratio", "limit", "target", "")]

    def line(self, what, values, ratio="", limit="", good=True, target=""):
        """A limit that is missed is a failure. A target is where this is to come to, and a word on how far it is."""
        self.missed += not good
        verdict = "" if not limit else "ok" if good else "MISSED"
        self.rows.append((what, *values, ratio, limit, target, verdict))

    def end(self, note):
        self.figures["tables"][self.rows[0][0]] = {"rows": self.rows, "note": note}
        print("\n" + "\n".join(padded(self.rows)) + "\n\n" + note)
