"""What every integration test stands on: the real program on ports of its own, raw sockets in front, scripted backends
behind. Nothing sleeps for time: everything waits for a condition, with a deadline.

A test class has one Weir process and one backend (class `Backend`) that its cluster `app` points to. After each test the
clients and the backend's connections are closed, and then every gauge must be back where it was (`WeirTest.tearDown`);
after the last one the process must end with code 0 on SIGTERM, and must have printed nothing unexpected.
"""

import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BINARY = os.environ.get("WEIR_BINARY", "")
PLUGINS = os.environ.get("WEIR_PLUGIN_PATH", "")
SOAK = os.environ.get("WEIR_SOAK", "") == "1"
# Of what is long, part I of N (from 0): "I/N".
SOAK_SLICE = tuple(int(number) for number in os.environ.get("WEIR_SOAK_SLICE", "0/1").split("/"))
# How much longer than usual things may take: sanitizers slow the program, other work the machine.
SLOW = float(os.environ.get("WEIR_TEST_SLOWNESS", "1"))
SANITIZED = os.environ.get("WEIR_TEST_SANITIZED", "") not in ("", "0")
DEADLINE = 20 * SLOW
SLAB = 262144


class HarnessError(AssertionError):
  pass


def wait_until(condition, what="the condition", seconds=DEADLINE):
  """Polls until condition() is true and returns its value; fails after the deadline."""
  end = time.monotonic() + seconds
  pause = threading.Event()
  while True:
    value = condition()
    if value:
      return value
    if time.monotonic() > end:
      raise HarnessError("timed out waiting for %s" % (what() if callable(what) else what))
    pause.wait(0.003)


# ---- Messages as the tests see them --------------------------------------------------------------------------------------


class Truncated(HarnessError):
  """The connection ended in the middle of a message."""


class Message:
  """A request or response: start line, fields in order, body, trailers; of a response also the 1xx before it."""

  def __init__(self, head):
    self.raw_head = head
    lines = head.split(b"\r\n")
    self.start_line = lines[0].decode("latin-1")
    self.fields = []
    for line in lines[1:]:
      if not line:
        continue
      name, _, value = line.partition(b":")
      self.fields.append((name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")))
    self.body = b""
    self.trailers = []
    self.interim = []
    self.until_close = False

  @property
  def status(self):
    return int(self.start_line.split(" ")[1])

  @property
  def method(self):
    return self.start_line.split(" ")[0]

  @property
  def target(self):
    return self.start_line.split(" ")[1]

  def all(self, name):
    return [value for key, value in self.fields if key == name]

  def get(self, name, default=None):
    values = self.all(name)
    return values[0] if values else default

  def closes(self):
    return "close" in (self.get("connection") or "").lower()

  def __repr__(self):
    return "<%s %r body=%r>" % (self.start_line, self.fields, self.body[:100])


class Wire:
  """A socket with a buffer; both the tests' clients and the backends' connections are wires."""

  def __init__(self, sock):
    self.sock = sock
    sock.settimeout(DEADLINE)
    self.buffer = b""
    self.eof = False
    self.received = 0
    self.closed = False

  # Writing.
  def send(self, data):
    self.sock.sendall(data)
    return self

  def send_pieces(self, *pieces):
    """Each piece in a segment of its own, as far as the kernel lets one say so."""
    self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for piece in pieces:
      self.sock.sendall(piece)
    return self

  def half_close(self):
    self.sock.shutdown(socket.SHUT_WR)
    return self

  def close(self):
    if not self.closed:
      self.closed = True
      self.sock.close()

  def rst(self):
    """Ends the connection with a RST instead of a FIN."""
    if not self.closed:
      self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
      self.close()

  # Reading.
  def fill(self, seconds=None):
    """One more read; False at the end of the stream."""
    if self.eof:
      return False
    if seconds is not None:
      self.sock.settimeout(seconds)
    try:
      data = self.sock.recv(262144)
    except ConnectionResetError:
      data = b""
    finally:
      if seconds is not None and not self.closed:
        self.sock.settimeout(DEADLINE)
    if not data:
      self.eof = True
      return False
    self.received += len(data)
    self.buffer += data
    return True

  def take(self, size):
    while len(self.buffer) < size:
      if not self.fill():
        raise Truncated("ended after %d of %d bytes: %r" % (len(self.buffer), size, self.buffer[-200:]))
    data, self.buffer = self.buffer[:size], self.buffer[size:]
    return data

  def until(self, mark):
    while mark not in self.buffer:
      if not self.fill():
        raise Truncated("ended before %r: %r" % (mark, self.buffer[-300:]))
    at = self.buffer.index(mark) + len(mark)
    data, self.buffer = self.buffer[:at], self.buffer[at:]
    return data

  def rest(self):
    """Everything until the peer ends its side."""
    while self.fill():
      pass
    data, self.buffer = self.buffer, b""
    return data

  def at_end(self):
    """True when the peer ended its side and nothing was left."""
    return self.rest() == b""

  def has_input(self, seconds=0):
    """Whether bytes or an end are there to be read, waiting at most that long."""
    return bool(self.buffer) or bool(select.select([self.sock], [], [], seconds)[0])

  def chunked(self, message):
    body = []
    while True:
      line = self.until(b"\r\n")
      if not re.fullmatch(rb"[0-9a-fA-F]+\r\n", line):
        raise HarnessError("bad chunk line %r" % line)
      size = int(line, 16)
      if size == 0:
        break
      body.append(self.take(size))
      if self.take(2) != b"\r\n":
        raise HarnessError("no CRLF after a chunk")
    while True:
      line = self.until(b"\r\n")
      if line == b"\r\n":
        break
      name, _, value = line[:-2].partition(b":")
      message.trailers.append((name.decode("latin-1").lower(), value.strip().decode("latin-1")))
    message.body = b"".join(body)

  def head(self):
    return Message(self.until(b"\r\n\r\n"))

  def request(self):
    """A whole request. None at the end of the stream."""
    if not self.buffer and not self.fill():
      return None
    request = self.head()
    self.request_body(request)
    return request

  def request_body(self, request):
    if request.get("transfer-encoding") == "chunked":
      self.chunked(request)
    elif request.get("content-length") is not None:
      request.body = self.take(int(request.get("content-length")))

  def response(self, method="GET"):
    """A whole response with the 1xx before it; Truncated when it is cut, whatever its framing."""
    interim = []
    while True:
      response = self.head()
      if response.status >= 200 or response.status == 101:
        break
      interim.append(response)
    response.interim = interim
    if method == "HEAD" or response.status in (101, 204, 304):
      return response
    if method == "CONNECT" and response.status < 300:
      return response
    if response.get("transfer-encoding") is not None:
      if response.get("content-length") is not None:
        raise HarnessError("both lengths in %r" % response)
      self.chunked(response)
    elif response.get("content-length") is not None:
      response.body = self.take(int(response.get("content-length")))
    else:
      response.until_close = True
      response.body = self.rest()
    return response


# ---- Backends ------------------------------------------------------------------------------------------------------------


def ok(body=b"ok", fields=(), status="200 OK"):
  head = "HTTP/1.1 %s\r\ncontent-length: %d\r\n" % (status, len(body))
  head += "".join("%s: %s\r\n" % field for field in fields)
  return head.encode("latin-1") + b"\r\n" + body


class Backend:
  """A listening socket whose connections are served by scripts: functions of a Wire, run in a thread each.

  `script` serves every connection, unless `scripts` (a list) still has an entry for it. The default answers every
  request with its own path. `requests` has every whole request the default script saw, `wires` every connection.
  """

  def __init__(self, family=socket.AF_INET, address=("127.0.0.1", 0), backlog=4096):
    self.listener = socket.socket(family, socket.SOCK_STREAM)
    if family != socket.AF_UNIX:
      self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    self.listener.bind(address)
    self.listener.listen(backlog)
    name = self.listener.getsockname()
    if family == socket.AF_INET:
      self.address = "%s:%d" % name[:2]
    elif family == socket.AF_INET6:
      self.address = "[%s]:%d" % name[:2]
    else:
      self.address = "unix:" + name
    self.lock = threading.Lock()
    self.stopped = False
    self.receive_buffer = None
    self.reset()
    self.thread = threading.Thread(target=self._accept, daemon=True)
    self.thread.start()

  def reset(self):
    """Ends what the last test left, and serves as in the beginning."""
    with self.lock:
      wires, self.wires = getattr(self, "wires", []), []
      threads, self.threads = getattr(self, "threads", []), []
      self.script = self.serve
      self.scripts = []
      self.answer = lambda request: ok(request.target.encode("latin-1"))
      self.requests = []
      self.errors = []
      self.receive_buffer = None
    for wire in wires:
      try:
        wire.sock.shutdown(socket.SHUT_RDWR)
      except OSError:
        pass
    for thread in threads:
      thread.join(DEADLINE)
    for wire in wires:
      wire.close()

  def serve(self, wire):
    """Keep-alive HTTP: every request is answered with self.answer(request)."""
    while True:
      request = wire.request()
      if request is None:
        return
      self.requests.append(request)
      answer = self.answer(request)
      if request.method == "HEAD":
        answer = answer[:answer.index(b"\r\n\r\n") + 4]
      wire.send(answer)
      if request.closes():
        return

  def _accept(self):
    while not self.stopped:
      try:
        sock, _ = self.listener.accept()
      except OSError:
        return
      with self.lock:
        if self.receive_buffer:
          sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        wire = Wire(sock)
        wire.number = len(self.wires)
        self.wires.append(wire)
        script = self.scripts.pop(0) if self.scripts else self.script
        thread = threading.Thread(target=self._run, args=(script, wire, self.errors), daemon=True)
        self.threads.append(thread)
        thread.start()

  @staticmethod
  def _run(script, wire, errors):
    try:
      script(wire)
    except (ConnectionError, Truncated, TimeoutError, OSError):
      pass  # what the test is about, or the end of it; the test looks at its own side
    except Exception as error:  # pylint: disable=broad-except
      errors.append(error)
    finally:
      wire.done = True
      wire.close()

  def total_received(self):
    return sum(wire.received for wire in self.wires)

  def stop(self):
    self.stopped = True
    try:
      self.listener.shutdown(socket.SHUT_RDWR)
    except OSError:
      pass
    self.listener.close()
    self.thread.join(DEADLINE)
    self.reset()


def closed_port():
  """An address that refuses connections: bound, never listening. Keep the socket for as long as that must hold."""
  sock = socket.socket()
  sock.bind(("127.0.0.1", 0))
  return sock, "127.0.0.1:%d" % sock.getsockname()[1]


# ---- The program ---------------------------------------------------------------------------------------------------------


class Weir:
  """One process of the program."""

  # What may stand in its log besides: information.
  LEVEL = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \d+ (\w+): (.*)$")

  def __init__(self, config, concurrency=1, options=(), descriptors=None, expect_warnings=(), files=None):
    if not BINARY:
      raise HarnessError("WEIR_BINARY is not set: run these tests through ctest")
    self.directory = tempfile.mkdtemp(prefix="weir-it-")
    self.expect_warnings = [re.compile(p) for p in expect_warnings]
    self.config_path = os.path.join(self.directory, "weir.yaml")
    for name, text in (files or {}).items():  # in the program's working directory
      with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
        file.write(text)
    with open(self.config_path, "w", encoding="utf-8") as file:
      # JSON is YAML.
      file.write(config if isinstance(config, str) else json.dumps(config, indent=1))
    self.log_path = os.path.join(self.directory, "stderr")
    address_file = os.path.join(self.directory, "addresses")
    command = [BINARY, "-c", self.config_path, "--concurrency", str(concurrency), "--address-file", address_file]
    if PLUGINS:
      command += ["--plugin-path", PLUGINS]
    command += list(options)
    limit = None
    if descriptors:
      import resource
      limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    with open(self.log_path, "wb") as log:
      self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=limit,
                                      cwd=self.directory)
    self.addresses = {}
    token = config["admin"].get("token") if isinstance(config, dict) else None
    self.admin_fields = "authorization: Bearer %s\r\n" % token["inline_string"] if token else ""
    wait_until(lambda: self._read_addresses(address_file), lambda: "the start of the program: " + self.log())
    self.admin = self.addresses.get("admin")
    self.concurrency = concurrency
    self.stopped = False
    if self.admin is not None:
      # The sockets are bound before the workers run.
      wait_until(lambda: self.ask_admin("/ready").status == 200, lambda: "the program to be ready: " + self.log())

  def _read_addresses(self, path):
    if self.process.poll() is not None:
      raise HarnessError("the program ended with %s: %s" % (self.process.returncode, self.log()))
    try:
      with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    except FileNotFoundError:
      return False
    found = dict(line.split(" ", 1) for line in lines[:-1])
    self.addresses.clear()  # who keeps it sees the new ones
    self.addresses.update(found)
    return "admin" in self.addresses

  def path(self, name):
    return os.path.join(self.directory, name)

  def log(self):
    with open(self.log_path, encoding="utf-8", errors="replace") as file:
      return file.read()

  def connect(self, name="main", source=None, receive_buffer=None):
    address = self.addresses[name]
    if address.startswith("unix:") or address.startswith("/"):
      sock = socket.socket(socket.AF_UNIX)
      target = address[5:] if address.startswith("unix:") else address
    else:
      host, _, port = address.rpartition(":")
      host = host.strip("[]")
      sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
      target = (host, int(port))
    if receive_buffer:
      sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
      if source:
        sock.bind((source, 0))
      sock.settimeout(DEADLINE)
      sock.connect(target)
    except OSError:
      sock.close()
      raise
    if sock.family != socket.AF_UNIX:
      sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Wire(sock)

  def ask_admin(self, path, method="GET"):
    wire = self.connect("admin")
    try:
      wire.send(("%s %s HTTP/1.1\r\nhost: localhost\r\n%sconnection: close\r\n\r\n" % (method, path, self.admin_fields)).encode())
      return wire.response(method)
    finally:
      wire.close()

  def stats(self):
    page = self.ask_admin("/stats")
    assert page.status == 200, page
    values = {}
    for line in page.body.decode().splitlines():
      name, _, value = line.rpartition(": ")
      if value.isdigit():  # else it is a histogram, of which the page shows percentiles
        values[name] = int(value)
    return values

  def stat(self, name):
    return self.stats()[name]

  def wait_stat(self, name, value, seconds=DEADLINE):
    wait_until(lambda: self.stat(name) == value, lambda: "%s to be %d: it is %d" % (name, value, self.stat(name)),
               seconds)

  def rss(self):
    with open("/proc/%d/statm" % self.process.pid, encoding="ascii") as file:
      return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

  def peak_rss(self):
    """The most that has been resident at a time since the start."""
    with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
      return int(re.search(r"^VmHWM:\s+(\d+) kB$", file.read(), re.MULTILINE).group(1)) * 1024

  def cpu_seconds(self):
    with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as file:
      fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

  def signal(self, number):
    self.process.send_signal(number)

  def gauges_off(self):
    """The gauges that are not where they are when nothing goes on, with their values. The admin's own connection counts."""
    stats = self.stats()
    off = {}
    for name, value in stats.items():
      if re.match(r"(http|listener)\.admin\.", name):
        continue
      if name.endswith(("_active", ".active")):
        expected = 0
      elif name == "server.total_connections":
        expected = 1
      else:
        continue
      if value != expected:
        off[name] = value
    # Each worker may hold the slab that it reads into and the memory of the admin's connection.
    if stats["server.memory_pinned"] > self.concurrency * SLAB + 65536:
      off["server.memory_pinned"] = stats["server.memory_pinned"]
    return off

  def wait_idle(self):
    wait_until(lambda: not self.gauges_off(), lambda: "gauges to be at their baseline: %r" % self.gauges_off())

  def wait_exit(self, seconds=DEADLINE):
    try:
      return self.process.wait(seconds)
    except subprocess.TimeoutExpired:
      raise HarnessError("the program did not end: " + self.log()) from None

  def check_log(self):
    for line in self.log().splitlines():
      match = self.LEVEL.match(line)
      if match and match.group(1) in ("info", "debug", "trace"):
        continue
      # On a busy machine a hook may have to wait for a processor.
      if "a hook of filter" in line or "a timer or posted hook" in line:
        continue
      if any(pattern.search(line) for pattern in self.expect_warnings):
        continue
      raise HarnessError("unexpected in the log: %r in\n%s" % (line, self.log()))

  def stop(self, seconds=DEADLINE):
    """SIGTERM; the process must end with code 0 and must have said nothing unexpected."""
    if self.stopped:
      return
    self.stopped = True
    try:
      if self.process.poll() is None:
        self.signal(signal.SIGTERM)
      code = self.wait_exit(seconds)
      if code != 0:
        raise HarnessError("the program ended with %s: %s" % (code, self.log()))
      self.check_log()
    finally:
      self.kill()

  def kill(self):
    self.stopped = True
    if self.process.poll() is None:
      self.process.kill()
      self.process.wait()
    shutil.rmtree(self.directory, ignore_errors=True)


# ---- Configurations ------------------------------------------------------------------------------------------------------


def listener(name="main", routes=None, address="127.0.0.1:0", options=None, **http):
  """A listener with a connection manager; `http` are keys of the latter, `options` of the listener."""
  manager = {"stat_prefix": name}
  if "route_config" not in http and "virtual_hosts" not in http:
    manager["routes"] = routes or [route()]
  manager.update(http)
  made = {"name": name, "address": address, "http": manager}
  made.update(options or {})
  return made


def route(cluster="app", prefix="/", match=None, **action):
  return {"match": match or {"prefix": prefix}, "route": dict(cluster=cluster, **action)}


def cluster(name="app", *endpoints, **keys):
  return dict({"name": name, "endpoints": list(endpoints)}, **keys)


def config(listeners, clusters, **keys):
  return dict({"admin": {"address": "127.0.0.1:0"}, "listeners": listeners, "clusters": clusters}, **keys)


# ---- The base of the tests -----------------------------------------------------------------------------------------------


class WeirTest(unittest.TestCase):
  """Tests that share one process. Subclasses change `make_config`, or only `http`, `routes`, `cluster_keys`."""

  http = {}
  routes = None
  listener_keys = {}
  cluster_keys = {}
  concurrency = 1
  options = ()
  descriptors = None
  expect_warnings = ()

  @classmethod
  def make_config(cls):
    return config([listener("main", cls.routes, options=cls.listener_keys, **cls.http)],
                  [cluster("app", cls.backend.address, **cls.cluster_keys)])

  @classmethod
  def setUpClass(cls):
    cls.backend = Backend()
    cls.backends = [cls.backend]
    cls.addClassCleanup(lambda: [backend.stop() for backend in cls.backends])
    cls.weir = Weir(cls.make_config(), cls.concurrency, cls.options, cls.descriptors, cls.expect_warnings)
    cls.addClassCleanup(cls.weir.kill)
    cls.weir.stats()

  @classmethod
  def tearDownClass(cls):
    cls.weir.stop()

  @classmethod
  def restart(cls):
    """For tests that end the process."""
    cls.weir.kill()
    cls.weir = Weir(cls.make_config(), cls.concurrency, cls.options, cls.descriptors, cls.expect_warnings)
    cls.addClassCleanup(cls.weir.kill)

  def setUp(self):
    self.clients = []

  def tearDown(self):
    for client in self.clients:
      client.close()
    errors = [error for backend in self.backends for error in backend.errors]
    self.assertIsNone(self.weir.process.poll(), "the program ended: " + self.weir.log())

    def idle():
      # Connections that were on their way to a backend come in late.
      for backend in self.backends:
        backend.reset()
      return not self.weir.gauges_off()
    wait_until(idle, lambda: "gauges to be at their baseline: %r" % self.weir.gauges_off())
    self.assertEqual(errors, [])

  def connect(self, name="main", **keys):
    client = self.weir.connect(name, **keys)
    self.clients.append(client)
    return client

  def get(self, target="/", fields=(), host="a.test", method="GET", body=None, name="main"):
    """One request on a connection of its own."""
    client = self.connect(name)
    client.send(request(target, fields, host, method, body))
    response = client.response(method)
    client.close()
    return response


def request(target="/", fields=(), host="a.test", method="GET", body=None, version="1.1"):
  head = "%s %s HTTP/%s\r\n" % (method, target, version)
  if host is not None:
    head += "host: %s\r\n" % host
  for name, value in fields:
    head += "%s: %s\r\n" % (name, value)
  if body is not None:
    head += "content-length: %d\r\n" % len(body)
  return head.encode("latin-1") + b"\r\n" + (body or b"")


def chunks(*pieces, trailers=()):
  data = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
  tail = "".join("%s: %s\r\n" % field for field in trailers).encode("latin-1")
  return data + b"0\r\n" + tail + b"\r\n"


def main():
  unittest.main(verbosity=1 if os.environ.get("WEIR_TEST_QUIET") else 2, argv=[sys.argv[0]] + sys.argv[1:])
