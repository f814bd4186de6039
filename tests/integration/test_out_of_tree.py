"""Plugins nobody's build knows: what an author does with an installed Weir, and nothing of this tree in sight.

The build is installed into a folder; everything below sees that folder, compilers, and an environment of its own alone.
"""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

import harness
from harness import WeirTest, cluster, config, listener, ok, route, wait_until

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.dirname(harness.BINARY)
SCRATCH = tempfile.TemporaryDirectory(prefix="weir-out-of-tree-")
PREFIX = os.path.join(SCRATCH.name, "prefix")
EXAMPLES = os.path.join(SCRATCH.name, "examples")
RUSTC = "/usr/bin/rustc"
VERSIONS = ("--http1.1", "--http2-prior-knowledge")
# A sanitized host needs its run-time library first in line, which a plugin that was built without it does not bring; the
# program itself does.
ENVIRONMENT = {
    "PATH": PREFIX + "/bin:/usr/bin:/bin",
    "HOME": SCRATCH.name,
    "LC_ALL": "C",
    "CMAKE_PREFIX_PATH": PREFIX,
    "PKG_CONFIG_PATH": PREFIX + "/lib/pkgconfig:" + PREFIX + "/lib/x86_64-linux-gnu/pkgconfig",
    "RUSTC": RUSTC,
}


def run(*command, cwd=SCRATCH.name, **keys):
  done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, text=True, timeout=600, check=False, **keys)
  if done.returncode != 0:
    raise AssertionError("%s\nended with %d:\n%s" % (" ".join(command), done.returncode, done.stdout))
  return done.stdout


def pkg_config(*arguments):
  return run("pkg-config", *arguments, "weir").split()


def install():
  subprocess.run(["cmake", "--install", BUILD, "--prefix", PREFIX], check=True, stdout=subprocess.DEVNULL, timeout=600)
  # Not one header of the tree that was not installed.
  shutil.copytree(os.path.join(TREE, "examples", "plugins"), EXAMPLES)
  harness.BINARY = PREFIX + "/bin/weir"
  harness.PLUGINS = EXAMPLES + "/build:" + pkg_config("--variable=plugindir")[0]


def build(name, headers=None):
  """As plugins/README.md says for each language."""
  out = EXAMPLES + "/build"
  os.makedirs(out, exist_ok=True)
  source = next(entry for entry in os.listdir("%s/%s" % (EXAMPLES, name)) if entry.startswith(name + "."))
  source = "%s/%s/%s" % (EXAMPLES, name, source)
  made = "%s/%s.so" % (out, name)
  shared = ["-shared", "-fPIC", "-fvisibility=hidden", "-O1", "-Wall", "-Wextra", "-Werror", *(headers or pkg_config("--cflags"))]
  if source.endswith(".c"):
    run("cc", "-std=c11", *shared, source, "-o", made)
  elif source.endswith(".cc"):
    run("c++", "-std=c++20", *shared, source, "-o", made)
  else:
    sdk = pkg_config("--variable=includedir")[0] + "/plugins/sdk/rust/weir.rs"
    rust = [RUSTC, "--edition", "2021", "-O"]
    run(*rust, "-D", "warnings", "--crate-name", "weir", "--crate-type", "rlib", "-o", out + "/libweir.rlib", sdk)
    run(*rust, "-D", "warnings", "--crate-type", "cdylib", "--extern", "weir=%s/libweir.rlib" % out, "-o", made, source)
  return made


def setUpModule():
  install()


def filters(name, typed_config):
  return [{"name": name, "typed_config": typed_config}, {"name": "mux"}]


def kit(test, name, text=None):
  """The conformance kit finds nothing in an example."""
  command = ["weir", "plugin-test", "%s/build/%s.so" % (EXAMPLES, name)]
  if text is not None:
    path = "%s/%s.yaml" % (SCRATCH.name, name)
    with open(path, "w", encoding="utf-8") as file:
      file.write(text)
    command.append(path)
  test.assertIn(" 0 failed", run(*command))


class Example(WeirTest):
  """One example, built out of tree, in a chain; asked over HTTP/1.1 and HTTP/2."""

  NAME = None
  TYPED_CONFIG = None
  KIT_CONFIG = None

  @classmethod
  def setUpClass(cls):
    build(cls.NAME)
    super().setUpClass()

  @classmethod
  def make_config(cls):
    return config([listener("main", [route("app")], http_filters=filters(cls.NAME, cls.TYPED_CONFIG))],
                  [cluster("app", cls.backend.address)])

  def run_kit(self):
    kit(self, self.NAME, self.KIT_CONFIG)

  def ask(self, version, path="/", *fields):
    """(status, fields, body) by curl."""
    head_file = SCRATCH.name + "/head"
    command = ["curl", "-sS", "-D", head_file, "--max-time", "60", version]
    for field in fields:
      command += ["-H", field]
    done = subprocess.run(command + ["http://%s%s" % (self.weir.addresses["main"], path)], env=ENVIRONMENT,
                          stdout=subprocess.PIPE, check=True, timeout=120)
    with open(head_file, encoding="utf-8") as file:
      lines = file.read().strip().split("\n")
    fields = dict(re.split(r":\s*", line.strip().lower(), maxsplit=1) for line in lines[1:] if ":" in line)
    return int(lines[0].split()[1]), fields, done.stdout


class AddHeader(Example):
  NAME = "add_header"
  TYPED_CONFIG = {"name": "x-served-by", "value": "weir"}
  KIT_CONFIG = "name: x-served-by\nvalue: weir\n"

  def test_the_answer_carries_its_field(self):
    for version in VERSIONS:
      status, fields, _ = self.ask(version)
      self.assertEqual((status, fields["x-served-by"]), (200, "weir"))

  def test_the_kit_finds_nothing(self):
    self.run_kit()


class BuiltWithTheFrozenHeader(AddHeader):
  """A plugin from before: the header of 1.0, release candidate 2, as it was released."""

  @classmethod
  def setUpClass(cls):
    build(cls.NAME, ["-I%s/tests/unit/plugins/abi/frozen/1.0-rc2" % TREE])
    super(Example, cls).setUpClass()


class Rules(Example):
  NAME = "rules"
  TYPED_CONFIG = {"rules": [{"prefix": "/admin", "deny": 403},
                            {"header": {"name": "x-bot", "value": "yes"}, "deny": 429},
                            {"prefix": "/v1/", "add": {"name": "x-api", "value": "v1"}}]}
  KIT_CONFIG = ("rules:\n  - prefix: /admin\n    deny: 403\n  - header: { name: x-bot, value: \"yes\" }\n    deny: 429\n"
                "  - prefix: /v1/\n    add: { name: x-api, value: v1 }\n")

  def test_the_first_rule_that_matches_decides(self):
    for version in VERSIONS:
      status, _, body = self.ask(version, "/admin/x")
      self.assertEqual((status, body), (403, b"denied by a rule\n"))
      self.assertEqual(self.ask(version, "/", "x-bot: yes")[0], 429)
      self.assertEqual(self.ask(version, "/", "x-bot: no")[0], 200)
      self.assertIsNone(self.backend.requests[-1].get("x-api"))
      self.assertEqual(self.ask(version, "/v1/a")[0], 200)
      self.assertEqual(self.backend.requests[-1].get("x-api"), "v1")

  def test_mistakes_have_their_place(self):
    text = ("listeners:\n  - address: 127.0.0.1:0\n    http:\n      http_filters:\n        - name: rules\n"
            "          typed_config: { rules: [{ prefix: /a, deny: 7 }, { prefix: /b }] }\n        - { name: mux }\n"
            "      routes: [{ match: { prefix: / }, direct_response: { status: 200 } }]\n")
    path = SCRATCH.name + "/bad.yaml"
    with open(path, "w", encoding="utf-8") as file:
      file.write(text)
    done = subprocess.run(["weir", "validate", path, "--plugin-path", harness.PLUGINS], env=ENVIRONMENT, text=True,
                          capture_output=True, timeout=60, check=False)
    self.assertEqual(done.returncode, 1)
    self.assertIn("bad.yaml:6:", done.stderr)
    self.assertIn("400 to 599", done.stderr)
    self.assertIn("one of deny and add", done.stderr)

  def test_the_kit_finds_nothing(self):
    self.run_kit()


class Rewrite(Example):
  NAME = "rewrite"
  TYPED_CONFIG = {"from": "colour", "to": "color"}
  KIT_CONFIG = "from: fox\nto: cat\n"

  def serve(self, *pieces, fields="content-type: text/plain\r\n", trailers=b""):
    """Each piece of the body in a chunk of its own, sent when the one before has been read."""
    def script(wire):
      while wire.request() is not None:
        wire.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n" + fields.encode() + b"\r\n")
        wire.send_pieces(*[b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces])
        wire.send(b"0\r\n" + trailers + b"\r\n")
    self.backend.script = script

  def test_a_word_is_replaced_also_across_pieces(self):
    text = b"colour, colours and a coloucolour; colou"
    for version in VERSIONS:
      for cut in range(len(text)):
        self.serve(text[:cut] or b" ", text[cut:])
        want = text.replace(b"colour", b"color")
        self.assertEqual(self.ask(version)[2], want if cut else b" " + want)
        self.backend.reset()

  def test_byte_by_byte_and_before_trailers(self):
    text = b"two colours: colou"
    for version in VERSIONS:
      self.serve(*[bytes([byte]) for byte in text], trailers=b"x-end: 1\r\n")
      self.assertEqual(self.ask(version)[2], b"two colors: colou")
      self.backend.reset()

  def test_what_is_no_text_goes_by(self):
    for version in VERSIONS:
      self.serve(b"colour", fields="content-type: image/png\r\n")
      self.assertEqual(self.ask(version)[2], b"colour")
      self.backend.reset()

  def test_the_kit_finds_nothing(self):
    self.run_kit()


class ApiKey(Example):
  NAME = "api_key"
  KIT_CONFIG = "cluster: keys\npath: /check\ntimeout: 250ms\n"

  @classmethod
  def make_config(cls):
    cls.keys = harness.Backend()
    cls.backends.append(cls.keys)
    typed_config = {"cluster": "keys", "path": "/check", "timeout": "20s"}
    return config([listener("main", [route("app")], http_filters=filters(cls.NAME, typed_config))],
                  [cluster("app", cls.backend.address), cluster("keys", cls.keys.address)])

  def answer(self, request):
    if request.get("x-api-key") == "good":
      return ok(b"", [("x-user", "alice")])
    return ok(b"", status="404 Not Found")

  def test_the_service_decides(self):
    for version in VERSIONS:
      self.keys.answer = self.answer
      self.assertEqual(self.ask(version)[0], 401)
      self.assertEqual(self.ask(version, "/", "x-api-key: bad")[0], 403)
      before = len(self.backend.requests)
      self.assertEqual(self.ask(version, "/in", "x-api-key: good", "x-user: root")[0], 200)
      self.assertEqual(len(self.backend.requests), before + 1)
      self.assertEqual(self.backend.requests[-1].get("x-user"), "alice")
      self.assertEqual(self.keys.requests[-1].target, "/check")

  def test_without_an_answer_nothing_goes_on(self):
    def gone(wire):
      wire.request()
      wire.rst()
    for version in VERSIONS:
      self.keys.script = gone
      before = len(self.backend.requests)
      self.assertEqual(self.ask(version, "/", "x-api-key: good")[0], 503)
      self.assertEqual(len(self.backend.requests), before)

  def test_the_kit_finds_nothing(self):
    self.run_kit()


class Gate(Example):
  """Call-outs and timers in Rust."""

  NAME = "admission"
  KIT_CONFIG = "cluster: gate\npath: /enter\npatience_ms: 200\n"
  PATIENCE_MS = None

  @classmethod
  def make_config(cls):
    cls.gate = harness.Backend()
    cls.backends.append(cls.gate)
    typed_config = {"cluster": "gate", "path": "/enter", "patience_ms": cls.PATIENCE_MS}
    return config([listener("main", [route("app")], http_filters=filters(cls.NAME, typed_config))],
                  [cluster("app", cls.backend.address), cluster("gate", cls.gate.address)])


class Admission(Gate):

  PATIENCE_MS = 60000

  def test_the_gate_decides(self):
    for version in VERSIONS:
      self.gate.answer = lambda request: ok(b"yes", [("x-ticket", "4711")])
      self.assertEqual(self.ask(version, "/in", "x-ticket: forged")[0], 200)
      self.assertEqual(self.backend.requests[-1].all("x-ticket"), ["4711"])
      self.assertEqual((self.gate.requests[-1].target, self.gate.requests[-1].get("x-path")), ("/enter", "/in"))
      before = len(self.backend.requests)
      self.gate.answer = lambda request: ok(b"", status="404 Not Found")
      self.assertEqual(self.ask(version)[0], 403)
      self.gate.script = lambda wire: wire.request() and wire.rst()
      self.assertEqual(self.ask(version)[0], 403)
      self.assertEqual(len(self.backend.requests), before)
      self.gate.reset()

  def test_the_kit_finds_nothing(self):
    self.run_kit()


class AdmissionOfTheImpatient(Gate):

  PATIENCE_MS = 1

  def test_a_gate_that_says_nothing_is_not_waited_for(self):
    done = threading.Event()
    self.gate.script = lambda wire: wire.request() and done.wait(harness.DEADLINE)
    for version in VERSIONS:
      self.assertEqual(self.ask(version)[::2], (503, b"too busy\n"))
    done.set()
    self.assertEqual(self.backend.requests, [])


class Panics(Example):
  """What a Rust filter's timers and answers do wrong ends its request, and nothing else."""

  NAME = "panics"

  @classmethod
  def setUpClass(cls):
    os.makedirs("%s/%s" % (EXAMPLES, cls.NAME))
    shutil.copy(TREE + "/tests/integration/plugins/panics.rs", "%s/%s" % (EXAMPLES, cls.NAME))
    super().setUpClass()

  expect_warnings = [" rust: (a timer|an answer) has panicked$", "plugins left 40 timers behind; they are freed$"]

  def test_a_panic_between_the_hooks_is_a_500(self):
    for version in VERSIONS:
      for what in ("timer", "answer"):
        self.assertEqual(self.ask(version, "/", "x-do: " + what)[0], 500)
        self.assertEqual(self.ask(version)[0], 200)
    self.assertIn("rust: a timer has panicked", self.weir.log())
    self.assertIn("rust: an answer has panicked", self.weir.log())

  def test_what_is_never_dropped_finds_no_stream(self):
    before = self.weir.stat("callout.total")
    for version in VERSIONS:
      for _ in range(20):
        self.assertEqual(self.ask(version, "/", "x-do: forget")[0], 201)
    self.weir.wait_stat("callout.total", before + 40)
    self.assertEqual(self.ask("--http1.1")[0], 200)


class AccessLine(Example):
  NAME = "access_line"
  KIT_CONFIG = "path: /dev/stdout\n"

  @classmethod
  def make_config(cls):
    cls.log = SCRATCH.name + "/access.log"
    log = [{"name": cls.NAME, "typed_config": {"path": cls.log}}]
    return config([listener("main", [route("app")], access_log=log)], [cluster("app", cls.backend.address)])

  def test_each_request_is_a_line_of_its_own_form(self):
    for number, version in enumerate(VERSIONS):
      self.ask(version, "/of/%d" % number)

    def lines():
      with open(self.log, encoding="utf-8") as file:
        return file.read()
    wait_until(lambda: lines().count("\n") == 2, "both lines")
    self.assertRegex(lines(), r"^GET /of/0 200 \d+us\nGET /of/1 200 \d+us\n$")

  def test_the_kit_finds_nothing(self):
    self.run_kit()


class LineCodec(Example):
  """A protocol that Weir does not know, in front of HTTP backends."""

  NAME = "line_codec"

  @classmethod
  def make_config(cls):
    return config([listener("main", [route("app")], codecs=[cls.NAME])], [cluster("app", cls.backend.address)])

  def answer(self, client):
    status = int(client.until(b"\n"))
    fields = {}
    while (line := client.until(b"\n")) != b"\n":
      name, _, value = line.decode().rstrip("\n").partition(": ")
      fields[name] = value
    body = b""
    while (size := int(client.until(b"\n"))) != 0:
      body += client.take(size)
    return status, fields, body

  def test_lines_are_requests(self):
    client = self.connect()
    # In one segment: the second waits for the end of the first.
    client.send(b"GET /one\nGET /two\r\n")
    for path in (b"/one", b"/two"):
      status, _, body = self.answer(client)
      self.assertEqual((status, body), (200, path))
    for byte in b"GET /three\n":
      client.send_pieces(bytes([byte]))
    self.assertEqual(self.answer(client)[2], b"/three")
    self.assertEqual([request.target for request in self.backend.requests], ["/one", "/two", "/three"])

  def test_large_bodies_and_fields_pass(self):
    body = os.urandom(1000000)
    self.backend.answer = lambda request: ok(body, [("x-from", "backend")])
    status, fields, got = self.answer(self.connect().send(b"GET /large\n"))
    self.assertEqual((status, fields["x-from"]), (200, "backend"))
    self.assertTrue(got == body)

  def test_what_is_no_line_of_it_ends_the_connection(self):
    for bad in (b"hello\n", b" /\n", b"x" * 100000):
      client = self.connect()
      try:
        client.send(bad)
        self.assertNotIn(b"200", client.rest())
      except OSError:
        pass  # closed before all of it was taken

  def test_the_kit_finds_nothing(self):
    self.run_kit()


class ANewUser(unittest.TestCase):
  """The path of plugins/README.md: write, build, see it act, run the kit; in each language."""

  def project(self, language):
    folder = os.path.join(SCRATCH.name, "new_" + re.sub("[^a-z]", "p", language))
    name = os.path.basename(folder)
    self.assertIn("wrote ./" + name, run("weir", "new-filter", name, "--lang", language))
    return folder, name

  def test_make(self):
    for language in ("c", "c++", "rust"):
      with self.subTest(language):
        folder, name = self.project(language)
        said = run("make", "test", cwd=folder)
        self.assertIn("test.sh: the filter acts", said)
        self.assertRegex(said, r"build/%s\.so: \d+ cases, 0 failed" % name)

  def test_cmake(self):
    for language in ("c", "c++"):
      with self.subTest(language):
        folder, _ = self.project(language)
        run("cmake", "-S", ".", "-B", "by_cmake", cwd=folder)
        run("cmake", "--build", "by_cmake", cwd=folder)
        self.assertIn("100% tests passed", run("ctest", "--test-dir", "by_cmake", "--output-on-failure", cwd=folder))

  def tearDown(self):
    for entry in os.listdir(SCRATCH.name):
      if entry.startswith("new_"):
        shutil.rmtree(os.path.join(SCRATCH.name, entry))


if __name__ == "__main__":
  harness.main()
