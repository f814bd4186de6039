"""Programs of node as clients and servers: what they need, and a process of one."""

import json
import os
import shutil
import subprocess

import harness

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# Where ./dev installs what node/package.json asks for.
MODULES = os.environ.get("WEIR_NODE_MODULES") or os.path.join(ROOT, "build", "node", "node_modules")
NODE = shutil.which("node", path="/usr/bin") or shutil.which("node")
ENVIRONMENT = dict(os.environ, NODE_PATH=":".join([MODULES, "/usr/share/nodejs", "/usr/lib/node_modules"]))


def require(*modules):
  """Skips the class when node or a module is missing; where nobody looks, that is a failure."""
  reason = None
  if NODE is None:
    reason = "node is not there"
  else:
    code = "".join("require(%s);" % json.dumps(module) for module in modules)
    if subprocess.run([NODE, "-e", code], env=ENVIRONMENT, capture_output=True, check=False).returncode != 0:
      reason = "node has not all of " + ", ".join(modules)
  if reason is not None:
    if os.environ.get("CI") == "true":
      raise harness.HarnessError(reason)
    raise harness.unittest.SkipTest(reason)


def major():
  """The version of node, its first number; 0 where there is none."""
  if NODE is None:
    return 0
  return int(subprocess.run([NODE, "-p", "process.versions.node"], capture_output=True, text=True, check=True).stdout.split(".")[0])


class Program:
  """node SCRIPT ARGUMENTS, whose standard output is read line by line; a server ends when its input does."""

  def __init__(self, script, *arguments, **environment):
    self.process = subprocess.Popen([NODE, os.path.join(HERE, script)] + [str(a) for a in arguments], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    env=dict(ENVIRONMENT, **environment))

  def line(self):
    text = self.process.stdout.readline()
    if not text:
      raise harness.HarnessError("node ended: " + self.process.stderr.read().decode())
    return text.decode().strip()

  def tell(self, text):
    self.process.stdin.write((text + "\n").encode())
    self.process.stdin.flush()

  def result(self):
    """What it prints last, as JSON; it must end well."""
    out, err = self.process.communicate(timeout=2 * harness.DEADLINE)
    if self.process.returncode != 0 or err:
      raise harness.HarnessError("node ended with %s: %s%s" % (self.process.returncode, out.decode(), err.decode()))
    return json.loads(out.decode().strip().split("\n")[-1])

  def end(self):
    if self.process.poll() is None:
      self.process.stdin.close()
      try:
        self.process.wait(harness.DEADLINE)
      except subprocess.TimeoutExpired:
        self.process.kill()
        self.process.wait()
    for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
      if not pipe.closed:
        pipe.close()

  def kill(self):
    self.process.kill()
    self.process.wait()
    self.end()
