"""The commands under "In a container" in the README, run as they are written, with two things put in their way: ports that are free
here for 8080 and 9000, and a `docker` that is podman on the host's network."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

import containers
from containers import TREE, free_ports, podman
import harness
from harness import Backend, wait_until

# `docker run -p A:8080 ...` is a container on the host's network that listens on A.
DOCKER = r"""#!/bin/sh
case $1 in
  build) shift; set -- build %(build)s "$@" ;;
  run) shift; set -- --runtime runc run %(limits)s --env WEIR_ADMIN_ADDRESS=127.0.0.1:%(admin)d \
         $(printf '%%s\n' "$*" | sed -n 's/.*-p \([0-9]*\):8080 .*/--network host --env WEIR_ADDRESS=0.0.0.0:\1/p') "$@" ;;
esac
exec %(podman)s "$@"
"""


def section():
  with open(os.path.join(TREE, "README.md"), encoding="utf-8") as file:
    return re.search(r"^## In a container$(.*?)^## ", file.read(), re.MULTILINE | re.DOTALL).group(1)


def commands():
  prose = re.sub(r"^```yaml\n.*?^```", "", section(), flags=re.MULTILINE | re.DOTALL)
  return [line.strip() for line in prose.splitlines() if line.startswith("    ")]


class Readme(unittest.TestCase):

  def setUp(self):
    self.directory = tempfile.TemporaryDirectory(prefix="weir-readme-")
    self.addCleanup(self.directory.cleanup)
    os.chmod(self.directory.name, 0o755)
    self.port, admin, self.own_admin = free_ports(3)
    limits = " ".join(containers.LIMITS)
    with open(os.path.join(self.directory.name, "docker"), "w", encoding="ascii") as file:
      file.write(DOCKER % {"podman": shlex.join(containers.PODMAN), "build": shlex.join(containers.BUILD), "limits": limits,
                           "admin": admin})
    os.chmod(file.name, 0o755)
    self.addCleanup(lambda: podman("rm", "--force", "--time", "0", "--ignore", "weir"))

  def shell(self, command, cwd=TREE):
    """`command`, with its ports replaced, as a process."""
    command = re.sub(r"(?<!:)\b8080\b(?=:8080)|(?<=127\.0\.0\.1:)8080\b", str(self.port), command)
    environment = dict(os.environ, PATH=self.directory.name + ":" + os.environ["PATH"], PWD=cwd)
    return subprocess.Popen(["sh", "-c", "exec " + command], cwd=cwd, env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)

  def output(self, command):
    process = self.shell(command)
    text = process.communicate(timeout=300)[0]
    self.assertEqual(process.returncode, 0, command + "\n" + text)
    return text

  def wait_ready(self, process):
    def ready():
      if process.poll() is not None:
        raise harness.HarnessError(process.stdout.read())
      return subprocess.run(["curl", "-sf", "http://127.0.0.1:%d/ready" % self.port], capture_output=True,
                            check=False).returncode == 0
    wait_until(ready, "the container to answer")

  def test_quickstart_works_as_written(self):
    build, run, welcome, ready, stop, _ = commands()
    self.output(build)
    process = self.shell(run)
    try:
      self.wait_ready(process)
      self.assertRegex(self.output(welcome), r"HTTP/1\.1 200 OK[^$]*\nWeir runs\.")
      self.assertRegex(self.output(ready), r"HTTP/1\.1 200 OK[^$]*\nLIVE")
      self.output(stop)
      log = process.communicate(timeout=harness.DEADLINE)[0]
      self.assertEqual(process.returncode, 0, log)
      self.assertIn("listener http is bound", log)
    finally:
      process.kill()
      process.communicate()

  def test_a_file_of_ones_own_works_as_written(self):
    backend = Backend()
    self.addCleanup(backend.stop)
    config = re.search(r"^```yaml\n(.*?)^```", section(), re.MULTILINE | re.DOTALL).group(1)
    os.mkdir(os.path.join(self.directory.name, "weir"))
    with open(os.path.join(self.directory.name, "weir", "weir.yaml"), "w", encoding="utf-8") as file:
      file.write(config.replace(":8080", ":%d" % self.port).replace(":9901", ":%d" % self.own_admin))
    command = commands()[5].replace("127.0.0.1:9000", backend.address).replace("--rm", "--rm --name weir")
    process = self.shell(command, cwd=self.directory.name)
    try:
      self.wait_ready(process)
      self.assertIn("/hello", self.output("curl -s http://127.0.0.1:8080/hello"))
    finally:
      podman("stop", "--ignore", "weir")
      process.kill()
      process.communicate()


if __name__ == "__main__":
  sys.exit(unittest.main(verbosity=2))
