"""Files and functions stay small: file p90 <= 400 lines and none over 800, function p90 <= 30 and none over 100.

An exception is a line of size_exceptions.txt: the path, or path:function, the lines it may have, and the reason.
"""

import os
import re
import sys

import tree

FILE_P90, FILE_MAX, FUNCTION_P90, FUNCTION_MAX = 400, 800, 30, 100

_ATTRIBUTE = re.compile(r"\[\[.*?\]\]|\b(?:alignas|__attribute__|decltype|noexcept)\s*\((?:[^()]|\([^()]*\))*\)", re.DOTALL)
_SCOPE = re.compile(r"\b(?:namespace|class|struct|union)\b|\bextern\s*$")
_INITIALISERS = re.compile(r"\)[^;{}()]*[^:]:[^:]")
_NAME = re.compile(r"([~\w:]+|operator\s*[^\s(]+|operator\s*\(\s*\))\s*\(")


def _closing(code, opening):
    depth = 0
    for at in range(opening, len(code)):
        if code[at] == "{":
            depth += 1
        elif code[at] == "}":
            depth -= 1
            if depth == 0:
                return at
    return len(code)


def _kind(head):
    """What a brace opens that stands after this text: a scope to look into, a function, or a value to jump over."""
    plain = _ATTRIBUTE.sub(" ", head).strip()
    if re.search(r"\benum\b", plain) and "(" not in plain:
        return "value"
    if _SCOPE.search(plain) and "(" not in re.sub(r"<[^<>]*>", "", plain):
        return "scope"
    if "(" not in plain or re.search(r"=\s*$|^[^(]*[^=!<>]=[^=]", plain) and "operator" not in plain:
        return "value"
    before_brace = plain.rstrip()
    if _INITIALISERS.search(plain) and re.search(r"[\w>]$", before_brace) and "->" not in plain:
        return "member"  # a_{1} in a constructor's list
    return "function"


def functions(text):
    """(name, first line, number of lines) of each function body at namespace or class level."""
    code = tree.bare_code(text)
    at = start = 0
    while at < len(code):
        char = code[at]
        if char in ";}":
            start = at + 1
        elif char == ":" and re.search(r"\b(?:public|private|protected)\s*$", code[start:at]):
            start = at + 1
        elif char == "{":
            head = code[start:at]
            kind = _kind(head)
            if kind == "scope":
                start = at + 1
            else:
                end = _closing(code, at)
                if kind == "function":
                    first = start + len(head) - len(head.lstrip())
                    name = _NAME.search(_ATTRIBUTE.sub(" ", head))
                    lines = code.count("\n", first, end) + 1
                    yield (name.group(1) if name else "?"), code.count("\n", 0, first) + 1, lines
                    start = end + 1
                at = end
        at += 1


def _p90(numbers):
    return sorted(numbers)[(len(numbers) * 9) // 10] if numbers else 0


def exceptions(text):
    """path or path:function -> lines allowed; a line without a reason is not an exception."""
    rows = (line.split(None, 2) for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {row[0]: int(row[1]) for row in rows if len(row) == 3}


def check(root):
    listed = os.path.join(os.path.dirname(os.path.abspath(__file__)), "size_exceptions.txt")
    with open(listed, encoding="utf-8") as file:
        granted = exceptions(file.read())
    offences, file_sizes, function_sizes, used = [], [], [], set()

    def judge(key, where, lines, limit):
        if lines > limit and key in granted:
            used.add(key)
        if lines > granted.get(key, limit):
            offences.append(f"{where} has {lines} lines; {granted.get(key, limit)} at most")

    for path in tree.code_files(root, tree.SOURCE_FOLDERS + ("examples", "tests")):
        text = tree.read(root, path)
        lines = text.count("\n")
        judge(path, path, lines, FILE_MAX)
        if path.startswith("tests/"):
            continue
        file_sizes.append(lines)
        for name, line, length in functions(text):
            function_sizes.append(length)
            judge(f"{path}:{name}", f"{path}:{line}: {name}", length, FUNCTION_MAX)
    offences += [f"size_exceptions.txt: {key} needs no exception" for key in granted if key not in used]
    for what, sizes, limit in (("file", file_sizes, FILE_P90), ("function", function_sizes, FUNCTION_P90)):
        if _p90(sizes) > limit:
            offences.append(f"{what} p90 is {_p90(sizes)} lines; {limit} at most")
        print(f"{what}s: {len(sizes)}, p90 {_p90(sizes)}, longest {max(sizes, default=0)} lines")
    return offences


if __name__ == "__main__":
    tree.verdict("sizes", check(sys.argv[1]))
