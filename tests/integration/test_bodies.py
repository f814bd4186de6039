"""Large bodies in both directions: whole, and with bounded memory whoever is slow."""

import hashlib
import socket
import threading

import harness
from harness import SLAB, WeirTest, ok, request, wait_until

MIB = 1 << 20
# A sanitizer takes ten times as long for each byte.
SIZE = (1024 if harness.SOAK or not harness.SANITIZED else 16) * MIB
BLOCK = bytes(bytearray((i * 7 + i // 251) % 256 for i in range(MIB)))
# Of the largest resident memory at any moment, over that at the start.
GROWTH = 32 * MIB if not harness.SANITIZED else 512 * MIB


def digest_of(size):
  digest = hashlib.blake2b()
  for _ in range(size // MIB):
    digest.update(BLOCK)
  return digest.hexdigest()


EXPECTED = digest_of(SIZE)


class Reader:
  """Takes a body without keeping it."""

  def __init__(self, wire, pause_every=0):
    self.wire = wire
    self.digest = hashlib.blake2b()
    self.size = 0
    self.pause_every = pause_every
    self.next_pause = pause_every

  def add(self, data):
    self.digest.update(data)
    self.size += len(data)
    if self.pause_every and self.size >= self.next_pause:
      self.next_pause += self.pause_every
      threading.Event().wait(0.002)  # a slow peer: this is what is tested, not a wait for something

  def length(self, total):
    self.add(self.wire.take(min(total, len(self.wire.buffer))))
    while self.size < total:
      data = self.wire.sock.recv(min(262144, total - self.size))
      if not data:
        raise harness.Truncated("%d of %d" % (self.size, total))
      self.add(data)

  def chunked(self):
    while True:
      size = int(self.wire.until(b"\r\n"), 16)
      if size == 0:
        if self.wire.take(2) != b"\r\n":
          raise harness.HarnessError("trailers?")
        return
      before = self.size
      self.length_of_chunk(size)
      assert self.size == before + size
      if self.wire.take(2) != b"\r\n":
        raise harness.HarnessError("no CRLF")

  def length_of_chunk(self, size):
    left = size
    while left:
      if not self.wire.buffer and not self.wire.fill():
        raise harness.Truncated("inside a chunk")
      data, self.wire.buffer = self.wire.buffer[:left], self.wire.buffer[left:]
      left -= len(data)
      self.add(data)


def send_body(wire, size, chunked):
  for _ in range(size // MIB):
    if chunked:
      wire.send(b"%x\r\n" % MIB + BLOCK + b"\r\n")
    else:
      wire.send(BLOCK)
  if chunked:
    wire.send(b"0\r\n\r\n")


class Large(WeirTest):
  routes = [harness.route(timeout="0s")]

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.rss = cls.weir.rss()

  def framing(self, chunked, size):
    return "transfer-encoding: chunked\r\n" if chunked else "content-length: %d\r\n" % size

  def check_memory(self):
    self.assertLess(self.weir.peak_rss() - self.rss, GROWTH)

  def download(self, chunked, pause_every=0, size=SIZE, expected=EXPECTED, receive_buffer=None):
    def script(wire):
      while wire.request():
        wire.send(("HTTP/1.1 200 OK\r\n%s\r\n" % self.framing(chunked, size)).encode())
        send_body(wire, size, chunked)
    self.backend.script = script
    client = self.connect(receive_buffer=receive_buffer)
    client.send(request())
    head = client.head()
    reader = Reader(client, pause_every)
    if head.get("content-length"):
      reader.length(int(head.get("content-length")))
    else:
      reader.chunked()
    self.assertEqual(reader.digest.hexdigest(), expected)
    self.check_memory()
    # The connection is good for another exchange.
    client.send(request("/more"))
    self.assertTrue(client.head().start_line.endswith(" 200 OK"))

  def upload(self, chunked, pause_every=0, size=SIZE, expected=EXPECTED):
    readers = []

    def script(wire):
      head = wire.head()
      reader = Reader(wire, pause_every)
      readers.append(reader)
      if head.get("content-length"):
        reader.length(int(head.get("content-length")))
      else:
        reader.chunked()
      wire.send(ok(reader.digest.hexdigest().encode()))
      wire.rest()
    self.backend.script = script
    client = self.connect()
    client.send(("POST / HTTP/1.1\r\nhost: a.test\r\n%s\r\n" % self.framing(chunked, size)).encode())
    send_body(client, size, chunked)
    self.assertEqual(client.response().body.decode(), expected)
    self.check_memory()

  def test_download_by_content_length(self):
    self.download(False)

  def test_download_chunked(self):
    self.download(True)

  def test_upload_by_content_length(self):
    self.upload(False)

  def test_upload_chunked(self):
    self.upload(True)

  def test_download_to_a_slow_client(self):
    self.download(False, 256 * 1024, 16 * MIB, digest_of(16 * MIB), receive_buffer=65536)

  def test_upload_to_a_slow_backend(self):
    self.backend.receive_buffer = 65536
    self.upload(True, 256 * 1024, 16 * MIB, digest_of(16 * MIB))

  def test_ten_downloads_and_uploads_at_once(self):
    size = 8 * MIB
    expected = digest_of(size)

    def script(wire):
      while True:
        if not wire.buffer and not wire.fill():
          return
        head = wire.head()
        reader = Reader(wire)
        reader.length(int(head.get("content-length") or 0))
        wire.send(("HTTP/1.1 200 OK\r\ncontent-length: %d\r\nx-sum: %s\r\n\r\n" % (size, reader.digest.hexdigest())).encode())
        send_body(wire, size, False)
    self.backend.script = script
    failures = []

    def exchange(client):
      try:
        client.send(request(method="POST", fields=[("content-length", str(size))]))
        send_body(client, size, False)
        head = client.head()
        reader = Reader(client)
        reader.length(size)
        if (head.get("x-sum"), reader.digest.hexdigest()) != (expected, expected):
          failures.append("sums differ")
      except Exception as error:  # pylint: disable=broad-except
        failures.append(error)
    threads = [threading.Thread(target=exchange, args=(self.connect(),)) for _ in range(10)]
    for thread in threads:
      thread.start()
    for thread in threads:
      thread.join()
    self.assertEqual(failures, [])


class FlowControl(WeirTest):
  """A side that does not read stops the other side, within the configured buffers."""
  LIMIT = 65536
  routes = [harness.route(timeout="0s")]
  listener_keys = {"per_connection_buffer_limit_bytes": LIMIT}
  cluster_keys = {"per_connection_buffer_limit_bytes": LIMIT}

  def stalls(self, wire):
    """How much the writer got rid of before it stalled: it does not move for half a second."""
    wire.sock.settimeout(0.5)
    sent = 0
    try:
      while sent < 1024 * MIB:
        sent += wire.sock.send(BLOCK)
    except TimeoutError:
      pass
    finally:
      wire.sock.settimeout(harness.DEADLINE)
    return sent

  def test_client_that_does_not_read_stops_the_backend(self):
    result = []

    def script(wire):
      wire.request()
      wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
      wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")
      result.append(self.stalls(wire))
    self.backend.script = script
    baseline = self.weir.stat("server.memory_pinned")
    client = self.connect(receive_buffer=65536)
    client.send(request())
    wait_until(lambda: self.weir.stat("cluster.app.upstream_rq_active") == 1 and self.backend.total_received(),
               "the request")
    wait_until(lambda: self.pinned_settles(), "the stall")
    self.assertLess(self.weir.stat("server.memory_pinned") - baseline, 8 * self.LIMIT + 4 * SLAB)
    wait_until(lambda: result, "the backend's stall")
    self.assertLess(result[0], 32 * MIB)

  def pinned_settles(self):
    seen = [self.weir.stat("cluster.app.upstream_flow_control_paused_reading_total"),
            self.weir.stat("http.main.downstream_flow_control_paused_reading_total")]
    return any(seen)

  def test_backend_that_does_not_read_stops_the_client(self):
    stop = threading.Event()
    self.backend.receive_buffer = 65536

    def script(wire):
      wire.head()
      stop.wait(harness.DEADLINE)
    self.backend.script = script
    baseline = self.weir.stat("server.memory_pinned")
    client = self.connect()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    try:
      client.send(request(method="POST", fields=[("content-length", "1073741824")]))
      self.assertLess(self.stalls(client), 32 * MIB)
      self.assertLess(self.weir.stat("server.memory_pinned") - baseline, 8 * self.LIMIT + 4 * SLAB)
      self.assertGreater(self.weir.stat("http.main.downstream_flow_control_paused_reading_total"), 0)
    finally:
      stop.set()

  def test_a_stalled_client_does_not_stop_others(self):
    def script(wire):
      while True:
        seen = wire.request()
        if seen is None:
          return
        wire.send(ok(b"x" * (64 * MIB)) if seen.target == "/large" else ok(b"small"))
    self.backend.script = script
    slow = self.connect(receive_buffer=4096)
    slow.send(request("/large"))
    wait_until(lambda: slow.has_input(), "the beginning")
    client = self.connect()
    for _ in range(50):
      self.assertEqual(client.send(request("/small")).response().body, b"small")


if __name__ == "__main__":
  harness.main()
