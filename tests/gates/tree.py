"""What the gates share: the files of the tree, C++ text without its comments and strings, and the verdict."""

import os
import re
import sys

SOURCE_FOLDERS = ("core", "codecs", "filters", "plugins")
CODE_ENDINGS = (".cc", ".h", ".hpp", ".c")
NOT_OURS = {".git", "build", "node_modules", "__pycache__", ".cache", "corpus"}

_HIDDEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^()\\\s]{0,16})\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"|(?<![0-9A-Fa-f])\'(?:[^\'\\\n]|\\.)+\'',
    re.DOTALL,
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)


def files(root, under="", endings=None):
    """Paths of the tree's files, relative to root, in order; build output and test corpora are not among them."""
    found = []
    for folder, folders, names in os.walk(os.path.join(root, under)):
        folders[:] = sorted(name for name in folders if name not in NOT_OURS)
        for name in names:
            # In a linked work tree .git is a file.
            if name not in NOT_OURS and (endings is None or name.endswith(tuple(endings))):
                found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


def code_files(root, folders=SOURCE_FOLDERS):
    return [path for folder in folders for path in files(root, folder, CODE_ENDINGS)]


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def bare_code(text):
    """The text with comments, strings and preprocessor lines blanked out; every line keeps its number."""
    return _DIRECTIVE.sub(_blank, _HIDDEN.sub(_blank, text))


def includes(text):
    """(line number, what is included, whether in quotes) of each include."""
    pattern = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
    for match in pattern.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(2), match.group(1) == '"'


def verdict(gate, offences):
    """Prints the offences and ends the program: 0 when there is none."""
    for offence in offences:
        print(offence)
    print(f"{gate}: {len(offences)} to mend" if offences else f"{gate}: all well")
    sys.exit(1 if offences else 0)
