"""Dependencies point one way: who may include what.

Codecs and filters include plugins/ and nothing else of the tree; a plugin that needs more shows a hole in the SDK. Only
the terminal filters that are the proxy include core. Inside core each folder includes itself and those before it.
"""

import sys

import tree

CORE_ORDER = ("base", "net", "config", "observe", "http", "upstream", "admin", "explain", "server")
TERMINAL = ("filters/http/mux/", "filters/network/http_connection_manager/", "filters/network/tcp_proxy/")
# Folders that may include a folder their rule below would not let them: (who, what, why).
DOORS = (
    ("filters/http/rbac/plugin", "filters/network/rbac/", "one plugin holds both filters of the name"),
    ("filters/network/rbac/", "filters/http/rbac/", "both filters of the name judge by the same rules"),
    ("core/server/main", "filters/", "main links the terminal filters in"),
    ("core/server/main_kit", "plugins/kit/", "the kit is a command of the program"),
    ("core/server/builtin", "filters/", "the table of linked-in filters"),
    ("core/server/", "plugins/loader/", "the server loads plugins"),
    ("plugins/kit/", "core/config/", "the kit reads configurations with the product's own nodes"),
    ("core/config/", "plugins/loader/", "a plugin's own settings are checked when the file is"),
    ("filters/http/direct_response/plugin", "filters/network/direct_response/", "one plugin holds both filters of the name"),
)
# What both sides of the door share: the C headers, and helpers of one header that need no host.
SHARED = ("plugins/abi/", "plugins/util/", "plugins/scan/")
# Headers that cost seconds to compile stay out of headers.
HEAVY = ("yaml-cpp/", "spdlog/", "fmt/", "nlohmann/", "CLI/", "re2/", "gtest/", "gmock/")


def allowed(path):
    """Prefixes of the tree that the file may include."""
    own = path.rsplit("/", 1)[0] + "/"
    if path.startswith("core/"):
        folder = path.split("/")[1]
        before = CORE_ORDER[: CORE_ORDER.index(folder) + 1] if folder in CORE_ORDER else ()
        return tuple(f"core/{name}/" for name in before) + SHARED
    if path.startswith(TERMINAL):
        return ("core/", "plugins/", own)
    if path.startswith(("codecs/", "filters/")):
        return SHARED + ("plugins/sdk/", own, "/".join(path.split("/")[:2]) + "/")
    if path.startswith("plugins/abi/"):
        return ("plugins/abi/",)
    if path.startswith(("plugins/util/", "plugins/scan/")):
        return SHARED
    if path.startswith("plugins/sdk/"):
        return SHARED + ("plugins/sdk/",)
    if path.startswith("plugins/loader/"):
        return ("plugins/abi/", "plugins/loader/", "core/base/")
    if path.startswith("plugins/"):
        return ("plugins/",)
    if path.startswith("examples/"):
        return ("plugins/abi/", "plugins/sdk/", "plugins/kit/", own)
    return ("",)


def check_own_header(path, text, header):
    """A .cc includes the header of its name first, which proves that the header needs nothing before it."""
    first = next(tree.includes(text), None)
    if first is None or first[1] != header:
        yield f'{path}:{first[0] if first else 1}: its first include is to be "{header}"'


def check_file(path, text):
    doors = tuple(what for who, what, _ in DOORS if path.startswith(who))
    for line, name, quoted in tree.includes(text):
        where = f"{path}:{line}: "
        if quoted and "/" not in name:
            yield f'{where}"{name}": write the path from the root of the tree'
        elif ".." in name.split("/"):
            yield f'{where}"{name}": no relative path'
        elif quoted and not name.startswith(allowed(path) + doors):
            yield f'{where}"{name}" may not be included here; {", ".join(allowed(path) + doors)} may'
        elif path.endswith((".h", ".hpp")) and name.startswith(HEAVY):
            yield f"{where}<{name}> is heavy: keep it behind a .cc"
    guard = "#ifndef" if path.startswith("plugins/abi/") else "#pragma once"  # the ABI is plain C
    if path.endswith((".h", ".hpp")) and guard not in text:
        yield f"{path}:1: no {guard}"


def check(root):
    offences = []
    paths = tree.code_files(root, tree.SOURCE_FOLDERS + ("examples",))
    for path in paths:
        text = tree.read(root, path)
        offences += check_file(path, text)
        header = path[: -len(".cc")] + ".h"
        if path.endswith(".cc") and header in paths:
            offences += check_own_header(path, text, header)
    return offences


if __name__ == "__main__":
    tree.verdict("includes", check(sys.argv[1]))
