"""Each rule has a test: lists of rules name rule, wording and test, and the test is there.

A rule is a row of a table, `| R-7 | what holds | Suite.Name |`; its last cell names one test or more, between commas.
A name is a GoogleTest's Suite.Name, or a Python test's test_name. The pitfalls, P-1 and on, are numbered without gaps, and
a test that carries a pitfall's number in its name is in that row.
"""

import os
import re
import sys

import tree

RULES = "filters/http/mux/RULES.md"
PITFALLS = "tests/README.md"
_ROW = re.compile(r"^\|\s*([A-Z]-[0-9]+[a-z]?)\s*\|(.*)\|\s*$", re.MULTILINE)
_CPP_TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
_PYTHON_TEST = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)
_NUMBERED = re.compile(r"\.Pitfall([0-9]+)")


def test_names(root):
    names = set()
    for path in tree.files(root, "tests", (".cc", ".py")):
        text = tree.read(root, path)
        names.update(f"{suite}.{name}" for suite, name in _CPP_TEST.findall(text))
        names.update(_PYTHON_TEST.findall(text))
    return names


def rows(text):
    """(rule, number of cells behind it, names of tests) of each row."""
    for rule, rest in _ROW.findall(text):
        cells = [cell.strip() for cell in rest.split("|")]
        yield rule, len(cells), [name.strip(" `") for name in cells[-1].split(",") if name.strip(" `")]


def check_rules(text, names, path=RULES):
    """Offences in the rules' text, where names are the tests that there are."""
    seen = set()
    for rule, cells, tests in rows(text):
        if rule in seen:
            yield f"{path}: {rule} is listed twice"
        seen.add(rule)
        if cells < 2 or not tests:
            yield f"{path}: {rule} names no test"
        for name in tests:
            if name not in names:
                yield f"{path}: {rule}: there is no test called {name}"
    if not seen:
        yield f"{path}: no rule in it"


def check_pitfalls(text, names):
    yield from check_rules(text, names, PITFALLS)
    listed = {rule: tests for rule, _, tests in rows(text)}
    for number, rule in enumerate(listed, 1):
        if rule != f"P-{number}":
            yield f"{PITFALLS}: {rule} stands where P-{number} belongs"
    for name in sorted(names):
        numbered = _NUMBERED.search(name)
        if numbered and name not in listed.get(f"P-{numbered.group(1)}", []):
            yield f"{PITFALLS}: P-{numbered.group(1)} does not name {name}"


def check(root):
    names = test_names(root)
    for path, checked in ((RULES, check_rules), (PITFALLS, check_pitfalls)):
        if os.path.exists(os.path.join(root, path)):
            yield from checked(tree.read(root, path), names)
        else:
            yield f"{path} is not there"


if __name__ == "__main__":
    tree.verdict("rules", list(check(sys.argv[1])))
