"""The tree speaks of Weir alone: no path of the machine it was written on, no registry, no ticket number."""

import re
import sys

import tree

# Each pattern is cut in two, so that this file does not hold what it looks for.
PATTERNS = (
    ("a path of one machine", r"/wo" r"rk/|/ro" r"ot/|/ho" r"me/\w"),
    ("a path outside the tree", r"\.\./sha" r"red"),
    ("a package registry's host", r"deb\.deb" r"ian\.org|registry\.npm" r"js|py" r"pi\.org|nodesou" r"rce|crat" r"es\.io"),
    ("a ticket number", r"(?i)\biss" r"ue #?[0-9]+\b"),
    ("a note to self", r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b"),
)
# Who may name what, and why.
GRANTED = {
    ("dev", "a path outside the tree"): "the measuring lab may lie beside the checkout",
    (".ci/run", "a path outside the tree"): "the measuring lab may lie beside the checkout",
}


def check_text(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in PATTERNS:
            match = re.search(pattern, line)
            if match and (path, what) not in GRANTED:
                yield f"{path}:{number}: {what}: {match.group(0)}"


def check(root):
    texts = ((path, tree.read(root, path)) for path in tree.files(root))
    return [offence for path, text in texts if "\0" not in text for offence in check_text(path, text)]


if __name__ == "__main__":
    tree.verdict("words", check(sys.argv[1]))
