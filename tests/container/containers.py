"""The image under test and containers of it, run by podman as an operator runs them who trusts nothing: a read-only root, no
capability, no new privilege. They share the network of the host, so that no bridge is needed."""

import os
import shlex
import socket
import subprocess
import sys
import tempfile

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TREE, "tests", "integration"))

import harness  # noqa: E402
from harness import wait_until  # noqa: E402

PODMAN = shlex.split(os.environ.get("WEIR_PODMAN", "podman"))
BUILD = shlex.split(os.environ.get("WEIR_PODMAN_BUILD", ""))
IMAGE = os.environ.get("WEIR_IMAGE", "localhost/weir")
# The limits are given because who runs the tests may not be allowed to raise them, as podman does by default.
LIMITS = ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"]
HOST = ["--network", "host"]
HARDENED = ["--read-only", "--read-only-tmpfs=false", "--cap-drop", "all", "--security-opt", "no-new-privileges"]


def podman(*arguments, check=True, seconds=120):
  done = subprocess.run(PODMAN + list(arguments), capture_output=True, text=True, timeout=seconds, check=False)
  if check and done.returncode != 0:
    raise harness.HarnessError("podman %s: %s" % (" ".join(arguments), done.stdout + done.stderr))
  return done


def run_command(*command, flags=()):
  """Runs `weir COMMAND...` in a container of its own, to its end."""
  return podman("--runtime", "runc", "run", "--rm", *HOST, *LIMITS, *HARDENED, *flags, IMAGE, *command, check=False)


def free_ports(count):
  """Ports that nobody listens on now."""
  sockets = [socket.socket() for _ in range(count)]
  try:
    for one in sockets:
      one.bind(("127.0.0.1", 0))
    return [one.getsockname()[1] for one in sockets]
  finally:
    for one in sockets:
      one.close()


class Container:
  """`weir` with the image's own command, or another one. Answers on `address`, and its admin listener on `admin`."""

  def __init__(self, config=None, command=(), flags=(), env=()):
    ports = free_ports(2)
    self.address, self.admin = ("127.0.0.1:%d" % port for port in ports)
    self.directory = tempfile.TemporaryDirectory(prefix="weir-container-")
    os.chmod(self.directory.name, 0o755)
    flags = list(flags)
    for name, value in (("WEIR_ADDRESS", self.address), ("WEIR_ADMIN_ADDRESS", self.admin), *env):
      flags += ["--env", "%s=%s" % (name, value)]
    if config is not None:
      self.write("weir.yaml", config)
      flags += ["--volume", "%s:/etc/weir:ro" % self.directory.name]
    self.id = podman("--runtime", "runc", "run", "--detach", *HOST, *LIMITS, *HARDENED, *flags, IMAGE, *command).stdout.strip()
    try:
      wait_until(lambda: self.ready() or not self.running(), lambda: "the container to be ready: " + self.logs())
      if not self.running():
        raise harness.HarnessError("the container ended: " + self.logs())
    except Exception:
      self.remove()
      raise

  def write(self, name, text):
    path = os.path.join(self.directory.name, name)
    with open(path + ".new", "w", encoding="utf-8") as file:
      file.write(text)
    os.chmod(path + ".new", 0o644)
    os.rename(path + ".new", path)

  def inspect(self, template):
    return podman("container", "inspect", "--format", template, self.id).stdout.strip()

  def running(self):
    return self.inspect("{{.State.Running}}") == "true"

  def pid(self):
    return int(self.inspect("{{.State.Pid}}"))

  def status(self, name):
    """A line of /proc/PID/status of the container's first process."""
    with open("/proc/%d/status" % self.pid(), encoding="ascii") as file:
      return [line.split(":", 1)[1].split() for line in file if line.startswith(name + ":")][0]

  def connect(self, address=None):
    host, _, port = (address or self.address).rpartition(":")
    return harness.Wire(socket.create_connection((host, int(port)), timeout=harness.DEADLINE))

  def get(self, target="/", address=None):
    wire = self.connect(address)
    try:
      wire.send(b"GET %s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n" % target.encode())
      return wire.response()
    finally:
      wire.close()

  def ready(self):
    try:
      return self.get("/ready", self.admin).status == 200
    except (OSError, harness.Truncated):
      return False

  def stats(self):
    lines = self.get("/stats", self.admin).body.decode().splitlines()
    return {name: value for name, _, value in (line.partition(": ") for line in lines)}

  def logs(self):
    done = podman("logs", self.id, check=False)
    return done.stdout + done.stderr

  def signal(self, name):
    podman("kill", "--signal", name, self.id)

  def exit_code(self):
    return int(podman("wait", self.id).stdout.strip())

  def remove(self):
    podman("rm", "--force", "--time", "0", self.id, check=False)
    self.directory.cleanup()
