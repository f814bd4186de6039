"""Each rule has a test: lists of rules name rule, wording and test, and the test is there.

A rule is a row of a table, `| R-7 | what holds | Suite.Name |`; its last cell names one test or more, between commas.
A name is a GoogleTest's Suite.Name, a Python test's test_name, or Class.rule of a class of the matrix whose methods are
tests of each pair of protocols. The contract, S-1 and on, lessons, L-1 and on, and pitfalls, P-1 and on, are numbered
without gaps, and a test that carries a pitfall's number in its name is in that row.
"""

import ast
import os
import re
import sys

import tree

RULES = "filters/http/mux/RULES.md"
LESSONS = "filters/http/mux/LESSONS.md"
PITFALLS = "tests/README.md"
_ROW = re.compile(r"^\|\s*([A-Z]-[0-9]+[a-z]?)\s*\|(.*)\|\s*$", re.MULTILINE)
_CPP_TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
_PYTHON_TEST = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)
_NUMBERED = re.compile(r"\.Pitfall([0-9]+)")
_PER_PAIR = {"Core": ("self", "front", "path"), "Stalled": ("self", "front", "back")}  # of whom no helper has just these


def pair_rules(text):
    """Class.rule of each method that is a test of each pair."""
    for made in ast.parse(text).body:
        if isinstance(made, ast.ClassDef) and made.name in _PER_PAIR:
            for method in made.body:
                if isinstance(method, ast.FunctionDef) and tuple(a.arg for a in method.args.args) == _PER_PAIR[made.name]:
                    yield f"{made.name}.{method.name}"


def test_names(root):
    names = set()
    for path in tree.files(root, "tests", (".cc", ".py")):
        text = tree.read(root, path)
        names.update(f"{suite}.{name}" for suite, name in _CPP_TEST.findall(text))
        if path.endswith(".py"):
            names.update(_PYTHON_TEST.findall(text))
            names.update(pair_rules(text))
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


def check_numbered(text, names, path, letter):
    """The same, and the numbers behind the letter are 1, 2, 3 and so on."""
    yield from check_rules(text, names, path)
    found = dict.fromkeys(rule for rule, _, _ in rows(text) if rule.startswith(letter))
    for number, rule in enumerate(found, 1):
        if rule != f"{letter}-{number}":
            yield f"{path}: {rule} stands where {letter}-{number} belongs"


def check_contract(text, names):
    yield from check_numbered(text, names, RULES, "S")


def check_lessons(text, names):
    yield from check_numbered(text, names, LESSONS, "L")


def check_pitfalls(text, names):
    yield from check_numbered(text, names, PITFALLS, "P")
    listed = {rule: tests for rule, _, tests in rows(text)}
    for name in sorted(names):
        numbered = _NUMBERED.search(name)
        if numbered and name not in listed.get(f"P-{numbered.group(1)}", []):
            yield f"{PITFALLS}: P-{numbered.group(1)} does not name {name}"


def check(root):
    names = test_names(root)
    for path, checked in ((RULES, check_contract), (LESSONS, check_lessons), (PITFALLS, check_pitfalls)):
        if os.path.exists(os.path.join(root, path)):
            yield from checked(tree.read(root, path), names)
        else:
            yield f"{path} is not there"


if __name__ == "__main__":
    tree.verdict("rules", list(check(sys.argv[1])))
