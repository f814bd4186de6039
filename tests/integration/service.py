"""What systemd is to a service, played by a test: the socket that is notified, and listening sockets that are there before the
process and after it."""

import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import harness
from harness import HarnessError, Wire, wait_until

ACTIVATE = "/usr/bin/systemd-socket-activate"


class Notifications:
  """NOTIFY_SOCKET: what was sent to it, in order, and by which process."""

  def __init__(self, directory):
    self.path = os.path.join(directory, "notify")
    self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    self.socket.bind(self.path)
    self.lock = threading.Lock()
    self.messages = []  # (process, {name: value}), without those of the watchdog
    self.alive = []  # the processes that said WATCHDOG=1
    self.thread = threading.Thread(target=self._receive, daemon=True)
    self.thread.start()

  def _receive(self):
    while True:
      data, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(12))
      if data == b"end of the test":
        return
      pid = struct.unpack("iii", ancillary[0][2])[0]
      values = dict(line.split("=", 1) for line in data.decode().splitlines())
      with self.lock:
        if values == {"WATCHDOG": "1"}:
          self.alive.append(pid)
        else:
          self.messages.append((pid, values))

  def close(self):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
      last.sendto(b"end of the test", self.path)
    self.thread.join(harness.DEADLINE)
    self.socket.close()

  def all(self, name):
    """The messages so far in which it is."""
    with self.lock:
      return [entry for entry in self.messages if name in entry[1]]

  def wait(self, name, count=1):
    """The message with which there are so many of them."""
    wait_until(lambda: len(self.all(name)) >= count, lambda: "%s: %r" % (name, self.messages))
    return self.all(name)[count - 1]

  def names(self):
    """What the messages were about, in order."""
    with self.lock:
      return [name for _, values in self.messages for name in values if name in ("READY", "RELOADING", "STOPPING", "MAINPID")]


class Service:
  """The program as a service, with sockets that are bound here: {name: address}, of which an address that begins with a slash
  is a Unix socket's. Environment and working directory are its own."""

  def __init__(self, command, sockets=(), environment=(), own_sockets=True):
    self.directory = tempfile.mkdtemp(prefix="weir-service-")
    self.command = list(command)
    self.notifications = Notifications(self.directory)
    self.environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "NOTIFY_SOCKET": self.notifications.path}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"):
      if name in os.environ:
        self.environment[name] = os.environ[name]
    self.environment.update(environment)
    self.addresses = {}
    self.sockets = []
    self.process = None
    self.log_path = os.path.join(self.directory, "log")
    for name, address in dict(sockets).items():
      if own_sockets:
        self.sockets.append((name, self._bind(address)))
        self.addresses[name] = self.sockets[-1][1].getsockname()
      else:
        self.addresses[name] = address

  @staticmethod
  def _bind(address):
    if isinstance(address, str):
      bound = socket.socket(socket.AF_UNIX)
    else:
      bound = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
      bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(address)
    bound.listen(128)
    return bound

  def start(self):
    """Starts it with the sockets as descriptors 3 and on, as systemd does."""
    # Where none of them can be in another's way; bash knows descriptors of two digits.
    import fcntl
    high = [fcntl.fcntl(bound.fileno(), fcntl.F_DUPFD_CLOEXEC, 40) for _, bound in self.sockets]
    moves = "".join(" %d<&%d %d<&-" % (3 + i, fd, fd) for i, fd in enumerate(high))
    script = ("exec%s; LISTEN_PID=$$ " % moves if high else "") + 'exec "$@"'
    environment = dict(self.environment)
    if high:
      environment.update(LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=":".join(name for name, _ in self.sockets))
    self._run(["/bin/bash", "-c", script, "weir", *self.command], environment, high)
    for fd in high:
      os.close(fd)
    return self

  def activate(self):
    """The same by systemd's own program, which takes "name" of `addresses` and starts ours with the first connection."""
    if not os.access(ACTIVATE, os.X_OK):
      raise HarnessError(ACTIVATE + " is not there: it is Debian's systemd")
    command = [ACTIVATE, "--fdname=" + ":".join(self.addresses)]
    for address in self.addresses.values():
      command += ["-l", address if isinstance(address, str) else "%s:%d" % address[:2]]
    for name in self.environment:
      command += ["-E", name]
    self._run(command + self.command, self.environment, ())
    return self

  def _run(self, command, environment, descriptors):
    with open(self.log_path, "ab") as log:
      self.process = subprocess.Popen(command, env=environment, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                                      stderr=log, pass_fds=descriptors)

  def log(self):
    with open(self.log_path, encoding="utf-8", errors="replace") as file:
      return file.read()

  def connect(self, name):
    address = self.addresses[name]
    if isinstance(address, str):
      sock = socket.socket(socket.AF_UNIX)
    else:
      sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    sock.settimeout(harness.DEADLINE)
    try:
      sock.connect(address)
    except OSError:
      sock.close()
      raise
    return Wire(sock)

  def get(self, name, target="/", method="GET", body=None):
    wire = self.connect(name)
    try:
      return wire.send(harness.request(target, [("connection", "close")], "localhost", method, body)).response()
    finally:
      wire.close()

  def signal(self, number):
    self.process.send_signal(number)

  def wait_exit(self):
    try:
      return self.process.wait(harness.DEADLINE)
    except subprocess.TimeoutExpired:
      raise HarnessError("it does not end: " + self.log()) from None

  def stop(self):
    """SIGTERM, and its exit code."""
    self.signal(signal.SIGTERM)
    return self.wait_exit()

  def close(self):
    """The end of the test, whatever has become of it. Successors are the test's own to end."""
    if self.process is not None and self.process.poll() is None:
      self.process.kill()
      self.process.wait(harness.DEADLINE)
    for _, bound in self.sockets:
      bound.close()
    self.notifications.close()
