"""The recipes of plugins/README.md for a plugin under gdb and under AddressSanitizer: what stands there is run as it stands."""

import os
import re
import shlex
import subprocess
import tempfile
import threading
import unittest
import urllib.request

import harness
from harness import wait_until

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRATCH = tempfile.TemporaryDirectory(prefix="weir-recipes-")
PREFIX = os.path.join(SCRATCH.name, "prefix")
PLUGIN = os.path.join(SCRATCH.name, "my_filter")
ENVIRONMENT = {"PATH": PREFIX + "/bin:/usr/bin:/bin", "HOME": SCRATCH.name, "LC_ALL": "C",
               "PKG_CONFIG_PATH": PREFIX + "/lib/pkgconfig:" + PREFIX + "/lib/x86_64-linux-gnu/pkgconfig"}


def sh(command, check=True):
  done = subprocess.run(["sh", "-ec", command], cwd=PLUGIN, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, text=True, timeout=600, check=False)
  if check and done.returncode != 0:
    raise AssertionError("%s\nended with %d:\n%s" % (command, done.returncode, done.stdout))
  return done.stdout


def blocks(title):
  """The fenced blocks below a heading."""
  with open(os.path.join(TREE, "plugins", "README.md"), encoding="utf-8") as file:
    section = file.read().split("\n### %s\n" % title)[1].split("\n#")[0]
  return re.findall(r"^```sh\n(.*?)^```", section, re.S | re.M)


def in_batch(block):
  """Runs what stands before gdb; what is typed at its prompt, as its arguments."""
  before, start, rest = block.partition("gdb --args ")
  sh(before)
  start, *typed = (start + rest).strip().split("\n")
  command = shlex.split(start)
  batch = ["gdb", "-nx", "-batch"]
  for line in typed:
    prompt, _, order = line.partition(" ")
    assert prompt == "(gdb)", line
    batch += ["-ex", order]
  return batch + command[1:]


def setUpModule():
  subprocess.run(["cmake", "--install", os.path.dirname(harness.BINARY), "--prefix", PREFIX], check=True,
                 stdout=subprocess.DEVNULL, timeout=600)
  subprocess.run(["weir", "new-filter", "my_filter", "--lang", "c++"], cwd=SCRATCH.name, env=ENVIRONMENT, check=True,
                 stdout=subprocess.DEVNULL, timeout=60)
  sh("make")


class Gdb(unittest.TestCase):

  @classmethod
  def setUpClass(cls):
    # What the second recipe counts on.
    sh(blocks("gdb")[0].partition("gdb --args ")[0])

  STOPPED = r"Breakpoint 1, .*OnResponseHeaders"

  def test_a_breakpoint_in_the_proxy(self):
    # On a free port: the one thing that is not as it stands.
    path = os.path.join(PLUGIN, "weir.yaml")
    with open(path, encoding="utf-8") as file:
      text = file.read()
    with open(path, "w", encoding="utf-8") as file:
      file.write(text.replace("127.0.0.1:8080", "127.0.0.1:0"))
    said = []
    gdb = subprocess.Popen(in_batch(blocks("gdb")[0]), cwd=PLUGIN, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    reader = threading.Thread(target=lambda: [said.append(line) for line in gdb.stdout])
    reader.start()
    try:
      bound = wait_until(lambda: re.search(r"listener main is bound to (\S+)", "".join(said)), lambda: "".join(said), 120)
      asking = threading.Thread(target=self.ask, args=(bound.group(1),))
      asking.start()
      # It stops, shows where, and batch mode ends what it has started.
      self.assertEqual(gdb.wait(120), 0)
      asking.join(120)
    finally:
      if gdb.poll() is None:
        gdb.terminate()  # and what it runs with it
        gdb.wait()
      reader.join()
      gdb.stdout.close()
    self.assertRegex("".join(said), self.STOPPED)
    self.assertRegex("".join(said), r"#0 .*MyFilter::OnResponseHeaders.*my_filter\.cc:26")

  @staticmethod
  def ask(address):
    try:
      urllib.request.urlopen("http://%s/" % address, timeout=120).close()
    except OSError:
      pass  # the program ends at the breakpoint

  def test_a_breakpoint_in_a_case_of_the_kit(self):
    said = subprocess.run(in_batch(blocks("gdb")[1]), cwd=PLUGIN, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=True).stdout
    self.assertRegex(said, self.STOPPED)
    self.assertRegex(said, r"#0 .*MyFilter::OnResponseHeaders.*my_filter\.cc:26")


class Sanitizer(unittest.TestCase):

  TITLE = "AddressSanitizer, ThreadSanitizer"

  def recipe(self):
    return sh(blocks(self.TITLE)[0], check=False)

  def test_a_good_plugin_passes(self):
    self.assertRegex(self.recipe(), r"build/my_filter\.so: \d+ cases, 0 failed")

  def test_one_that_reads_behind_its_memory_is_found(self):
    path = os.path.join(PLUGIN, "my_filter.cc")
    with open(path, encoding="utf-8") as file:
      good = file.read()
    bad = good.replace("    // A failure", "    const volatile char* bytes = new char[4]{};\n    if (bytes[4] == 'x') throw 1;\n    // A failure")
    self.assertNotEqual(good, bad)
    try:
      with open(path, "w", encoding="utf-8") as file:
        file.write(bad)
      said = self.recipe()
    finally:
      with open(path, "w", encoding="utf-8") as file:
        file.write(good)
    self.assertIn("AddressSanitizer: heap-buffer-overflow", said)
    self.assertRegex(said, r"build/my_filter\.so: \d+ cases, [1-9]\d* failed")


if __name__ == "__main__":
  harness.main()
