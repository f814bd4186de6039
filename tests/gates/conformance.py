"""Each rule of HTTP/2 that a peer can break has a test: tests/conformance/rfc9113.tsv lists them, and the tests are there.

Columns, between tabs: the section (of RFC 9113 where no other is named), the rule, how far its breach reaches (none,
stream, connection), the code that answers it (or the status of the response that is given instead; NO_ERROR where it is
no breach) and its tests, Suite.Name, between commas.
"""

import os
import re
import sys

import rules
import tree

TABLE = "tests/conformance/rfc9113.tsv"
CODES = "codecs/h2/frames/error_code.h"
COLUMNS = ["section", "rule", "scope", "code", "test"]
SCOPES = ("none", "stream", "connection")
# A table that lost a whole section would otherwise pass.
SECTIONS = [f"6.{number}" for number in range(1, 11)] + ["4.1", "4.2", "4.3", "5.1", "8.1", "8.2", "8.3", "8.5"]


def codes(text):
    return set(re.findall(r'X\(k\w+, 0x[0-9a-f]+, "([A-Z0-9_]+)"\)', text))


def check_row(cells, known_codes, names):
    """What is wrong with one row."""
    section, rule, scope, code, tests = cells
    if not re.fullmatch(r"(RFC \d{4} )?\d+(\.\d+)*", section):
        yield f"{section!r} is no section"
    if not rule:
        yield "no rule"
    if scope not in SCOPES:
        yield f"{scope!r} is no scope"
    if code not in known_codes and not re.fullmatch(r"4\d\d|501", code):
        yield f"{code!r} is no code"
    if (scope == "none") != (code == "NO_ERROR"):
        yield f"scope {scope} and code {code} do not fit"
    for name in [name.strip() for name in tests.split(",")]:
        if name not in names:
            yield f"there is no test called {name}" if name else "it names no test"


def check_table(text, known_codes, names):
    lines = text.splitlines()
    if not lines or lines[0].split("\t") != COLUMNS:
        yield f"{TABLE}:1: the columns are to be {', '.join(COLUMNS)}"
        return
    seen = set()
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(COLUMNS):
            yield f"{TABLE}:{number}: {len(cells)} columns"
            continue
        if (cells[0], cells[1]) in seen:
            yield f"{TABLE}:{number}: the rule is listed twice"
        seen.add((cells[0], cells[1]))
        for offence in check_row(cells, known_codes, names):
            yield f"{TABLE}:{number}: {cells[0]}: {cells[1]}: {offence}"
    sections = {section for section, _ in seen}
    for section in SECTIONS:
        if not any(have == section or have.startswith(section + ".") for have in sections):
            yield f"{TABLE}: no rule of section {section}"


def check(root):
    return list(check_table(tree.read(root, TABLE), codes(tree.read(root, CODES)), rules.test_names(root)))


if __name__ == "__main__":
    tree.verdict(os.path.basename(TABLE), check(sys.argv[1]))
