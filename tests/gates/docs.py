"""The pages tell the truth about the tree: folders, links and commands they name are there, configs in them load.

With the program as a second argument, it validates each YAML block of the README, each file of configs/ and each one that
the measuring lab is given.
"""

import os
import re
import subprocess
import sys
import tempfile

import tree

_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_COMMAND = re.compile(r"\./dev ([\w-]+)")
_YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
HIDDEN_FOLDERS = {"cmake"}


def missing_folders(root, readme):
    for name in sorted(os.listdir(root)):
        if not os.path.isdir(os.path.join(root, name)) or name.startswith(".") or name in tree.NOT_OURS | HIDDEN_FOLDERS:
            continue
        if tree.files(root, name) and not re.search(rf"`{re.escape(name)}/`", readme):
            yield f"README.md: the folder {name}/ is not mentioned"


def dead_links(root, path, text):
    for target in _LINK.findall(text):
        local = os.path.join(root, os.path.dirname(path), target)
        if not re.match(r"[a-z]+:", target) and not os.path.exists(local):
            yield f"{path}: the link to {target} leads nowhere"


def unknown_commands(root, path, text):
    known = set(re.findall(r"^cmd_([\w-]+)\(\)", tree.read(root, "dev"), re.MULTILINE)) | {"help"}
    for command in _COMMAND.findall(text):
        if command not in known:
            yield f"{path}: ./dev has no command {command}"


def make_certificate(directory):
    """What configurations with TLS find under $TLS_DIR: cert.pem and key.pem."""
    files = [os.path.join(directory, name) for name in ("key.pem", "cert.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", files[0], "-out", files[1]], check=True, capture_output=True, timeout=60)


def refused(program, where, config):
    run = subprocess.run([program, "validate", config], capture_output=True, text=True, timeout=60)
    if run.returncode != 0:
        yield f"{where}: the program refuses it:\n{run.stdout}{run.stderr}"


def refused_text(program, where, text):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        yield from refused(program, where, file.name)


def unloadable(root, program, readme):
    for path in tree.files(root, "configs", (".yaml", ".yml")):
        yield from refused(program, path, os.path.join(root, path))
    for path in tree.files(root, "tests/bench/weir", (".yaml",)):  # the lab fills in @...@
        text = tree.read(root, path)
        for name, file in (("@CERT@", "cert.pem"), ("@KEY@", "key.pem")):
            text = text.replace(name, os.path.join(os.environ["TLS_DIR"], file))
        yield from refused_text(program, path, re.sub(r"@\w+@", "18080", text))
    for block in _YAML.findall(readme):
        yield from refused_text(program, "README.md: a yaml block", block)


def check(root, program=None):
    readme = tree.read(root, "README.md")
    offences = list(missing_folders(root, readme))
    for path in tree.files(root, "", (".md",)):
        text = tree.read(root, path)
        offences += [*dead_links(root, path, text), *unknown_commands(root, path, text)]
    if program:
        with tempfile.TemporaryDirectory() as directory:
            make_certificate(directory)
            os.environ["TLS_DIR"] = directory
            offences += unloadable(root, program, readme)
    return offences


if __name__ == "__main__":
    tree.verdict("docs", check(*sys.argv[1:]))
