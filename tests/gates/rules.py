"""Each rule of the Mux has a test: filters/http/mux/RULES.md lists rule, wording and test, and the test is there.

A rule is a row of a table, `| R-7 | what holds | Suite.Name |`; its last cell names one test or more, between commas.
A name is a GoogleTest's Suite.Name, or a Python test's test_name.
"""

import os
import re
import sys

import tree

RULES = "filters/http/mux/RULES.md"
_ROW = re.compile(r"^\|\s*([A-Z]-[0-9]+[a-z]?)\s*\|(.*)\|\s*$", re.MULTILINE)
_CPP_TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
_PYTHON_TEST = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)


def test_names(root):
    names = set()
    for path in tree.files(root, "tests", (".cc", ".py")):
        text = tree.read(root, path)
        names.update(f"{suite}.{name}" for suite, name in _CPP_TEST.findall(text))
        names.update(_PYTHON_TEST.findall(text))
    return names


def check_rules(text, names):
    """Offences in the rules' text, where names are the tests that there are."""
    rows = _ROW.findall(text)
    if not rows:
        yield f"{RULES}: no rule in it"
    seen = set()
    for rule, rest in rows:
        if rule in seen:
            yield f"{RULES}: {rule} is listed twice"
        seen.add(rule)
        cells = [cell.strip() for cell in rest.split("|")]
        tests = [name.strip(" `") for name in cells[-1].split(",") if name.strip(" `")]
        if len(cells) < 2 or not tests:
            yield f"{RULES}: {rule} names no test"
        for name in tests:
            if name not in names:
                yield f"{RULES}: {rule}: there is no test called {name}"


def check(root):
    if not os.path.exists(os.path.join(root, RULES)):
        print(f"NOTE: {RULES} IS NOT THERE YET: NOTHING WAS CHECKED")
        return []
    return list(check_rules(tree.read(root, RULES), test_names(root)))


if __name__ == "__main__":
    tree.verdict("rules", check(sys.argv[1]))
