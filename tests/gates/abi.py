"""The header of the ABI describes the same types as the kept description of its release, by abidiff of Debian's abigail-tools.

A second opinion beside the layout golden (tests/unit/plugins/abi): it sees parameters and results of the functions too. When a change
is meant, `abi.py HEADER --write` writes the description anew; the changelog is then to say what changed.
"""

import os
import re
import subprocess
import sys
import tempfile

import tree

HEADER = "plugins/abi/weir.h"
CODEC_HEADER = "plugins/abi/weir_codec.h"
GOLDEN = "tests/unit/plugins/abi/weir-1.0-rc2.abi"


def source(header):
    """C text with a variable of each complete type of the header, so that each stands in the debug information."""
    names = re.findall(r"^(?:typedef )?struct (\w+) \{", header, re.MULTILINE)
    return f'#include "{HEADER}"\n' + "".join(f"struct {name} of_{name};\n" for name in names)


def compile_types(include, directory):
    """The object that holds them all, made from the header below `include`."""
    text, made = os.path.join(directory, "types.c"), os.path.join(directory, "types.so")
    with open(text, "w", encoding="utf-8") as file:
        file.write(source(tree.read(include, HEADER) + tree.read(include, CODEC_HEADER)))
    subprocess.run(["cc", "-std=c11", "-g", "-O0", "-shared", "-fPIC", f"-fdebug-prefix-map={directory}=.", "-I", include, text,
                    "-o", made], check=True, timeout=60)
    return made


def describe(include, out):
    with tempfile.TemporaryDirectory() as directory:
        made = compile_types(include, directory)
        subprocess.run(["abidw", "--no-show-locs", "--no-corpus-path", "--no-comp-dir-path", "--out-file", out, made], check=True,
                       timeout=60)


def difference(golden, include):
    """What abidiff says, empty when nothing changed."""
    with tempfile.TemporaryDirectory() as directory:
        made = compile_types(include, directory)
        done = subprocess.run(["abidiff", golden, made], capture_output=True, text=True, timeout=60, check=False)
        return "" if done.returncode == 0 else f"abidiff ended with {done.returncode}:\n{done.stdout}{done.stderr}"


def blind(root, golden):
    """Changes that must be seen, each in a copy of the header."""
    header = tree.read(root, HEADER)
    changes = (
        ("a member's type", "uint16_t reason; /* WEIR_REASON_*", "uint32_t reason; /* WEIR_REASON_*"),
        ("a parameter", "void (*count)(uint32_t id, uint64_t add);", "void (*count)(uint64_t id, uint64_t add);"),
        ("the order of members", "uint32_t state_size; /* at most 1024 */\n  uint32_t reserved;",
         "uint32_t reserved;\n  uint32_t state_size;"),
    )
    for what, before, after in changes:
        changed = header.replace(before, after)
        if changed == header:
            yield f"tests/gates/abi.py: the header has no longer what {what} is tried with"
            continue
        with tempfile.TemporaryDirectory() as include:
            os.makedirs(os.path.join(include, os.path.dirname(HEADER)))
            for name, text in ((HEADER, changed), (CODEC_HEADER, tree.read(root, CODEC_HEADER))):
                with open(os.path.join(include, name), "w", encoding="utf-8") as file:
                    file.write(text)
            if not difference(golden, include):
                yield f"tests/gates/abi.py: a change of {what} is not seen"


def check(root):
    golden = os.path.join(root, GOLDEN)
    said = difference(golden, root)
    changed = [f"{HEADER} differs from {GOLDEN}: {said}"] if said else []
    return changed + list(blind(root, golden))


if __name__ == "__main__":
    if "--write" in sys.argv:
        describe(sys.argv[1], os.path.join(sys.argv[1], GOLDEN))
    tree.verdict("abi", check(sys.argv[1]))
