"""What the READMEs of filters/ show is true: each YAML block starts in Weir, each curl behind it prints what stands there.

A README may have these blocks:

- ```yaml: a whole configuration, or a part of one whose keys stand at the margin: `http_filters:` and other keys of a
  connection manager, `routes:`, `clusters:`, `filter_chains:`, `listener_filters:` ... What is missing around it is filled in:
  a listener, a route to a cluster `app`, that cluster. Addresses become ports of the test, and every endpoint the test's
  backend, which answers with the head of the request that it got. Blocks that are indented are parts of others, and are not
  started.
- ```console: `$ curl ...` lines, each with lines of what it prints, in their order; further lines may come between them. They
  talk to the configuration above them. http://127.0.0.1:10000, with any port, stands for its first listener.
- ```text NAME: a file NAME, there when the configuration below it starts.
"""

import os
import re
import shlex

import harness
from harness import Backend, Weir, ok
from test_curl import require_curl, run_curl

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What these are is told by the pages under docs/; their own tell how they are made.
ABOUT_THEIR_INSIDE = {"http/mux", "network/http_connection_manager"}
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
TOP = {"admin", "listeners", "clusters", "static_resources", "limits", "plugins", "layered_runtime"}
LISTENER = {"filter_chains", "listener_filters", "listener_filters_timeout", "per_connection_buffer_limit_bytes"}


def sections(text):
  """The parts of a block that begin at the margin, as (key, text)."""
  for part in re.split(r"^(?=\w)", text, flags=re.MULTILINE):
    key = re.match(r"(\w+):", part)
    if key:
      yield key.group(1), part


def indented(parts, blanks):
  return "".join(re.sub(r"^(?=.)", " " * blanks, part, flags=re.MULTILINE) for part in parts)


def whole(text, backend):
  """A configuration in which the block stands."""
  parts = dict(sections(text))
  top = [part for key, part in parts.items() if key in TOP]
  of_listener = [part for key, part in parts.items() if key in LISTENER]
  of_manager = [part for key, part in parts.items() if key not in TOP | LISTENER]
  made = indented(top, 0)
  if "listeners" not in parts and "static_resources" not in parts:
    made += "listeners:\n- name: main\n  address: 127.0.0.1:0\n" + indented(of_listener, 2)
    if "filter_chains" not in parts:
      made += "  http:\n    stat_prefix: main\n" + indented(of_manager, 4)
      if not parts.keys() & {"routes", "virtual_hosts", "route_config"}:
        made += "    routes: [{match: {prefix: /}, route: {cluster: app}}]\n"
  made = re.sub(r"(address: )[\d.]+:\d+", r"\g<1>127.0.0.1:0", made)
  made = re.sub(r"(endpoints: )\[.*?\]", r'\g<1>["%s"]' % backend, made)
  if "clusters" not in parts and "static_resources" not in parts:
    made += 'clusters: [{name: app, endpoints: ["%s"]}]\n' % backend
  if "admin" not in parts:
    made += "admin: {address: 127.0.0.1:0}\n"
  return made


def commands(text):
  """(command, lines it prints) of a console block."""
  for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
    command, _, output = re.sub(r"\\\n", " ", part).partition("\n")
    yield command, [line for line in output.splitlines() if line.strip()]


def answer_with_head(seen):
  lines = [seen.start_line] + ["%s: %s" % field for field in seen.fields]
  return ok("".join(line + "\n" for line in lines).encode("latin-1"))


class Examples(harness.unittest.TestCase):

  def setUp(self):
    require_curl()
    self.backend = Backend()
    self.addCleanup(self.backend.stop)

  def curl(self, weir, command, expected):
    arguments = shlex.split(command)
    self.assertEqual(arguments[0], "curl", command)
    first = next(address for name, address in weir.addresses.items() if name != "admin")
    done = run_curl(*[re.sub(r"\b(127\.0\.0\.1|localhost):\d+", first, a) for a in arguments[1:]])
    printed = [line.rstrip("\r") for line in (done.stdout + done.stderr).decode("utf-8", "replace").split("\n")]
    left = list(printed)
    for line in expected:
      self.assertIn(line, left, "%s\nprinted %r" % (command, printed))
      del left[:left.index(line) + 1]

  def run_readme(self, path):
    with open(os.path.join(TREE, path), encoding="utf-8") as file:
      text = file.read()
    started, weir, files = 0, None, {}
    try:
      for kind, name, block in BLOCK.findall(text):
        if kind == "text" and name:
          files[name] = block
        elif kind == "console":
          self.assertIsNotNone(weir, "a console block before any configuration")
          for command, expected in commands(block):
            self.curl(weir, command, expected)
        elif kind == "yaml" and not block.startswith(" "):
          if weir is not None:
            weir.stop()
          self.backend.reset()
          self.backend.answer = answer_with_head
          weir = Weir(whole(block, self.backend.address), files=files)
          started += 1
      self.assertGreater(started, 0, "no example that starts")
      weir.stop()
    finally:
      if weir is not None:
        weir.kill()


def add_tests():
  """A test for each page, named for its filter."""
  for kind in sorted(os.listdir(os.path.join(TREE, "filters"))):
    folder = os.path.join(TREE, "filters", kind)
    if not os.path.isdir(folder):
      continue
    for name in sorted(os.listdir(folder)):
      path = "filters/%s/%s/README.md" % (kind, name)
      if "%s/%s" % (kind, name) not in ABOUT_THEIR_INSIDE and os.path.exists(os.path.join(TREE, path)):
        setattr(Examples, "test_%s_%s" % (kind, name), lambda self, page=path: self.run_readme(page))


add_tests()

if __name__ == "__main__":
  harness.main()
