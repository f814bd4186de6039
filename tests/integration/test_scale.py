"""Ten thousand connections: what one costs while it is idle, and while its request waits."""

import os
import re
import resource
import select
import socket
import struct
import sys

import harness
from harness import WeirTest, config, cluster, listener, ok, request, route

WANTED = 10000
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
SPARE = 64  # descriptors that a process has besides its connections


def connections(wanted, each=1):
  """How many there can be, with so many descriptors for each. Fewer than wanted are not enough where nobody looks."""
  possible = min(wanted, (hard - SPARE) // each)
  if possible < wanted:
    message = "%d connections instead of %d: the limit of descriptors is %d" % (possible, wanted, hard)
    if os.environ.get("CI") == "true":
      raise harness.HarnessError(message)
    print(message, file=sys.stderr)
  return possible


class Crowd(WeirTest):
  http = {"stream_idle_timeout": "0s", "common_http_protocol_options": {"idle_timeout": "0s"}}
  listener_keys = {"connection_limit": 0, "tcp_backlog_size": 4096}
  routes = [route(timeout="0s")]
  cluster_keys = {"circuit_breakers": {"thresholds": [{"max_connections": 20000, "max_pending_requests": 20000,
                                                       "max_requests": 20000}]}}

  def setUp(self):
    super().setUp()
    self.sockets = []

  def tearDown(self):
    for sock in self.sockets:
      sock.close()
    super().tearDown()

  def join(self, weir):
    """One connection more, from several addresses since the ports of one could run out."""
    host, _, port = weir.addresses["main"].rpartition(":")
    sock = socket.socket()
    self.sockets.append(sock)
    # It ends with a RST: a FIN would leave a request that waits running.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.settimeout(harness.DEADLINE)
    sock.bind(("127.0.0.%d" % (1 + len(self.sockets) // 5000), 0))
    sock.connect((host, int(port)))
    return sock

  def exchange(self, sock):
    sock.send(b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n")
    answer = sock.recv(4096)
    self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)

  def crowd(self, count):
    for _ in range(count):
      self.exchange(self.join(self.weir))

  def test_ten_thousand_idle_connections_hold_no_slab(self):
    count = connections(WANTED)
    self.crowd(100)
    baseline = self.weir.stat("server.memory_pinned")
    rss = self.weir.rss()
    self.crowd(count - 100)
    self.weir.wait_stat("http.main.downstream_rq_active", 0)
    self.assertEqual(self.weir.stat("http.main.downstream_cx_active"), count)
    pinned = self.weir.stat("server.memory_pinned") - baseline
    self.assertLessEqual(pinned, 65536, "idle connections hold slabs")
    growth = (self.weir.rss() - rss) / count
    if not harness.SANITIZED:
      self.assertLess(growth, 1152, "bytes of resident memory for an idle connection")
    for sock in self.sockets[::97]:
      self.exchange(sock)

  def test_requests_that_wait_for_a_silent_backend_pin_at_most_4_kib_each(self):
    # Each has a descriptor of the program on its client's side, and another one on the backend's. Where the limit is too
    # low for the latter the last ones wait in the queue for a connection: they are requests that wait like the others, and
    # at least nine of ten wait for the backend itself.
    count = connections(WANTED)
    backend = min(count, hard - SPARE - count)
    if backend < count * 9 // 10:
      count = backend = connections(WANTED, each=2)
    held = []
    self.backend.script = lambda wire: None
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(4096)
    self.addCleanup(silent.close)
    self.addCleanup(lambda: [sock.close() for sock in held])
    thresholds = {"max_connections": backend, "max_pending_requests": 20000, "max_requests": 20000}
    weir = harness.Weir(config([listener("main", [route(timeout="0s")], options=self.listener_keys, **self.http)],
                               [cluster("app", "127.0.0.1:%d" % silent.getsockname()[1], connect_timeout="60s",
                                        circuit_breakers={"thresholds": [thresholds]})]))
    self.addCleanup(weir.kill)
    baseline = weir.stat("server.memory_pinned")
    rss = weir.rss()
    poller = select.poll()
    poller.register(silent, select.POLLIN)
    head = request("/wait", [("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"), ("accept", "*/*"),
                             ("accept-language", "en-US,en;q=0.9"), ("cookie", "session=" + "c" * 200)])
    for _ in range(count):
      self.join(weir).send(head)
      while poller.poll(0):
        held.append(silent.accept()[0])
    while len(held) < backend and poller.poll(1000 * harness.DEADLINE):
      held.append(silent.accept()[0])
    self.assertEqual(len(held), backend)
    weir.wait_stat("cluster.app.upstream_rq_active", count)
    weir.wait_stat("cluster.app.upstream_rq_pending_active", count - backend)
    pinned = weir.stat("server.memory_pinned") - baseline
    # The worker may hold the slab that it reads into.
    self.assertLessEqual((pinned - harness.SLAB) / count, 4096, "slab memory of a request that waits")
    if not harness.SANITIZED:
      self.assertLess((weir.rss() - rss) / count, 8192, "resident memory of a request that waits, its connections included")
    for sock in held[:50]:
      sock.recv(4096)
      sock.send(ok())
    weir.wait_stat("cluster.app.upstream_rq_active", count - 50)
    for sock in self.sockets:
      sock.close()
    for sock in held:
      sock.close()
    weir.wait_idle()
    weir.stop()


class Waiting(WeirTest):

  def test_ten_thousand_requests_one_after_the_other_leak_nothing(self):
    client = self.connect()
    data = b"".join(request("/%d" % n) for n in range(100))
    for _ in range(10):
      client.send(data)
      for _ in range(100):
        client.response()
    before = self.weir.rss()
    pinned = self.weir.stat("server.memory_pinned")
    for _ in range(90):
      client.send(data)
      for _ in range(100):
        client.response()
    if not harness.SANITIZED:
      self.assertLess(self.weir.rss() - before, 1 << 20)
    self.assertLessEqual(self.weir.stat("server.memory_pinned"), pinned + 65536)


class AtRest(WeirTest):
  concurrency = 2

  def test_a_process_that_has_nothing_to_do_is_small(self):
    """Of the 12 MiB that are promised for two workers, measured by tests/bench/start_up.py, most are the code of libraries,
    and how much of that is resident is the system's choice: hence the room here. What it has written to is its own."""
    with open("/proc/%d/smaps_rollup" % self.weir.process.pid, encoding="ascii") as file:
      kib = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB", file.read(), re.M)}
    self.assertGreater(kib["Rss"], kib["Private_Dirty"])
    if not harness.SANITIZED:  # their memory is not Weir's
      self.assertLess(kib["Private_Dirty"], 4 << 10)
      self.assertLess(kib["Rss"], 14 << 10)


if __name__ == "__main__":
  harness.main()
